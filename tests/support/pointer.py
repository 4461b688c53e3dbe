"""Moving the pointer over a widget by events.

Moving it for real leads to whatever window is there: with windows of earlier tests about, not always the one meant.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget


def move(widget: QWidget, place: QPoint, held: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
    """Move to ``place`` in ``widget``, with the button ``held`` down."""
    there = QPointF(place)
    none = Qt.MouseButton.NoButton
    keys = Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(QEvent.Type.MouseMove, there, widget.mapToGlobal(there), none, held, keys)
    QApplication.sendEvent(widget, event)
