"""The file to scale: its parts in one lane, the tensors of its models in another; zoomed down to the single byte."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.byte_map import FileMap, Part, Stretch
from apbundle_gui.theme import Space
from apbundle_gui.widgets.byte_map_colors import Colouring, part_color, tensor_color

LANE: Final = 26
"""Height of a lane, in pixels."""
AXIS: Final = 18
"""Height of the axis below, in pixels."""
LEAST_VISIBLE: Final = 16
"""Bytes that are visible at least."""
_TICK: Final = 130
_ZOOM: Final = 1.3
_WHEEL: Final = 120
Key = Qt.Key


class ByteMapView(QWidget):
    """Shows a :class:`~apbundle_gui.models.byte_map.FileMap`.

    Parameters
    ----------
    tensors
        Whether there is a lane for the tensors.

    Attributes
    ----------
    chosen
        Emitted with the :class:`~apbundle_gui.models.byte_map.Stretch` that was clicked or gone to.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, tensors: bool = True) -> None:
        super().__init__(parent)
        self._lanes = (2 if tensors else 1) * LANE
        self.setAccessibleName("Map of the file")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._map: FileMap | None = None
        self._begin = 0.0
        self._bytes = 1.0  # that are visible
        self._marked: tuple[int, int] | None = None
        self._cursor = 0
        self._pressed: tuple[QPoint, float] | None = None
        self._dragged = False
        self.colouring = Colouring.KIND
        self._drawn: tuple[object, QPixmap] | None = None
        theme.manager().changed.connect(self.redraw)

    def sizeHint(self) -> QSize:
        return QSize(600, self._lanes + AXIS + Space.XS)

    # -- what it shows -------------------------------------------------------------------------------------------

    def show_map(self, shown: FileMap | None) -> None:
        """Show another file, whole, or none."""
        self._map = shown
        self._drawn = None
        self._marked = None
        self._cursor = 0
        self.show_all()

    def show_all(self) -> None:
        """Show the file from its first byte to its last."""
        self._set(0.0, float(self.file_size))

    def show_stretch(self, begin: int, end: int) -> None:
        """Show the file from byte ``begin`` up to, not including, ``end``; all of it if that was all of another one."""
        self._set(float(begin), float(end - begin))

    def colour_by(self, colouring: Colouring) -> None:
        """Let the colours tell something else apart."""
        self.colouring = colouring
        self.redraw()

    def redraw(self) -> None:
        """Draw the lanes anew: what they show, or how, is another."""
        self._drawn = None
        self.update()

    def mark(self, span: tuple[int, int] | None) -> None:
        """Set these bytes apart, offset and length, and bring them into view."""
        self._marked = span
        if span is not None:
            self._cursor = span[0]
            if not self._begin <= span[0] < self._begin + self._bytes:
                self._set(span[0] - self._bytes / 3, self._bytes)
        self.update()

    @property
    def map(self) -> FileMap | None:
        """What it shows."""
        return self._map

    @property
    def file_size(self) -> int:
        """Bytes of the file; 1 when there is none."""
        return max(1, self._map.size) if self._map is not None else 1

    @property
    def visible(self) -> tuple[int, int]:
        """The first visible byte and the one after the last."""
        return int(self._begin), min(self.file_size, int(np.ceil(self._begin + self._bytes)))

    def zoom(self, factor: float, around: int | None = None) -> None:
        """Show ``factor`` times as many bytes; what is at the byte ``around`` stays there."""
        around = self._cursor if around is None else around
        wanted = min(max(self._bytes * factor, LEAST_VISIBLE), float(self.file_size))
        share = (around - self._begin) / self._bytes
        self._set(around - share * wanted, wanted)

    def x_of(self, offset: float) -> float:
        """Where a byte begins, in pixels."""
        return (offset - self._begin) / self._bytes * self.width()

    def offset_at(self, x: float) -> int:
        """The byte at a pixel."""
        return max(0, min(int(self._begin + x / max(self.width(), 1) * self._bytes), self.file_size - 1))

    def _set(self, begin: float, count: float) -> None:
        self._bytes = min(max(count, LEAST_VISIBLE), float(self.file_size))
        self._begin = max(0.0, min(begin, self.file_size - self._bytes))
        self.update()

    # -- hands ---------------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y() / _WHEEL
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or event.angleDelta().x():
            self._set(self._begin - (turns or event.angleDelta().x() / _WHEEL) * self._bytes / 10, self._bytes)
        else:
            self.zoom(_ZOOM**-turns, self.offset_at(event.position().x()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint(), self._begin
            self._dragged = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        at, begin = self._pressed
        moved = event.position().x() - at.x()
        if abs(moved) > Space.XS or self._dragged:
            self._dragged = True
            self._set(begin - moved / max(self.width(), 1) * self._bytes, self._bytes)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is not None and not self._dragged:
            self._choose(self.offset_at(event.position().x()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._map is not None:
            found = self._map.stretch_at(self.offset_at(event.position().x()))
            self._set(found.start - (found.end - found.start) * 0.05, (found.end - found.start) * 1.1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & (Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier):
            super().keyPressEvent(event)
            return
        found = None if self._map is None else self._map.stretch_at(self._cursor)
        match event.key():
            case Key.Key_Plus | Key.Key_Equal:
                self.zoom(1 / _ZOOM)
            case Key.Key_Minus:
                self.zoom(_ZOOM)
            case Key.Key_0:
                self.show_all()
            case Key.Key_Right if found is not None:
                self._choose(min(found.end, self.file_size - 1))
            case Key.Key_Left if found is not None:
                self._choose(max(found.start - 1, 0))
            case Key.Key_Home:
                self._choose(0)
            case Key.Key_End:
                self._choose(self.file_size - 1)
            case _:
                super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._map is not None:
            found = self._map.stretch_at(self.offset_at(event.pos().x()))
            QToolTip.showText(event.globalPos(), words.tooltip(found.text), self)
            return True
        return super().event(event)

    def _choose(self, offset: int) -> None:
        if self._map is not None:
            found: Stretch = self._map.stretch_at(offset)
            self._cursor = offset
            self.setAccessibleDescription(found.text.replace("\n", ", "))
            self.mark((found.start, found.end - found.start))
            self.chosen.emit(found)

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        lanes = QRect(0, 0, self.width(), self._lanes)
        if self._map is None or not self._map.size or self.width() <= 0:
            painter.fillRect(lanes, theme.color("grid"))
        else:
            painter.drawPixmap(0, 0, self._picture(self._map))
            self._paint_axis(painter)
            self._paint_mark(painter)
        if self.hasFocus():
            painter.setPen(theme.color("accent"))
            painter.drawRect(lanes.adjusted(0, 0, -1, -1))
        painter.end()

    def _picture(self, shown: FileMap) -> QPixmap:
        """The lanes as they are without what is marked, drawn once: something else is marked with every key."""
        ratio = self.devicePixelRatioF()
        seen = self._begin, self._bytes, self.width(), ratio
        if self._drawn is None or self._drawn[0] != seen:
            picture = QPixmap(QSize(self.width(), self._lanes) * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(theme.color("grid"))
            painter = QPainter(picture)
            self._paint_lanes(painter, shown)
            painter.end()
            self._drawn = seen, picture
        return self._drawn[1]

    def _paint_lanes(self, painter: QPainter, shown: FileMap) -> None:
        """A pixel takes the colour of the byte in its middle; borders are drawn where there is room for them."""
        middles = self._begin + (np.arange(self.width()) + 0.5) / self.width() * self._bytes
        offsets = np.minimum(middles.astype(np.int64), shown.size - 1)
        places, parts, models = shown.parts_at(offsets)
        for first, end in _runs(places):
            part, model = Part(parts[first]), int(models[first])
            color = part_color(part, model, self.colouring)
            if color is not None:
                self._fill(painter, first, end, 0, color, wide=end - first > 2)
            if model >= 0 and self._lanes > LANE:
                self._paint_tensors(painter, shown, model, first, offsets[first:end])

    def _paint_tensors(self, painter: QPainter, shown: FileMap, model: int, left: int, offsets: np.ndarray) -> None:
        tensors, dtypes = shown.tensors_at(model, offsets)
        if not dtypes:
            return
        named = iter(dtypes)
        types = [next(named) if tensor >= 0 else "" for tensor in tensors.tolist()]
        for first, end in _runs(tensors):
            tensor = int(tensors[first])
            if tensor >= 0:
                color = tensor_color(model, tensor, types[first], self.colouring)
                self._fill(painter, left + first, left + end, LANE, color, wide=end - first > 2)

    @staticmethod
    def _fill(painter: QPainter, first: int, end: int, top: int, color: QColor, *, wide: bool) -> None:
        painter.fillRect(first, top + 1, end - first - wide, LANE - 2, color)

    def _paint_axis(self, painter: QPainter) -> None:
        metrics, top = self.fontMetrics(), self._lanes
        painter.setPen(theme.color("secondary"))
        step = _round_step(self._bytes * _TICK / max(self.width(), 1))
        begin, end = self.visible
        for offset in range(-(-begin // step) * step, end, step):
            x = int(self.x_of(offset))
            text = words.hex_offset(offset)
            painter.drawLine(x, top, x, top + Space.XS)
            if x + metrics.horizontalAdvance(text) < self.width():
                painter.drawText(x + 2, top + AXIS - metrics.descent() + 2, text)

    def _paint_mark(self, painter: QPainter) -> None:
        if self._marked is None:
            return
        left = int(self.x_of(self._marked[0]))
        right = max(int(self.x_of(self._marked[0] + self._marked[1])), left + 2)
        painter.setPen(theme.color("text"))
        painter.drawRect(max(left, -2), 0, min(right, self.width() + 2) - max(left, -2), self._lanes - 1)


def _runs(values: np.ndarray) -> list[tuple[int, int]]:
    """Where equal neighbours begin, and where they end, exclusive."""
    edges = np.flatnonzero(np.diff(values)) + 1
    bounds = [0, *edges.tolist(), len(values)]
    return list(pairwise(bounds)) if len(values) else []


def _round_step(least: float) -> int:
    """The smallest power of two from ``least`` on: what offsets in hexadecimal are round by."""
    return 1 << max(0, int(np.ceil(np.log2(max(least, 1)))))
