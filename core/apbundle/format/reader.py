"""Opening a bundle: everything about it is checked here once, from the manifest alone, before a model is read."""

from __future__ import annotations

import copy
import io
import os
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Self

from apbundle.errors import BundleError, Finding, bundle_error
from apbundle.fileio import PIECE, InputFile, NotRegularFile, read_at_rest
from apbundle.format import layout
from apbundle.format.checks import check_places
from apbundle.format.compression import decode_into
from apbundle.format.extension import Extension, block_length, parse_extension, read_sections
from apbundle.format.manifest import BundleManifest, parse_manifest
from apbundle.format.model import ModelEntry
from apbundle.format.zeros import first_nonzero

if TYPE_CHECKING:
    from apbundle.format.extents import Extents

StrPath = str | os.PathLike[str]


class BundleReader:
    """A bundle open for reading. Use :meth:`open`; it is a context manager.

    Attributes
    ----------
    file
        The open file; all reads are positional, and threads may share it.
    manifest
        The models with their metadata, digests and compression tables.
    data_offset
        Where the data part begins, in bytes from the start of the file.
    extension
        What the extension block says, or ``None`` if there is no usable one.
    extension_error
        Why the block that is there cannot be used.
    manifest_bytes
        The manifest as the file holds it, extension and slack included; it begins at byte 20.
    bounds
        Where each entry begins in ``manifest_bytes``, and where the last one ends.
    tail
        What follows the last entry and is neither a block nor zeros.
    """

    def __init__(self, file: InputFile) -> None:
        self.file = file
        self.extension: Extension | None = None
        self.extension_error: BundleError | None = None
        self.extension_range: tuple[int, int] | None = None
        self.tail = b""
        self._header = self._read_header()
        self._version, length = layout.HEADER.unpack(self._header)[1:]
        self.data_offset: int = layout.HEADER.size + length
        self.manifest_bytes = file.read(layout.HEADER.size, length)
        parsed = parse_manifest(self.manifest_bytes, path=self.path, base=layout.HEADER.size)
        self.manifest, self.bounds = parsed.manifest, parsed.bounds
        check_places(self.manifest, self.bounds, file.size - self.data_offset, self.path)
        self._read_extension()

    @classmethod
    def open(cls, path: StrPath) -> Self:
        """Open the bundle at ``path`` and check all of it but the models' bytes.

        A change in place that was interrupted is undone first.

        Raises
        ------
        BundleError
            The file is no bundle or is damaged; see `core/FORMAT.md` for the codes.
        OSError
            The file cannot be opened or read.
        """
        try:
            return read_at_rest(path, cls)
        except NotRegularFile as error:
            raise bundle_error(
                "not_a_bundle",
                "This is not a regular file.",
                path=os.fsdecode(path),
                hint="Give the path of a .apbundle file.",
            ) from error

    def _read_header(self) -> bytes:
        file, size = self.file, self.file.size
        header = file.read(0, min(size, layout.HEADER.size))
        if not header.startswith(layout.BUNDLE_MAGIC):
            raise bundle_error("not_a_bundle", _diagnosis(header), path=file.path, offset=0)
        if size < layout.HEADER.size:
            raise bundle_error(
                "truncated",
                f"The file ends after {size} bytes, inside its header.",
                path=file.path,
                offset=size,
                hint="The download or copy was cut short; get it again.",
            )
        _, version, length = layout.HEADER.unpack(header)
        if version != layout.BUNDLE_VERSION:
            newer = version > layout.BUNDLE_VERSION
            raise bundle_error(
                "unsupported_version",
                f"The bundle has format version {version}; version 1 is known here.",
                path=file.path,
                offset=layout.VERSION_OFFSET,
                hint="A newer version of this program may read it." if newer else "The file is damaged; get it again.",
            )
        room = size - layout.HEADER.size
        if not layout.SMALLEST_MANIFEST <= length <= room:
            possible = f"{layout.SMALLEST_MANIFEST} to {room} are possible"
            raise self._wrong_length("bad_manifest_length", f"The manifest claims {length} bytes; {possible}.")
        if length > layout.MAX_MANIFEST:
            limit = f"the limit is {layout.MAX_MANIFEST}"
            raise self._wrong_length("limit_exceeded", f"The manifest claims {length} bytes; {limit}.")
        return header

    def _wrong_length(self, code: str, message: str) -> BundleError:
        hint = "The file was cut short or is damaged; get it again."
        return bundle_error(code, message, path=self.path, offset=layout.MANIFEST_LENGTH_OFFSET, hint=hint)

    def _read_extension(self) -> None:
        base = layout.HEADER.size + self.entries_end
        tail = memoryview(self.manifest_bytes)[self.entries_end :]
        if bytes(tail[: len(layout.EXTENSION_TAG)]) == layout.EXTENSION_TAG:
            try:
                length = block_length(tail, self.path, base)
                self.extension_range = (base, base + length)
                sections = read_sections(tail[:length], self.path, base)
                extension = parse_extension(sections, self.manifest, self.data_offset, self.path)
            except BundleError as error:
                self.extension_error = copy.copy(error)  # without its traceback, which would keep all of it alive
                return
            self.extension = extension
            raw_sizes = {number: table.raw_size for number, table in extension.compression.items()}
            self.manifest.describe(extension.detail, raw_sizes)
            tail = tail[length:]
        if first_nonzero(tail) is not None:
            self.tail = bytes(tail)

    @cached_property
    def warnings(self) -> tuple[Finding, ...]:
        """What is odd but does not stop reading; looked for when it is first asked for."""
        from apbundle.format.oddities import find_oddities

        return tuple(find_oddities(self))

    @cached_property
    def extents(self) -> Extents:
        """Where the models that have bytes lie."""
        from apbundle.format.extents import Extents

        return Extents.of(self.manifest)

    @property
    def entries_end(self) -> int:
        """Where the last entry ends in :attr:`manifest_bytes`."""
        return self.bounds[-1]

    @property
    def path(self) -> str:
        """The path it was opened by."""
        return self.file.path

    @property
    def version(self) -> int:
        """The format version in the header."""
        return int(self._version)

    @property
    def file_size(self) -> int:
        """Bytes of the whole file when it was opened."""
        return self.file.size

    @property
    def alignment(self) -> int:
        """What every model's start is a multiple of, in bytes, as the bundle declares it; 1 if it does not."""
        return (self.extension.alignment if self.extension else None) or 1

    @property
    def has_digests(self) -> bool:
        """Whether the bundle holds digests of its models."""
        return self.extension is not None and self.extension.digests is not None

    @property
    def digest_algorithm(self) -> str | None:
        """The name of what the digests are made with, if the bundle holds any."""
        digests = self.extension.digests if self.extension else None
        return None if digests is None else digests.algorithm.name

    @property
    def header_bytes(self) -> bytes:
        """The 20 bytes of the header."""
        return self._header

    def read_manifest(self) -> BundleManifest:
        """The manifest."""
        return self.manifest

    def entry(self, name: str) -> ModelEntry:
        """The entry of the model ``name`` as the file has it (``model_not_found``)."""
        try:
            return self.manifest.get_model(name)
        except BundleError as error:
            error.path = self.path
            raise

    def readable_entry(self, name: str) -> ModelEntry:
        """The entry of ``name`` if its bytes may be handed out.

        Raises
        ------
        ModelNotFound
        UnsupportedFeature
            The bundle needs something unknown; none of its models is read.
        ExtensionDamaged
            The block is damaged, and the model looks compressed: its table is lost.
        """
        entry = self.entry(name)
        error = self.extension_error
        if error is not None:
            if error.code == "unsupported_feature":
                raise copy.copy(error)
            magic = self.file.read(self.data_offset + entry.offset, min(entry.size, len(layout.ZSTD_MAGIC)))
            if magic == layout.ZSTD_MAGIC:
                raise copy.copy(error)
        return entry

    def read_model(self, name: str) -> bytes:
        """The raw (decompressed) bytes of the model ``name``."""
        return self.read_range(name, 0, self.readable_entry(name).raw_size)

    def read_all_models(self) -> dict[str, bytes]:
        """The raw bytes of every model by name: as much memory as the bundle has data."""
        return {name: self.read_model(name) for name in self.manifest.model_names}

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """``size`` raw bytes of the model ``name`` from ``offset``; otherwise as :meth:`read_into`.

        Raises
        ------
        LimitExceeded
            There is no memory for that many.
        """
        self._check_range(self.readable_entry(name), offset, size)
        try:
            data = io.BytesIO(bytes(size))  # filled in place and handed out without a copy
        except MemoryError as error:
            message = f"There is no memory for {size} bytes of the model {name!r}."
            hint = "Read it in smaller ranges, or extract it to a file."
            raise bundle_error("limit_exceeded", message, path=self.path, hint=hint) from error
        with data.getbuffer() as view:
            self.read_into(name, offset, view)
        return data.getvalue()

    def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with raw bytes of the model ``name`` from ``offset``.

        Raises
        ------
        ValueError
            The range reaches outside the model.
        ChangedOnDisk
            The file is not what was opened.
        DecompressionError
            The stored bytes do not decode to what the bundle declares.
        """
        entry = self.readable_entry(name)
        self._check_range(entry, offset, len(buffer))
        self.file.check_unchanged()
        if entry.compression is None:
            self.read_stored_into(entry, offset, buffer)
        else:
            decode_into(entry, lambda at, size: self.read_stored(entry, at, size), offset, buffer, self.path)
        self.file.check_unchanged()

    @staticmethod
    def _check_range(entry: ModelEntry, offset: int, size: int) -> None:
        if size < 0 or offset < 0 or offset > entry.raw_size - size:
            raise ValueError(f"{size} bytes from {offset} reach outside the {entry.raw_size} bytes of the model")

    def read_stored(self, entry: ModelEntry, offset: int, size: int) -> bytes:
        """``size`` bytes of a model as stored, from ``offset`` inside it."""
        return self.file.read(self.data_offset + entry.offset + offset, size)

    def read_stored_into(self, entry: ModelEntry, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with bytes of a model as stored, from ``offset`` inside it."""
        self.file.read_into(self.data_offset + entry.offset + offset, buffer)

    def stored_pieces(self, begin: int, end: int, scratch: memoryview) -> Iterator[memoryview]:
        """The file's bytes from ``begin`` to ``end`` (exclusive), in pieces that overwrite ``scratch``."""
        while begin < end:
            piece = scratch[: min(len(scratch), PIECE, end - begin)]
            self.file.read_into(begin, piece)
            yield piece
            begin += len(piece)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"BundleReader({self.path!r}, {len(self.manifest)} models, {self.file_size} bytes)"


_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"<", "a web page or XML document"),
    (b"version https://git-lfs", "a Git LFS pointer: the file itself was not fetched"),
    (b"PK\x03\x04", "a zip archive"),
    (b"GGUF", "a GGUF model"),
    (b"APR", "a single .apr model"),
    (b"\x1f\x8b", "a gzip archive"),
    (layout.ZSTD_MAGIC, "a zstd stream"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x7fELF", "a program"),
    (b"bplist", "an Apple property list"),
    (b"{", "a JSON document"),
    (b"APBUNDL", "nearly a bundle, but its magic is damaged"),
)


def _diagnosis(header: bytes) -> str:
    if not header:
        return "This is not an .apbundle file: it is empty."
    if layout.BUNDLE_MAGIC.startswith(header):
        return "This is not an .apbundle file: it ends inside the magic."
    for magic, what in _FOREIGN:
        if header.lstrip().startswith(magic[: len(header)]) if magic == b"<" else header.startswith(magic[:20]):
            return f"This is not an .apbundle file: it looks like {what}."
    return "This is not an .apbundle file: it does not begin with APBUNDLE."
