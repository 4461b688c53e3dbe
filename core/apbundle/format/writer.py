"""Writing a bundle: plan it, copy the models in aligned pieces with their digests, then the manifest; publish whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apbundle.errors import bundle_error
from apbundle.fileio import (
    FileIdentity,
    OutputFile,
    StrPath,
    check_destination,
    staging_file,
    syscalls,
    write_atomically,
)
from apbundle.format import layout
from apbundle.format.compressing import compressed
from apbundle.format.copying import copy_models
from apbundle.format.extension import Extension, Section
from apbundle.format.head import Head
from apbundle.format.manifest import BundleManifest
from apbundle.format.model import (
    DIGEST_ALGORITHMS,
    DigestTable,
    ModelEntry,
    ModelMetadata,
    text_mapping,
)
from apbundle.format.plan import Plan, plan_bundle
from apbundle.format.reader import BundleReader
from apbundle.format.sources import NewModel
from apbundle.progress import Cancel, Progress, Reporter

_NO_METADATA = ModelMetadata()
"""One for all entries: metadata goes to the file through the extension, not through them."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What a bundle says besides its models, and how it is laid out.

    Parameters
    ----------
    created_at
        Seconds since the Unix epoch.
    alignment
        Bytes, a power of two up to 1 MiB.
    digest
        ``"xxh3-128"``, ``"sha256"`` or ``None``.
    plain
        Write exactly what the reference writes: no extension, no padding.
    metadata, unknown, extra
        The bundle's own metadata; sections and metadata keys of other writers to keep.
    """

    description: str = ""
    created_at: int = 0
    alignment: int = layout.DEFAULT_ALIGNMENT
    digest: str | None = "xxh3-128"
    plain: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    unknown: tuple[Section, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text_mapping("metadata", self.metadata)
        if not layout.is_alignment(self.alignment):
            raise ValueError(f"alignment must be a power of two from 1 to {layout.MAX_ALIGNMENT}, not {self.alignment}")
        if self.digest is not None and self.digest not in DIGEST_ALGORITHMS:
            raise ValueError(f"digest must be one of {', '.join(DIGEST_ALGORITHMS)} or None, not {self.digest!r}")
        if not 0 <= self.created_at < 2**64:
            raise ValueError(f"created_at must be from 0 to 2**64 - 1, not {self.created_at}")
        if len(self.description.encode()) > layout.MAX_DESCRIPTION:
            raise bundle_error("limit_exceeded", f"The description takes more than {layout.MAX_DESCRIPTION} bytes.")


def write_bundle(
    target: StrPath,
    models: Sequence[NewModel],
    options: WriteOptions,
    *,
    overwrite: bool = True,
    replaces: FileIdentity | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> str:
    """Write ``models`` to ``target`` and return the path written, symlinks resolved.

    The old file, if there is one, stays as it is until the new one is complete, checked and on the disk. Memory stays
    flat whatever the sizes.

    Parameters
    ----------
    replaces
        The file that must still be at ``target`` when the new one is complete; looked at while no other writer of this
        library can be at work there.

    Raises
    ------
    ChangedOnDisk
        Another file than ``replaces`` is there by now, or that file was written to.
    BundleError
        ``duplicate_name``, ``limit_exceeded``, ``unsupported_feature`` (what ``plain`` cannot store),
        ``source_changed``, ``target_refused``, ``destination_busy``, ``disk_full``, ``cancelled``,
        ``durability_unknown``.
    OSError
    """
    reporter = Reporter(progress, cancel)
    reporter.phase("plan")
    _check(models, options)
    inputs = [model.source.path for model in models if model.source.path is not None]
    path = check_destination(target, inputs=inputs, overwrite=overwrite)
    if not any(model.compress for model in models):
        return _write(target, models, options, inputs, overwrite, replaces, reporter)
    with staging_file(os.path.dirname(path)) as staging:
        return _write(target, compressed(models, staging, reporter), options, inputs, overwrite, replaces, reporter)


def _write(
    target: StrPath,
    models: Sequence[NewModel],
    options: WriteOptions,
    inputs: Sequence[str],
    overwrite: bool,
    replaces: FileIdentity | None,
    reporter: Reporter,
) -> str:
    planned = PlannedBundle(models, options)
    plan = planned.plan

    def fill(out: OutputFile) -> None:
        reporter.phase("copy", plan.file_size)
        digests = copy_models(out, models, plan, options.digest, reporter)
        out.write_at(0, planned.head(digests))
        reporter.advance(plan.data_offset)

    def check(path: str) -> None:
        with BundleReader.open(path) as reader:
            planned.compare(reader)
        if replaces is not None and not replaces.matches(syscalls.stat(target)):
            raise bundle_error(
                "changed_on_disk",
                "Another program changed the bundle meanwhile.",
                path=os.fsdecode(target),
                hint="Its change stays; nothing of this one was written. Open it again, then repeat the change.",
            )

    return write_atomically(
        target, size=plan.file_size, fill=fill, check=check, inputs=inputs, overwrite=overwrite, reporter=reporter
    )


def plan_models(models: Sequence[NewModel], options: WriteOptions) -> Plan:
    """Where :func:`write_bundle` would put ``models``; those to be compressed count with their raw size."""
    _check(models, options)
    return PlannedBundle(models, options).plan


def _check(models: Sequence[NewModel], options: WriteOptions) -> None:
    names: set[str] = set()
    for model in models:
        if model.name in names:
            raise bundle_error("duplicate_name", f"Two models are named {model.name!r}.", hint="Rename one of them.")
        names.add(model.name)
        if len(model.name.encode()) > layout.MAX_NAME:
            raise bundle_error("limit_exceeded", f"The name {model.name!r} takes more than {layout.MAX_NAME} bytes.")
    if len(models) > layout.MAX_MODELS:
        raise bundle_error("limit_exceeded", f"{len(models)} models are more than the limit of {layout.MAX_MODELS}.")
    if options.plain:
        _check_plain(models, options)


def _check_plain(models: Sequence[NewModel], options: WriteOptions) -> None:
    lost = "metadata of the bundle" if options.metadata or options.extra else ""
    if options.unknown:
        lost = "sections of another writer"
    for model in models:
        if model.compress or model.compression:
            lost = f"compression of {model.name!r}"
        elif model.metadata and model.metadata.stored(model.source.size):
            lost = f"metadata of {model.name!r}"
    if lost:
        raise bundle_error(
            "unsupported_feature",
            f"A plain bundle cannot hold the {lost}.",
            hint="Build without the plain option, or leave it out.",
        )


class PlannedBundle:
    """The layout and the head of a bundle to be written, known before the digests are."""

    def __init__(self, models: Sequence[NewModel], options: WriteOptions) -> None:
        sizes = [model.source.size for model in models]
        manifest = BundleManifest(options.description, options.created_at)
        for model, size in zip(models, sizes, strict=True):
            manifest.add_model(ModelEntry(model.name, size, 0, _NO_METADATA, compression=model.compression))
        extension = Extension(
            bundle_metadata=options.metadata,
            models={model.name: model.metadata for model in models if model.metadata is not None},
            compression={i: model.compression for i, model in enumerate(models) if model.compression},
            alignment=options.alignment,
            unknown=options.unknown,
            extra=options.extra,
        )
        self._manifest = manifest
        self._head = Head(manifest, extension, DIGEST_ALGORITHMS.get(options.digest or ""), plain=options.plain)
        self.plan = plan_bundle(
            self._head.entries_size,
            self._head.block_size,
            sizes,
            alignment=options.alignment,
            slack=layout.METADATA_ROOM if self._head.described else 0,
            plain=options.plain,
        )
        manifest.place(self.plan.offsets)

    def head(self, digests: DigestTable | None) -> bytes:
        """Everything before the data part: header, entries, extension and slack."""
        return self._head.pack(self.plan.data_offset, self.plan.data_length, digests)

    def compare(self, reader: BundleReader) -> None:
        """Hold the written file against what was planned, before it is published."""
        written, planned = reader.manifest, self._manifest
        same = (
            list(written.names) == list(planned.names)
            and list(written.sizes) == list(planned.sizes)
            and list(written.offsets) == list(planned.offsets)
        )
        odd = {finding.code for finding in reader.warnings} & {"gap", "trailing_data", "stale_extension"}
        if not same or reader.extension_error or odd or reader.file_size != self.plan.file_size:
            raise OSError(f"the written file reads back differently: {reader.extension_error or sorted(odd)}")
