"""The tabs in their row, with the search field that searches the visible one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from apbundle_gui.models import text as words
from apbundle_gui.models.query_completions import Completions
from apbundle_gui.pages.inspect.completing import CompletionPopup
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Label, set_property

SEARCH_WIDTH, LEAST_SEARCH_WIDTH = 320, 180
"""Of the search field beside the tabs at most and at least, in pixels."""
COUNT_WIDTH = 130
"""Room for what is said beside the field, in pixels: less, and both move below the tabs."""
MISTAKE_SHOWN = 64
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
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.count.setMinimumWidth(1)  # what it says must not keep the window from getting narrower
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(LEAST_SEARCH_WIDTH)
        self.search.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.search.textChanged.connect(self._search)
        self.completions = CompletionPopup(self.search, self._completions)
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self.search)
        escape.setContext(Qt.ShortcutContext.WidgetShortcut)
        escape.activated.connect(self.search.clear)
        self._compose()
        self.bar.currentChanged.connect(self._changed)
        self._show_query()

    def _compose(self) -> None:
        self._searching = QWidget()
        self._beside = QHBoxLayout(self._searching)
        self._beside.setContentsMargins(0, 0, 0, 0)
        self._beside.setSpacing(Space.M)
        self._beside.addWidget(self.count)
        self._beside.addWidget(self.search, 1)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(Space.M)
        self._row.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignLeft)
        self._row.addWidget(self._searching, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.M)
        layout.addLayout(self._row)
        layout.addWidget(self._stack, 1)
        self._place_search()

    @property
    def current(self) -> Tab:
        """The visible tab."""
        return self._tabs[self.bar.currentIndex()]

    def show_tab(self, tab: Tab) -> None:
        """Make a tab the visible one."""
        self.bar.setCurrentIndex(self._tabs.index(tab))

    def turn(self, by: int) -> None:
        """Make the tab the visible one that is so many further, round and round, and give it the keys."""
        self.bar.setCurrentIndex((self.bar.currentIndex() + by) % len(self._tabs))
        self.current.focus_widget.setFocus(Qt.FocusReason.TabFocusReason)

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

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_search()

    def _place_search(self) -> None:
        """Count and field stand beside the tabs, the field last; where that is too narrow, below, the field first."""
        direction = QBoxLayout.Direction
        needed = self.bar.sizeHint().width() + COUNT_WIDTH + LEAST_SEARCH_WIDTH + 2 * Space.M
        below = self.current.long_queries or self.width() < needed
        self._row.setDirection(direction.TopToBottom if below else direction.LeftToRight)
        self._row.setSpacing(Space.S if below else Space.M)
        self._beside.setDirection(direction.RightToLeft if below else direction.LeftToRight)
        self.search.setMaximumWidth(self.maximumWidth() if below else SEARCH_WIDTH)
        policy = QSizePolicy.Policy.Maximum if below else QSizePolicy.Policy.Expanding
        self.count.setSizePolicy(policy, QSizePolicy.Policy.Preferred)

    def _changed(self) -> None:
        before = self._stack.currentWidget()
        focused = QApplication.focusWidget()
        inside = before is not None and focused is not None and before.isAncestorOf(focused)
        self._stack.setCurrentWidget(self.current)
        if isinstance(before, Tab) and before is not self.current:
            before.hidden()
        self.current.shown()
        self._show_query()
        self._show_count()
        if inside:  # what had the keys is hidden now
            self.current.focus_widget.setFocus(Qt.FocusReason.OtherFocusReason)

    def _search(self, query: str) -> None:
        self._queries[self.current] = query
        self.current.set_query(query)

    def _completions(self, query: str, cursor: int) -> Completions:
        return self.current.completions(query, cursor)

    def _drop_query(self, tab: Tab) -> None:
        self._queries[tab] = ""
        self._show_query()

    def _show_query(self) -> None:
        blocked = self.search.blockSignals(True)
        self.search.setText(self._queries[self.current])
        self.search.blockSignals(blocked)
        self._searching.setVisible(bool(self.current.placeholder))
        self._place_search()
        self.search.setPlaceholderText(self.current.placeholder)
        self.search.setAccessibleName(self.current.placeholder)

    def _show_count(self) -> None:
        mistake = self.current.mistake
        self.count.setText(words.safe(mistake, MISTAKE_SHOWN) if mistake else self.current.count_text)
        self.count.setToolTip(words.tooltip(mistake))
        self.count.set_tone(Tone.DANGER if mistake else None)
        set_property(self.search, tone=Tone.DANGER.value if mistake else "")
