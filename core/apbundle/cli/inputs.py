"""What ``pack`` is given, as models: names, files and metadata."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from apbundle.cli.failures import UsageError
from apbundle.errors import bundle_error
from apbundle.format.model import ModelMetadata

_PARTS = "version, architecture, hyperparameters.K or custom.K"


@dataclass(frozen=True, slots=True)
class Input:
    """A model to be packed: its name and the file that it is."""

    name: str
    path: str


def parse_inputs(arguments: Iterable[str]) -> list[Input]:
    """The models that ``[NAME=]PATH`` arguments name, in order.

    An argument that is an existing path is that path; any other splits at its first ``=``. A model without a name gets
    its file's, without the last ending.

    Raises
    ------
    UsageError
        A name is empty or not UTF-8.
    DuplicateName
        Two models have the same name.
    IsADirectoryError
    """
    inputs: dict[str, Input] = {}
    for argument in arguments:
        found = _parse_input(argument)
        if found.name in inputs:
            raise bundle_error(
                "duplicate_name",
                f"{inputs[found.name].path!r} and {found.path!r} would both be the model {found.name!r}.",
                hint="Nothing was written. Give one of them another name: NAME=PATH.",
            )
        inputs[found.name] = found
    return list(inputs.values())


def _parse_input(argument: str) -> Input:
    name, separator, path = argument.partition("=")
    if os.path.lexists(argument) or not separator:
        name, path = Path(argument).stem, argument
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "A folder is not a model", path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the name of {path!r} is not UTF-8", "Give it another one: NAME=PATH.") from None
    if not name:
        raise UsageError(f"{argument!r} gives no name", "Write NAME=PATH, or only the path.")
    if not path:
        raise UsageError(f"{argument!r} gives no path", "Write NAME=PATH, or only the path.")
    return Input(name, path)


def parse_metadata(arguments: Iterable[str], names: Sequence[str]) -> dict[str, ModelMetadata]:
    """The metadata that ``NAME.key=value`` arguments give, by model.

    ``NAME`` is the longest of ``names`` that fits, ``key`` one of ``version``, ``architecture``, ``hyperparameters.K``
    and ``custom.K``. What is given twice counts the last time.

    Raises
    ------
    UsageError
    """
    given: dict[str, dict[str, str]] = {}
    for argument in arguments:
        name = max((name for name in names if argument.startswith(f"{name}.")), key=len, default=None)
        if name is None:
            raise UsageError(f"--meta {argument!r} begins with the name of no model", "Write NAME.key=value.")
        key, separator, value = argument[len(name) + 1 :].partition("=")
        group, _, item = key.partition(".")
        if key not in ("version", "architecture") and not (group in ("hyperparameters", "custom") and item):
            raise UsageError(f"--meta {argument!r} gives {name!r} something unknown: {key!r}", f"Give {_PARTS}.")
        if not separator:
            raise UsageError(f"--meta {argument!r} gives no value", "Write NAME.key=value.")
        given.setdefault(name, {})[key] = value
    return {name: _metadata(values) for name, values in given.items()}


def _metadata(values: dict[str, str]) -> ModelMetadata:
    def group(prefix: str) -> dict[str, str]:
        return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}

    return ModelMetadata(
        values.get("version", ""), values.get("architecture", ""), group("hyperparameters."), group("custom.")
    )
