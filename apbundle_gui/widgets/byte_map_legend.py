"""The legend of the byte map, in a line."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from apbundle_gui import theme
from apbundle_gui.theme import Space
from apbundle_gui.widgets.byte_map_colors import Colouring, legend

SWATCH: Final = 10
"""Side of a swatch, in pixels."""
HEIGHT: Final = 18
_SWATCH_ROOM: Final = SWATCH + Space.XS


class ByteMapLegend(QWidget):
    """Says what the colours of the map stand for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What the colours of the map mean")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._colouring = Colouring.KIND
        self.show_colouring(Colouring.KIND)
        theme.manager().changed.connect(self.update)

    def show_colouring(self, colouring: Colouring) -> None:
        """Explain other colours."""
        self._colouring = colouring
        self.setAccessibleDescription(", ".join(text for text, _ in legend(colouring)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        taken = (metrics.horizontalAdvance(text) + _SWATCH_ROOM + Space.L for text, _ in legend(self._colouring))
        return QSize(sum(taken), HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics, x = painter.fontMetrics(), 0
        painter.setPen(theme.color("secondary"))
        for text, color in legend(self._colouring):
            if color is not None:
                swatch = QRect(x, (HEIGHT - SWATCH) // 2, SWATCH, SWATCH)
                painter.fillRect(swatch, color)
                painter.setPen(theme.color("border"))
                painter.drawRect(swatch.adjusted(0, 0, -1, -1))
                painter.setPen(theme.color("secondary"))
                x += _SWATCH_ROOM
            width = metrics.horizontalAdvance(text)
            painter.drawText(QRect(x, 0, width + 2, HEIGHT), int(Qt.AlignmentFlag.AlignVCenter), text)
            x += width + Space.L
        painter.end()
