"""One line of a chart's legend: how the line looks, what it is, and its value at the cursor or now."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.theme import MARKS, Space, Tone
from apbundle_gui.widgets import SecondaryLabel

_SHAPES: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "t": ((-1.0, -0.8), (1.0, -0.8), (0.0, 1.0)),
    "d": ((0.0, -1.2), (1.0, 0.0), (0.0, 1.2), (-1.0, 0.0)),
    "s": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
}


def line_pen(tone: Tone, *, plain: bool = False) -> QPen:
    """The pen of a meaning: one pixel wide whatever the scale, dashed in its own way unless ``plain``."""
    pen = QPen(theme.tone_color(tone), 1)
    pen.setCosmetic(True)
    mark = MARKS.get(tone)
    if mark is not None and mark.dash and not plain:
        pen.setDashPattern([float(length) for length in mark.dash])
    return pen


class _Sample(QWidget):
    """A piece of the line with its marker."""

    SIZE: Final = QSize(16, 12)

    def __init__(self, tone: Tone, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone = tone
        self.setFixedSize(self.SIZE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle = self.height() // 2
        painter.setPen(line_pen(self._tone))
        painter.drawLine(0, middle, self.width(), middle)
        mark = MARKS.get(self._tone)
        if mark is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = theme.tone_color(self._tone)
        painter.setPen(QPen(color, 1.5))
        painter.setBrush(color)
        painter.translate(self.width() / 2, middle + 0.5)
        size = 3.2
        if mark.symbol == "x":
            painter.drawLine(QPointF(-size, -size), QPointF(size, size))
            painter.drawLine(QPointF(-size, size), QPointF(size, -size))
        elif mark.symbol in _SHAPES:
            painter.drawPolygon(QPolygonF([QPointF(x * size, y * size) for x, y in _SHAPES[mark.symbol]]))
        else:
            painter.drawEllipse(QPointF(0, 0), size, size)


class LegendItem(QWidget):
    """A line of a chart, explained."""

    def __init__(self, caption: str, tone: Tone, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.caption = caption
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.XS)
        layout.addWidget(_Sample(tone))
        layout.addWidget(SecondaryLabel(caption))
        self._value = SecondaryLabel("")
        self._value.setFont(theme.tabular(self._value.font()))
        self._value.setMinimumWidth(self._value.fontMetrics().horizontalAdvance("000"))
        self._value.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self._value)

    @property
    def value(self) -> str:
        """The value it shows."""
        return self._value.text()

    def set_value(self, text: str) -> None:
        """Show the value at the cursor, or the latest."""
        if text != self._value.text():
            self._value.setText(text)
