"""Where each model is drawn in the residency strip: one cell a model while there is room, else several a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MIN_WIDTH: Final = 18
"""Least width of a cell in a single row, in pixels."""
MIN_SIDE: Final = 5
"""Least side of a cell in several rows, in pixels."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a cell a model.

    Parameters
    ----------
    edges
        Where the cells begin, and where the last one ends, in pixels.
    """

    edges: NDArray[np.int64]

    def models_at(self, x: int, y: int) -> range:
        """The models whose cell is at a point; empty outside."""
        at = int(np.searchsorted(self.edges, x, side="right")) - 1
        return range(at, at + 1) if 0 <= at < len(self.edges) - 1 else range(0)


@dataclass(frozen=True, slots=True)
class Grid:
    """Several rows of square cells, each of ``share`` models.

    Parameters
    ----------
    count
        How many models there are.
    side
        Of a cell, in pixels, the gap included.
    columns
        Cells in a row.
    share
        Models in a cell.
    """

    count: int
    side: int
    columns: int
    share: int

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return -(-self.count // self.share)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return -(-self.cells // self.columns)

    def models_at(self, x: int, y: int) -> range:
        """The models whose cell is at a point; empty outside."""
        column, row = x // self.side, y // self.side
        first = (row * self.columns + column) * self.share
        if not (0 <= column < self.columns and y >= 0 and first < self.count):
            return range(0)
        return range(first, min(first + self.share, self.count))


def lay_out(sizes: NDArray[np.int64], width: int, height: int, *, by_size: bool) -> Row | Grid:
    """Cells for models of these sizes in ``width`` by ``height`` pixels."""
    count = len(sizes)
    if count * MIN_WIDTH <= width:
        return Row(_edges(sizes, width, by_size=by_size))
    side = max(height, MIN_SIDE)
    while side > MIN_SIDE and (width // side) * (height // side) < count:
        side -= 1
    columns, rows = max(width // side, 1), max(height // side, 1)
    return Grid(count, side, columns, max(-(-count // (columns * rows)), 1))


def _edges(sizes: NDArray[np.int64], width: int, *, by_size: bool) -> NDArray[np.int64]:
    count = len(sizes)
    total = float(sizes.sum())
    shares = sizes / total if by_size and total > 0 else np.full(count, 1 / max(count, 1))
    widths = MIN_WIDTH + shares * (width - count * MIN_WIDTH)
    edges = np.zeros(count + 1, np.int64)
    edges[1:] = np.round(np.cumsum(widths))
    return edges
