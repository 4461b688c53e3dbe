"""What all charts of values have in common: room for labels, a faint grid, and labels that follow the theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from apbundle_gui import theme
from apbundle_gui.theme import Space

LABEL_HEIGHT: Final = 18
"""Room for the labels along a horizontal side, in pixels."""


def label_font(widget: QWidget) -> QFont:
    """The font of labels at axes."""
    font = theme.tabular(widget.font())
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * 0.9)
    return font


def thin(name: str) -> QPen:
    """A line of one pixel in a colour of the theme."""
    pen = QPen(theme.color(name), 1)
    pen.setCosmetic(True)
    return pen


def paint_lines(painter: QPainter, area: QRectF, across: Sequence[float], down: Sequence[float] = ()) -> None:
    """The grid: horizontal lines at the heights ``across``, vertical ones at ``down``."""
    painter.setPen(thin("grid"))
    for y in across:
        painter.drawLine(round(area.left()), round(y), round(area.right()), round(y))
    for x in down:
        painter.drawLine(round(x), round(area.top()), round(x), round(area.bottom()))


def paint_left_labels(painter: QPainter, area: QRectF, labels: Sequence[tuple[float, str]]) -> None:
    """Labels at the left of ``area``, each at a height; one that would stand in another is left out."""
    painter.setPen(theme.color("secondary"))
    height = QFontMetricsF(painter.font()).height()
    free = None
    lowest = painter.device().height() - height / 2
    for y, text in sorted(labels, reverse=True):
        y = min(y, lowest)
        if free is not None and y + height / 2 > free:
            continue
        box = QRectF(0, y - height / 2, area.left() - Space.XS, height)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text)
        free = y - height / 2


def paint_row_of_labels(
    painter: QPainter, area: QRectF, top: float, labels: Sequence[tuple[float, str]], width: float
) -> None:
    """Labels below or above ``area``, each in the middle of its place and inside of ``width``."""
    painter.setPen(theme.color("secondary"))
    metrics = QFontMetricsF(painter.font())
    free = -1.0
    for x, text in sorted(labels):
        wide = metrics.horizontalAdvance(text) + 2
        left = min(max(x - wide / 2, 0.0), width - wide)
        if left < free:
            continue
        painter.drawText(QRectF(left, top, wide, LABEL_HEIGHT), int(Qt.AlignmentFlag.AlignCenter), text)
        free = left + wide + Space.S
