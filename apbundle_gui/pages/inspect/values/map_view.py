"""What the map of values and the line of values have in common: pictures, a cursor, zooming and going about."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget

from apbundle_gui import theme
from apbundle_gui.models.value_geometry import STEP, CellGeometry
from apbundle_gui.pages.inspect.values.axes import LABEL_HEIGHT
from apbundle_gui.services.tensor_values import Picture
from apbundle_gui.services.value_grid import Region

STEPS: Final = 1 << 24
"""Of a scroll bar, which counts in 32 bits."""
WHOLE, PART = "whole", "part"
"""What pictures are for: all of the plane, and the part of it that is seen when not all is."""
LEFT: Final = 64
"""Room for the labels at the left, in pixels."""
_WHEEL: Final = 120
Key = Qt.Key


class MapView(QAbstractScrollArea):
    """Shows a plane of values. Subclasses paint it.

    Parameters
    ----------
    line
        Whether it is a line of values.

    Attributes
    ----------
    seen_changed
        Emitted when another part is seen: :attr:`region` says which.
    resized
        Emitted when there is another room for it.
    moved
        Emitted with row and column when the user put the cursor elsewhere.
    pointed
        Emitted with row and column under the mouse, or ``None``.
    chosen
        Emitted when the user chose the value at the cursor.
    geometry
        Where the cells are.
    """

    seen_changed = Signal()
    resized = Signal()
    moved = Signal(object, object)
    pointed = Signal(object)
    chosen = Signal()

    def __init__(self, name: str, *, line: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "framed")
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self._line = line
        self.cells = CellGeometry(line=line)
        self.pictures: dict[str, Picture] = {}
        self.cursor_cell = (0, 0)
        self._press: QPointF | None = None
        self._panned = False
        self._scrolling = False
        self._wheel = 0
        self.horizontalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        theme.manager().changed.connect(self.restyle)

    # -- what it shows -------------------------------------------------------------------------------------------

    def show_plane(self, rows: int, columns: int) -> None:
        """Show another plane, all of it; its pictures follow."""
        self.cells = CellGeometry(rows, columns, line=self._line)
        self.cursor_cell = (0, 0)
        self.forget_pictures()
        self._fit_room()

    def forget_pictures(self) -> None:
        """The values are other ones: show none until pictures come."""
        self.pictures.clear()
        self.restyle()

    def show_picture(self, purpose: str, picture: Picture) -> None:
        """Show a picture of all of the plane, or of the part that is seen."""
        self.pictures[purpose] = picture
        self.restyle()

    def set_cursor(self, row: int, column: int) -> None:
        """Put the cursor there; nobody is told."""
        if self.cells.rows and self.cells.columns:
            self.cursor_cell = row, column
            self._follow_cursor()

    @property
    def region(self) -> Region:
        """The part that is seen."""
        return self.cells.region

    @property
    def room(self) -> QRectF:
        """Where the cells are, on the viewport."""
        size = self.viewport().size()
        top = 0 if self._line else LABEL_HEIGHT
        bottom = LABEL_HEIGHT if self._line else 0
        return QRectF(LEFT, top, max(size.width() - LEFT - 1, 1), max(size.height() - top - bottom - 1, 1))

    def restyle(self) -> None:
        """Paint anew, in the colours of the theme in force."""
        self.viewport().update()

    # -- zooming -------------------------------------------------------------------------------------------------

    def zoom_in(self) -> None:
        """Make cells larger, around the cursor."""
        self._zoom_at_cursor(STEP)

    def zoom_out(self) -> None:
        """Make cells smaller, around the cursor."""
        self._zoom_at_cursor(1 / STEP)

    def fit(self) -> None:
        """Show all cells."""
        self.cells.fit()
        self._seen()

    def _zoom_at_cursor(self, factor: float) -> None:
        row, column = self.cursor_cell
        self.cells.make_visible(row, column)
        x, y = self.cells.x(column + 0.5), self.cells.y(row + 0.5)
        self.cells.zoom_by(factor, x, y)
        self._seen()

    def _seen(self) -> None:
        self._set_bars()
        self.viewport().update()
        self.seen_changed.emit()

    def _set_bars(self) -> None:
        cells = self.cells
        self._scrolling = True
        for bar, at, most, page in (
            (self.horizontalScrollBar(), cells.left, cells.most_left, cells.columns - cells.most_left),
            (self.verticalScrollBar(), cells.top, cells.most_top, cells.rows - cells.most_top),
        ):
            whole = page + most
            bar.setRange(0, round(STEPS * most / whole) if whole > 0 else 0)
            bar.setPageStep(max(1, round(STEPS * page / whole) if whole > 0 else STEPS))
            bar.setSingleStep(max(1, bar.pageStep() // 16))
            bar.setValue(round(bar.maximum() * at / most) if most > 0 else 0)
        self._scrolling = False

    def _scrolled(self) -> None:
        if self._scrolling:
            return
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        cells = self.cells
        cells.left = cells.most_left * across.value() / max(across.maximum(), 1)
        cells.top = cells.most_top * down.value() / max(down.maximum(), 1)
        self.viewport().update()
        self.seen_changed.emit()

    def _fit_room(self) -> None:
        self.cells.resize(self.room.width(), self.room.height())
        self._seen()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_room()
        self.resized.emit()

    # -- hands ---------------------------------------------------------------------------------------------------

    def _move(self, row: int, column: int) -> None:
        cells = self.cells
        if not cells.rows or not cells.columns:
            return
        self.cursor_cell = min(max(row, 0), cells.rows - 1), min(max(column, 0), cells.columns - 1)
        self._follow_cursor()
        self.moved.emit(*self.cursor_cell)

    def _follow_cursor(self) -> None:
        if self.cells.make_visible(*self.cursor_cell):
            self._seen()
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
            return
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        key = Key(event.key())
        zoom = {
            Key.Key_Plus: self.zoom_in,
            Key.Key_Equal: self.zoom_in,
            Key.Key_Minus: self.zoom_out,
            Key.Key_0: self.fit,
            Key.Key_Return: self.chosen.emit,
            Key.Key_Enter: self.chosen.emit,
        }.get(key)
        if zoom is not None:
            zoom()
            return
        row, column = self.cursor_cell
        down, across = self.cells.page
        last_row, last_column = self.cells.rows - 1, self.cells.columns - 1
        target = {
            Key.Key_Left: (row, column - 1),
            Key.Key_Right: (row, column + 1),
            Key.Key_Up: (row - 1, column),
            Key.Key_Down: (row + 1, column),
            Key.Key_PageUp: (row, column - across) if self._line else (row - down, column),
            Key.Key_PageDown: (row, column + across) if self._line else (row + down, column),
            Key.Key_Home: (0 if control else row, 0),
            Key.Key_End: (last_row if control else row, last_column),
        }.get(key)
        if target is None:
            super().keyPressEvent(event)
        else:
            self._move(*target)

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """Row and column at a point of the viewport."""
        place = point - self.room.topLeft()
        return self.cells.cell_at(place.x(), place.y())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press, self._panned = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is not None and event.buttons() & Qt.MouseButton.LeftButton:
            way = event.position() - self._press
            if self._panned or way.manhattanLength() >= QApplication.startDragDistance():
                self._panned = True
                self._press = event.position()
                if self.cells.move_by(-way.x(), -way.y()):
                    self._seen()
            return
        self.pointed.emit(self.cell_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._press = self._press, None
        if pressed is not None and not self._panned and (cell := self.cell_at(event.position())) is not None:
            self._move(*cell)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._move(*cell)
            self.chosen.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta()
        sideways = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if turn.x() or sideways:
            if self.cells.move_by(-(turn.x() or turn.y()), 0):
                self._seen()
            return
        self._wheel += turn.y()
        steps, self._wheel = int(self._wheel / _WHEEL), self._wheel - int(self._wheel / _WHEEL) * _WHEEL
        place = event.position() - self.room.topLeft()
        if steps and self.cells.zoom_by(STEP**steps, place.x(), place.y()):
            self._seen()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.pointed.emit(None)
        return super().viewportEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()
