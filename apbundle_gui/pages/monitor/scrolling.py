"""How the parts of the page stand in the room there is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from apbundle_gui.theme import PAGE_MARGINS, Space
from apbundle_gui.widgets import set_property


def padded(widget: QWidget) -> QWidget:
    """A widget with the room around it that every page has."""
    outer = QWidget()
    layout = QVBoxLayout(outer)
    layout.setContentsMargins(*PAGE_MARGINS)
    layout.addWidget(widget)
    return outer


def scrolling(rest: QWidget, *tops: QWidget) -> QScrollArea:
    """Widgets under each other, the last of which takes the room there is; they scroll where there is too little."""
    _, _, right, bottom = PAGE_MARGINS
    body = QWidget()
    set_property(body, kind="page-body")
    column = QVBoxLayout(body)
    column.setContentsMargins(0, 0, right, bottom)
    column.setSpacing(Space.S)
    for top in tops:
        column.addWidget(top)
    column.addWidget(rest, 1)
    area = QScrollArea()
    set_property(area, kind="page")
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the focus within: no stop of its own
    area.setWidget(body)
    bar = area.verticalScrollBar()

    def keep_right_edge(_: int, most: int) -> None:
        column.setContentsMargins(0, 0, right - (bar.sizeHint().width() if most else 0), bottom)

    bar.rangeChanged.connect(keep_right_edge)
    return area
