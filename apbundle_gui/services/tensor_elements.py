"""Any elements of a tensor as numbers, read a few MiB at a time; never the whole tensor, however large it is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from apbundle.errors import BundleError, bundle_error
from apbundle.format.reader import BundleReader
from apbundle.payload.dtypes import element_bits
from apbundle.payload.reading import can_read, decoded_size, tensor_pieces
from apbundle.payload.tensors import PayloadError, TensorInfo
from apbundle_gui.services.number_types import Numbers, number_type
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.tensor_layout import Layout

PIECE: Final = 4 << 20
"""Bytes read at once at most."""
MOST_AT_ONCE: Final = 1 << 20
"""Elements decoded at once at most."""
GRAIN: Final = 4096
"""Bytes read at once at least."""
_SPARSE: Final = 8
"""How many times as many elements as are wanted may be read to get them in one go."""
_CELLS: Final = 1 << 18


class Elements:
    """The elements of one tensor. For one thread; jobs make their own.

    Parameters
    ----------
    model
        Name of the model that lists the tensor.

    Attributes
    ----------
    layout
        Where the elements stand.
    seekable
        Whether elements in the middle can be read without those before them.

    Raises
    ------
    UnsupportedFeature
        Its elements cannot be had as numbers; the message says why.
    """

    def __init__(self, reader: BundleReader, model: str, info: TensorInfo) -> None:
        self._reader = reader
        self._model = model
        self._info = info
        try:
            self._type = number_type(info)
            self.layout = Layout.of(info)
            self._check()
        except PayloadError as error:
            raise self._unsupported(error) from error
        self.seekable = info.encoding == ""
        table = reader.entry(model).compression
        self._grain = GRAIN if table is None else table.chunk
        self._kept = (0, b"")  # the bytes read last for a small request, and where they begin
        self._stream: Iterator[memoryview] = iter(())
        self._stream_at = -1
        self._rest = memoryview(b"")
        self._head = self._bytes(0, self._type.head) if self._type.head and self.layout.count else b""

    @property
    def element_size(self) -> float:
        """Bytes that an element takes, a part of one in blocks."""
        return self._type.size / self._type.group

    @property
    def most(self) -> int:
        """How many elements are read at once."""
        return max(self._type.group, min(MOST_AT_ONCE, PIECE * self._type.group // self._type.size))

    def read(self, start: int, count: int) -> Numbers:
        """The elements at ``count`` positions from ``start``."""
        kind = self._type
        first, last = start // kind.group, -(-(start + count) // kind.group)
        data = self._bytes(kind.head + first * kind.size, (last - first) * kind.size)
        skip = start - first * kind.group
        try:
            return kind.decode(data, self._head)[skip : skip + count]
        except PayloadError as error:
            raise self._unsupported(error) from error

    def rectangle(
        self, start: int, rows: int, row_step: int, columns: int, column_step: int, pace: Pace | None = None
    ) -> Numbers:
        """``rows`` × ``columns`` elements with these steps between them; about a quarter of a million at most."""
        if not rows or not columns:
            return self.read(0, 0).reshape(rows, columns)
        if rows > 1 and columns > 1 and row_step < column_step:
            return self.rectangle(start, columns, column_step, rows, row_step, pace).T
        if pace is not None:
            pace.step()
        span = (rows - 1) * row_step + (columns - 1) * column_step + 1
        wanted = rows * columns * _SPARSE
        if span <= self.most and (span <= wanted or span * self.element_size <= self._grain):
            flat = np.ascontiguousarray(self.read(start, span))
            width = flat.itemsize
            return as_strided(flat, (rows, columns), (row_step * width, column_step * width), writeable=False)
        if rows > 1:
            parts = [self.rectangle(start + row * row_step, 1, 0, columns, column_step, pace) for row in range(rows)]
            return np.concatenate(parts)
        if columns == 1:
            return self.read(start, 1).reshape(1, 1)
        half = columns // 2
        left = self.rectangle(start, 1, 0, half, column_step, pace)
        right = self.rectangle(start + half * column_step, 1, 0, columns - half, column_step, pace)
        return np.concatenate((left, right), axis=1)

    def pieces(self, pace: Pace | None = None) -> Iterator[Numbers]:
        """All elements, each once, a piece at a time, in the order that is read fastest."""
        layout = self.layout
        if layout.dense:
            for start in range(0, layout.count, self.most):
                if pace is not None:
                    pace.step()
                yield self.read(start, min(self.most, layout.count - start))
            return
        if not layout.count:
            return
        *outer, rows, columns = (-1, -1, *layout.axes)[-max(2, len(layout.axes)) :]
        for index in product(*(range(layout.shape[axis]) for axis in outer)):
            start = sum(place * layout.strides[axis] for place, axis in zip(index, outer, strict=True))
            yield from self._bands(start, *self._side(rows), *self._side(columns), pace)

    def _side(self, axis: int) -> tuple[int, int]:
        return (1, 0) if axis < 0 else (self.layout.shape[axis], self.layout.strides[axis])

    def _bands(
        self, start: int, rows: int, row_step: int, columns: int, column_step: int, pace: Pace | None
    ) -> Iterator[Numbers]:
        width = min(columns, _CELLS)
        height = max(1, _CELLS // width)
        for row in range(0, rows, height):
            for column in range(0, columns, width):
                yield self.rectangle(
                    start + row * row_step + column * column_step,
                    min(height, rows - row),
                    row_step,
                    min(width, columns - column),
                    column_step,
                    pace,
                )

    # -- bytes ---------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """The elements are all there (raises ``PayloadError``)."""
        info, entry = self._info, self._reader.entry(self._model)
        if not can_read(info):
            where = "They are stored in another file" if info.encoding == "external" else "They are stored"
            raise PayloadError(f"{where}, in a way that is not read here ({info.encoding}).")
        if info.offset > entry.raw_size - info.size:
            raise PayloadError("Its bytes reach past the end of the model.")
        kind = self._type
        needed = kind.head + -(-self.layout.stored // kind.group) * kind.size if self.layout.count else 0
        size = decoded_size(info) or 0
        if needed > size:
            raise PayloadError(f"Its shape takes {needed:,} bytes, but it has {size:,}.")

    def _bytes(self, offset: int, size: int) -> bytes:
        """Decoded bytes of the tensor."""
        if size >= self._grain:
            return self._fetch(offset, size)
        begin, kept = self._kept
        if not begin <= offset <= begin + len(kept) - size:
            total = decoded_size(self._info) or 0
            begin = offset // self._grain * self._grain
            kept = self._fetch(begin, min(max(self._grain, offset + size - begin), total - begin))
            self._kept = begin, kept
        return kept[offset - begin : offset - begin + size]

    def _fetch(self, offset: int, size: int) -> bytes:
        if self.seekable:
            return self._reader.read_range(self._model, self._info.offset + offset, size)
        try:
            return self._decoded(offset, size)
        except PayloadError as error:
            raise self._unsupported(error) from error

    def _decoded(self, offset: int, size: int) -> bytes:
        """The same of a tensor whose bytes can only be had one after the other."""
        if not 0 <= self._stream_at <= offset:
            model, reader = self._model, self._reader
            self._stream = tensor_pieces(self._info, lambda at, length: reader.read_range(model, at, length))
            self._stream_at, self._rest = 0, memoryview(b"")
        parts: list[memoryview] = []
        while size:
            if not len(self._rest):
                self._rest = next(self._stream, memoryview(b""))
                if not len(self._rest):
                    raise PayloadError("Its data ends early.")
            skip = min(max(0, offset - self._stream_at), len(self._rest))
            part = self._rest[skip : skip + size]
            self._stream_at += skip + len(part)
            self._rest = self._rest[skip + len(part) :]
            if len(part):
                parts.append(part)
                size -= len(part)
                offset += len(part)
        return b"".join(parts)

    def _unsupported(self, error: PayloadError) -> BundleError:
        return bundle_error("unsupported_feature", error.message, path=self._reader.path)


def bytes_of(info: TensorInfo, position: int) -> tuple[int, int] | None:
    """Offset in the payload and number of the bytes that hold the element at a position, of its block at least.

    ``None`` for a tensor whose bytes are encoded. Nothing is imported or read for it.
    """
    if info.encoding:
        return None
    block = info.block
    if block is None:
        bits = _bits(info)
        return (info.offset + position * bits // 8, max(1, bits // 8)) if bits else None
    if block.name == "AprQ8":
        return info.offset + block.bytes - block.elements + position, 1
    return info.offset + position // block.elements * block.bytes, block.bytes


def position_at(info: TensorInfo, offset: int) -> int | None:
    """The position of the first element whose bytes, or block, hold the byte at ``offset`` of the payload."""
    inside = offset - info.offset
    if info.encoding or not 0 <= inside < info.size:
        return None
    block = info.block
    if block is None:
        bits = _bits(info)
        return inside * 8 // bits if bits else None
    if block.name == "AprQ8":
        return max(0, inside - (block.bytes - block.elements))
    return inside // block.bytes * block.elements


def _bits(info: TensorInfo) -> int:
    return element_bits(info.dtype) or 0
