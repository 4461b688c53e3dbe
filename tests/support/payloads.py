"""Payloads of models made byte by byte from what describes their formats, and a reader that watches its caller."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from apbundle.payload.contents import Contents, read_contents


class Strict:
    """Reads ``content``; asking for nothing or for bytes outside fails the test."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.bytes_read = 0

    def __call__(self, offset: int, size: int) -> bytes:
        assert 0 <= offset < offset + size <= len(self.content)
        self.bytes_read += size
        return self.content[offset : offset + size]


def contents(content: bytes, detected: str | None = None) -> Contents:
    """What is in ``content``."""
    return read_contents(len(content), Strict(content), detected=detected)


def padded(data: bytes, size: int = 64) -> bytes:
    """``data`` with zeros up to a multiple of ``size``."""
    return data + bytes(-len(data) % size)


def with_crc(data: bytes) -> bytes:
    """``data`` and its checksum."""
    return data + struct.pack("<I", zlib.crc32(data))


def apr_v2(
    tensors: Sequence[tuple[str, int, Sequence[int], bytes]],
    metadata: bytes | Mapping[str, Any],
    *,
    flags: int = 0x0400,
    magic: bytes = b"APR\0",
    sort: bool = True,
) -> bytes:
    """A ``.apr`` version 2 payload of tensors as (name, type code, shape, data)."""
    text = metadata if isinstance(metadata, bytes) else json.dumps(metadata, separators=(",", ":")).encode()
    index = data = b""
    for name, code, shape, content in sorted(tensors) if sort else tensors:
        index += struct.pack("<H", len(name.encode())) + name.encode() + bytes([code, len(shape)])
        index += struct.pack(f"<{len(shape)}QQQ", *shape, len(data), len(content))
        data = padded(data + content)
    index_offset = 64 + len(padded(text))
    data_offset = index_offset + len(padded(index))
    start = struct.pack("<4sBBHIQIQQ", magic, 2, 0, flags, len(tensors), 64, len(text), index_offset, data_offset)
    header = start + struct.pack("<I20x", zlib.crc32(bytes(20), zlib.crc32(start)))
    return with_crc(header + padded(text) + padded(index) + data)


def apr_v1(metadata: bytes, region: bytes, *, flags: int = 0, model: int = 1, compression: int = 0) -> bytes:
    """A ``.apr`` version 1 payload; ``region`` is its model as stored."""
    sizes = len(metadata), len(region), len(region)
    header = struct.pack("<4sBBHIIIBBB9x", b"APRN", 1, 0, model, *sizes, compression, flags, 87)
    signature = bytes(64) + bytes(range(32)) if flags & 2 else b""
    return with_crc(header + metadata + region + signature)


def apr_json(tensors: Sequence[tuple[str, Sequence[int], bytes]], metadata: Mapping[str, Any]) -> bytes:
    """The JSON container behind the magic ``APR1``; all tensors are of type F32."""
    text = json.dumps(metadata).encode()
    entries, data = [], b""
    for name, shape, content in tensors:
        entry = {"name": name, "dtype": "F32", "shape": list(shape), "offset": len(data), "size": len(content)}
        entries.append(entry)
        data += content
    index = json.dumps(entries).encode()
    sizes = struct.pack("<II", len(tensors), len(index))
    return with_crc(b"APR1" + struct.pack("<I", len(text)) + text + sizes + index + data)


def apr_tsp() -> bytes:
    """A solver file of 77 bytes."""
    rest = struct.pack("<BIIdd", 0, 3, 20, 0.25, 1.5) + struct.pack("<ddddI", 1, 2.5, 0.1, 0.9, 20)
    return b"APR\0" + struct.pack("<III", 1, 0x54535000, zlib.crc32(rest)) + rest


def apr_whisper() -> bytes:
    """The header of a Whisper model, and some bytes."""
    sizes = (51865, 1500, 384, 6, 4, 448, 384, 6, 4, 80)
    return b"APR1" + struct.pack("<HBBBHB10I", 1, 0, 2, 0, 167, 3, *sizes) + bytes(20)


def gguf_text(value: bytes) -> bytes:
    """A text of GGUF."""
    return struct.pack("<Q", len(value)) + value


def gguf_pair(key: bytes, kind: int, value: bytes) -> bytes:
    """A pair of GGUF metadata."""
    return gguf_text(key) + struct.pack("<I", kind) + value


def gguf_tensor(name: bytes, shape: Sequence[int], kind: int, offset: int) -> bytes:
    """The description of a GGUF tensor; dimensions with the fastest first."""
    return gguf_text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def gguf_payload(pairs: Sequence[bytes], tensors: Sequence[bytes], data: bytes = b"", version: int = 3) -> bytes:
    """A GGUF payload."""
    header = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs)) + b"".join([*pairs, *tensors])
    return header + bytes(-len(header) % 32) + data


def msgpack(value: Any) -> bytes:
    """``value`` in MessagePack, in the shortest of its forms."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        forms = "bhiq" if value < 0 else "BHIQ"
        if -32 <= value < 128:
            return struct.pack("b", value)
        bits = value.bit_length() if value >= 0 else (~value).bit_length() + 1
        width = next(i for i in range(4) if bits <= 8 << i)
        return bytes([(0xD0 if value < 0 else 0xCC) + width]) + struct.pack(f">{forms[width]}", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        return _counted(len(value.encode()), 0xA0, 32, (0xD9, 0xDA, 0xDB)) + value.encode()
    if isinstance(value, bytes):
        return _counted(len(value), 0, 0, (0xC4, 0xC5, 0xC6)) + value
    if isinstance(value, list):
        return _counted(len(value), 0x90, 16, (None, 0xDC, 0xDD)) + b"".join(map(msgpack, value))
    parts = (msgpack(key) + msgpack(part) for key, part in value.items())
    return _counted(len(value), 0x80, 16, (None, 0xDE, 0xDF)) + b"".join(parts)


def _counted(count: int, short: int, limit: int, forms: tuple[int | None, int, int]) -> bytes:
    if count < limit:
        return bytes([short + count])
    if forms[0] is not None and count < 1 << 8:
        return bytes([forms[0], count])
    if count < 1 << 16:
        return bytes([forms[1]]) + struct.pack(">H", count)
    return bytes([forms[2]]) + struct.pack(">I", count)
