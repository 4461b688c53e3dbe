"""The header and the manifest: what every reader of version 1 understands.

The parser takes a stranger's bytes. Each length is held against what remains, then against its limit, before anything
is done with it; the first failure wins.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, Self

from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.entries import Entries, read_entries
from apbundle.format.model import Compression, Digest, ModelEntry, ModelMetadata
from apbundle.format.name_list import ListedNames, Names

MANY: Final = 500
"""From this many models on, scanning all entries at once is faster than reading one after the other."""


class BundleFormat:
    """The header's fields, read from the first bytes of a file."""

    @staticmethod
    def validate_magic(data: bytes | memoryview) -> bool:
        """Whether ``data`` begins with the magic of a bundle."""
        return bytes(data[: len(layout.BUNDLE_MAGIC)]) == layout.BUNDLE_MAGIC

    @staticmethod
    def read_version(data: bytes | memoryview) -> int:
        """The format version in the header; needs 20 bytes (``truncated`` otherwise)."""
        return int(_header(data)[1])

    @staticmethod
    def read_manifest_length(data: bytes | memoryview) -> int:
        """The manifest's length in bytes in the header; needs 20 bytes (``truncated`` otherwise)."""
        return int(_header(data)[2])


def _header(data: bytes | memoryview) -> tuple[bytes, int, int]:
    if len(data) < layout.HEADER.size:
        raise bundle_error("truncated", f"A header takes 20 bytes; there are {len(data)}.", offset=len(data))
    magic, version, length = layout.HEADER.unpack_from(data)
    return magic, version, length


