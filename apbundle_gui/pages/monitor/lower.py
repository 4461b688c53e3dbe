"""Panels that share one place: a tab for each, its tools in the same row, and its content below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QTabBar, QVBoxLayout, QWidget

from apbundle_gui.theme import Space


class Panels(QWidget):
    """Shows one of several panels.

    Parameters
    ----------
    panels
        For each its title, its tools and its content.
    """

    def __init__(self, panels: Sequence[tuple[str, QWidget, QWidget]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.XS)
        row = QHBoxLayout()
        row.setContentsMargins(Space.M, 0, Space.M, 0)
        row.setSpacing(Space.M)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName("Events, or what would be better")
        row.addWidget(self.tabs)
        self._tools = QStackedLayout()
        self._contents = QStackedLayout()
        row.addLayout(self._tools, 1)
        layout.addLayout(row)
        layout.addLayout(self._contents, 1)
        for title, tools, content in panels:
            self.tabs.addTab(title)
            self._tools.addWidget(tools)
            self._contents.addWidget(content)
        self.tabs.currentChanged.connect(self._tools.setCurrentIndex)
        self.tabs.currentChanged.connect(self._contents.setCurrentIndex)

    def shows(self, content: QWidget) -> bool:
        """Whether a panel is the one that is shown."""
        return self._contents.currentWidget() is content

    def show_panel(self, number: int) -> None:
        """Show one of the panels."""
        self.tabs.setCurrentIndex(number)
