"""The header of a safetensors payload: read, checked, and described without touching tensor data.

A payload is an unsigned 64-bit little-endian header length, that many bytes of JSON, then the data of all tensors, end
to end. The header maps each name to ``dtype``, ``shape`` and ``data_offsets`` (begin and end, counted from the first
data byte) and may hold string pairs under ``__metadata__``. Reading is as strict as the format's own library, and
stricter where two readers could disagree: a key that comes twice is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from apbundle.payload.byterange import ByteRange
from apbundle.payload.dtypes import DTYPES
from apbundle.payload.json_stream import MAX_NESTING, JsonStream
from apbundle.payload.sink import Sink
from apbundle.payload.table import TensorTable
from apbundle.payload.tensors import MAX_RANK, MAX_TENSORS, PayloadError, Read, TensorInfo
from apbundle.progress import Reporter

LENGTH_SIZE = 8
"""Bytes of the header length in front of the header."""

MAX_HEADER = 100_000_000
"""Longest header in bytes, the bound the format's library has."""

METADATA_KEY = "__metadata__"
_PLACED = 1000  # pairs of metadata whose place is noted, which takes a look at what was read before
_ASKED = 8  # tensors between two questions whether to go on: callers that wait there stay responsive
_U64_MAX = 2**64 - 1
_MOST = 2**63 - 1  # bytes of a file

