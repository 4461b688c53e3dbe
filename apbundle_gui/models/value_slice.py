"""Which elements of a tensor of many dimensions are looked at: two dimensions, and one index in each of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from apbundle_gui.services.tensor_layout import Layout, Plane


@dataclass(frozen=True, slots=True)
class Slicing:
    """A slice.

    Parameters
    ----------
    shape
        The dimensions of the tensor.
    row_axis, column_axis
        The dimensions seen from top to bottom and from left to right. Without rows it is a line of values; without
        columns, too, a single one.
    index
        Where it cuts all dimensions; of the two that are seen, where the cursor is.
    """

    shape: tuple[int, ...]
    row_axis: int | None
    column_axis: int | None
    index: tuple[int, ...]

    @classmethod
    def of(cls, shape: Sequence[int]) -> Slicing:
        """The slice that shows most: along the longest dimensions, in their order."""
        longest = sorted(
            (axis for axis, length in enumerate(shape) if length > 1), key=lambda axis: (-shape[axis], axis)
        )
        seen = sorted(longest[:2])
        rows = seen[0] if len(seen) == 2 else None
        return cls(tuple(shape), rows, seen[-1] if seen else None, (0,) * len(shape))

    @property
    def fixed_axes(self) -> tuple[int, ...]:
        """The dimensions that are not seen and have more than one index."""
        seen = (self.row_axis, self.column_axis)
        return tuple(axis for axis, length in enumerate(self.shape) if length > 1 and axis not in seen)

    @property
    def cell(self) -> tuple[int, int]:
        """Row and column of the cursor."""
        at = self.index
        row = 0 if self.row_axis is None else at[self.row_axis]
        return row, 0 if self.column_axis is None else at[self.column_axis]

    def plane(self, layout: Layout) -> Plane:
        """Where its elements stand."""
        return layout.plane(self.row_axis, self.column_axis, self.index)

    def with_rows(self, axis: int | None) -> Slicing:
        """Another dimension from top to bottom, or none; the two change places if it is the other one."""
        if axis is not None and axis == self.column_axis:
            return replace(
                self, row_axis=axis, column_axis=self.row_axis if self.row_axis is not None else self._other(axis)
            )
        return replace(self, row_axis=axis)

    def with_columns(self, axis: int) -> Slicing:
        """Another dimension from left to right; the two change places if it is the other one."""
        return replace(self, column_axis=axis, row_axis=self.column_axis if axis == self.row_axis else self.row_axis)

    def at(self, index: Sequence[int]) -> Slicing:
        """The same two dimensions, cut elsewhere."""
        return replace(self, index=tuple(index))

    def at_axis(self, axis: int, place: int) -> Slicing:
        """Cut one dimension elsewhere."""
        return self.at((*self.index[:axis], place, *self.index[axis + 1 :]))

    def at_cell(self, row: int, column: int) -> Slicing:
        """The cursor in another cell."""
        index = list(self.index)
        for axis, place in ((self.row_axis, row), (self.column_axis, column)):
            if axis is not None:
                index[axis] = place
        return self.at(index)

    def _other(self, axis: int) -> int | None:
        return next((other for other, length in enumerate(self.shape) if other != axis and length > 1), None)
