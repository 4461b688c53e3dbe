"""The options of ``edit`` as changes of a bundle."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace

from apbundle.cli.failures import UsageError
from apbundle.cli.inputs import parse_inputs
from apbundle.edit.changes import (
    KEPT,
    Add,
    Change,
    Compress,
    Describe,
    Lay,
    Remove,
    Rename,
    Reorder,
    Replace,
    SetMetadata,
)
from apbundle.format.model import ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.sources import FileSource

NO_DIGEST = "none"

_TEXTS = ("version", "architecture", "format")
_TABLES = ("hyperparameters", "custom")
_PARTS = "version, architecture, format, hyperparameters.K or custom.K"


def parse_changes(options: Namespace, reader: BundleReader) -> list[Change]:
    """The changes that the options ask for, in the order in which they are made.

    Raises
    ------
    UsageError
        An option is not of its form, or names no model.
    BundleError, OSError
        A file that is to be put in cannot be.
    """
    manifest = reader.manifest
    removed = set(options.remove)
    added = parse_inputs(options.add)
    names = [name for name in manifest.names if name not in removed] + [item.name for item in added]
    packed = set(options.compress)
    changes: list[Change] = []
    for argument in options.replace:
        name, path = _named(argument, "--replace", names)
        changes.append(Replace(name, FileSource(path)))
    changes += [Remove(name) for name in dict.fromkeys(options.remove)]
    changes += [Add(item.name, FileSource(item.path)) for item in added]
    replaced = {change.name for change in changes if isinstance(change, Replace)}
    metadata = _metadata(options.meta, names, reader, {item.name for item in added}, replaced)
    changes += [SetMetadata(name, said) for name, said in metadata.items()]
    for name in (*options.compress, *options.decompress, *options.first):
        if name not in names:
            raise UsageError(f"{name!r} is not the name of a model", "apbundle info lists them.")
    changes += [Compress(name) for name in packed]
    changes += [Compress(name, False) for name in options.decompress]
    changes += [Reorder(tuple(options.first))] if options.first else []
    renamed = dict(_named(argument, "--rename", names) for argument in options.rename)
    changes += [Rename(renamed)] if renamed else []
    return changes + _of_the_bundle(options, reader)


def _of_the_bundle(options: Namespace, reader: BundleReader) -> list[Change]:
    changes: list[Change] = []
    said = dict(reader.extension.bundle_metadata) if reader.extension else {}
    for argument in options.bundle_meta:
        key, separator, value = argument.partition("=")
        if not separator or not key:
            raise UsageError(f"--bundle-meta {argument!r} is not of the form KEY=VALUE")
        said.pop(key, None)
        if value:
            said[key] = value
    describe = Describe(options.description, options.created_at, said if options.bundle_meta else None)
    if describe != Describe():
        changes.append(describe)
    if options.align is not None or options.digest is not None:
        digest = KEPT if options.digest is None else None if options.digest == NO_DIGEST else options.digest
        changes.append(Lay(options.align, digest))
    return changes


def _named(argument: str, option: str, names: Sequence[str]) -> tuple[str, str]:
    """The longest of ``names`` that ``argument`` begins with before a ``=``, and what follows."""
    name = max((name for name in names if argument.startswith(f"{name}=")), key=len, default=None)
    if name is None:
        raise UsageError(f"{option} {argument!r} begins with the name of no model", "Write NAME=… with a name it has.")
    value = argument[len(name) + 1 :]
    if not value:
        raise UsageError(f"{option} {argument!r} gives nothing after the =")
    return name, value


def _metadata(
    arguments: Sequence[str], names: Sequence[str], reader: BundleReader, added: set[str], replaced: set[str]
) -> dict[str, ModelMetadata]:
    """The whole metadata of each model of which ``arguments`` change a part."""
    said: dict[str, ModelMetadata] = {}
    for argument in arguments:
        name = max((name for name in names if argument.startswith(f"{name}.")), key=len, default=None)
        if name is None:
            raise UsageError(f"--meta {argument!r} begins with the name of no model", "Write NAME.KEY=VALUE.")
        key, separator, value = argument[len(name) + 1 :].partition("=")
        if not separator:
            raise UsageError(f"--meta {argument!r} has no =", "Write NAME.KEY=VALUE; without VALUE it is removed.")
        if name not in said:
            said[name] = ModelMetadata() if name in added else reader.entry(name).metadata
            if name in replaced:
                said[name] = replace(said[name], components=(), format="")
        said[name] = _with(said[name], argument, key, value)
    return said


def _with(metadata: ModelMetadata, argument: str, key: str, value: str) -> ModelMetadata:
    group, _, item = key.partition(".")
    if key in _TEXTS:
        fields = {name: getattr(metadata, name) for name in _TEXTS} | {key: value}
        return replace(metadata, **fields)
    if group not in _TABLES or not item:
        raise UsageError(f"--meta {argument!r} gives something unknown: {key!r}", f"Give {_PARTS}.")
    table = dict(metadata.hyperparameters if group == "hyperparameters" else metadata.custom)
    table.pop(item, None)
    if value:
        table[item] = value
    return replace(metadata, hyperparameters=table) if group == "hyperparameters" else replace(metadata, custom=table)
