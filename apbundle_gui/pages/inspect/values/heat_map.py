"""The map of values: a plane in colours, down to cells with their numbers in them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from apbundle_gui import theme
from apbundle_gui.models import value_axes as axes
from apbundle_gui.models import value_text
from apbundle_gui.pages.inspect.values.axes import (
    LABEL_HEIGHT,
    label_font,
    paint_left_labels,
    paint_row_of_labels,
)
from apbundle_gui.pages.inspect.values.colors import picture_image, text_inks
from apbundle_gui.pages.inspect.values.map_view import PART, WHOLE, MapView
from apbundle_gui.services.tensor_values import Picture

_PIXELS_A_ROW_LABEL: Final = 24
_PIXELS_A_COLUMN_LABEL: Final = 90
_CROSS: Final = 6
"""A cell smaller than this, in pixels, is pointed at by lines."""


class HeatMap(MapView):
    """Shows a plane of values in colours."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Map of the values", line=False, parent=parent)
        self._images: dict[str, QImage] = {}
        self._diverging = True

    def set_diverging(self, diverging: bool) -> None:
        """Whether the colours are those around zero."""
        self._diverging = diverging
        self.restyle()

    def restyle(self) -> None:
        self._images = {what: picture_image(each, self._diverging) for what, each in self.pictures.items()}
        super().restyle()

    def show_picture(self, purpose: str, picture: Picture) -> None:
        self.pictures[purpose] = picture
        self._images[purpose] = picture_image(picture, self._diverging)
        self.viewport().update()

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), theme.color("surface"))
        if self.cells.rows and self.cells.columns:
            room = self.room
            painter.setFont(label_font(self))
            self._paint_labels(painter, room)
            painter.setClipRect(room)
            painter.translate(room.topLeft())
            painter.fillRect(QRectF(0, 0, self.cells.width, self.cells.height), theme.color("grid"))
            for purpose in (WHOLE, PART):
                if purpose in self.pictures and not (purpose == PART and self.cells.fits):
                    self._paint_picture(painter, self.pictures[purpose], self._images[purpose])
            self._paint_numbers(painter)
            self._paint_cursor(painter)
        painter.end()

    def _paint_picture(self, painter: QPainter, picture: Picture, image: QImage) -> None:
        """The part of it that is seen; Qt need not know how far the rest would reach."""
        region, seen = picture.grid.region, self.region
        top, bottom = max(region.top, seen.top), min(region.bottom, seen.bottom)
        left, right = max(region.left, seen.left), min(region.right, seen.right)
        if top >= bottom or left >= right:
            return
        cells = self.cells
        across = image.width() / (region.right - region.left)
        down = image.height() / (region.bottom - region.top)
        source = QRectF(
            (left - region.left) * across, (top - region.top) * down, (right - left) * across, (bottom - top) * down
        )
        target = QRectF(
            cells.x(left), cells.y(top), (right - left) * cells.cell_width, (bottom - top) * cells.cell_height
        )
        painter.drawImage(target, image, source)

    def _paint_labels(self, painter: QPainter, room: QRectF) -> None:
        seen, cells = self.region, self.cells
        most = int(cells.height / _PIXELS_A_ROW_LABEL)
        if cells.rows > 1:
            down = [
                (room.top() + cells.y(row + 0.5), text)
                for row, text in axes.whole_ticks(seen.top, seen.bottom, most)
                if cells.y(row + 0.5) <= cells.height
            ]
            paint_left_labels(painter, room, down)
        most = int(cells.width / _PIXELS_A_COLUMN_LABEL) if not cells.has_room_for_numbers else 100
        across = [
            (room.left() + cells.x(column + 0.5), text)
            for column, text in axes.whole_ticks(seen.left, seen.right, most)
            if 0 <= cells.x(column + 0.5) <= cells.width
        ]
        paint_row_of_labels(painter, room, room.top() - LABEL_HEIGHT, across, self.viewport().width())

    def _paint_numbers(self, painter: QPainter) -> None:
        picture = self.pictures.get(WHOLE if self.cells.fits else PART)
        if picture is None or not self.cells.has_room_for_numbers or not picture.grid.single:
            return
        grid, seen, cells = picture.grid, self.region, self.cells
        top, left = max(seen.top, grid.region.top), max(seen.left, grid.region.left)
        bottom, right = min(seen.bottom, grid.region.bottom), min(seen.right, grid.region.right)
        inks = text_inks(self._diverging)
        said: dict[int, list[tuple[QRectF, str]]] = {ink: [] for ink in inks}
        wide, high = cells.cell_width, cells.cell_height
        for row in range(top, bottom):
            at = row - grid.region.top, slice(left - grid.region.left, max(right - grid.region.left, 0))
            y = cells.y(row)
            values = zip(picture.codes[at].tolist(), grid.mean[at].tolist(), grid.odd[at].tolist(), strict=True)
            for column, (code, value, odd) in enumerate(values, left):
                text = value_text.odd_text(odd) if odd else value_text.brief(value)
                said[inks[code]].append((QRectF(cells.x(column), y, wide, high), text))
        for ink, texts in said.items():  # changing the colour takes longer than drawing a text
            painter.setPen(QColor.fromRgb(ink))
            for rect, text in texts:
                painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), text)

    def _paint_cursor(self, painter: QPainter) -> None:
        row, column = self.cursor_cell
        rect = self._rect(row, column)
        pen = QPen(theme.color("accent" if self.hasFocus() else "secondary"), 1)
        painter.setPen(pen)
        middle = rect.center()
        if rect.height() < _CROSS:
            painter.drawLine(0, round(middle.y()), round(self.cells.width), round(middle.y()))
        if rect.width() < _CROSS:
            painter.drawLine(round(middle.x()), 0, round(middle.x()), round(self.cells.height))
        if rect.width() >= _CROSS and rect.height() >= _CROSS:
            pen.setWidth(2)
            painter.setPen(pen)
            painter.drawRect(rect.adjusted(1, 1, -1, -1))
        elif rect.width() >= _CROSS or rect.height() >= _CROSS:
            painter.drawRect(rect.adjusted(0, 0, -1, -1))

    def _rect(self, row: int, column: int) -> QRectF:
        cells = self.cells
        return QRectF(cells.x(column), cells.y(row), cells.cell_width, cells.cell_height)

    def rect_of(self, row: int, column: int) -> QRectF:
        """Where a cell is on the viewport, which it need not be."""
        return self._rect(row, column).translated(self.room.topLeft())
