"""The bytes of a file in rows, and a cursor among them. It holds what is on the screen, no more."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from apbundle_gui import theme
from apbundle_gui.models.hex_grid import GROUP, NARROW, WIDE, WIDTH, HexGrid
from apbundle_gui.services.file_blocks import FileBlocks
from apbundle_gui.theme import Space

MOST_COPIED: Final = 1 << 20
"""Bytes that are copied as text at most."""
Key = Qt.Key


class HexView(QAbstractScrollArea):
    """Shows the bytes of a file.

    Attributes
    ----------
    moved
        Emitted when the user put the cursor elsewhere or selected other bytes: :attr:`selected` says which.
    """

    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "framed")
        self.setAccessibleName("Bytes of the file")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor)
        self.setFont(theme.mono_font())
        self._blocks: FileBlocks | None = None
        self._grid = HexGrid(0)
        self._top = 0  # the first visible row
        self._cursor = self._anchor = 0
        self._scrolling = False
        self._wheel = 0
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        theme.manager().changed.connect(self.viewport().update)

    # -- what it shows -------------------------------------------------------------------------------------------

    def show_blocks(self, blocks: FileBlocks | None) -> None:
        """Show another file, or none."""
        if self._blocks is not None:
            self._blocks.arrived.disconnect(self.viewport().update)
        self._blocks = blocks
        if blocks is not None:
            blocks.arrived.connect(self.viewport().update)
        self._grid = HexGrid(0 if blocks is None else blocks.size)
        self._top = self._cursor = self._anchor = 0
        self._fit()

    @property
    def cursor_offset(self) -> int:
        """The byte at the cursor."""
        return self._cursor

    @property
    def selected(self) -> tuple[int, int]:
        """Offset and number of the selected bytes: one, unless several were selected."""
        low, high = sorted((self._anchor, self._cursor))
        return low, high - low + 1 if self._grid.size else 0

    def select(self, offset: int, length: int) -> None:
        """Show these bytes as the selected ones; nobody is told."""
        last = self._grid.size - 1
        self._cursor = max(0, min(offset, last))
        self._anchor = max(0, min(offset + max(length, 1) - 1, last))
        self._make_visible(center=True)
        self._describe()
        self.viewport().update()

    # -- geometry ------------------------------------------------------------------------------------------------

    @property
    def row_height(self) -> int:
        """Of a line, in pixels."""
        return self.fontMetrics().height() + Space.XS

    @property
    def visible_rows(self) -> int:
        """Whole rows there is room for."""
        return max(1, self.viewport().height() // self.row_height)

    @property
    def top_row(self) -> int:
        """The first row in view."""
        return self._top

    @top_row.setter
    def top_row(self, row: int) -> None:
        self._go_to_row(row)

    def rect_of(self, offset: int) -> QRect:
        """Where a byte is on the viewport, which it need not be."""
        row, place = divmod(offset, self._grid.width)
        left = round(self._x(self._grid.column_of(place)))
        return QRect(left, (row - self._top) * self.row_height, round(2 * self._advance), self.row_height)

    @property
    def _advance(self) -> float:
        return QFontMetricsF(self.font()).horizontalAdvance("0")

    def _x(self, column: int) -> float:
        return Space.M - self.horizontalScrollBar().value() + column * self._advance

    def _offset_at(self, point: QPoint) -> int:
        column = int((point.x() - self._x(0)) / self._advance)
        row = self._top + point.y() // self.row_height
        return max(0, min(row * self._grid.width + self._grid.place_at(column), self._grid.size - 1))

    def _fit(self) -> None:
        room = self.viewport().width()
        fitting = (width for width in (WIDE, WIDTH) if self._pixels(HexGrid(self._grid.size, width)) <= room)
        self._set_width(next(fitting, NARROW))
        width = self._pixels(self._grid)
        self.horizontalScrollBar().setRange(0, max(0, width - self.viewport().width()))
        self.horizontalScrollBar().setPageStep(self.viewport().width())
        bar = self.verticalScrollBar()
        self._scrolling = True
        bar.setRange(0, self._grid.steps(self.visible_rows))
        bar.setPageStep(self.visible_rows)
        self._scrolling = False
        self._go_to_row(self._top)

    def _pixels(self, grid: HexGrid) -> int:
        """The width of a whole row."""
        return round(grid.columns * self._advance) + 2 * Space.M

    def _set_width(self, width: int) -> None:
        """Have so many bytes in a row; the first visible one stays in view."""
        if width != self._grid.width:
            self._top = self._top * self._grid.width // width
            self._grid = HexGrid(self._grid.size, width)

    def _go_to_row(self, row: int) -> None:
        self._top = max(0, min(row, self._grid.rows - self.visible_rows))
        self._scrolling = True
        self.verticalScrollBar().setValue(self._grid.step_of_row(self._top, self.visible_rows))
        self._scrolling = False
        self.viewport().update()

    def _scrolled(self, step: int) -> None:
        if not self._scrolling:
            self._top = self._grid.row_of_step(step, self.visible_rows)
            self.viewport().update()

    def _make_visible(self, *, center: bool = False) -> None:
        row, visible = self._cursor // self._grid.width, self.visible_rows
        if not self._top <= row < self._top + visible:
            above = visible // 3 if center else 0
            self._go_to_row(row - above if row < self._top or center else row - visible + 1)

    # -- hands ---------------------------------------------------------------------------------------------------

    def _move(self, offset: int, extend: bool) -> None:
        if not self._grid.size:
            return
        self._cursor = max(0, min(offset, self._grid.size - 1))
        if not extend:
            self._anchor = self._cursor
        self._make_visible()
        self._describe()
        self.viewport().update()
        self.moved.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
            return
        page = self.visible_rows * self._grid.width
        row = self._cursor // self._grid.width * self._grid.width
        target = {
            Key.Key_Left: self._cursor - 1,
            Key.Key_Right: self._cursor + 1,
            Key.Key_Up: max(self._cursor - self._grid.width, self._cursor % self._grid.width),
            Key.Key_Down: self._cursor + self._grid.width,
            Key.Key_PageUp: max(self._cursor - page, self._cursor % self._grid.width),
            Key.Key_PageDown: self._cursor + page,
            Key.Key_Home: 0 if control else row,
            Key.Key_End: self._grid.size - 1 if control else row + self._grid.width - 1,
        }.get(Key(event.key()))
        if target is None:
            super().keyPressEvent(event)
        else:
            self._move(target, extend)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._move(self._offset_at(event.position().toPoint()), extend)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._move(self._offset_at(event.position().toPoint()), extend=True)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.angleDelta().x():
            super().wheelEvent(event)
            return
        self._wheel += event.angleDelta().y()
        rows, self._wheel = int(self._wheel / 40), self._wheel - int(self._wheel / 40) * 40
        if rows:
            self._go_to_row(self._top - rows)

    def copy(self) -> None:
        """Put the selected bytes on the clipboard, as pairs of hexadecimal digits."""
        offset, length = self.selected
        data = None if self._blocks is None else self._blocks.peek(offset, min(length, MOST_COPIED))
        if data:
            QGuiApplication.clipboard().setText(data.hex(" ").upper())

    def _describe(self) -> None:
        offset, length = self.selected
        data = None if self._blocks is None else self._blocks.peek(offset, min(length, self._grid.width))
        value = "" if data is None else data.hex(" ").upper()
        self.setAccessibleDescription(f"Byte {offset:,} of {self._grid.size:,}: {value}")

    # -- painting ------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        rows = max(1, event.oldSize().height() // self.row_height)
        seen = self._top <= self._cursor // self._grid.width < self._top + rows
        self._fit()
        if seen:
            self._make_visible(center=True)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), theme.color("surface"))
        if self._blocks is None or not self._grid.size:
            painter.end()
            return
        painter.setFont(self.font())
        start = self._top * self._grid.width
        wanted = (self.visible_rows + 1) * self._grid.width
        data = self._blocks.peek(start, wanted)
        length = min(wanted, self._grid.size - start)
        low, count = self.selected
        for row in range(-(-length // self._grid.width)):
            here = start + row * self._grid.width
            inside = min(self._grid.width, self._grid.size - here)
            self._paint_selection(painter, row, max(low - here, 0), min(low + count - here, inside))
            piece = None if data is None else data[row * self._grid.width : row * self._grid.width + inside]
            self._paint_row(painter, row, here, inside, piece)
        self._paint_cursor(painter)
        painter.end()

    def _paint_selection(self, painter: QPainter, row: int, first: int, end: int) -> None:
        if first >= end:
            return
        top, height, grid = row * self.row_height, self.row_height, self._grid
        for left, right in (
            (grid.column_of(first), grid.column_of(end - 1) + 2),
            (grid.text_column + first, grid.text_column + end),
        ):
            x = round(self._x(left))
            painter.fillRect(x, top, round(self._x(right)) - x, height, theme.color("selection"))

    def _paint_row(self, painter: QPainter, row: int, offset: int, inside: int, piece: bytes | None) -> None:
        metrics, grid = self.fontMetrics(), self._grid
        baseline = row * self.row_height + (self.row_height + metrics.ascent() - metrics.descent()) // 2
        painter.setPen(theme.color("secondary"))
        painter.drawText(round(self._x(0)), baseline, f"{offset:0{grid.digits}X}")
        if piece is None:
            painter.setPen(theme.color("disabled"))
            painter.drawText(round(self._x(grid.hex_column)), baseline, " ".join(["··"] * inside))
            return
        painter.setPen(theme.color("text"))
        for place in range(0, len(piece), GROUP):
            group = piece[place : place + GROUP].hex(" ").upper()
            painter.drawText(round(self._x(grid.column_of(place))), baseline, group)
        readable = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in piece)
        painter.drawText(round(self._x(grid.text_column)), baseline, readable)

    def _paint_cursor(self, painter: QPainter) -> None:
        rect = self.rect_of(self._cursor)
        painter.setPen(theme.color("accent" if self.hasFocus() else "secondary"))
        painter.drawRect(rect.adjusted(-1, 0, 0, -1))
        text = round(self._x(self._grid.text_column + self._cursor % self._grid.width))
        painter.drawRect(QRect(text - 1, rect.top(), round(self._advance) + 1, rect.height() - 1))
