"""Where the cells of a map of values stand on the screen, from all of them at once to a few with their numbers."""

from __future__ import annotations

import math
from typing import Final

from apbundle_gui.services.value_grid import Region

NUMBER_WIDTH: Final = 76
NUMBER_HEIGHT: Final = 26
"""Size of a cell that has room for its number, in pixels; cells are never larger."""
POINT_WIDTH: Final = 24
"""The widest that the values of a line are set apart by zooming, in pixels."""
STEP: Final = 2**0.5
"""By how much one step of zooming makes cells larger."""


class CellGeometry:
    """Cells in a room of some width and height, which may show a part of them only.

    Both sides of the cells grow together, from where all fit, until either has its full size.

    Parameters
    ----------
    rows, columns
        How many cells there are.
    line
        They are the values of a line: one row as high as the room, as wide as it at least.

    Attributes
    ----------
    left, top
        The cell, and the part of it, at the left and upper border.
    zoom
        How many times as large as at least the cells are.
    """

    def __init__(self, rows: int = 0, columns: int = 0, *, line: bool = False) -> None:
        self.rows, self.columns = rows, columns
        self._line = line
        self._width = self._height = 1.0
        self.zoom = 1.0
        self.left = self.top = 0.0

    def resize(self, width: float, height: float) -> None:
        """Give it another room, in pixels."""
        largest = self.zoom > 1.0 and self.zoom >= self.most_zoom
        self._width, self._height = max(width, 1.0), max(height, 1.0)
        self.zoom = self.most_zoom if largest else min(self.zoom, self.most_zoom)
        self._clamp()

    # -- sizes ---------------------------------------------------------------------------------------------------

    @property
    def cell_width(self) -> float:
        """Of a cell, in pixels; below 1 when a pixel shows several."""
        return min(self._least_width * self.zoom, self._most_width)

    @property
    def cell_height(self) -> float:
        """Of a cell, in pixels."""
        return min(self._least_height * self.zoom, self._most_height)

    @property
    def width(self) -> float:
        """Of the part of the room that has cells, in pixels."""
        return min(self._width, self.columns * self.cell_width)

    @property
    def height(self) -> float:
        """The same from top to bottom."""
        return min(self._height, self.rows * self.cell_height)

    @property
    def most_zoom(self) -> float:
        """The zoom at which nothing grows any more."""
        return max(self._most_width / self._least_width, self._most_height / self._least_height)

    @property
    def fits(self) -> bool:
        """Whether all cells are seen."""
        return self.zoom <= 1.0

    @property
    def has_room_for_numbers(self) -> bool:
        """Whether cells are large enough for their numbers."""
        return not self._line and self.cell_width >= NUMBER_WIDTH and self.cell_height >= NUMBER_HEIGHT - 4

    @property
    def _most_width(self) -> float:
        return max(POINT_WIDTH, self._width / max(self.columns, 1)) if self._line else NUMBER_WIDTH

    @property
    def _most_height(self) -> float:
        return self._height if self._line else NUMBER_HEIGHT

    @property
    def _least_width(self) -> float:
        return min(self._width / max(self.columns, 1), self._most_width)

    @property
    def _least_height(self) -> float:
        return min(self._height / max(self.rows, 1), self._most_height)

    # -- places --------------------------------------------------------------------------------------------------

    @property
    def region(self) -> Region:
        """The cells that are seen, in part at least."""
        bottom = min(self.rows, math.ceil(self.top + self._height / self.cell_height - 1e-6))
        right = min(self.columns, math.ceil(self.left + self._width / self.cell_width - 1e-6))
        return Region(int(self.top), max(bottom, int(self.top)), int(self.left), max(right, int(self.left)))

    def x(self, column: float) -> float:
        """Where a column begins, in pixels."""
        return (column - self.left) * self.cell_width

    def y(self, row: float) -> float:
        """Where a row begins, in pixels."""
        return (row - self.top) * self.cell_height

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column at a point, if there is a cell."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return None
        row, column = int(self.top + y / self.cell_height), int(self.left + x / self.cell_width)
        return min(row, self.rows - 1), min(column, self.columns - 1)

    @property
    def page(self) -> tuple[int, int]:
        """Rows and columns of a screenful."""
        return max(1, int(self.height / self.cell_height)), max(1, int(self.width / self.cell_width))

    # -- going -------------------------------------------------------------------------------------------------

    def zoom_by(self, factor: float, x: float, y: float) -> bool:
        """Make cells so many times as large; what is at the point stays there. Whether anything changed."""
        zoom = min(max(self.zoom * factor, 1.0), self.most_zoom)
        if zoom == self.zoom:
            return False
        column, row = self.left + x / self.cell_width, self.top + y / self.cell_height
        self.zoom = zoom
        self.left, self.top = column - x / self.cell_width, row - y / self.cell_height
        self._clamp()
        return True

    def fit(self) -> None:
        """Show all cells."""
        self.zoom = 1.0
        self._clamp()

    def move_by(self, x: float, y: float) -> bool:
        """Go so many pixels to the right and down. Whether anything changed."""
        before = self.left, self.top
        self.left += x / self.cell_width
        self.top += y / self.cell_height
        self._clamp()
        return (self.left, self.top) != before

    def make_visible(self, row: int, column: int) -> bool:
        """Go where a cell is seen as a whole. Whether anything changed."""
        before = self.left, self.top
        across, down = self._width / self.cell_width, self._height / self.cell_height
        self.left = max(min(self.left, column), column + 1 - across) if across >= 1 else column
        self.top = max(min(self.top, row), row + 1 - down) if down >= 1 else row
        self._clamp()
        return (self.left, self.top) != before

    @property
    def most_left(self) -> float:
        """The largest that :attr:`left` can be."""
        return max(0.0, self.columns - self._width / self.cell_width)

    @property
    def most_top(self) -> float:
        """The largest that :attr:`top` can be."""
        return max(0.0, self.rows - self._height / self.cell_height)

    def _clamp(self) -> None:
        self.left = min(max(self.left, 0.0), self.most_left)
        self.top = min(max(self.top, 0.0), self.most_top)
