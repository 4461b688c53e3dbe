"""Everything in a window that a hand can press, and what it is called."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
)
PARTS_OF = (QAbstractSpinBox, QComboBox, QLineEdit, QTabBar)
"""Controls whose parts, made by Qt, are spoken as the whole."""


def controls(window: QWidget) -> Iterator[QWidget]:
    """The controls inside a widget, shown or not."""
    for widget in window.findChildren(QWidget):
        if isinstance(widget, QHeaderView | QScrollBar) or not isinstance(widget, CONTROLS):
            continue
        above = widget.parentWidget()
        while above is not None and not isinstance(above, PARTS_OF):
            above = above.parentWidget()
        if above is None and not widget.objectName().startswith("qt_"):
            yield widget


def name_of(widget: QWidget) -> str:
    """What is spoken for a control."""
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


def path_of(widget: QWidget | None) -> str:
    """Which widget it is, for whoever has to find it."""
    names = []
    while widget is not None:
        names.append(type(widget).__name__)
        widget = widget.parentWidget()
    return " in ".join(names)
