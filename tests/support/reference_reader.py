"""The reader of version 1 as the reference implementation behaves, written from the description of the format alone.

It checks the magic and nothing else: not the version, not names, not overlaps. It honours each entry's offset and size
and stops after the last entry, so it never sees an extension block.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReferenceView:
    """What the reference reader sees in a file."""

    version: int
    created_at: int
    description: str
    data_offset: int
    models: dict[str, bytes]
    places: dict[str, tuple[int, int]]
    """Size and offset of each model as the manifest has them."""


def read_reference(source: bytes | Path) -> ReferenceView:
    """Read a bundle as the reference does (any exception if it could not)."""
    raw = source if isinstance(source, bytes) else source.read_bytes()
    if raw[:8] != b"APBUNDLE":
        raise ValueError("no bundle")
    (length,) = struct.unpack_from("<Q", raw, 12)
    data_offset = 20 + length
    manifest = raw[20:data_offset]
    version, created_at, size = struct.unpack_from("<IQI", manifest)
    at = 16
    description = manifest[at : at + size].decode()
    at += size
    (count,) = struct.unpack_from("<I", manifest, at)
    at += 4
    places: dict[str, tuple[int, int]] = {}
    for _ in range(count):
        (size,) = struct.unpack_from("<I", manifest, at)
        name = manifest[at + 4 : at + 4 + size].decode()
        at += 4 + size
        places[name] = struct.unpack_from("<QQ", manifest, at)
        at += 16
    models = {}
    for name, (size, offset) in places.items():
        start = data_offset + offset
        if start + size > len(raw):
            raise ValueError("a model reaches past the end")
        models[name] = raw[start : start + size]
    return ReferenceView(version, created_at, description, data_offset, models, places)
