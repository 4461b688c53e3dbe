"""The colour scale of the map of values, with numbers."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from apbundle_gui import theme
from apbundle_gui.models import value_text
from apbundle_gui.pages.inspect.values.axes import label_font, thin
from apbundle_gui.pages.inspect.values.colors import scale_colors
from apbundle_gui.services.value_grid import LEVELS, NOT_FINITE
from apbundle_gui.services.value_range import ValueRange
from apbundle_gui.theme import Space

BAR: Final = QSize(100, 10)
ODD: Final = "NaN, Inf"


class ColorLegend(QWidget):
    """Says which colour stands for which value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale: ValueRange | None = None
        self._diverging = True
        self._odd = False
        self.setAccessibleName("Colour scale")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.manager().changed.connect(self.update)

    def show_scale(self, scale: ValueRange | None, *, diverging: bool, odd: bool) -> None:
        """Show another scale; ``odd`` is whether there are values that are not finite."""
        self._scale, self._diverging, self._odd = scale, diverging, odd
        said = "" if scale is None else f"From {value_text.brief(scale.low)} to {value_text.brief(scale.high)}."
        self.setAccessibleDescription(said)
        self.updateGeometry()
        self.update()

    @property
    def texts(self) -> tuple[str, ...]:
        """The numbers at the scale."""
        scale = self._scale
        if scale is None:
            return ()
        return value_text.brief(scale.low), value_text.brief(scale.high), *((ODD,) if self._odd else ())

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(label_font(self))
        width = BAR.width() + sum(metrics.horizontalAdvance(text) + 2 * Space.S for text in self.texts)
        return QSize(width + (BAR.height() if self._odd else 0), theme.CONTROL_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._scale is None:
            return
        painter = QPainter(self)
        painter.setFont(label_font(self))
        low, high, *_ = self.texts
        x = self._text(painter, 0, low) + Space.S
        bar = QRectF(x, (self.height() - BAR.height()) // 2, BAR.width(), BAR.height())
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        colors = scale_colors(self._diverging)
        for place in range(0, LEVELS, (LEVELS - 1) // 10):
            gradient.setColorAt(place / (LEVELS - 1), QColor(colors[place]))
        painter.fillRect(bar, gradient)
        painter.setPen(thin("border"))
        painter.drawRect(bar.adjusted(0, 0, -1, -1))
        x = self._text(painter, bar.right() + Space.S, high)
        if self._odd:
            swatch = QRectF(x + Space.L, bar.top(), BAR.height(), BAR.height())
            painter.fillRect(swatch, QColor(colors[NOT_FINITE]))
            self._text(painter, swatch.right() + Space.XS, ODD)
        painter.end()

    def _text(self, painter: QPainter, x: float, text: str) -> float:
        width = painter.fontMetrics().horizontalAdvance(text)
        painter.setPen(theme.color("secondary"))
        painter.drawText(QRectF(x, 0, width + 2, self.height()), int(Qt.AlignmentFlag.AlignVCenter), text)
        return x + width
