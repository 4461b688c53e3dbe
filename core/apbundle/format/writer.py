"""Writing a bundle: plan it, copy the models in aligned pieces with their digests, then the manifest; publish whole."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from apbundle.errors import bundle_error
from apbundle.fileio import PIECE, OutputFile, staging_file, write_atomically
from apbundle.format import layout
from apbundle.format.compression import encode_chunk
from apbundle.format.extension import Binding, Extension, Section, binding_hash, pack_block, pack_sections
from apbundle.format.manifest import BundleManifest
from apbundle.format.model import (
    DIGEST_ALGORITHMS,
    Compression,
    DigestTable,
    Hasher,
    ModelEntry,
    ModelMetadata,
    text_mapping,
)
from apbundle.format.plan import Plan, plan_bundle
from apbundle.format.reader import BundleReader
from apbundle.format.sources import ModelSource
from apbundle.progress import Cancel, Progress, Reporter

_NO_METADATA = ModelMetadata()
"""One for all entries: metadata goes to the file through the extension, not through them."""


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model to be written.

    ``compress`` asks for zstd frames; ``compression`` says that ``source`` already yields such frames.
    """

    name: str
    source: ModelSource
    metadata: ModelMetadata | None = None
    compress: bool = False
    compression: Compression | None = None


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
    target: str | os.PathLike[str],
    models: Sequence[NewModel],
    options: WriteOptions,
    *,
    overwrite: bool = True,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> str:
    """Write ``models`` to ``target`` and return the path written, symlinks resolved.

    The old file, if there is one, stays as it is until the new one is complete, checked and on the disk. Memory stays
    flat whatever the sizes.

    Raises
    ------
    BundleError
        ``duplicate_name``, ``limit_exceeded``, ``unsupported_feature`` (what ``plain`` cannot store),
        ``source_changed``, ``target_refused``, ``destination_busy``, ``disk_full``, ``cancelled``,
        ``durability_unknown``.
    OSError
    """
    reporter = Reporter(progress, cancel)
    reporter.phase("plan")
    _check(models, options)
    inputs = [model.source.path for model in models if model.source.path is not None]  # compressed ones have none
    with ExitStack() as stack:
        models = [_compressed(model, target, stack, reporter) if model.compress else model for model in models]
        planned = _Planned(models, options)
        plan = planned.plan

        def fill(out: OutputFile) -> None:
            reporter.phase("copy", plan.file_size)
            digests = _copy_models(out, models, plan, options.digest, reporter)
            out.write_at(0, planned.head(digests))
            reporter.advance(plan.data_offset)

        def check(path: str) -> None:
            with BundleReader.open(path) as reader:
                planned.compare(reader)

        return write_atomically(
            target, size=plan.file_size, fill=fill, check=check, inputs=inputs, overwrite=overwrite, reporter=reporter
        )


def plan_models(models: Sequence[NewModel], options: WriteOptions) -> Plan:
    """Where :func:`write_bundle` would put ``models``; those to be compressed count with their raw size."""
    _check(models, options)
    return _Planned(models, options).plan


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


class _Planned:
    """The manifest and extension of a bundle to be written, their sizes known before the digests are."""

    def __init__(self, models: Sequence[NewModel], options: WriteOptions) -> None:
        self._options = options
        sizes = [model.source.size for model in models]
        manifest = BundleManifest(options.description, options.created_at)
        for model, size in zip(models, sizes, strict=True):
            manifest.add_model(ModelEntry(model.name, size, 0, _NO_METADATA, compression=model.compression))
        self._extension = Extension(
            bundle_metadata=options.metadata,
            models={model.name: model.metadata for model in models if model.metadata is not None},
            compression={i: model.compression for i, model in enumerate(models) if model.compression},
            alignment=options.alignment,
            unknown=options.unknown,
            extra=options.extra,
        )
        self._manifest = manifest
        algorithm = DIGEST_ALGORITHMS.get(options.digest or "")
        blank = None if algorithm is None else DigestTable(algorithm, bytes(algorithm.length * len(models)))
        described = pack_sections(replace(self._extension, alignment=None, compression={}, unknown=()), manifest)
        self.plan = plan_bundle(
            len(manifest.to_bytes()),
            len(self._block(blank, bytes(layout.HEADER.size), 0)),
            sizes,
            alignment=options.alignment,
            slack=layout.METADATA_ROOM if described else 0,
            plain=options.plain,
        )
        manifest.place(self.plan.offsets)

    def _block(self, digests: DigestTable | None, header: bytes, data_length: int) -> bytes:
        if self._options.plain:
            return b""
        bound = None if digests is None else Binding(binding_hash(header, self._manifest.to_bytes()), data_length)
        extension = replace(self._extension, digests=digests, binding=bound)
        return pack_block(pack_sections(extension, self._manifest))

    def head(self, digests: DigestTable | None) -> bytes:
        """Everything before the data part: header, entries, extension and slack."""
        plan = self.plan
        header = layout.HEADER.pack(layout.BUNDLE_MAGIC, layout.BUNDLE_VERSION, plan.manifest_length)
        block = self._block(digests, header, plan.data_length)
        return header + self._manifest.to_bytes() + block + bytes(plan.slack)

    def compare(self, reader: BundleReader) -> None:
        """Hold the written file against what was planned, before it is published."""
        written, planned = reader.manifest, self._manifest
        same = (
            written.model_names == planned.model_names
            and written.sizes == planned.sizes
            and written.offsets == planned.offsets
        )
        odd = {finding.code for finding in reader.warnings} & {"gap", "trailing_data", "stale_extension"}
        if not same or reader.extension_error or odd or reader.file_size != self.plan.file_size:
            raise OSError(f"the written file reads back differently: {reader.extension_error or sorted(odd)}")


