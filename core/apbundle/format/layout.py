"""Every byte offset, record and limit of the file format, in one place. `core/FORMAT.md` says the same in prose.

All integers are little-endian and unsigned. A bundle is::

    header (20) | manifest: head, entries, [extension block], [slack] | model data
"""

from __future__ import annotations

from struct import Struct
from typing import Final

BUNDLE_MAGIC: Final = b"APBUNDLE"
BUNDLE_VERSION: Final = 1

HEADER: Final = Struct("<8sIQ")
"""Magic, format version, manifest length in bytes."""
VERSION_OFFSET: Final = 8
MANIFEST_LENGTH_OFFSET: Final = 12

MANIFEST_HEAD: Final = Struct("<IQI")
"""Manifest version, creation time in seconds since the epoch, length of the description that follows."""
U32: Final = Struct("<I")
ENTRY_TAIL: Final = Struct("<QQ")
"""Stored size and offset from the data offset; before it stand the name's length (u32) and the name."""

SMALLEST_MANIFEST: Final = MANIFEST_HEAD.size + U32.size
SMALLEST_ENTRY: Final = U32.size + ENTRY_TAIL.size

EXTENSION_TAG: Final = b"APBXEXT1"
EXTENSION_VERSION: Final = 1
EXTENSION_HEAD: Final = Struct("<8sIIQII")
"""Tag, block version, number of sections, length of the block, CRC-32 of the block (this field as zero), zero."""
EXTENSION_CRC_OFFSET: Final = 24
SECTION_HEAD: Final = Struct("<IIQ")
"""Section tag, flags, payload length; the payload is followed by zeros to a multiple of 8."""
SECTION_PADDING: Final = 8
CRITICAL_FLAG: Final = 1

METADATA_SECTION: Final = 1
DIGESTS_SECTION: Final = 3
COMPRESSION_SECTION: Final = 4
BINDING_SECTION: Final = 5
ALIGNMENT_SECTION: Final = 6

DIGESTS_HEAD: Final = Struct("<II")
"""Algorithm number, zero; then one digest a model."""
COMPRESSION_ROW: Final = Struct("<IIQQII")
"""Model index, codec, raw size, raw bytes a chunk, number of chunks, zero; then the end offset of each chunk (u64)."""
ZSTD_CODEC: Final = 1
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
BINDING: Final = Struct("<32sQ")
"""SHA-256 of header and manifest up to the end of the last entry; length of the data part."""
ALIGNMENT: Final = Struct("<Q")

KIB: Final = 1024
MIB: Final = 1024 * KIB

MAX_MANIFEST: Final = 256 * MIB
MAX_MODELS: Final = 1_000_000
MAX_NAME: Final = 65_535
MAX_DESCRIPTION: Final = 16 * MIB
MAX_METADATA: Final = 4 * MIB
MAX_METADATA_DEPTH: Final = 32
MAX_ALIGNMENT: Final = MIB
MAX_CHUNK: Final = 16 * MIB
MAX_FRAME: Final = MAX_CHUNK + MIB
"""The most stored bytes a chunk can take, and then some: zstd adds at most one part in 256."""
MAX_ZSTD_WINDOW_LOG: Final = 27
"""128 MiB: a frame that wants a larger window is refused before anything is allocated."""
LAST_TIMESTAMP: Final = 253_402_300_799
"""The last second of the year 9999."""

DEFAULT_ALIGNMENT: Final = 64
DEFAULT_CHUNK: Final = MIB
COMPRESSION_LEVEL: Final = 1
LARGEST_PLACEMENT: Final = 2 * MIB
"""Large models start at multiples of at most this, so that they map in whole pages of 2 MiB."""
PLACEMENT_SHARE: Final = 16
"""A model's padding stays under one part in this many of its size."""
METADATA_ROOM: Final = 4 * KIB
"""The least slack when metadata is present: room for it to grow in place."""


def round_up(value: int, unit: int) -> int:
    """The smallest multiple of ``unit`` that is at least ``value``."""
    return -(-value // unit) * unit


def is_alignment(value: int) -> bool:
    """Whether ``value`` is a power of two from 1 to 1 MiB inclusive."""
    return 1 <= value <= MAX_ALIGNMENT and value & (value - 1) == 0


def placement_unit(size: int, alignment: int) -> int:
    """What a model's place in the file is a multiple of, in bytes.

    ``alignment``, or the largest power of two that is neither above a sixteenth of ``size`` nor above 2 MiB.
    """
    share = min(size // PLACEMENT_SHARE, LARGEST_PLACEMENT)
    return max(alignment, 1 << (share.bit_length() - 1)) if share else alignment
