"""How far the numbers of two tensors lie apart, a piece at a time: neither is ever in memory as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.diff.records import ValueDifference
from apbundle.payload.arrays import dtype_of, tensor_array
from apbundle.payload.quantised import can_dequantise, dequantise
from apbundle.payload.reading import can_read, decoded_size, tensor_pieces
from apbundle.payload.tensors import Read, TensorInfo
from apbundle.progress import Reporter

PIECE: Final = 1 << 20
"""Elements compared at once; a multiple of every block's."""

Numbers = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor and how its payload is read."""

    info: TensorInfo
    read: Read


def comparable(one: TensorInfo, other: TensorInfo) -> bool:
    """Whether the numbers of both can be held against each other, element by element."""
    alike = (one.shape, one.order, one.strides) == (other.shape, other.order, other.strides)
    return alike and _readable(one) and _readable(other)


def compare_values(one: Stored, other: Stored, reporter: Reporter) -> ValueDifference:
    """How far two comparable tensors lie apart, in double precision.

    Raises
    ------
    PayloadError, BundleError, OSError
        One of them is damaged or cannot be read.
    Cancelled
        When the reporter says so.
    """
    elements = different = finite = 0
    largest = total = dot = first = second = 0.0
    whole = True
    for raw_a, raw_b in zip(_pieces(one), _pieces(other), strict=True):
        reporter.check()
        elements += raw_a.size
        with np.errstate(all="ignore"):
            a, b = _double(raw_a), _double(raw_b)
            exact = raw_a.dtype == raw_b.dtype and raw_a.dtype.kind in "iu"  # a double holds only 53 bits of them
            same = raw_a == raw_b if exact else (a == b) | ((a != a) & (b != b))
            different += raw_a.size - int(np.count_nonzero(same))
            usable = np.isfinite(a) & np.isfinite(b)
            if not usable.all():
                whole = False
                a, b = a[usable], b[usable]
            apart = _apart(raw_a, raw_b) if exact else np.abs(a - b)
            finite += a.size
            largest = max(largest, float(apart.max(initial=0.0)))
            total += float(apart.sum())
            dot += float(np.vdot(a, b).real)  # that of complex ones as vectors of twice as many real numbers
            first += float(np.vdot(a, a).real)
            second += float(np.vdot(b, b).real)
        reporter.advance(one.info.size * raw_a.size // one.info.elements)
    cosine: float | None = None
    if not different:
        cosine = 1.0
    elif whole and first > 0 and second > 0 and math.isfinite(first) and math.isfinite(second):
        cosine = max(-1.0, min(1.0, dot / math.sqrt(first) / math.sqrt(second)))
    return ValueDifference(elements, different, largest, total / finite if finite else 0.0, cosine)


def _readable(info: TensorInfo) -> bool:
    if info.block is not None:
        return not info.encoding and can_dequantise(info) and PIECE % info.block.elements == 0
    dtype = dtype_of(info.dtype)
    whole = dtype is not None and decoded_size(info) == info.elements * dtype.itemsize
    return whole and can_read(info) and _is_dense(info)


def _is_dense(info: TensorInfo) -> bool:
    """Whether each element has its own place and there is nothing between them, in whatever order they stand."""
    step = 1
    for stride, length in sorted(zip(info.strides or (), info.shape, strict=False)):
        if length > 1:
            if stride != step:
                return False
            step *= length
    return True


def _pieces(stored: Stored) -> Iterator[Numbers]:
    """The elements in the order of memory."""
    info, block = stored.info, stored.info.block
    if info.encoding:
        yield from _decoded_pieces(stored)
        return
    for start in range(0, info.elements, PIECE):
        count = min(PIECE, info.elements - start)
        if block is None:
            dtype = dtype_of(info.dtype)
            assert dtype is not None
            size = dtype.itemsize
            data = stored.read(info.offset + start * size, count * size)
            array = _array(info, data)
        else:
            begin = start // block.elements * block.bytes
            data = stored.read(info.offset + begin, -(-count // block.elements) * block.bytes)
            array = dequantise(replace(info, shape=(count,), offset=0, size=len(data)), data).ravel()
        yield array


def _decoded_pieces(stored: Stored) -> Iterator[Numbers]:
    """The same of a tensor whose bytes can only be had one after the other."""
    dtype = dtype_of(stored.info.dtype)
    assert dtype is not None
    size, waiting = PIECE * dtype.itemsize, bytearray()
    for part in tensor_pieces(stored.info, stored.read):
        waiting += part
        while len(waiting) >= size:
            yield _array(stored.info, bytes(waiting[:size]))
            del waiting[:size]
    if waiting:
        yield _array(stored.info, bytes(waiting))


def _array(info: TensorInfo, data: bytes) -> Numbers:
    """Bytes from the middle of a tensor as its elements."""
    dtype = dtype_of(info.dtype)
    assert dtype is not None
    count = len(data) // dtype.itemsize
    return tensor_array(TensorInfo(info.name, info.dtype, (count,), 0, len(data)), memoryview(data))


def _apart(one: Numbers, other: Numbers) -> Numbers:
    """How far integers of one type lie apart: exactly, and only then in double precision."""
    unsigned = np.dtype(f"u{one.dtype.itemsize}")
    high, low = np.maximum(one, other).astype(unsigned), np.minimum(one, other).astype(unsigned)
    apart: Numbers = (high - low).astype(np.float64)
    return apart


def _double(array: Numbers) -> Numbers:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
