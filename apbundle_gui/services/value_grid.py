"""A part of a plane of values in no more cells than there are pixels, each cell the values it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Final, overload

import numpy as np

from apbundle.progress import Cancel, Progress
from apbundle_gui.services.number_types import Floats, as_floats
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.tensor_elements import Elements
from apbundle_gui.services.tensor_layout import Plane
from apbundle_gui.services.value_range import ValueRange

LEVELS: Final = 251
"""Steps of the colour scale; the middle one is the middle of its range."""
NOT_FINITE: Final = LEVELS
"""The code of a cell with a value that is NaN or infinite."""
BAND: Final = 1 << 16
"""Values looked at at once."""
FEW: Final = 1 << 22
"""Values of a part that is read as a whole at once; of more, a sample is shown first."""
_SAMPLED_SIDE: Final = 128
_SAMPLED_ROW: Final = 1 << 16

Integers = np.ndarray[Any, np.dtype[np.int64]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]


class Odd(IntFlag):
    """What a value is that is not finite."""

    NAN = 1
    UP = 2
    DOWN = 4


@dataclass(frozen=True, slots=True)
class Region:
    """Rows and columns of a plane; ends are exclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def cells(self) -> int:
        """How many values it has."""
        return (self.bottom - self.top) * (self.right - self.left)


@dataclass(frozen=True, slots=True)
class Grid:
    """A region in cells.

    Parameters
    ----------
    region
        What it shows.
    row_edges, column_edges
        Where the cells begin, and where the last one ends.
    mean, low, high
        Of the finite values of each cell, NaN where there are none.
    odd
        Which values that are not finite each cell has, as :class:`Odd`.
    complete
        Whether every value was looked at, not a sample.
    """

    region: Region
    row_edges: Integers
    column_edges: Integers
    mean: Floats
    low: Floats
    high: Floats
    odd: Codes
    complete: bool

    @property
    def single(self) -> bool:
        """Whether each cell is one value."""
        return self.mean.size == self.region.cells

    def cell_of(self, row: int, column: int) -> tuple[int, int] | None:
        """The cell that holds a value, if any does."""
        region = self.region
        if not (region.top <= row < region.bottom and region.left <= column < region.right):
            return None
        down = int(np.searchsorted(self.row_edges, row, side="right")) - 1
        return down, int(np.searchsorted(self.column_edges, column, side="right")) - 1

    def values(self, *, extreme: bool = False) -> Floats:
        """What stands for each cell: the mean of its values, or the one farthest from zero."""
        if not extreme:
            return self.mean
        return np.where(np.abs(self.low) > np.abs(self.high), self.low, self.high)

    def codes(self, values: Floats, scale: ValueRange) -> Codes:
        """The places of cells with these values on a colour scale."""
        with np.errstate(all="ignore"):
            places = np.rint(np.clip(scale.shares(values), 0, 1) * (LEVELS - 1))
        places[np.isnan(places)] = NOT_FINITE
        codes = places.astype(np.uint8)
        codes[self.odd > 0] = NOT_FINITE
        return codes


