"""Bundles made byte by byte from the specification, without the library: sound ones, and ones broken on purpose."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import xxhash

CREATED_AT = 1_700_000_000
METADATA, DIGESTS, COMPRESSION, BINDING, ALIGNMENT = 1, 3, 4, 5, 6
CRITICAL = 1
XXH3, SHA256 = 1, 2

Model = tuple[str | bytes, bytes]


def u32(value: int) -> bytes:
    """Four bytes, little-endian."""
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    """Eight bytes, little-endian."""
    return struct.pack("<Q", value)


def header(manifest_length: int, version: int = 1, magic: bytes = b"APBUNDLE") -> bytes:
    """The first 20 bytes of a file."""
    return magic + u32(version) + u64(manifest_length)


def entry(name: str | bytes, size: int, offset: int, *, name_length: int | None = None) -> bytes:
    """One entry of the manifest."""
    raw = name.encode() if isinstance(name, str) else name
    return u32(len(raw) if name_length is None else name_length) + raw + u64(size) + u64(offset)


def manifest(
    entries: Sequence[bytes],
    *,
    description: bytes = b"",
    description_length: int | None = None,
    created_at: int = CREATED_AT,
    version: int = 1,
    count: int | None = None,
) -> bytes:
    """The manifest up to the end of its last entry."""
    length = len(description) if description_length is None else description_length
    number = len(entries) if count is None else count
    return u32(version) + u64(created_at) + u32(length) + description + u32(number) + b"".join(entries)


def section(
    tag: int, payload: bytes = b"", flags: int = 0, *, length: int | None = None, padding: bytes = b"\0"
) -> bytes:
    """One section of the extension block; ``padding`` is the byte it is filled up with."""
    size = len(payload) if length is None else length
    return u32(tag) + u32(flags) + u64(size) + payload + padding * (-len(payload) % 8)


def block(
    sections: Sequence[bytes],
    *,
    version: int = 1,
    count: int | None = None,
    length: int | None = None,
    crc: int | None = None,
    reserved: int = 0,
    tag: bytes = b"APBXEXT1",
) -> bytes:
    """The extension block."""
    body = b"".join(sections)
    number = len(sections) if count is None else count
    size = 32 + len(body) if length is None else length
    start = tag + u32(version) + u32(number) + u64(size)
    right = zlib.crc32(start + bytes(4) + u32(reserved) + body)
    return start + u32(right if crc is None else crc) + u32(reserved) + body


def metadata_section(document: Any) -> bytes:
    """The section for a document: raw bytes, JSON text, or what becomes JSON."""
    if not isinstance(document, bytes):
        text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
        document = text.encode()
    return section(METADATA, document)


def digest(data: bytes, algorithm: int = XXH3) -> bytes:
    """The digest of a model's stored bytes as the file holds it."""
    return xxhash.xxh3_128(data).digest() if algorithm == XXH3 else hashlib.sha256(data).digest()


def digest_section(models: Sequence[Model], algorithm: int = XXH3) -> bytes:
    """Digests of all models."""
    return section(DIGESTS, u32(algorithm) + u32(0) + b"".join(digest(data, algorithm) for _, data in models))


def compression_row(
    index: int,
    raw_size: int,
    chunk: int,
    ends: Sequence[int],
    *,
    codec: int = 1,
    count: int | None = None,
    reserved: int = 0,
) -> bytes:
    """One row of the compression table with its chunks."""
    number = len(ends) if count is None else count
    head = u32(index) + u32(codec) + u64(raw_size) + u64(chunk) + u32(number) + u32(reserved)
    return head + b"".join(map(u64, ends))


def compression_section(*rows: bytes) -> bytes:
    """The compression table."""
    return section(COMPRESSION, b"".join(rows), CRITICAL)


def alignment_section(alignment: int) -> bytes:
    """The declared alignment."""
    return section(ALIGNMENT, u64(alignment))


def binding_section(head: bytes, data_length: int) -> bytes:
    """The binding to ``head``: header and manifest up to the end of the last entry."""
    return section(BINDING, hashlib.sha256(head).digest() + u64(data_length))


def back_to_back(models: Sequence[Model]) -> list[bytes]:
    """The entries of models that follow each other without padding."""
    entries, offset = [], 0
    for name, data in models:
        entries.append(entry(name, len(data), offset))
        offset += len(data)
    return entries


def bundle(
    models: Sequence[Model],
    *,
    sections: Sequence[bytes] | None = None,
    tail: bytes | None = None,
    slack: bytes = b"",
    entries: Sequence[bytes] | None = None,
    data: bytes | None = None,
    **fields: Any,
) -> bytes:
    """A whole file: ``models`` back to back, or as ``entries`` and ``data`` say.

    ``sections`` become an extension block; ``tail`` stands in its place as it is; ``slack`` follows either. ``fields``
    are those of :func:`manifest`.
    """
    head = manifest(back_to_back(models) if entries is None else entries, **fields)
    after = b"" if tail is None else tail
    if sections is not None:
        after = block(sections)
    after += slack
    contents = b"".join(data for _, data in models) if data is None else data
    return header(len(head) + len(after)) + head + after + contents


def sealed(
    models: Sequence[Model],
    *,
    algorithm: int | None = XXH3,
    document: Any = None,
    alignment: int | None = None,
    others: Sequence[bytes] = (),
    slack: int = 0,
    **fields: Any,
) -> bytes:
    """A file with metadata (``document``), digests, binding and alignment that are all as they should be."""
    entries = back_to_back(models)
    data = b"".join(data for _, data in models)
    head = manifest(entries, **fields)

    def sections(file_header: bytes) -> list[bytes]:
        found = list(others)
        if document is not None:
            found.append(metadata_section(document))
        if algorithm is not None:
            found.append(digest_section(models, algorithm))
        found.append(binding_section(file_header + head, len(data)))
        if alignment is not None:
            found.append(alignment_section(alignment))
        return sorted(found, key=lambda raw: raw[:4][::-1])

    length = len(head) + len(block(sections(b""))) + slack
    return header(length) + head + block(sections(header(length))) + bytes(slack) + data


def patched(raw: bytes, offset: int, value: bytes) -> bytes:
    """``raw`` with ``value`` written over it at ``offset``."""
    return raw[:offset] + value + raw[offset + len(value) :]


def rebuilt_block(raw: bytes, change: Callable[[bytearray], None]) -> bytes:
    """``raw`` with its extension block changed by ``change`` and the block's CRC made right again."""
    begin = raw.index(b"APBXEXT1")
    (length,) = struct.unpack_from("<Q", raw, begin + 16)
    inner = bytearray(raw[begin : begin + length])
    change(inner)
    inner[24:28] = bytes(4)
    inner[24:28] = u32(zlib.crc32(inner))
    return raw[:begin] + bytes(inner) + raw[begin + length :]
