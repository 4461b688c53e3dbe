"""Several bundles into one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from apbundle.config import BundleConfig
from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import StrPath
from apbundle.format.reader import BundleReader
from apbundle.format.sources import NewModel
from apbundle.format.writer import WriteOptions, write_bundle
from apbundle.progress import Cancel, Progress
from apbundle.saving import kept_models


def merge_bundles(
    readers: Sequence[BundleReader],
    target: StrPath,
    config: BundleConfig | None = None,
    *,
    description: str | None = None,
    created_at: int,
    prefix: bool = False,
    overwrite: bool = True,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> str:
    """Write the models of all ``readers``, in order, as one bundle and return the path written.

    Models keep their metadata and stay compressed; each is held against its digest on the way.

    Parameters
    ----------
    config
        How to write; by default with the largest alignment and the digests that the bundles have.
    description
        By default those of the bundles, each once, on lines of their own.
    created_at
        Seconds since the Unix epoch.
    prefix
        Put the name of its bundle's file before the name of each model, and each key of the bundle's own metadata:
        ``vision/encoder``.

    Raises
    ------
    DuplicateName
        Two bundles have a model of one name, or other texts under one key.
    UnsupportedFeature, ExtensionDamaged
        A bundle holds what would be lost.
    TargetRefused
        The target is one of the bundles.
    BundleError, OSError
        As for :meth:`BundleBuilder.build`.
    """
    _refuse_target(readers, target)
    labels = _labels(readers) if prefix else [""] * len(readers)
    models: list[NewModel] = []
    origins: dict[str, BundleReader] = {}
    metadata: dict[str, str] = {}
    for reader, label in zip(readers, labels, strict=True):
        _refuse_loss(reader)
        for model in kept_models(reader, compress=False):
            name = label + model.name
            if name in origins:
                raise _clash(f"a model named {model.name!r}", origins[name], reader, prefix)
            origins[name] = reader
            models.append(NewModel(name, model.source, model.metadata, compression=model.compression))
        for key, text in (reader.extension.bundle_metadata if reader.extension else {}).items():
            if metadata.setdefault(label + key, text) != text:
                raise _clash(f"something else under {key!r} in its metadata", readers[0], reader, prefix)
    settings = _config(readers) if config is None else config
    options = WriteOptions(
        description="\n".join(dict.fromkeys(r.manifest.description for r in readers if r.manifest.description))
        if description is None
        else description,
        created_at=created_at,
        alignment=settings.alignment,
        digest=settings.digest,
        plain=settings.plain,
        metadata=metadata,
    )
    return write_bundle(target, models, options, overwrite=overwrite, progress=progress, cancel=cancel)


def _config(readers: Sequence[BundleReader]) -> BundleConfig:
    usual = BundleConfig()
    algorithms = {r.extension.digests.algorithm.name for r in readers if r.extension and r.extension.digests}
    alignment = max((reader.alignment for reader in readers), default=1)
    digest = algorithms.pop() if len(algorithms) == 1 else usual.digest
    return BundleConfig(alignment=usual.alignment if alignment == 1 else alignment, digest=digest)


def _labels(readers: Sequence[BundleReader]) -> list[str]:
    """What stands before the names of each bundle: its file's name without the ending, numbered where two are alike."""
    labels: list[str] = []
    for reader in readers:
        stem = Path(reader.path).stem.encode("utf-8", "replace").decode()
        number = sum(label.rpartition("-")[0] == stem or label == stem for label in labels)
        labels.append(f"{stem}-{number + 1}" if number else stem)
    return [f"{label}/" for label in labels]


def _refuse_loss(reader: BundleReader) -> None:
    extension = reader.extension
    if extension is None:
        return
    if extension.unknown or extension.extra:
        raise bundle_error(
            "unsupported_feature",
            "The bundle holds sections or metadata of another writer, which may be about it alone; they would be lost.",
            path=reader.path,
            hint="Extract its models and build a new bundle from them.",
        )


def _refuse_target(readers: Sequence[BundleReader], target: StrPath) -> None:
    where = os.path.realpath(target)
    if any(os.path.realpath(reader.path) == where for reader in readers):
        raise bundle_error(
            "target_refused",
            "The bundle to be written is one of those to be merged.",
            path=os.fsdecode(target),
            hint="Nothing was changed. Choose another file.",
        )


def _clash(what: str, first: BundleReader, second: BundleReader, prefix: bool) -> BundleError:
    remedy = "Rename one of them with apbundle edit --rename."
    return bundle_error(
        "duplicate_name",
        f"{os.path.basename(second.path)!r} has {what}, and so has {os.path.basename(first.path)!r}.",
        path=second.path,
        hint=f"Nothing was written. {remedy}" if prefix else f"Nothing was written. Use --prefix, or: {remedy}",
    )