TYPES: dict[str, tuple[int, str | None]] = {
    name: DTYPES[name]
    for name in (
        *("BOOL", "F4", "F6_E2M3", "F6_E3M2", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"),
        *("F8_E4M3FNUZ", "F8_E5M2FNUZ", "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "C64", "F64", "I64", "U64"),
    )
}
"""The element types of the format, in the order of the library, which places tensors of later types first: the widest
elements come first and stay aligned."""


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """What the header of a payload says, checked."""

    tensors: tuple[TensorInfo, ...]
    """In the order of their data."""
    metadata: dict[str, str]
    data_offset: int
    """First data byte, from the start of the payload."""


def read_header(read: Read, size: int, *, max_header: int = MAX_HEADER) -> SafetensorsHeader:
    """Read and check the header of a payload of ``size`` bytes; no tensor data is read.

    Parameters
    ----------
    read
        ``read(offset, size)`` gives bytes of the payload. Never asked for more than the payload has.
    size
        Bytes of the payload. The tensors must fill it to the last one.
    max_header
        Longest header accepted, in bytes.

    Raises
    ------
    PayloadError
        When the header is not valid, or does not describe exactly these bytes.
    """
    table = TensorTable()
    metadata: dict[str, str] = {}

    def keep(key: str, text: str, offset: int | None) -> None:
        metadata[key] = text

    data_offset = scan_header(ByteRange(b"", size, read), table, keep, Reporter(), max_header=max_header)
    tensors = sorted(table, key=lambda tensor: (tensor.offset, tensor.size))
    return SafetensorsHeader(tuple(tensors), metadata, data_offset)


def scan_safetensors(data: ByteRange, sink: Sink) -> None:
    """List what a safetensors payload holds; raises as :func:`scan_header`."""
    sink.fact("data offset", scan_header(data, sink.tensors, sink.metadata, sink.reporter))


def scan_header(
    data: ByteRange,
    table: TensorTable,
    metadata: Callable[[str, str, int | None], None],
    reporter: Reporter,
    *,
    max_header: int = MAX_HEADER,
) -> int:
    """Check the header of a payload piece by piece, as strictly as :func:`read_header`; return the first data byte.

    ``table`` gets the tensors in the order of the header while it is read, ``metadata`` the pairs, with where the text
    begins as far as that was noted; both keep what was
    read before an error.

    Raises
    ------
    PayloadError
        As :func:`read_header`.
    """
    if data.size < LENGTH_SIZE:
        raise PayloadError(f"{data.size} bytes are too few for a safetensors header", 0)
    length = data.number(0, LENGTH_SIZE)
    room = data.size - LENGTH_SIZE
    if length > max_header:
        raise PayloadError(f"the header claims {length:,} bytes; at most {max_header:,} are accepted", 0)
    if length > room:
        raise PayloadError(f"the header claims {length:,} bytes and the payload ends after {room:,}", 0)
    data_offset = LENGTH_SIZE + length
    stream = JsonStream(data, LENGTH_SIZE, length, "header")
    reporter.phase("header", length)
    reported = count = 0
    metadata_seen = False
    for name in stream.members():
        if name == METADATA_KEY:
            if metadata_seen:
                raise PayloadError(f"the header holds the key {METADATA_KEY!r} twice", stream.offset)
            metadata_seen = True
            _read_metadata(stream, metadata)
        else:
            if count == MAX_TENSORS:
                raise PayloadError(f"the header lists more than {MAX_TENSORS:,} tensors", stream.offset)
            count += 1
            _add_tensor(table, name, stream.value(), data_offset)
            if count % _ASKED == 0:
                reporter.check()
        if stream.bytes_read != reported:
            reporter.advance(stream.bytes_read - reported)
            reported = stream.bytes_read
    stream.finish()
    table.publish()
    twice = table.duplicate()
    if twice is not None:
        raise PayloadError(f"the header holds the key {twice!r} twice", LENGTH_SIZE)
    _check_tiling(table, data_offset, data.size)
    return data_offset


def _read_metadata(stream: JsonStream, metadata: Callable[[str, str, int | None], None]) -> None:
    if stream.peek() != "{":
        if stream.value() is not None:
            raise PayloadError(f"{METADATA_KEY} is not an object", stream.offset)
        return
    seen = set()
    for key in stream.members():
        if key in seen:
            raise PayloadError(f"the header holds the key {key!r} twice", stream.offset)
        seen.add(key)
        offset = stream.offset if len(seen) <= _PLACED else None
        text = stream.string()
        if not isinstance(text, str):
            raise PayloadError(f"the metadata {key!r} is not a string", stream.offset)
        _check_text(key)
        _check_text(text)
        metadata(key, text, offset)


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise PayloadError(f"{text!r} holds half a surrogate pair", LENGTH_SIZE) from None


def _add_tensor(table: TensorTable, name: str, entry: Any, data_offset: int) -> None:
    _check_text(name)
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        bits, _ = TYPES[dtype]
    except (KeyError, TypeError, ValueError):
        raise PayloadError(_entry_problem(name, entry), LENGTH_SIZE) from None
    if len(entry) > 3 and not _is_shallow(entry, MAX_NESTING - 1):
        raise PayloadError(f"the header is nested deeper than {MAX_NESTING} levels", LENGTH_SIZE)
    if not isinstance(shape, list) or len(shape) > MAX_RANK:
        raise PayloadError(f"the shape of tensor {name!r} is not a list of at most {MAX_RANK} dimensions", LENGTH_SIZE)
    elements = 1
    for number in (*shape, begin, end):
        if type(number) is not int or not 0 <= number <= _U64_MAX:
            raise PayloadError(f"tensor {name!r} has a dimension or offset that is not a 64-bit number", LENGTH_SIZE)
    for dimension in shape:
        elements *= dimension
        if elements * bits > _U64_MAX:
            raise PayloadError(f"tensor {name!r} is larger than 64 bits can count", LENGTH_SIZE)
    if begin > end or elements * bits != (end - begin) * 8:
        raise PayloadError(
            f"tensor {name!r} of type {dtype} and shape {shape} takes {elements * bits / 8:,g} bytes, "
            f"its offsets {begin:,} to {end:,} say otherwise",
            data_offset + begin,
        )
    if data_offset + end > _MOST:
        raise PayloadError(f"tensor {name!r} lies beyond what a file can hold", LENGTH_SIZE)
    table.add(name, dtype, shape, data_offset + begin, end - begin)


def _entry_problem(name: str, entry: Any) -> str:
    if not isinstance(entry, dict):
        return f"the entry of tensor {name!r} is not an object"
    for key in ("dtype", "shape", "data_offsets"):
        if key not in entry:
            return f"tensor {name!r} has no {key}"
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in TYPES:
        return f"tensor {name!r} has the unknown type {entry['dtype']!r:.40}"
    return f"the data_offsets of tensor {name!r} are not a pair"


def _is_shallow(value: Any, levels: int) -> bool:
    """Whether ``value`` has at most ``levels`` levels of lists and objects, worked out level by level."""
    layer = [value]
    for _ in range(levels):
        items = (item for node in layer for item in (node.values() if isinstance(node, dict) else node))
        layer = [item for item in items if isinstance(item, dict | list)]
        if not layer:
            return True
    return False


def _check_tiling(table: TensorTable, data_offset: int, size: int) -> None:
    """The tensors, in the order of their data, leave no gap, do not overlap, and end with the payload."""
    order = np.lexsort((table.sizes, table.offsets))
    begins = table.offsets[order]
    ends = np.concatenate(([data_offset], begins + table.sizes[order]))
    wrong = np.flatnonzero(begins != ends[:-1])
    if len(wrong):
        place = wrong[0]
        what = "overlaps the one before" if begins[place] < ends[place] else "leaves a gap before it"
        raise PayloadError(f"tensor {table.name(int(order[place]))!r} {what}", int(begins[place]))
    end = int(ends[-1])
    if end > size:
        raise PayloadError(f"the tensors take {end - size:,} bytes more than the payload has", size)
    if end < size:
        raise PayloadError(f"{size - end:,} bytes follow the last tensor", end)
