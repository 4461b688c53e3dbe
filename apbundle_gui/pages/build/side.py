"""Beside the table: the bundle, the selected models, and the history, a tab each."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QTabWidget, QUndoView, QVBoxLayout, QWidget

from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.pages.build.details_panel import DetailsPanel
from apbundle_gui.pages.build.settings_panel import SettingsPanel
from apbundle_gui.services import Services
from apbundle_gui.services.gains import Gains
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Card


class Side(Card):
    """The three tabs in one card."""

    def __init__(self, services: Services, store: DraftStore, gains: Gains, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=0)
        self.panel = SettingsPanel()
        self.details = DetailsPanel(services, store, gains)
        self.history = QUndoView(store.undo_stack)
        self.history.setEmptyLabel("As it began")
        self.history.setAccessibleName("History of the draft")
        self.history.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("What is shown beside the models")
        self.tabs.addTab(_scrolling(self.panel), "Bundle")
        self.tabs.addTab(self.details, "Models")
        self.tabs.addTab(_padded(self.history), "History")
        self.body.addWidget(self.tabs)
        self.setMinimumWidth(self.panel.minimumSizeHint().width() + 2)

    def show_tab(self, widget: QWidget) -> None:
        """Turn to the tab of :attr:`details`, :attr:`history` or :attr:`panel`, and give it the keys."""
        for at in range(self.tabs.count()):
            page = self.tabs.widget(at)
            if page is widget or (page is not None and page.isAncestorOf(widget)):
                self.tabs.setCurrentIndex(at)
        focus = self.details.view if widget is self.details else self.panel.output if widget is self.panel else widget
        focus.setFocus()


def _scrolling(panel: QWidget) -> QScrollArea:
    """The panel at its least height or more: below an error card in a small window it scrolls."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the focus within: no stop of its own
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(panel)
    return area


def _padded(widget: QWidget) -> QWidget:
    around = QWidget()
    layout = QVBoxLayout(around)
    layout.setContentsMargins(Space.S, Space.S, Space.S, Space.S)
    layout.addWidget(widget)
    return around
