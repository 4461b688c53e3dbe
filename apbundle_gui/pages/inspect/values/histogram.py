"""The histogram: bars over the values, and the bin under the mouse or the cursor in words."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from apbundle_gui import theme
from apbundle_gui.models import value_axes as axes
from apbundle_gui.models import value_text
from apbundle_gui.pages.inspect.values.axes import (
    LABEL_HEIGHT,
    label_font,
    paint_left_labels,
    paint_lines,
    paint_row_of_labels,
)
from apbundle_gui.services.value_histogram import Histogram
from apbundle_gui.services.value_statistics import Statistics
from apbundle_gui.theme import Space, Tone

LEAST_HEIGHT: Final = 116
_LEFT: Final = 44
_PIXELS_A_TICK: Final = 44
_BAR_ALPHA: Final = 190
_GAP_FROM: Final = 5
"""The width of bars, in pixels, from which they stand apart."""


class HistogramChart(QWidget):
    """Shows how many values there are of which size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._histogram: Histogram | None = None
        self._found: Statistics | None = None
        self._log = False
        self._marked: int | None = None
        self.setAccessibleName("Histogram of the values")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(LEAST_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.manager().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(280, LEAST_HEIGHT)

    @property
    def histogram(self) -> Histogram | None:
        """What it shows."""
        return self._histogram

    @property
    def marked_text(self) -> str:
        """The bin under the mouse or the cursor, in words."""
        if self._marked is None or self._histogram is None or self._found is None:
            return ""
        return value_text.bin_text(self._histogram, self._marked, self._found)

    def show_histogram(self, histogram: Histogram | None, found: Statistics | None) -> None:
        """Show another one, or none; ``found`` is what else is known of the values."""
        self._histogram, self._found = histogram, found
        if histogram is None or (self._marked is not None and self._marked >= len(histogram.counts)):
            self._marked = None
        self._describe()
        self.update()

    def set_log(self, log: bool) -> None:
        """Whether heights are logarithms."""
        self._log = log
        self.update()

    # -- hands ---------------------------------------------------------------------------------------------------

    def _mark(self, place: int | None) -> None:
        if place != self._marked:
            self._marked = place
            self._describe()
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or self._histogram is None or event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
            return
        last = len(self._histogram.counts) - 1
        start = self._marked if self._marked is not None else (-1 if step > 0 else last + 1)
        self._mark(min(max(start + step, 0), last))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        area, histogram = self._area(), self._histogram
        x = event.position().x()
        inside = histogram is not None and area.left() <= x < area.right()
        self._mark(int((x - area.left()) / area.width() * len(histogram.counts)) if histogram and inside else None)

    def leaveEvent(self, event: QEvent) -> None:
        self._mark(None)

    def _describe(self) -> None:
        if self._histogram is None or self._found is None:
            self.setAccessibleDescription("There are no values to count.")
            return
        summary = value_text.histogram_summary(self._histogram, self._found)
        marked = self.marked_text
        self.setAccessibleDescription(f"At the cursor {marked}. {summary}" if marked else summary)

    # -- painting ------------------------------------------------------------------------------------------------

    def _area(self) -> QRectF:
        return QRectF(_LEFT, LABEL_HEIGHT, self.width() - _LEFT - Space.XS, self.height() - 2 * LABEL_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        histogram = self._histogram
        painter = QPainter(self)
        painter.setFont(label_font(self))
        if histogram is None:
            painter.end()
            return
        area = self._area()
        top = int(histogram.counts.max(initial=0))
        ticks = axes.count_ticks(top, log=self._log)
        heights = [area.bottom() - area.height() * axes.height(round(v), top, log=self._log) for v, _ in ticks]
        paint_lines(painter, area, [area.bottom(), *heights])
        paint_left_labels(painter, area, [(y, text) for y, (_, text) in zip(heights, ticks, strict=True)])
        self._paint_bars(painter, area, histogram, top)
        reach = histogram.range
        values = axes.value_ticks(reach.low, reach.high, int(area.width() / _PIXELS_A_TICK), whole=histogram.whole)
        places = reach.shares(np.array([value for value, _ in values])).tolist()
        labels = [(area.left() + share * area.width(), text) for share, (_, text) in zip(places, values, strict=True)]
        paint_row_of_labels(painter, area, area.bottom() + 1, labels, self.width())
        painter.setPen(theme.color("text"))
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(0, 1, self.width() - Space.XS, LABEL_HEIGHT), flags, self.marked_text)
        if self.hasFocus():
            painter.setPen(theme.color("accent"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), Space.XS, Space.XS)
        painter.end()

    def _paint_bars(self, painter: QPainter, area: QRectF, histogram: Histogram, top: int) -> None:
        plain = theme.tone_color(Tone.ACCENT)
        plain.setAlpha(_BAR_ALPHA)
        width = area.width() / len(histogram.counts)
        gap = 1 if width > _GAP_FROM else 0
        bars: list[QRectF] = []
        marked: list[QRectF] = []
        for place, count in enumerate(histogram.counts.tolist()):
            if not count:
                continue
            height = max(1.0, area.height() * axes.height(count, top, log=self._log))
            left, right = round(area.left() + place * width), round(area.left() + (place + 1) * width)
            bar = QRectF(left, area.bottom() - height, max(right - left - gap, 1), height)
            (marked if place == self._marked else bars).append(bar)
        painter.setPen(Qt.PenStyle.NoPen)
        for color, rects in ((plain, bars), (theme.tone_color(Tone.ACCENT), marked)):
            painter.setBrush(color)
            painter.drawRects(rects)
        painter.setBrush(Qt.BrushStyle.NoBrush)