class BundleManifest:
    """The ordered list of a bundle's models, and what the manifest says of the bundle.

    The numbers are kept in columns; an entry is made when it is asked for, so that a million models open at once.

    Parameters
    ----------
    description
        Free text.
    created_at
        Seconds since the Unix epoch.
    version
        The manifest's own version number.
    """

    def __init__(self, description: str = "", created_at: int = 0, version: int = layout.BUNDLE_VERSION) -> None:
        self.version = version
        self.created_at = created_at
        self.description = description
        self._names: Names = ListedNames({})
        self._sizes: Sequence[int] = []
        self._offsets: Sequence[int] = []
        self._added: dict[int, Detail] = {}
        self._detail: Callable[[str, int], Detail] = _no_detail
        self._raw_sizes: Mapping[int, int] = {}

    @classmethod
    def _of(cls, description: str, created_at: int, version: int, entries: Entries) -> Self:
        manifest = cls(description, created_at, version)
        manifest._names, manifest._sizes, manifest._offsets = entries.names, entries.sizes, entries.offsets
        return manifest

    def add_model(self, entry: ModelEntry) -> None:
        """Append ``entry``; a name that is there already is ``duplicate_name``."""
        if entry.name in self._names:
            raise bundle_error("duplicate_name", f"The bundle already has a model named {entry.name!r}.")
        self._added[len(self)] = (entry.metadata, entry.digest, entry.compression)
        if not isinstance(self._names, ListedNames):
            self._names = ListedNames({name: number for number, name in enumerate(self._names)})
        self._names.append(entry.name)
        self._sizes = _appended(self._sizes, entry.size)
        self._offsets = _appended(self._offsets, entry.offset)

    def get_model(self, name: str) -> ModelEntry:
        """The entry of the model ``name``; ``model_not_found`` if there is none."""
        number = self._names.number(name)
        if number is None:
            raise bundle_error(
                "model_not_found",
                f"The bundle has no model named {name!r}.",
                hint="Its models are listed in model_names." if self._names else "It has no models.",
            )
        return self._entry(name, number)

    def number(self, name: str) -> int | None:
        """The place of the model ``name`` among all, from 0; ``None`` if there is none. At once, however many."""
        return self._names.number(name)

    def _entry(self, name: str, number: int) -> ModelEntry:
        detail = self._added.get(number) or self._detail(name, number)
        return ModelEntry(name, self._sizes[number], self._offsets[number], *detail)

    @property
    def names(self) -> Names:
        """The models' names in order; of many, each is decoded when it is asked for."""
        return self._names

    @property
    def model_names(self) -> list[str]:
        """The models' names in order."""
        return list(self._names)

    @property
    def total_size(self) -> int:
        """Bytes of all models as stored, without padding."""
        return sum(self._sizes)

    @property
    def sizes(self) -> Sequence[int]:
        """Stored bytes of each model, in order."""
        return self._sizes

    @property
    def raw_sizes(self) -> Sequence[int]:
        """Bytes of each model to who reads it, in order: those of a compressed one are others than the stored ones."""
        raw = dict(self._raw_sizes)
        raw.update((number, table.raw_size) for number, (_, _, table) in self._added.items() if table is not None)
        if not raw:
            return self._sizes
        sizes = list(self._sizes)
        for number, size in raw.items():
            sizes[number] = size
        return sizes

    @property
    def offsets(self) -> Sequence[int]:
        """Where each model begins, counted from the data offset, in order."""
        return self._offsets

    def place(self, offsets: Sequence[int]) -> None:
        """Give the models new offsets, in order."""
        if len(offsets) != len(self):
            raise ValueError(f"{len(self)} models cannot be placed at {len(offsets)} offsets")
        self._offsets = list(offsets)

    def describe(self, detail: Callable[[str, int], Detail], raw_sizes: Mapping[int, int]) -> None:
        """Let entries that were parsed get metadata, digest and compression from ``detail(name, number)``.

        ``raw_sizes`` has the raw bytes of those that are compressed, by number.
        """
        self._detail = detail
        self._raw_sizes = raw_sizes

    def __iter__(self) -> Iterator[ModelEntry]:
        return (self._entry(name, number) for number, name in enumerate(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __repr__(self) -> str:
        return f"BundleManifest({len(self)} models, {self.total_size} bytes, created_at={self.created_at})"

    def to_bytes(self) -> bytes:
        """The manifest as the file holds it, up to the end of the last entry.

        Raises
        ------
        ValueError
            A number does not fit its field, or a text has no UTF-8 form.
        """
        try:
            return self._pack()
        except struct.error as error:
            raise ValueError(f"the manifest cannot be written: {error}") from error

    def _pack(self) -> bytes:
        description = self.description.encode()
        parts = [layout.MANIFEST_HEAD.pack(self.version, self.created_at, len(description)), description]
        parts.append(layout.U32.pack(len(self)))
        for text, size, offset in zip(self._names, self._sizes, self._offsets, strict=True):
            name = text.encode()
            parts += (layout.U32.pack(len(name)), name, layout.ENTRY_TAIL.pack(size, offset))
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes, *, path: str | None = None, base: int = 0) -> BundleManifest:
        """The manifest in ``data``, whatever follows its last entry.

        ``path`` and ``base`` (the position of ``data`` in that file) go into errors. Bounds against the data part are
        the reader's to check.
        """
        return parse_manifest(bytes(data), path=path, base=base).manifest


Detail = tuple[ModelMetadata, Digest | None, Compression | None]
"""What an entry has besides name, size and offset."""

_NO_DETAIL: Detail = (ModelMetadata(), None, None)


def _no_detail(name: str, number: int) -> Detail:
    return _NO_DETAIL


def _appended(column: Sequence[int], value: int) -> list[int]:
    values = column if isinstance(column, list) else list(column)
    values.append(value)
    return values


@dataclass(frozen=True, slots=True)
class ParsedManifest:
    """A manifest, and where its entries begin and the last one ends in the bytes it came from."""

    manifest: BundleManifest
    bounds: Sequence[int]

    @property
    def end(self) -> int:
        """Where the last entry ends, exclusive."""
        return self.bounds[-1]


def parse_manifest(data: bytes, *, path: str | None = None, base: int = 0) -> ParsedManifest:
    """The manifest at the start of ``data``.

    Raises
    ------
    CorruptManifest
        ``bad_manifest``, ``bad_count`` or ``bad_utf8``.
    LimitExceeded, DuplicateName
        A number above this library's limits; two models of one name.
    """

    def fail(code: str, message: str, at: int) -> NoReturn:
        raise bundle_error(code, message, path=path, offset=base + at, hint="No model can be read safely.")

    end = len(data)
    if end < layout.SMALLEST_MANIFEST:
        fail("bad_manifest", f"A manifest takes at least {layout.SMALLEST_MANIFEST} bytes; there are {end}.", 0)
    version, created_at, length = layout.MANIFEST_HEAD.unpack_from(data)
    at = layout.MANIFEST_HEAD.size
    if length > end - at:
        fail("bad_manifest", f"The description claims {length} bytes; {end - at} remain.", at - 4)
    if length > layout.MAX_DESCRIPTION:
        fail("limit_exceeded", f"The description has {length} bytes; the limit is {layout.MAX_DESCRIPTION}.", at - 4)
    try:
        description = data[at : at + length].decode()
    except UnicodeDecodeError as error:
        fail("bad_utf8", "The description is not UTF-8.", at + error.start)
    at += length
    if end - at < layout.U32.size:
        fail("bad_manifest", "The manifest ends before the number of models.", at)
    (count,) = layout.U32.unpack_from(data, at)
    at += layout.U32.size
    if count * layout.SMALLEST_ENTRY > end - at:
        fail("bad_count", f"{count} models take more than the {end - at} bytes that remain.", at - 4)
    if count > layout.MAX_MODELS:
        fail("limit_exceeded", f"The bundle lists {count} models; the limit is {layout.MAX_MODELS}.", at - 4)

    entries = None
    if count >= MANY:
        from apbundle.format.scanning import scan_entries  # numpy takes longer to load than a few entries to read

        entries = scan_entries(data, at, count)
    if entries is None:
        entries = read_entries(data, at, count, fail)
    return ParsedManifest(BundleManifest._of(description, created_at, version, entries), entries.bounds)
