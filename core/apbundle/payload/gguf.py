"""GGUF payloads, versions 2 and 3: metadata and tensors, whatever the size of the vocabulary.

``GGUF``, version, number of tensors, number of metadata pairs, the pairs, the descriptions of the tensors, padding to
``general.alignment``, and the data. Numbers are little-endian; a version whose low half is zero is big-endian as a
whole. Dimensions are stored with the fastest first.
"""

from __future__ import annotations

import math

from apbundle.payload.byterange import ByteRange
from apbundle.payload.cursor import Cursor
from apbundle.payload.dtypes import element_bits
from apbundle.payload.extents import check_extents
from apbundle.payload.gguf_values import MetadataReader, read_text
from apbundle.payload.quantised import GGML_BLOCKS
from apbundle.payload.sink import Sink, Value
from apbundle.payload.tensors import MAX_RANK, MAX_TENSORS, BlockType, PayloadError

LONGEST_HEADER = 1 << 28
"""Most bytes that are walked before the data."""

MAX_PAIRS = 1_000_000
"""Most metadata entries that are walked."""

LONGEST_NAME = 65_535
"""Longest name of a tensor or key, in bytes."""

_TYPES = dict(
    zip(
        (0, 1, 2, 3, 6, 7, 8, 9, *range(10, 31), 34, 35, 39, 40, 41),
        (
            *("F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"),
            *("Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16"),
            *("I32", "I64", "F64", "IQ1_M", "BF16", "TQ1_0", "TQ2_0", "MXFP4", "NVFP4", "Q1_0"),
        ),
        strict=True,
    )
)
_LEAST_PAIR = 13  # bytes: an empty key, a type, one byte
_LEAST_TENSOR = 24  # bytes: an empty name, no dimensions
_PAIRS_BETWEEN_CHECKS = 1024
_DEFAULT_ALIGNMENT = 32
_USUAL_RANK = 4


def scan_gguf(data: ByteRange, sink: Sink) -> None:
    """List what a GGUF payload holds.

    Raises
    ------
    PayloadError
        Where the header cannot be read further.
    """
    version = data.number(4, 4)
    big_endian = version & 0xFFFF == 0
    cursor = Cursor(data, 4, LONGEST_HEADER, big_endian=big_endian, what="GGUF header")
    version = cursor.number(4)
    sink.fact("version", version)
    sink.fact("byte order", "big-endian" if big_endian else "little-endian")
    if version not in (2, 3):
        raise PayloadError(f"GGUF version {version:,} is not read here", 4)
    tensors, pairs = cursor.number(8), cursor.number(8)
    room = data.size - cursor.offset
    if pairs * _LEAST_PAIR + tensors * _LEAST_TENSOR > room:
        raise PayloadError(
            f"the header claims {tensors:,} tensors and {pairs:,} metadata entries; at most "
            f"{room // _LEAST_TENSOR:,} and {room // _LEAST_PAIR:,} have room",
            8,
        )
    if pairs > MAX_PAIRS:
        raise PayloadError(f"the header has {pairs:,} metadata entries; at most {MAX_PAIRS:,} are accepted", 16)
    alignment = _read_metadata(cursor, pairs, sink)
    if tensors > MAX_TENSORS:
        raise PayloadError(f"the payload lists {tensors:,} tensors; at most {MAX_TENSORS:,} are accepted", 8)
    start = cursor.offset
    _skip_tensors(cursor, tensors, sink)
    data_offset = -(-cursor.offset // alignment) * alignment
    sink.fact("alignment", alignment)
    sink.fact("data offset", data_offset)
    cursor.offset = start
    for _ in range(tensors):
        _read_tensor(cursor, data_offset, alignment, sink)
    check_extents(sink, data.size)
    twice = sink.tensors.duplicate()
    if twice is not None:
        sink.finding(f"two tensors are named {twice!r}")


def _read_metadata(cursor: Cursor, count: int, sink: Sink) -> int:
    """Read the pairs; return the alignment."""
    reader = MetadataReader(cursor, sink.reporter.check)
    seen: dict[str, Value] = {}
    for number in range(count):
        if number % _PAIRS_BETWEEN_CHECKS == 0:
            sink.reporter.check()
        begin = cursor.offset
        key = read_text(cursor, LONGEST_NAME, "key")
        value = reader.value(cursor.number(4))
        sink.metadata(key, value, begin)
        if key in ("general.alignment", "split.no", "split.count"):
            seen[key] = value
    part, parts = seen.get("split.no"), seen.get("split.count")
    if isinstance(part, int) and isinstance(parts, int) and parts > 1:
        sink.fact("part", f"{part + 1} of {parts}")
    alignment = seen.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1) or alignment > 1 << 32:
        sink.finding("general.alignment is not a power of two; 32 is taken for it")
        return _DEFAULT_ALIGNMENT
    return alignment


def _skip_tensors(cursor: Cursor, count: int, sink: Sink) -> None:
    """Go past the descriptions of the tensors: where they end is where the data begins."""
    for number in range(count):
        cursor.skip(cursor.number(8))
        cursor.skip(cursor.number(4) * 8 + 12)
        if number % 4096 == 0:
            sink.reporter.check()


def _read_tensor(cursor: Cursor, data_offset: int, alignment: int, sink: Sink) -> None:
    begin = cursor.offset
    name = read_text(cursor, LONGEST_NAME, "name")
    rank = cursor.number(4)
    if rank > MAX_RANK:
        raise PayloadError(f"tensor {name!r} has {rank:,} dimensions; at most {MAX_RANK} are accepted", begin)
    *dimensions, number, place = cursor.numbers("Q" * rank + "IQ")
    shape = dimensions[::-1]
    dtype = _TYPES.get(number, f"ggml type {number}")
    block = GGML_BLOCKS.get(dtype)
    width = block.elements if block is not None else 1
    rows, last = math.prod(shape[:-1]), shape[-1] if shape else 1
    bits = element_bits(dtype)
    if block is not None:
        size = rows * -(-last // width) * block.bytes
    elif bits is not None:
        size = rows * last * bits // 8
    else:
        size = 0
        sink.finding(f"tensor {name!r} has the type {number}, whose size is not known", begin)
    if last % width:
        sink.finding(f"tensor {name!r} has rows of {last:,} elements, which blocks of {width} do not divide", begin)
    if place % alignment:
        sink.finding(f"tensor {name!r} is not aligned to {alignment} bytes", begin)
    if rank > _USUAL_RANK:
        sink.finding(f"tensor {name!r} has {rank} dimensions; the format knows {_USUAL_RANK}", begin)
    if cursor.big_endian and dtype != "I8":
        dtype = f">{dtype}"
        block = None if block is None else BlockType(dtype, block.elements, block.bytes)
    sink.tensor(name, dtype, shape, data_offset + place, size, block=block)