class _PieceWriter:
    """Output in order, in pieces that begin and end at multiples of 4 MiB of the file."""

    def __init__(self, out: OutputFile, at: int, buffer: memoryview, reporter: Reporter) -> None:
        self._out, self._buffer, self._reporter = out, buffer, reporter
        self._flushed = at
        self.at = at

    def room(self, wanted: int) -> memoryview:
        """Part of the buffer to be filled next, at most ``wanted`` bytes."""
        used = self.at - self._flushed
        return self._buffer[used : used + min(wanted, self._piece_end() - self.at)]

    def _piece_end(self) -> int:
        return (self._flushed // PIECE + 1) * PIECE

    def commit(self, size: int) -> None:
        """Count ``size`` bytes of the room as filled."""
        self.at += size
        if self.at == self._piece_end():
            self.flush()

    def zeros_to(self, end: int) -> None:
        """Fill up to ``end``, exclusive, with zeros."""
        while self.at < end:
            room = self.room(end - self.at)
            room[:] = bytes(len(room))
            self.commit(len(room))

    def flush(self) -> None:
        """Write what is filled."""
        size = self.at - self._flushed
        if size:
            self._out.write_at(self._flushed, self._buffer[:size])
            self._flushed = self.at
            self._reporter.advance(size)


def _copy_models(
    out: OutputFile, models: Sequence[NewModel], plan: Plan, digest: str | None, reporter: Reporter
) -> DigestTable | None:
    algorithm = None if digest is None else DIGEST_ALGORITHMS[digest]
    digests = bytearray()
    with _page_aligned_buffer() as buffer:
        pieces = _PieceWriter(out, plan.data_offset, buffer, reporter)
        for model, offset in zip(models, plan.offsets, strict=True):
            pieces.zeros_to(plan.data_offset + offset)
            hasher = algorithm.hasher() if algorithm else None
            with _opened(model.source) as source:
                _copy_model(source, pieces, hasher)
            if hasher:
                digests += hasher.digest()
        pieces.flush()
    return None if algorithm is None else DigestTable(algorithm, bytes(digests))


def _copy_model(source: ModelSource, pieces: _PieceWriter, hasher: Hasher | None) -> None:
    done = 0
    while done < source.size:
        room = pieces.room(source.size - done)
        source.read_into(done, room)
        if hasher is not None:
            hasher.update(room)
        done += len(room)
        pieces.commit(len(room))


@contextmanager
def _opened(source: ModelSource) -> Iterator[ModelSource]:
    source.open()
    try:
        yield source
    except BaseException:
        with ExitStack() as stack:  # the first failure is the one to tell
            stack.push(lambda *_: True)
            source.close()
        raise
    source.close()


@contextmanager
def _page_aligned_buffer() -> Iterator[memoryview]:
    area = mmap.mmap(-1, PIECE)
    try:
        with memoryview(area) as buffer:
            yield buffer
    finally:
        try:
            area.close()
        except BufferError:
            pass  # a frame of a traceback still holds a part; it is unmapped with that


class _Staged(Protocol):
    def read_into(self, offset: int, buffer: memoryview) -> None: ...
    def write_at(self, offset: int, data: bytes) -> None: ...


class _StagedSource:
    """A compressed model waiting in an anonymous temporary file."""

    path = None

    def __init__(self, file: _Staged, size: int) -> None:
        self._file, self.size = file, size

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with stored bytes from ``offset``."""
        self._file.read_into(offset, buffer)


def _compressed(model: NewModel, target: str | os.PathLike[str], stack: ExitStack, reporter: Reporter) -> NewModel:
    """``model`` with its frames made: where a model goes depends on its stored size, so this comes first."""
    reporter.phase("compress", model.source.size)
    directory = os.path.dirname(os.path.realpath(os.fsdecode(target)))
    file = stack.enter_context(staging_file(directory))
    ends: list[int] = []
    buffer = memoryview(bytearray(layout.DEFAULT_CHUNK))
    with _opened(model.source) as source:
        for start in range(0, source.size, layout.DEFAULT_CHUNK):
            chunk = buffer[: min(layout.DEFAULT_CHUNK, source.size - start)]
            source.read_into(start, chunk)
            frame = encode_chunk(chunk)
            at = ends[-1] if ends else 0
            file.write_at(at, frame)
            ends.append(at + len(frame))
            reporter.advance(len(chunk))
    table = Compression(model.source.size, layout.DEFAULT_CHUNK, tuple(ends))
    metadata = model.metadata
    staged = _StagedSource(file, ends[-1] if ends else 0)
    return NewModel(model.name, staged, metadata, compression=table)
