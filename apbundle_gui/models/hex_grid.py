"""Where bytes stand in a grid of rows, for files of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WIDTH: Final = 16
"""Bytes of a row."""
WIDE: Final = 32
"""Bytes of a row where there is room for more."""
NARROW: Final = 8
"""Bytes of a row where there is less."""
GROUP: Final = 8
"""Bytes that stand together."""
MOST_STEPS: Final = 1 << 30
"""Steps of a scroll bar, whose numbers have 32 bits."""
LEAST_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class HexGrid:
    """The geometry of a listing, in characters and rows.

    Parameters
    ----------
    size
        Bytes of the file.
    width
        Bytes of a row.
    """

    size: int
    width: int = WIDTH

    @property
    def rows(self) -> int:
        """How many rows there are; one for an empty file."""
        return max(1, -(-self.size // self.width))

    @property
    def digits(self) -> int:
        """Hexadecimal digits of an offset."""
        return max(LEAST_DIGITS, len(f"{max(self.size - 1, 0):X}"))

    @property
    def hex_column(self) -> int:
        """Where the first byte of a row stands."""
        return self.digits + 2

    @property
    def text_column(self) -> int:
        """Where what is readable of a row begins."""
        return self.column_of(self.width - 1) + 4

    @property
    def columns(self) -> int:
        """The width of a row."""
        return self.text_column + self.width

    def column_of(self, place: int) -> int:
        """Where a byte of a row stands."""
        return self.hex_column + 3 * place + place // GROUP

    def place_at(self, column: int) -> int:
        """The byte of a row that stands at, or closest to, a column; in the bytes or in the text."""
        if column >= self.text_column - 1:
            return min(column - self.text_column, self.width - 1) if column >= self.text_column else 0
        inside = max(column - self.hex_column, 0)
        return min((inside - inside // (3 * GROUP + 1)) // 3, self.width - 1)

    def steps(self, visible: int) -> int:
        """The highest value of a scroll bar beside ``visible`` rows."""
        return min(max(self.rows - visible, 0), MOST_STEPS)

    def row_of_step(self, step: int, visible: int) -> int:
        """The first visible row when the scroll bar stands at ``step``."""
        hidden, steps = max(self.rows - visible, 0), self.steps(visible)
        return hidden * step // steps if steps else 0

    def step_of_row(self, row: int, visible: int) -> int:
        """Where the scroll bar stands when ``row`` is the first visible one."""
        hidden = max(self.rows - visible, 0)
        return min(self.steps(visible), row * self.steps(visible) // hidden) if hidden else 0
