"""The directory of a zip archive: what it holds and where, read in place. Nothing is unpacked.

After PKWARE's APPNOTE 6.3.10: an end record (and for large archives its 64-bit form before it) tells where the
directory lies, which describes each entry; the entry's data follows its own local header. What both headers say twice
must agree, because readers differ in which of them they believe.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from apbundle.payload.byterange import ByteRange
from apbundle.payload.cursor import Cursor
from apbundle.payload.tensors import PayloadError

STORED, DEFLATED = 0, 8
"""Methods of compression: none, and the one of zlib without its header."""

MAX_ENTRIES = 1_000_000
"""Most entries of a directory that are listed."""

MAX_DIRECTORY = 1 << 28
"""Longest directory that is read, in bytes."""

_ENCRYPTED = 1
_UTF8 = 1 << 11
_END = struct.Struct("<4sHHHHIIH")
_LONGEST_COMMENT = 0xFFFF
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4s4xHHxxxxIIIHHH8xI")
_LOCAL = struct.Struct("<4s2xHH16xHH")
_EXTRA = struct.Struct("<HH")
_ZIP64 = 1
_IN_EXTRA = 0xFFFFFFFF


class Entry(NamedTuple):
    """What the directory says of one entry."""

    raw_name: bytes
    flags: int
    method: int
    packed_size: int
    """Bytes in the archive."""
    size: int
    """Bytes when unpacked."""
    header: int
    """First byte of the local header, from the start of the payload."""
    crc: int

    @property
    def name(self) -> str:
        """The name in the encoding its flags tell."""
        return self.raw_name.decode("utf-8" if self.flags & _UTF8 else "cp437", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the directory of an archive lies."""

    begin: int
    end: int
    """Exclusive."""
    count: int
    """Entries, as the end record says."""
    shift: int
    """Bytes in front of the archive, by which its offsets are too small."""


def find_directory(data: ByteRange) -> Directory:
    """The directory of the archive that is this payload.

    Raises
    ------
    PayloadError
        When there is none, or it is larger than :data:`MAX_DIRECTORY`.
    """
    tail_offset = max(0, data.size - _END.size - _LONGEST_COMMENT)
    tail = data.at(tail_offset, data.size - tail_offset)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or place + _END.size > len(tail):
        raise PayloadError("the archive has no end record: it was cut short", data.size)
    *_, count, size, offset, _ = _END.unpack_from(tail, place)
    end = tail_offset + place
    locator = data.at(end - _LOCATOR.size, _LOCATOR.size) if end >= _LOCATOR.size else b""
    if locator.startswith(b"PK\x06\x07"):
        end -= _LOCATOR.size
        for at in (end - _END64.size, _LOCATOR.unpack(locator)[2]):
            record = data.at(at, _END64.size) if at >= 0 else b""
            if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
                *_, count, size, offset = _END64.unpack(record)
                end = at
                break
        else:
            raise PayloadError("the archive has no 64-bit end record where it should be", end)
    if size > end or offset > end - size:
        raise PayloadError(f"the directory claims {size:,} bytes at {offset:,}, past its own end", end)
    if size > MAX_DIRECTORY:
        raise PayloadError(f"the directory has {size:,} bytes; at most {MAX_DIRECTORY:,} are read", end - size)
    return Directory(end - size, end, count, end - size - offset)


def read_entries(data: ByteRange, directory: Directory) -> Iterator[Entry]:
    """The entries of the directory, in its order.

    Raises
    ------
    PayloadError
        At the first that is damaged, or when there are more than :data:`MAX_ENTRIES`, or than the end record says.
    """
    cursor = Cursor(data, directory.begin, directory.end, what="directory")
    for count in range(MAX_ENTRIES + 1):
        if not cursor.left:
            if count != directory.count:
                raise PayloadError(f"the directory has {count:,} entries, not {directory.count:,}", directory.end)
            return
        place = cursor.offset
        signature, *numbers = _ENTRY.unpack(cursor.take(_ENTRY.size))
        if signature != b"PK\x01\x02":
            raise PayloadError("the directory is damaged", place)
        flags, method, crc, packed, size, name_size, extra_size, comment_size, header = numbers
        name = cursor.take(name_size)
        extra = cursor.take(extra_size)
        cursor.skip(comment_size)
        if _IN_EXTRA in (size, packed, header):
            size, packed, header = _large(extra, size, packed, header, place)
        yield Entry(name, flags, method, packed, size, header + directory.shift, crc)
    raise PayloadError(f"the archive has more than {MAX_ENTRIES:,} entries", cursor.offset)


def data_offset(data: ByteRange, entry: Entry) -> int:
    """The first byte of an entry's data, which lies in the payload as a whole.

    Raises
    ------
    PayloadError
        When its local header is missing or contradicts the directory, or it is encrypted.
    """
    local = data.at(entry.header, _LOCAL.size + len(entry.raw_name)) if entry.header < data.size else b""
    if len(local) < _LOCAL.size or not local.startswith(b"PK\x03\x04"):
        raise PayloadError(f"the entry {entry.name!r} is not where the directory says", entry.header)
    _, flags, method, name_size, extra_size = _LOCAL.unpack_from(local)
    if local[_LOCAL.size :] != entry.raw_name or name_size != len(entry.raw_name):
        raise PayloadError(f"the entry {entry.name!r} has another name at its data", entry.header)
    if method != entry.method or (flags ^ entry.flags) & _ENCRYPTED:
        raise PayloadError(f"the entry {entry.name!r} is stored in two ways at once", entry.header)
    if flags & _ENCRYPTED:
        raise PayloadError(f"the entry {entry.name!r} is encrypted", entry.header)
    offset = int(entry.header + _LOCAL.size + name_size + extra_size)
    if entry.packed_size > data.size - offset:
        raise PayloadError(f"the entry {entry.name!r} reaches past the end of the payload", entry.header)
    if entry.method == STORED and entry.packed_size != entry.size:
        raise PayloadError(f"the entry {entry.name!r} is stored as it is, yet has two sizes", entry.header)
    return offset


def _large(extra: bytes, size: int, packed: int, header: int, place: int) -> tuple[int, int, int]:
    """Sizes and offset of an entry, those with 64 bits taken from its extra field."""
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if kind == _ZIP64:
            wide = [int.from_bytes(extra[i : i + 8], "little") for i in range(at, min(at + length, len(extra)) - 7, 8)]
            numbers = [wide.pop(0) if number == _IN_EXTRA and wide else number for number in (size, packed, header)]
            return numbers[0], numbers[1], numbers[2]
        at += length
    return size, packed, header
