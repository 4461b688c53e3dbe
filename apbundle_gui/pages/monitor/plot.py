"""One chart over the time of a recording: title and legend above, thin lines on a faint grid, a cross at the mouse.

Nothing is left to automatics: ranges are fixed, the data comes decimated, pens are one pixel wide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_axes import Ticks
from apbundle_gui.pages.monitor.legend import LegendItem, line_pen
from apbundle_gui.theme import RADIUS, Space, Tone
from apbundle_gui.widgets import SectionTitle

AXIS_WIDTH: Final = 64
"""Room for the labels of the vertical axis, in pixels: the same in all charts, so that they stand on one time axis."""
HEADER_HEIGHT: Final = 24
TIME_HEIGHT: Final = 20
"""Room for the labels of the time axis, in pixels."""
LEAST_WIDTH: Final = 280
_KEYS: Final[dict[Qt.Key, float]] = {
    Qt.Key.Key_Left: -1.0,
    Qt.Key.Key_Right: 1.0,
    Qt.Key.Key_PageUp: -10.0,
    Qt.Key.Key_PageDown: 10.0,
    Qt.Key.Key_Home: float("-inf"),
    Qt.Key.Key_End: float("inf"),
}
"""Keys that go on in time, and how many steps."""
_FILL_ALPHA: Final = 38

Floats = NDArray[np.floating[Any]]


@dataclass(slots=True)
class _Line:
    tone: Tone
    curve: Any
    legend: LegendItem
    steps: bool
    filled: bool
    x: Floats = field(default_factory=lambda: np.zeros(0))
    y: Floats = field(default_factory=lambda: np.zeros(0))

    def at(self, x: float | None) -> float:
        """The value at ``x``, or the last one."""
        if not len(self.y):
            return float("nan")
        if x is None:
            return float(self.y[-1])
        place = int(np.searchsorted(self.x, x, side="right")) - 1
        return float(self.y[place]) if 0 <= place < len(self.y) else float("nan")


class TimePlot(QWidget):
    """A chart.

    Parameters
    ----------
    title
        What it shows, with the unit.
    value
        Words a value of it.

    Attributes
    ----------
    view
        What draws it.
    pointed
        Emitted with the time under the mouse, in seconds, or ``None`` when it left.
    clicked
        Emitted with the time that was clicked, in seconds.
    stepped
        Emitted with the number of steps to go on in time, backwards if negative, when a key asks for it.
    """

    pointed = Signal(object)
    clicked = Signal(float)
    stepped = Signal(float)

    def __init__(self, title: str, value: Callable[[float], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._word = value
        self._lines: dict[str, _Line] = {}
        self._cursor: float | None = None
        self._limit: Any = None
        top = QWidget()
        top.setFixedHeight(HEADER_HEIGHT)
        self.header = QHBoxLayout(top)
        self.header.setContentsMargins(0, 0, 0, 0)
        self.header.setSpacing(Space.S)
        self.header.addWidget(SectionTitle(title))
        self.header.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(top)
        self.view = pg.PlotWidget(background=None)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.view.setMinimumHeight(36)
        self.setMinimumWidth(LEAST_WIDTH)  # else the legend would say how narrow the page can be
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout.addWidget(self.view, 1)
        self._item = self.view.getPlotItem()
        self._item.hideButtons()
        self._item.setMenuEnabled(False)
        self._item.setContentsMargins(0, 6, 1, 0)
        self._box = self._item.getViewBox()
        self._box.setMouseEnabled(False, False)
        self._box.setDefaultPadding(0)
        self._box.disableAutoRange()
        self._cross = pg.InfiniteLine(angle=90, movable=False)
        self._cross.hide()
        self._item.addItem(self._cross, ignoreBounds=True)
        self._dress_axes()
        self.show_time(True)
        self.view.scene().sigMouseMoved.connect(self._mouse_moved)
        self.view.scene().sigMouseClicked.connect(self._mouse_clicked)
        self.view.viewport().installEventFilter(self)
        theme.manager().changed.connect(self.restyle)
        self.restyle()

    @property
    def plot_width(self) -> int:
        """Pixels from the left to the right end of the time axis."""
        return max(int(self.view.width()) - AXIS_WIDTH, 1)

    @property
    def description(self) -> str:
        """What it shows now, in one sentence for those who cannot see it."""
        legends = [line.legend for line in self._lines.values()]
        if self._limit is not None:
            legends.append(self._limit_legend)
        values = ", ".join(f"{each.caption} {each.value}" for each in legends if each.value)
        when = "" if self._cursor is None else f" at {self._where(self._cursor)}"
        return f"{self._title}{when}: {values}."

    def _where(self, x: float) -> str:
        """A place on the horizontal axis, in words."""
        return words.duration(x)

    def add_line(self, name: str, caption: str, tone: Tone, *, steps: bool = False, filled: bool = False) -> None:
        """Add a line; ``steps`` are values of intervals rather than of moments."""
        curve = pg.PlotCurveItem(antialias=False)
        self._item.addItem(curve, ignoreBounds=True)
        legend = LegendItem(caption, tone)
        self.header.addWidget(legend)
        self._lines[name] = _Line(tone, curve, legend, steps, filled)
        self.restyle()

    def add_limit(self, caption: str) -> None:
        """Have a horizontal line at a limit, with its value in the legend."""
        self._limit = pg.InfiniteLine(angle=0, movable=False)
        self._item.addItem(self._limit, ignoreBounds=True)
        self._limit_legend = LegendItem(caption, Tone.LIMIT)
        self.header.addWidget(self._limit_legend)
        self.restyle()

    def set_limit(self, value: float) -> None:
        """Put the limit's line at ``value``."""
        self._limit.setValue(value)
        self._limit_legend.set_value(self._word(value))

    def data(self, name: str) -> tuple[Floats, Floats]:
        """What is shown of a line, as :meth:`set_line` had it."""
        return self._lines[name].x, self._lines[name].y

    def value(self, name: str) -> str:
        """What the legend says of a line."""
        return self._lines[name].legend.value

    def set_line(self, name: str, x: Floats, y: Floats) -> None:
        """Show data: points, or, of a line of steps, ``x`` one longer than ``y`` with the edges of the intervals."""
        line = self._lines[name]
        line.x, line.y = x, y
        if len(y):
            line.curve.setData(
                x, y, stepMode="center" if line.steps else None, connect="all" if line.steps else "finite"
            )
        else:
            line.curve.clear()

    def clear(self) -> None:
        """Show no data."""
        for name in self._lines:
            self.set_line(name, np.zeros(0), np.zeros(0))
        self.say_values()

    def set_range(self, begin: float, end: float, top: float, ticks: Ticks) -> None:
        """Show the time from ``begin`` to ``end`` (seconds) and values from 0 to ``top``."""
        self._box.setRange(xRange=(begin, end), yRange=(0, top), padding=0, disableAutoRange=False)
        self._item.getAxis("left").setTicks([ticks])
        self.view.scene().prepareForPaint()  # else the first painting moves everything, and asks for a second one

    def show_time(self, shown: bool) -> None:
        """Whether the time axis is labelled: the lowest of charts that stand on each other has it for all."""
        axis = self._item.getAxis("bottom")
        axis.setStyle(showValues=shown)
        axis.setHeight(TIME_HEIGHT if shown else 1)

    def set_time_ticks(self, ticks: Ticks) -> None:
        """Label the time axis."""
        self._item.getAxis("bottom").setTicks([ticks])

    def point_at(self, x: float | None) -> None:
        """Show the cross at a time, and the values there; ``None``: no cross, the latest values."""
        self._cursor = x
        self._cross.setVisible(x is not None)
        if x is not None:
            self._cross.setValue(x)
        self.say_values()

    def say_values(self) -> None:
        """Word the values at the cursor, or the latest, in the legend."""
        for line in self._lines.values():
            value = line.at(self._cursor)
            line.legend.set_value(self._word(value) if np.isfinite(value) else words.NONE if len(line.y) else "")

    def describe(self) -> None:
        """Bring what a screen reader says up to date."""
        self.setAccessibleDescription(self.description)

    def restyle(self) -> None:
        """Take the colours of the theme in force."""
        colors = theme.chart_colors()
        self.view.setBackground(None)
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.setPen(QPen(Qt.PenStyle.NoPen))
            axis.setTickPen(_thin(colors.grid))
            axis.setTextPen(QPen(colors.text))
        for line in self._lines.values():
            line.curve.setPen(line_pen(line.tone))
            if line.filled:
                fill = theme.tone_color(line.tone)
                fill.setAlpha(_FILL_ALPHA)
                line.curve.setBrush(fill)
                line.curve.setFillLevel(0)
        self._cross.setPen(_thin(colors.cursor))
        if self._limit is not None:
            self._limit.setPen(line_pen(Tone.LIMIT))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = _KEYS.get(Qt.Key(event.key()))
        if steps is None:
            super().keyPressEvent(event)
        else:
            self.stepped.emit(steps)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.describe()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            painter.setPen(QPen(theme.color("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.pointed.emit(None)
        return super().eventFilter(watched, event)

    def _dress_axes(self) -> None:
        font = QFont(self.font())
        if font.pointSizeF() > 0:
            font.setPointSizeF(font.pointSizeF() * 0.9)
        left, bottom = self._item.getAxis("left"), self._item.getAxis("bottom")
        for axis in (left, bottom):
            axis.setStyle(tickFont=font, tickLength=0, tickTextOffset=4, hideOverlappingLabels=False)
            axis.enableAutoSIPrefix(False)
            axis.setZValue(-1)  # the grid lies below the data
        left.setWidth(AXIS_WIDTH)
        left.setGrid(255)
        bottom.setGrid(255)

    def _mouse_clicked(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._box.sceneBoundingRect().contains(event.scenePos()):
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.clicked.emit(float(self._box.mapSceneToView(event.scenePos()).x()))

    def _mouse_moved(self, place: QPointF) -> None:
        inside = self._box.sceneBoundingRect().contains(place)
        self.pointed.emit(float(self._box.mapSceneToView(place).x()) if inside else None)


def _thin(color: Any) -> QPen:
    pen = QPen(color, 1)
    pen.setCosmetic(True)
    return pen
