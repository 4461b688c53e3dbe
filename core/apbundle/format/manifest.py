"""The header and the manifest: what every reader of version 1 understands.

The parser takes a stranger's bytes. Each length is held against what remains, then against its limit, before anything
is done with it; the first failure wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.model import ModelEntry, ModelMetadata


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
        self._entries: dict[str, ModelEntry] = {}

    def add_model(self, entry: ModelEntry) -> None:
        """Append ``entry``; a name that is there already is ``duplicate_name``."""
        if entry.name in self._entries:
            raise bundle_error("duplicate_name", f"The bundle already has a model named {entry.name!r}.")
        self._entries[entry.name] = entry

    def get_model(self, name: str) -> ModelEntry:
        """The entry of the model ``name``; ``model_not_found`` if there is none."""
        try:
            return self._entries[name]
        except KeyError:
            raise bundle_error(
                "model_not_found",
                f"The bundle has no model named {name!r}.",
                hint="Its models are listed in model_names." if self._entries else "It has no models.",
            ) from None

    @property
    def model_names(self) -> list[str]:
        """The models' names in order."""
        return list(self._entries)

    @property
    def total_size(self) -> int:
        """Bytes of all models as stored, without padding."""
        return sum(entry.size for entry in self)

    def __iter__(self) -> Iterator[ModelEntry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __repr__(self) -> str:
        return f"BundleManifest({len(self)} models, {self.total_size} bytes, created_at={self.created_at})"

    def replace_entries(self, entries: list[ModelEntry]) -> None:
        """Take ``entries`` (distinct names) for the models there are, in that order."""
        self._entries = {entry.name: entry for entry in entries}

    def to_bytes(self) -> bytes:
        """The manifest as the file holds it, up to the end of the last entry."""
        description = self.description.encode()
        parts = [layout.MANIFEST_HEAD.pack(self.version, self.created_at, len(description)), description]
        parts.append(layout.U32.pack(len(self)))
        for entry in self:
            name = entry.name.encode()
            parts += (layout.U32.pack(len(name)), name, layout.ENTRY_TAIL.pack(entry.size, entry.offset))
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes, *, path: str | None = None, base: int = 0) -> BundleManifest:
        """The manifest in ``data``, whatever follows its last entry.

        ``path`` and ``base`` (the position of ``data`` in that file) go into errors. Bounds against the data part are
        the reader's to check.
        """
        return parse_manifest(data, path=path, base=base)[0]


def parse_manifest(data: bytes, *, path: str | None = None, base: int = 0) -> tuple[BundleManifest, int]:
    """The manifest at the start of ``data`` and where its last entry ends, exclusive.

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

    manifest = BundleManifest(description, created_at, version)
    entries: dict[str, ModelEntry] = {}
    unpack_length, unpack_tail = layout.U32.unpack_from, layout.ENTRY_TAIL.unpack_from
    tail = layout.ENTRY_TAIL.size
    for index in range(count):
        if end - at < layout.SMALLEST_ENTRY:
            fail("bad_manifest", f"The manifest ends inside entry {index}.", at)
        (length,) = unpack_length(data, at)
        at += 4
        if length > end - at - tail:
            fail("bad_manifest", f"The name of model {index} claims {length} bytes; {end - at - tail} remain.", at - 4)
        if length > layout.MAX_NAME:
            fail("limit_exceeded", f"The name of model {index} has {length} bytes; the limit is 65535.", at - 4)
        try:
            name = data[at : at + length].decode()
        except UnicodeDecodeError as error:
            fail("bad_utf8", f"The name of model {index} is not UTF-8.", at + error.start)
        if name in entries:
            fail("duplicate_name", f"Two models are named {name!r}: readers could disagree on which is meant.", at)
        at += length
        size, offset = unpack_tail(data, at)
        entries[name] = ModelEntry(name, size, offset, _NO_METADATA)
        at += tail
    manifest._entries = entries
    return manifest, at


_NO_METADATA = ModelMetadata()


def entry_positions(data: bytes, manifest: BundleManifest) -> list[int]:
    """Where each entry of ``manifest`` begins in ``data``, the bytes it was parsed from."""
    at = layout.MANIFEST_HEAD.size + len(manifest.description.encode()) + layout.U32.size
    positions = []
    for _ in range(len(manifest)):
        positions.append(at)
        (length,) = layout.U32.unpack_from(data, at)
        at += layout.SMALLEST_ENTRY + length
    return positions
