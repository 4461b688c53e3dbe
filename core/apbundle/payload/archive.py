"""What a zip archive holds, told from the names in its directory: nothing is unpacked."""

from __future__ import annotations

import struct

from apbundle.payload.byterange import ByteRange

LOCAL_FILE = b"PK\x03\x04"
"""First bytes of an archive that holds something."""

END_OF_DIRECTORY = b"PK\x05\x06"
"""First bytes of an empty archive, and of the record that ends every archive."""

_DIRECTORY_ENTRY = b"PK\x01\x02"
_END64_LOCATOR = b"PK\x06\x07"
_LOCAL_NAME = 30  # offsets of names: in a local file header, in a directory entry
_ENTRY_NAME = 46
_TAIL = 22 + 0xFFFF  # the last record with the longest comment it can have
_FRONT = 4096  # of a directory that reaches back beyond the tail


def archive_format(data: ByteRange) -> str:
    """Which format an archive is: ``"npz"``, ``"pytorch"`` (TorchScript too), ``"keras"``, else ``"zip"``.

    Reads at most the last 64 KiB and the first 4 KiB of the directory; of an archive cut short, the first name.
    """
    names = _directory_names(data) or [_first_name(data)]
    if all(name.endswith(b".npy") for name in names):
        return "npz"
    if any(name.endswith(b"/data.pkl") for name in names):
        return "pytorch"
    if {b"config.json", b"model.weights.h5"} <= set(names):
        return "keras"
    return "zip"


def _first_name(data: ByteRange) -> bytes:
    return data.at(_LOCAL_NAME, data.number(26, 2))


def _directory_names(data: ByteRange) -> list[bytes]:
    tail_offset = max(0, data.size - _TAIL)
    tail = data.at(tail_offset, _TAIL)
    end = tail.rfind(END_OF_DIRECTORY)
    if end < 0 or end + 22 > len(tail):
        return []
    (start,) = struct.unpack_from("<I", tail, end + 16)
    if end >= 20 and tail.startswith(_END64_LOCATOR, end - 20):
        (record,) = struct.unpack_from("<Q", tail, end - 12)
        start = data.number(record + 48, 8)
    if start >= tail_offset:
        return _names(tail[start - tail_offset : end])
    return _names(data.at(start, _FRONT)) + _names(tail[:end])


def _names(directory: bytes) -> list[bytes]:
    """The names in a piece of the directory, from its first whole entry to its last."""
    names = []
    place = directory.find(_DIRECTORY_ENTRY)
    while place >= 0 and directory.startswith(_DIRECTORY_ENTRY, place) and place + _ENTRY_NAME <= len(directory):
        name_size, extra_size, comment_size = struct.unpack_from("<HHH", directory, place + 28)
        name = directory[place + _ENTRY_NAME : place + _ENTRY_NAME + name_size]
        if len(name) == name_size:
            names.append(name)
        place += _ENTRY_NAME + name_size + extra_size + comment_size
    return names
