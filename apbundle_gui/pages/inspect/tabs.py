"""The tabs in their row, with the search field that searches the visible one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar, cast

from PySide6.QtCore import Qt, QTimer, Signal
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
_AHEAD_MS: Final = 20
"""Between the making of two tabs that nobody waits for, in milliseconds: what is done meanwhile comes first."""

AnyTab = TypeVar("AnyTab", bound=Tab)


class Tabs(QWidget):
    """Shows one tab at a time; each keeps its own query.

    A tab is made when it is first wanted, or one after the other while nothing else is to do: to make all at once
    keeps the window for a tenth of a second.

    Parameters
    ----------
    makers
        The kinds of tabs in their order, and how one is made.
    place
        Which of them is the visible one at first.

    Attributes
    ----------
    added
        Emitted with a tab that was made just now and shows nothing yet.
    """

    added = Signal(object)

    def __init__(self, makers: Mapping[type[Tab], Callable[[], Tab]], place: int = 0) -> None:
        super().__init__()
        self._makers = makers
        self._kinds = tuple(makers)
        self._tabs: dict[type[Tab], Tab] = {}
        self._loose: Tab | None = None
        self._queries = dict.fromkeys(self._kinds, "")
        self.bar = QTabBar()
        self.bar.setAccessibleName("Parts of the bundle")
        self.bar.setExpanding(False)
        self.bar.setDrawBase(False)
        for kind in self._kinds:
            self.bar.addTab(kind.title)
        self.bar.setCurrentIndex(place)
        self._stack = QStackedWidget()
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
        self._ahead = QTimer(self, interval=_AHEAD_MS)
        self._ahead.timeout.connect(self._make_next)
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

    # -- which there are -----------------------------------------------------------------------------------------

    @property
    def _kind(self) -> type[Tab]:
        return self._kinds[self.bar.currentIndex()]

    @property
    def existing(self) -> tuple[Tab, ...]:
        """The tabs that were made by now, in their order."""
        return tuple(self._tabs[kind] for kind in self._kinds if kind in self._tabs)

    def get(self, kind: type[AnyTab]) -> AnyTab:
        """The tab of a kind, made now unless it was before."""
        if kind not in self._tabs:
            loose = self._loose if type(self._loose) is kind else None
            self._add(loose or self._makers[kind]())
        return cast(AnyTab, self._tabs[kind])

    def _add(self, tab: Tab) -> None:
        """Put a tab to the others: it is styled with all that is in it."""
        kind = type(tab)
        if tab is self._loose:
            self._loose = None
        self._tabs[kind] = tab
        self._stack.addWidget(tab)
        tab.counted.connect(self._show_count)
        tab.query_dropped.connect(lambda: self._drop_query(kind))
        if kind is self._kind:
            self._stack.setCurrentWidget(tab)
        self.added.emit(tab)
        if kind is self._kind:
            self._show_count()

    def make_ahead(self) -> None:
        """Make those that nobody wanted yet, one after the other."""
        self._ahead.start()

    def stop(self) -> None:
        """Make no more of them."""
        self._ahead.stop()
        if self._loose is not None:
            self._loose.setParent(self)  # it ends with the others

    def _make_next(self) -> None:
        """Make the next tab, or put the one that was made to the others: each takes its time."""
        missing = next((kind for kind in (self._kind, *self._kinds) if kind not in self._tabs), None)
        if self._loose is not None and type(self._loose) not in self._tabs:
            self._add(self._loose)
        elif missing is not None:
            self._loose = self._makers[missing]()
        else:
            self._ahead.stop()

    # -- which is shown ------------------------------------------------------------------------------------------

    @property
    def current(self) -> Tab:
        """The visible tab."""
        return self.get(self._kind)

    def show_tab(self, tab: Tab) -> None:
        """Make a tab the visible one."""
        self.bar.setCurrentIndex(self._kinds.index(type(tab)))

    def show_titled(self, title: str) -> None:
        """Make the tab of this title the visible one."""
        self.bar.setCurrentIndex(next(place for place, kind in enumerate(self._kinds) if kind.title == title))

    def turn(self, by: int) -> None:
        """Make the tab the visible one that is so many further, round and round, and give it the keys."""
        self.bar.setCurrentIndex((self.bar.currentIndex() + by) % len(self._kinds))
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
        self._queries = dict.fromkeys(self._kinds, "")
        for tab in self.existing:
            tab.set_query("")
        self._show_query()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_search()

    def _place_search(self) -> None:
        """Count and field stand beside the tabs, the field last; where that is too narrow, below, the field first."""
        direction = QBoxLayout.Direction
        needed = self.bar.sizeHint().width() + COUNT_WIDTH + LEAST_SEARCH_WIDTH + 2 * Space.M
        below = self._kind.long_queries or self.width() < needed
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
        if query != self._queries[self._kind]:
            self._queries[self._kind] = query
            self.current.set_query(query)

    def _completions(self, query: str, cursor: int) -> Completions:
        return self.current.completions(query, cursor)

    def _drop_query(self, kind: type[Tab]) -> None:
        self._queries[kind] = ""
        self._show_query()

    def _show_query(self) -> None:
        self.search.setText(self._queries[self._kind])
        placeholder = self._kind.placeholder
        self._searching.setVisible(bool(placeholder))
        self._place_search()
        self.search.setPlaceholderText(placeholder)
        self.search.setAccessibleName(placeholder)

    def _show_count(self) -> None:
        mistake = self.current.mistake
        self.count.setText(words.safe(mistake, MISTAKE_SHOWN) if mistake else self.current.count_text)
        self.count.setToolTip(words.tooltip(mistake))
        self.count.set_tone(Tone.DANGER if mistake else None)
        set_property(self.search, tone=Tone.DANGER.value if mistake else "")
