"""Where the elements of a tensor stand among the stored ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apbundle.payload.tensors import PayloadError, TensorInfo

MOST_ELEMENTS: Final = 1 << 60
"""Most elements a tensor may have here; no file has as many, but dimensions cost nothing to claim."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A rectangle of elements: those of two dimensions, the indices of all others fixed.

    Parameters
    ----------
    start
        Position of its first element among the stored ones.
    rows, columns
        How many there are.
    row_step, column_step
        Positions from one row, and one column, to the next.
    """

    start: int
    rows: int
    columns: int
    row_step: int
    column_step: int

    def position(self, row: int, column: int) -> int:
        """The position of one element."""
        return self.start + row * self.row_step + column * self.column_step


@dataclass(frozen=True, slots=True)
class Layout:
    """The dimensions of a tensor, and the positions of its elements.

    Parameters
    ----------
    shape
        The dimensions.
    strides
        Positions from one index to the next in each of them, never negative.
    count
        How many elements there are.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    count: int

    @classmethod
    def of(cls, info: TensorInfo) -> Layout:
        """The layout of a tensor (raises ``PayloadError`` for one that no array can have)."""
        shape = info.shape
        count = math.prod(shape)
        if count > MOST_ELEMENTS:
            raise PayloadError(f"It claims {count:,} elements, more than any file can hold.")
        if info.strides is not None:
            if len(info.strides) != len(shape) or min(info.strides, default=0) < 0:
                raise PayloadError("Its elements stand in an order that is not read here.")
            return cls(shape, info.strides, count)
        strides = [1] * len(shape)
        axes = range(len(shape)) if info.order == "F" else range(len(shape) - 1, -1, -1)
        step = 1
        for axis in axes:
            strides[axis] = step
            step *= max(shape[axis], 1)
        return cls(shape, tuple(strides), count)

    @property
    def stored(self) -> int:
        """How many positions there are up to the last element."""
        if not self.count:
            return 0
        return 1 + sum((length - 1) * step for length, step in zip(self.shape, self.strides, strict=True))

    @property
    def dense(self) -> bool:
        """Whether every position up to the last holds exactly one element."""
        return self.count == self.stored and self._nested

    @property
    def _nested(self) -> bool:
        step = 1
        for axis in reversed(self.axes):
            if self.strides[axis] != step:
                return False
            step *= self.shape[axis]
        return True

    @property
    def axes(self) -> tuple[int, ...]:
        """The dimensions longer than 1, those with the longest steps first."""
        long = [axis for axis, length in enumerate(self.shape) if length > 1]
        return tuple(sorted(long, key=lambda axis: (-self.strides[axis], axis)))

    def position(self, index: Sequence[int]) -> int:
        """The position of the element with this index."""
        return sum(place * step for place, step in zip(index, self.strides, strict=True))

    def index_of(self, position: int) -> tuple[int, ...] | None:
        """The index of the element at a position; ``None`` where it is not one element for certain."""
        if not self.dense or not 0 <= position < self.count:
            return None
        index = [0] * len(self.shape)
        for axis in self.axes:
            index[axis], position = divmod(position, self.strides[axis])
        return tuple(index)

    def plane(self, row_axis: int | None, column_axis: int | None, index: Sequence[int]) -> Plane:
        """The elements that differ from ``index`` in these two dimensions only; ``None``: there is no such one."""
        fixed = list(index)
        lengths, steps = [1, 1], [0, 0]
        for which, axis in enumerate((row_axis, column_axis)):
            if axis is not None:
                fixed[axis] = 0
                lengths[which], steps[which] = self.shape[axis], self.strides[axis]
        return Plane(self.position(fixed), lengths[0], lengths[1], steps[0], steps[1])
