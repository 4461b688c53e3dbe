"""Every field of a bundle outside its models' bytes, one row each, from byte 0 on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import overload

from apbundle.format import layout
from apbundle.format.reader import BundleReader
from apbundle.text import format_size


@dataclass(frozen=True, slots=True)
class Field:
    """One field: where it stands in the file (bytes), its value as text, and what it means.

    ``value`` may quote the file's own text: make it printable before showing it.
    """

    name: str
    offset: int
    length: int
    value: str
    meaning: str


_SECTION_NAMES = {
    layout.METADATA_SECTION: "metadata",
    layout.DIGESTS_SECTION: "digests",
    layout.COMPRESSION_SECTION: "compression",
    layout.BINDING_SECTION: "binding",
    layout.ALIGNMENT_SECTION: "alignment",
}
_FIELDS_PER_ENTRY = 4


class FieldTable(Sequence[Field]):
    """The fields of an open bundle, made one at a time: a million models cost nothing until they are looked at."""

    def __init__(self, reader: BundleReader) -> None:
        self._reader = reader
        self._names = reader.manifest.names
        self._head = _head_fields(reader)
        self._tail = _tail_fields(reader)

    def __len__(self) -> int:
        return len(self._head) + _FIELDS_PER_ENTRY * len(self._names) + len(self._tail)

    @overload
    def __getitem__(self, index: int) -> Field: ...
    @overload
    def __getitem__(self, index: slice) -> list[Field]: ...
    def __getitem__(self, index: int | slice) -> Field | list[Field]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        if index < len(self._head):
            return self._head[index]
        index -= len(self._head)
        if index < _FIELDS_PER_ENTRY * len(self._names):
            return self._entry_field(*divmod(index, _FIELDS_PER_ENTRY))
        return self._tail[index - _FIELDS_PER_ENTRY * len(self._names)]

    def _entry_field(self, number: int, part: int) -> Field:
        name, manifest = self._names[number], self._reader.manifest
        size, offset = manifest.sizes[number], manifest.offsets[number]
        begin, end = self._reader.bounds[number], self._reader.bounds[number + 1]
        at, length = layout.HEADER.size + begin, end - begin - layout.SMALLEST_ENTRY
        name_at, size_at = at + 4, at + 4 + length
        start = self._reader.data_offset + offset
        prefix = f"models[{number}]."
        if part == 0:
            return Field(prefix + "name length", at, 4, f"{length}", "bytes of the name that follows")
        if part == 1:
            return Field(prefix + "name", name_at, length, name, "UTF-8")
        if part == 2:
            return Field(prefix + "size", size_at, 8, f"{size}", f"stored bytes: {format_size(size)}")
        return Field(prefix + "offset", size_at + 8, 8, f"{offset}", f"from the data offset: byte {start:#x}")

    def model_at(self, row: int) -> int | None:
        """The index of the model whose entry the field in ``row`` belongs to, or ``None``."""
        index = (row - len(self._head)) // _FIELDS_PER_ENTRY
        return index if 0 <= index < len(self._names) else None

    def rows_of_model(self, index: int) -> range:
        """The rows of the entry of the model at ``index``."""
        first = len(self._head) + _FIELDS_PER_ENTRY * index
        return range(first, first + _FIELDS_PER_ENTRY)

    def at_offset(self, offset: int) -> int | None:
        """The row of the field that holds byte ``offset`` of the file, or ``None``."""
        row = bisect_right(self, offset, key=lambda field: field.offset) - 1
        return row if row >= 0 and offset < self[row].offset + self[row].length else None


def _head_fields(reader: BundleReader) -> list[Field]:
    base = layout.HEADER.size
    manifest = reader.manifest
    length = len(manifest.description.encode())
    end = base + layout.MANIFEST_HEAD.size + length
    manifest_length = reader.data_offset - base
    return [
        Field("magic", 0, 8, layout.BUNDLE_MAGIC.decode(), "an .apbundle file"),
        Field("format version", 8, 4, f"{reader.version}", "of the header"),
        Field("manifest length", 12, 8, f"{manifest_length}", f"the data part begins at {reader.data_offset:#x}"),
        Field("manifest version", base, 4, f"{manifest.version}", "the same number as in the header"),
        Field("created at", base + 4, 8, f"{manifest.created_at}", _time(manifest.created_at)),
        Field("description length", base + 12, 4, f"{length}", "bytes of the description that follows"),
        Field("description", base + 16, length, manifest.description, "UTF-8"),
        Field("number of models", end, 4, f"{len(manifest)}", "entries that follow"),
    ]


def _time(seconds: int) -> str:
    if seconds > layout.LAST_TIMESTAMP:
        return "not a date: past the year 9999"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _tail_fields(reader: BundleReader) -> list[Field]:
    begin = layout.HEADER.size + reader.entries_end
    end = reader.data_offset
    fields: list[Field] = []
    if reader.extension_range is not None:
        if reader.extension_error is not None:
            length = reader.extension_range[1] - begin
            fields.append(Field("extension", begin, length, "damaged", reader.extension_error.message))
        else:
            fields += _extension_fields(reader, begin)
        begin = reader.extension_range[1]
    elif reader.extension_error is not None:
        return [Field("extension", begin, end - begin, "damaged", reader.extension_error.message)]
    if begin < end and reader.tail:
        fields.append(Field("unknown bytes", begin, end - begin, "", "written by another program"))
    elif begin < end:
        fields.append(Field("slack", begin, end - begin, "zeros", "alignment, and room for metadata to grow in place"))
    return fields


def _extension_fields(reader: BundleReader, begin: int) -> list[Field]:
    tag, version, count, length, crc, _ = layout.EXTENSION_HEAD.unpack_from(reader.manifest_bytes, reader.entries_end)
    fields = [
        Field("extension.tag", begin, 8, tag.decode(), "readers of version 1 stop before it"),
        Field("extension.version", begin + 8, 4, f"{version}", "of the block"),
        Field("extension.sections", begin + 12, 4, f"{count}", "sections that follow"),
        Field("extension.length", begin + 16, 8, f"{length}", "bytes of the whole block"),
        Field("extension.crc", begin + 24, 4, f"{crc:#010x}", "CRC-32 of the block, this field as zeros"),
        Field("extension.reserved", begin + 28, 4, "0", "zero"),
    ]
    at = begin + layout.EXTENSION_HEAD.size
    for _ in range(count):
        section, flags, size = layout.SECTION_HEAD.unpack_from(reader.manifest_bytes, at - layout.HEADER.size)
        prefix = f"section {_SECTION_NAMES.get(section, section)}."
        critical = "critical: who does not know it reads no model" if flags & 1 else "may be skipped"
        start = at + layout.SECTION_HEAD.size
        summary, meaning = _summary(reader, section)
        fields += [
            Field(prefix + "tag", at, 4, f"{section}", _SECTION_NAMES.get(section, "unknown")),
            Field(prefix + "flags", at + 4, 4, f"{flags}", critical),
            Field(prefix + "length", at + 8, 8, f"{size}", "bytes of the payload, padding excluded"),
            Field(prefix + "payload", start, size, summary, meaning),
        ]
        padded = layout.round_up(size, layout.SECTION_PADDING)
        if padded > size:
            fields.append(Field(prefix + "padding", start + size, padded - size, "zeros", "to a multiple of 8"))
        at = start + padded
    return fields


def _summary(reader: BundleReader, section: int) -> tuple[str, str]:
    extension = reader.extension
    assert extension is not None
    summaries: dict[int, Callable[[], tuple[str, str]]] = {
        layout.METADATA_SECTION: lambda: (f"{len(extension.models)} models described", "UTF-8 JSON"),
        layout.DIGESTS_SECTION: lambda: (
            extension.digests.algorithm.name if extension.digests is not None else "",
            f"{len(extension.digests or ())} digests, in the order of the models",
        ),
        layout.COMPRESSION_SECTION: lambda: (f"{len(extension.compression)} compressed models", "zstd frames"),
        layout.BINDING_SECTION: lambda: (
            extension.binding.sha256.hex() if extension.binding else "",
            "SHA-256 of header and entries, then the length of the data part",
        ),
        layout.ALIGNMENT_SECTION: lambda: (f"{extension.alignment}", "every model starts at a multiple of this"),
    }
    return summaries.get(section, lambda: ("", "kept as it is"))()
