"""``.apr`` version 2: a header of 64 bytes, JSON metadata, an index of tensors, and their data.

Each part is padded with zeros to 64 bytes; a checksum ends the payload. Offsets in the header count from the start of
the payload, those in the index from the start of the data. The stored size of a tensor stands above all else.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from apbundle.payload.apr.checksum import SIZE as CHECKSUM_SIZE
from apbundle.payload.apr.checksum import check_trailer
from apbundle.payload.apr.types import apr_type
from apbundle.payload.byterange import ByteRange
from apbundle.payload.cursor import Cursor
from apbundle.payload.extents import check_extents
from apbundle.payload.json_stream import JsonStream
from apbundle.payload.sink import Sink
from apbundle.payload.tensors import PayloadError
from apbundle.payload.tree import add_json

HEADER_SIZE = 64
"""Bytes of the header, and what every part is padded to."""

_CHECKSUM = 40  # offset of the header's own
_FLAGS = (
    *("LZ4", "Zstandard", "encrypted", "signed", "sharded", "quantized", "filterbank", "model card", "streaming"),
    *("vocabulary", "row-major", "column-major"),
)
_COMPRESSED, _ENCRYPTED, _COLUMN_MAJOR = 0x0003, 0x0004, 0x0800
_LEAST_ENTRY = 20  # bytes: an empty name, no dimensions


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says, in its order."""

    major: int
    minor: int
    flags: int
    tensors: int
    metadata: int
    """Offset of the metadata."""
    metadata_size: int
    index: int
    """Offset of the index of tensors."""
    data: int
    """Offset of the data."""
    checksum: int


def scan_apr_v2(data: ByteRange, sink: Sink) -> None:
    """List what an ``.apr`` version 2 payload holds.

    Raises
    ------
    PayloadError
        Where the index of tensors cannot be read further.
    """
    header = Header(*Cursor(data, 4, HEADER_SIZE, what=".apr header").numbers("BBHIQIQQI"))
    sink.fact("version", f"{header.major}.{header.minor}")
    sink.fact("flags", ", ".join(name for bit, name in enumerate(_FLAGS) if header.flags >> bit & 1) or "none")
    sink.fact("data offset", header.data)
    _check_header(data, header, sink)
    if header.flags & (_COMPRESSED | _ENCRYPTED) and data.at(header.metadata, 1) != b"{":
        what = "encrypted" if header.flags & _ENCRYPTED else "compressed"
        raise PayloadError(f"all that follows the header is {what}", HEADER_SIZE)
    check_trailer(data, sink)
    try:
        _read_metadata(data, header, sink)
    except PayloadError as error:
        sink.finding(error.message, error.offset)
    _read_index(data, header, sink)
    check_extents(sink, data.size - CHECKSUM_SIZE)


def _check_header(data: ByteRange, header: Header, sink: Sink) -> None:
    bytes_ = data.at(0, HEADER_SIZE)
    found = zlib.crc32(bytes_[_CHECKSUM + 4 :], zlib.crc32(bytes_[:_CHECKSUM]))
    sink.fact("header checksum", "correct" if found == header.checksum else "wrong")
    if found != header.checksum:
        sink.finding(f"the checksum of the header is {header.checksum:08x}, its bytes give {found:08x}", _CHECKSUM)
    if header.flags & _COLUMN_MAJOR:
        sink.finding("the tensors are column-major, which other readers refuse", 6)


def _read_metadata(data: ByteRange, header: Header, sink: Sink) -> None:
    if header.metadata + header.metadata_size > data.size:
        raise PayloadError(f"the metadata, {header.metadata_size:,} bytes, reaches past the end of the payload", 12)
    add_json(sink, JsonStream(data, header.metadata, header.metadata_size, "metadata"))


def _read_index(data: ByteRange, header: Header, sink: Sink) -> None:
    end = header.data if header.data > header.index else data.size
    cursor = Cursor(data, header.index, end, what="index of tensors")
    if cursor.left < 0 or header.tensors * _LEAST_ENTRY > cursor.left:
        room = max(0, cursor.left) // _LEAST_ENTRY
        raise PayloadError(f"the header claims {header.tensors:,} tensors; at most {room:,} have room", 8)
    encoding = "column-major" if header.flags & _COLUMN_MAJOR else ""
    previous = b""
    unsorted = misplaced = 0
    for _ in range(header.tensors):
        begin = cursor.offset
        name = cursor.take(cursor.number(2))
        code, rank = cursor.numbers("BB")
        *shape, place, size = cursor.numbers("Q" * (rank + 2))
        dtype, block, fits = apr_type(code, shape, size)
        text = name.decode("utf-8", "backslashreplace")
        if not fits:
            sink.finding(f"tensor {text!r} has {size:,} bytes, which no meaning of the type {code} explains", begin)
        unsorted += name < previous
        misplaced += place % HEADER_SIZE != 0
        previous = name
        sink.tensor(text, dtype, shape, header.data + place, size, block=block, encoding=encoding)
    if unsorted:
        sink.finding(
            f"the index is not sorted by name, in {unsorted:,} places; other readers may refuse it", header.index
        )
    if misplaced:
        sink.finding(f"the data of {misplaced:,} tensors is not aligned to {HEADER_SIZE} bytes", header.index)