def edges(begin: int, end: int, most: int) -> Integers:
    """The borders of at most ``most`` parts, as equal as whole numbers can be."""
    parts = max(1, min(end - begin, most))
    return np.array([begin + (end - begin) * part // parts for part in range(parts + 1)], np.int64)


def grid(
    elements: Elements, plane: Plane, region: Region, height: int, width: int, progress: Progress, cancel: Cancel
) -> Grid:
    """All values of a region, in at most ``height`` × ``width`` cells; a large region is read once, in pieces.

    Parameters
    ----------
    plane
        What the region is one of.
    """
    if plane.row_step < plane.column_step and plane.rows > 1 and plane.columns > 1:
        return _turned(grid(elements, _turn(plane), _turn(region), width, height, progress, cancel))
    cells = _Cells(edges(region.top, region.bottom, height), edges(region.left, region.right, width))
    across = min(region.right - region.left, BAND)
    down = max(1, BAND // max(across, 1))
    pace = Pace(cancel)
    done = 0
    for top in range(region.top, region.bottom, down):
        rows = min(down, region.bottom - top)
        for left in range(region.left, region.right, across):
            columns = min(across, region.right - left)
            start = plane.position(top, left)
            cells.add(top, left, _floats(elements, start, rows, columns, plane, pace))
            done += rows * columns
            progress("reading values", done, region.cells)
    return cells.grid(region, complete=True)


def sample_grid(
    elements: Elements, plane: Plane, region: Region, height: int, width: int, cancel: Cancel | None = None
) -> Grid:
    """The same of few values of each cell, in a time that does not grow with the region."""
    if plane.row_step < plane.column_step and plane.rows > 1 and plane.columns > 1:
        return _turned(sample_grid(elements, _turn(plane), _turn(region), width, height, cancel))
    columns = region.right - region.left
    short = columns <= _SAMPLED_ROW and plane.column_step * elements.element_size <= _SAMPLED_SIDE
    if not short:
        height, width = min(height, _SAMPLED_SIDE), min(width, _SAMPLED_SIDE)
    row_edges, column_edges = edges(region.top, region.bottom, height), edges(region.left, region.right, width)
    cells = _Cells(row_edges, column_edges)
    pace = Pace(cancel)
    for top, bottom in zip(row_edges[:-1].tolist(), row_edges[1:].tolist(), strict=True):
        row = (top + bottom - 1) // 2
        if short:
            values = _floats(elements, plane.position(row, region.left), 1, columns, plane, pace)
        else:
            middles = ((column_edges[:-1] + column_edges[1:] - 1) // 2).tolist()
            values = np.concatenate(
                [_floats(elements, plane.position(row, column), 1, 1, plane, pace) for column in middles], axis=1
            )
        cells.add_row(top, values, each=not short)
    return cells.grid(region, complete=False)


def _floats(elements: Elements, start: int, rows: int, columns: int, plane: Plane, pace: Pace) -> Floats:
    return as_floats(elements.rectangle(start, rows, plane.row_step, columns, plane.column_step, pace))


@overload
def _turn(thing: Plane) -> Plane: ...
@overload
def _turn(thing: Region) -> Region: ...
def _turn(thing: Plane | Region) -> Plane | Region:
    if isinstance(thing, Region):
        return Region(thing.left, thing.right, thing.top, thing.bottom)
    return Plane(thing.start, thing.columns, thing.rows, thing.column_step, thing.row_step)


def _turned(found: Grid) -> Grid:
    return Grid(
        _turn(found.region),
        found.column_edges,
        found.row_edges,
        np.ascontiguousarray(found.mean.T),
        np.ascontiguousarray(found.low.T),
        np.ascontiguousarray(found.high.T),
        np.ascontiguousarray(found.odd.T),
        found.complete,
    )


class _Cells:
    """Collects values into cells. Sums are of values scaled down so far that none overflows."""

    _DOWN = 64
    _SAFE = 2.0**900

    def __init__(self, row_edges: Integers, column_edges: Integers) -> None:
        self._row_edges, self._column_edges = row_edges, column_edges
        shape = len(row_edges) - 1, len(column_edges) - 1
        self._sum = np.zeros(shape)
        self._low = np.full(shape, np.inf)
        self._high = np.full(shape, -np.inf)
        self._finite = np.zeros(shape, np.int64)
        self._odd = np.zeros(shape, np.uint8)

    def add(self, top: int, left: int, values: Floats) -> None:
        """Count in the rectangle of values whose first one is at ``top`` and ``left``."""
        self._count(
            values, *_parts(self._row_edges, top, values.shape[0]), *_parts(self._column_edges, left, values.shape[1])
        )

    def add_row(self, top: int, values: Floats, *, each: bool) -> None:
        """Count in one row of values for the cells that begin at ``top``: of every column, or one of ``each`` cell."""
        down, rows = _parts(self._row_edges, top, 1)
        columns = np.arange(values.shape[1]) if each else self._column_edges[:-1] - self._column_edges[0]
        self._count(values, down, rows, 0, columns)

    def _count(self, values: Floats, down: int, rows: Integers, right: int, columns: Integers) -> None:
        here = np.s_[down : down + len(rows), right : right + len(columns)]
        finite = np.isfinite(values)
        low = high = values
        if finite.all():
            tall = np.diff(rows, append=values.shape[0])
            self._finite[here] += tall[:, None] * np.diff(columns, append=values.shape[1])
        else:
            self._finite[here] += _reduce(np.add, finite.astype(np.int64), rows, columns)
            self._odd[here] |= _reduce(np.bitwise_or, _odd(values), rows, columns)
            low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
            values = np.where(finite, values, 0.0)
        low, high = _reduce(np.minimum, low, rows, columns), _reduce(np.maximum, high, rows, columns)
        self._low[here] = np.minimum(self._low[here], low)
        self._high[here] = np.maximum(self._high[here], high)
        if np.max(values, initial=0.0) < self._SAFE and np.min(values, initial=0.0) > -self._SAFE:
            self._sum[here] += np.ldexp(_reduce(np.add, values, rows, columns), -self._DOWN)
        else:
            self._sum[here] += _reduce(np.add, np.ldexp(values, -self._DOWN), rows, columns)

    def grid(self, region: Region, complete: bool) -> Grid:
        """What was collected."""
        none = self._finite == 0
        low, high = np.where(none, np.nan, self._low), np.where(none, np.nan, self._high)
        mean = np.clip(np.ldexp(self._sum / np.maximum(self._finite, 1), self._DOWN), low, high)
        return Grid(region, self._row_edges, self._column_edges, mean, low, high, self._odd, complete)


def _odd(values: Floats) -> Codes:
    flags = np.isnan(values).astype(np.uint8)
    flags[values == np.inf] = Odd.UP
    flags[values == -np.inf] = Odd.DOWN
    return flags


def _parts(borders: Integers, begin: int, length: int) -> tuple[int, Integers]:
    """The part in which ``begin`` lies, and where parts of the ``length`` from there begin, counted from there."""
    first = int(np.searchsorted(borders, begin, side="right")) - 1
    last = int(np.searchsorted(borders, begin + length, side="left"))
    return first, np.maximum(borders[first:last] - begin, 0)


def _reduce(how: np.ufunc, values: Any, rows: Integers, columns: Integers) -> Any:
    if len(rows) < values.shape[0]:  # first, for it is the faster one
        values = how.reduceat(values, rows, axis=0)
    return how.reduceat(values, columns, axis=1) if len(columns) < values.shape[1] else values
