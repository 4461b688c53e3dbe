"""What a bundle becomes when it is written: what it was loaded with is kept, or refused, never lost silently."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from apbundle.config import BundleConfig
from apbundle.errors import bundle_error
from apbundle.format.extension import Extension
from apbundle.format.manifest import BundleManifest
from apbundle.format.model import ModelEntry, ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.sources import NewModel, StoredSource
from apbundle.format.writer import WriteOptions, plan_models


def kept_config(reader: BundleReader | None) -> BundleConfig:
    """The digests and the alignment that the bundle has; the usual ones where it has none."""
    extension = _extension(reader)
    if extension is None:
        return BundleConfig()
    digest = BundleConfig().digest if extension.digests is None else extension.digests.algorithm.name
    return BundleConfig(alignment=extension.alignment or 1, digest=digest)


def kept_options(
    reader: BundleReader | None, config: BundleConfig, *, description: str, created_at: int, metadata: Mapping[str, str]
) -> WriteOptions:
    """How to write as ``config`` says, and keep what other writers put into the bundle.

    Raises
    ------
    TypeError, ValueError
        Something is not of its type; the creation time is outside 64 bits.
    """
    if not isinstance(config, BundleConfig):
        raise TypeError(f"config is a BundleConfig, not {type(config).__name__}")
    if not isinstance(description, str):
        raise TypeError(f"description is a string, not {type(description).__name__}")
    extension = _extension(reader) or Extension()
    return WriteOptions(
        description=description,
        created_at=created_at,
        alignment=config.alignment,
        digest=config.digest,
        plain=config.plain,
        metadata=dict(metadata),
        unknown=extension.unknown,
        extra=extension.extra,
    )


def kept_models(reader: BundleReader | None, *, compress: bool) -> list[NewModel]:
    """The models of the bundle as they are stored; ``compress`` asks for frames of those that have none.

    Raises
    ------
    ExtensionDamaged, UnsupportedFeature
        The bundle holds what this library does not understand and would lose.
    """
    if reader is None:
        return []
    refuse_loss(reader)
    models = []
    for entry in reader.manifest:
        again = compress and not entry.compressed
        models.append(NewModel(entry.name, StoredSource(reader, entry), entry.metadata, again, entry.compression))
    return models


def refuse_loss(reader: BundleReader) -> None:
    """Raise what :func:`kept_models` does of a bundle that cannot be written again as it is."""
    if reader.extension_error is not None:
        raise copy.copy(reader.extension_error)
    if reader.tail:
        raise bundle_error(
            "unsupported_feature",
            f"The bundle holds {len(reader.tail)} bytes that are not understood; they would be lost.",
            path=reader.path,
            hint="Extract its models and build a new bundle from them.",
        )


def planned_manifest(models: Sequence[NewModel], options: WriteOptions) -> BundleManifest:
    """The manifest that writing ``models`` would give; those to be compressed count with their raw size."""
    manifest = BundleManifest(options.description, options.created_at)
    for model, offset in zip(models, plan_models(models, options).offsets, strict=True):
        metadata = model.metadata or ModelMetadata()
        manifest.add_model(ModelEntry(model.name, model.source.size, offset, metadata, None, model.compression))
    return manifest


def _extension(reader: BundleReader | None) -> Extension | None:
    return None if reader is None else reader.extension
