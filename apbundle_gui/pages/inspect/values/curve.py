"""The line of values: those along one dimension, with the least and the greatest where several share a pixel."""

from __future__ import annotations

from itertools import groupby
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from apbundle_gui import theme
from apbundle_gui.models import value_axes as axes
from apbundle_gui.pages.inspect.values.axes import label_font, paint_left_labels, paint_lines, paint_row_of_labels, thin
from apbundle_gui.pages.inspect.values.colors import ODD
from apbundle_gui.pages.inspect.values.map_view import PART, WHOLE, MapView
from apbundle_gui.services.tensor_values import Picture
from apbundle_gui.services.value_range import ValueRange
from apbundle_gui.theme import Tone

_PIXELS_A_LABEL: Final = 90
_PIXELS_A_VALUE: Final = 48
_DOTS_FROM: Final = 7
"""How far apart values are, in pixels, to be drawn as dots."""
_SPREAD_ALPHA: Final = 70
_MARGIN: Final = 8


class Curve(MapView):
    """Shows a line of values as a plot."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Plot of the values", line=True, parent=parent)
        self._range = ValueRange(0.0, 1.0)

    def set_range(self, reach: ValueRange) -> None:
        """Which values there is room for; others stand at the border."""
        self._range = reach
        self.viewport().update()

    # -- painting ------------------------------------------------------------------------------------------------

    @property
    def _band(self) -> QRectF:
        """Where values are drawn, on the viewport."""
        return self.room.adjusted(0, _MARGIN, 0, -_MARGIN)

    def _heights(self, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
        band = self._band
        shares = np.clip(self._range.shares(values), 0, 1)
        heights: list[float] = (band.bottom() - shares * band.height()).tolist()
        return heights

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), theme.color("surface"))
        if self.cells.columns:
            painter.setFont(label_font(self))
            room = self.room
            self._paint_frame(painter, room)
            painter.setClipRect(room.adjusted(-1, 0, 1, 0))
            for purpose in (WHOLE, PART):
                if purpose in self.pictures and (purpose == WHOLE) == (self.cells.fits or PART not in self.pictures):
                    self._paint_line(painter, self.pictures[purpose])
            self._paint_cursor(painter, room)
        painter.end()

    def _paint_frame(self, painter: QPainter, room: QRectF) -> None:
        reach, seen, cells = self._range, self.region, self.cells
        ticks = axes.value_ticks(reach.low, reach.high, int(room.height() / _PIXELS_A_VALUE))
        heights = self._heights(np.array([value for value, _ in ticks]))
        paint_lines(painter, room, heights)
        if reach.low < 0 < reach.high:
            painter.setPen(thin("border"))
            (zero,) = self._heights(np.zeros(1))
            painter.drawLine(round(room.left()), round(zero), round(room.right()), round(zero))
        paint_left_labels(painter, room, [(y, text) for y, (_, text) in zip(heights, ticks, strict=True)])
        most = int(room.width() / _PIXELS_A_LABEL)
        across = [
            (room.left() + cells.x(column + 0.5), text)
            for column, text in axes.whole_ticks(seen.left, seen.right, most)
            if 0 <= cells.x(column + 0.5) <= cells.width
        ]
        paint_row_of_labels(painter, room, room.bottom(), across, self.viewport().width())

    def _paint_line(self, painter: QPainter, picture: Picture) -> None:
        grid = picture.grid
        borders = grid.column_edges
        middles = ((borders[:-1] + borders[1:]) / 2 - self.cells.left) * self.cells.cell_width + self.room.left()
        places = middles.tolist()
        finite = np.isfinite(grid.mean[0])
        highs, lows = self._heights(grid.high[0]), self._heights(grid.low[0])
        means = self._heights(grid.mean[0])
        line, spread = theme.tone_color(Tone.ACCENT), theme.tone_color(Tone.ACCENT)
        spread.setAlpha(_SPREAD_ALPHA)
        for whole, run in groupby(range(len(places)), key=lambda place: bool(finite[place])):
            if not whole:
                continue
            there = list(run)
            if not grid.single:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(spread)
                up = [QPointF(places[place], highs[place]) for place in there]
                down = [QPointF(places[place], max(lows[place], highs[place] + 1)) for place in reversed(there)]
                painter.drawPolygon(QPolygonF(up + down))
            painter.setPen(QPen(line, 1))
            painter.drawPolyline(QPolygonF([QPointF(places[place], means[place]) for place in there]))
            if grid.single and (self.cells.cell_width >= _DOTS_FROM or len(there) == 1):
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(line)
                for place in there:
                    painter.drawEllipse(QPointF(places[place], means[place]), 2.5, 2.5)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(theme.tone_color(ODD), 1))
        for place in np.flatnonzero(grid.odd[0]).tolist():
            x = round(places[place])
            painter.drawLine(x, round(self.room.bottom()) - _MARGIN, x, round(self.room.bottom()))

    def _paint_cursor(self, painter: QPainter, room: QRectF) -> None:
        x = round(room.left() + self.cells.x(self.cursor_cell[1] + 0.5))
        painter.setPen(thin("accent" if self.hasFocus() else "secondary"))
        painter.drawLine(x, round(room.top()), x, round(room.bottom()))
