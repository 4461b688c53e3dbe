"""The checksum that ends most ``.apr`` layouts: a CRC-32 of everything before it."""

from __future__ import annotations

import zlib

from apbundle.payload.byterange import ByteRange
from apbundle.payload.sink import Sink

SIZE = 4
"""Bytes of the checksum."""

_CHECKED = 1 << 22  # bytes of a payload that is read as a whole
_PIECE = 1 << 18


def check_trailer(data: ByteRange, sink: Sink) -> None:
    """Compare the checksum of a payload of up to 4 MiB; a larger one is not read for it."""
    end = data.size - SIZE
    if end > _CHECKED:
        sink.fact("checksum", "not checked, for that all of the data had to be read")
        return
    found = 0
    for offset in range(0, end, _PIECE):
        found = zlib.crc32(data.at(offset, min(_PIECE, end - offset)), found)
    stored = data.number(end, SIZE)
    sink.fact("checksum", "correct" if found == stored else "wrong")
    if found != stored:
        sink.finding(f"the checksum of the payload is {stored:08x}, its bytes give {found:08x}", end)
