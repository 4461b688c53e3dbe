"""Which of the layouts that share the ``.apr`` magics a payload has."""

from __future__ import annotations

import zlib

from apbundle.payload.byterange import ByteRange

_TSP_TYPE = 0x54535000
_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
_LZ4, _ZSTD = 1, 2  # algorithms of the compressed container


def apr_layout(data: ByteRange) -> str:
    """``"apr-v1"``, ``"apr-v2"``, ``"apr-json"``, ``"apr-whisper"``, ``"apr-tsp"``, ``"apr-compressed"``, or ``""``.

    One magic stands for several layouts: version 2 proves itself by the checksum of its header, and is still assumed
    where that is wrong and nothing else fits, because writers exist that leave it zero.
    """
    head = data.at(0, 64)
    magic = head[:4]
    if magic == b"APRN":
        return "apr-v1" if data.size >= 36 else ""
    if magic == b"APR1":
        return _container_layout(data)
    if magic not in (b"APR\0", b"APR2"):
        return ""
    if len(head) == 64 and zlib.crc32(head[44:64], zlib.crc32(head[:40])) == data.number(40, 4):
        return "apr-v2"
    if magic == b"APR\0" and data.number(4, 4) == 1 and data.number(8, 4) == _TSP_TYPE:
        return "apr-tsp"
    if len(head) > 9 and (head[4] == _LZ4 or (head[4] == _ZSTD and head.startswith(_ZSTD_FRAME, 9))):
        return "apr-compressed"
    return "apr-v2" if len(head) == 64 and head[4] == 2 else ""


def _container_layout(data: ByteRange) -> str:
    metadata_size = data.number(4, 4)
    if data.at(8, 1) == b"{" and metadata_size <= data.size - 8:
        return "apr-json"
    return "apr-whisper" if data.size >= 52 and data.number(4, 2) <= 1 else ""
