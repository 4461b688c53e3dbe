"""The tabs in their row, with the search field that searches the visible one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Label

SEARCH_WIDTH, LEAST_SEARCH_WIDTH = 320, 180
"""Of the search field at most and at least, in pixels."""
MISTAKE_SHOWN = 60
"""Characters of a query's mistake beside it; the tooltip has all of them."""


class Tabs(QWidget):
    """Shows one tab at a time; each keeps its own query."""

    def __init__(self, tabs: Sequence[Tab], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tabs = tuple(tabs)
        self._queries = dict.fromkeys(self._tabs, "")
        self.bar = QTabBar()
        self.bar.setAccessibleName("Parts of the bundle")
        self.bar.setExpanding(False)
        self.bar.setDrawBase(False)
        self._stack = QStackedWidget()
        for tab in self._tabs:
            self.bar.addTab(tab.title)
            self._stack.addWidget(tab)
            tab.counted.connect(self._show_count)
            tab.query_dropped.connect(lambda tab=tab: self._drop_query(tab))
        self.count = Label()
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(LEAST_SEARCH_WIDTH)
        self.search.setMaximumWidth(SEARCH_WIDTH)
        self.search.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.search.textChanged.connect(self._search)
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self.search)
        escape.setContext(Qt.ShortcutContext.WidgetShortcut)
        escape.activated.connect(self.search.clear)
        row = QHBoxLayout()
        row.setSpacing(Space.M)
        row.addWidget(self.bar)
        row.addStretch(1)
        row.addWidget(self.count)
        row.addWidget(self.search, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.M)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)
        self.bar.currentChanged.connect(self._changed)
        self._show_query()

    @property
    def current(self) -> Tab:
        """The visible tab."""
        return self._tabs[self.bar.currentIndex()]

    def show_tab(self, tab: Tab) -> None:
        """Make a tab the visible one."""
        self.bar.setCurrentIndex(self._tabs.index(tab))

    def start_search(self) -> None:
        """Go to the search field."""
        own = self.current.search_widget
        if own is not None:
            own.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def forget_queries(self) -> None:
        """Search for nothing in any tab."""
        for tab in self._tabs:
            self._queries[tab] = ""
            tab.set_query("")
        self._show_query()

    def _changed(self) -> None:
        before = self._stack.currentWidget()
        self._stack.setCurrentWidget(self.current)
        if isinstance(before, Tab) and before is not self.current:
            before.hidden()
        self.current.shown()
        self._show_query()
        self._show_count()

    def _search(self, query: str) -> None:
        self._queries[self.current] = query
        self.current.set_query(query)

    def _drop_query(self, tab: Tab) -> None:
        self._queries[tab] = ""
        self._show_query()

    def _show_query(self) -> None:
        blocked = self.search.blockSignals(True)
        self.search.setText(self._queries[self.current])
        self.search.blockSignals(blocked)
        self.search.setVisible(bool(self.current.placeholder))
        self.search.setPlaceholderText(self.current.placeholder)
        self.search.setAccessibleName(self.current.placeholder)

    def _show_count(self) -> None:
        mistake = self.current.mistake
        self.count.setText(words.safe(mistake, MISTAKE_SHOWN) if mistake else self.current.count_text)
        self.count.setToolTip(words.tooltip(mistake))
        self.count.set_tone(Tone.DANGER if mistake else None)
