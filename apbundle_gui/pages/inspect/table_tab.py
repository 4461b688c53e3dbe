"""The shape of most tabs: a long table at the left, the particulars of what is selected in it at the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ArrangedModel
from apbundle_gui.pages.inspect.columns import ColumnFit, Width
from apbundle_gui.pages.inspect.selection import Selection
from apbundle_gui.pages.inspect.side_splitter import SideSplitter
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.services import Services
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Card, SecondaryLabel, TableView

PANEL_WIDTH: Final = 360
"""Width of the particulars at first, in pixels, where there is room."""
MOST_RESTORED: Final = 10_000
"""How many things are selected again after sorting; of more, only the current one is."""
MOST_RANGES: Final = 512
"""Into how many ranges of rows a selection may fall to be shown again after sorting."""


class TableTab(Tab):
    """A tab of a table. Subclasses bring the model, the view and the panel, and say what selecting means.

    Attributes
    ----------
    column
        The layout of the whole tab, in which subclasses may put more above the table.
    following
        Whether its rows are being selected because something else was; then it selects nothing itself.
    """

    noun = ""
    nothing = ""
    widths: Sequence[Width] = ()
    panel_width = PANEL_WIDTH

    def __init__(
        self, services: Services, selection: Selection, model: ArrangedModel, view: TableView, panel: QWidget
    ) -> None:
        super().__init__(services, selection)
        self.model = model
        self.view = view
        self.following = False
        self._kept: int | None = None
        view.setModel(model)
        view.setAccessibleName(self.title)
        view.horizontalHeader().setSortIndicatorClearable(True)
        view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._message = SecondaryLabel(wrap=True)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._left = QStackedWidget()
        self._splitter = SideSplitter(self._left, panel, self.panel_width)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(Space.M)
        self.column.addWidget(self._splitter, 1)
        self._left.addWidget(view)  # here, where it stays: what is put elsewhere is styled again
        blank = Card()
        self._left.addWidget(blank)
        blank.body.addWidget(self._message)
        model.modelReset.connect(self._show_count)
        view.verticalScrollBar().rangeChanged.connect(self._scroll_back)
        view.verticalScrollBar().actionTriggered.connect(self.let_go)
        self.columns = ColumnFit(view, self.widths)
        self.columns.restore(services.settings.texts(self.key("columns")))
        self.restore_splitter(self._splitter)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._scroll_back()  # a table scrolls to its current row when it is shown

    # -- what the page asks --------------------------------------------------------------------------------------

    @property
    def focus_widget(self) -> QWidget:
        return self.view

    @property
    def count_text(self) -> str:
        """How many rows there are, and how many of them match."""
        shown, count = self.model.rowCount(), self.model.count()
        if shown == count:
            return words.count(count, self.noun)
        return f"{words.count(shown)} of {words.count(count, self.noun)}"

    def set_query(self, query: str) -> None:
        self.model.set_query(query)

    def remember(self) -> None:
        """Keep splitter and columns in the settings."""
        self.services.settings.remember(self.key("columns"), self.columns.chosen())
        self.remember_splitter(self._splitter)

    def keep_view(self) -> None:
        """Keep how far the table is scrolled."""
        self._kept = self.view.verticalScrollBar().value()

    def let_go(self) -> None:
        """Scroll as usual again."""
        self._kept = None

    def _scroll_back(self) -> None:
        if self._kept is not None:
            self.view.verticalScrollBar().setValue(self._kept)

    # -- rows ----------------------------------------------------------------------------------------------------

    def show_selected(self, indices: Sequence[int], current: int | None) -> None:
        """Select the rows of these things without anybody being told; far too many are not shown as selected."""
        row = -1 if current is None else self.model.row_of(current)
        selection = QItemSelection()
        for first, last in self._ranges(indices) or ([(row, row)] if row >= 0 else []):
            selection.select(self.model.index(first, 0), self.model.index(last, 0))
        selecting = self.view.selectionModel()
        flag = QItemSelectionModel.SelectionFlag
        self.following = True
        try:
            if row >= 0:
                selecting.setCurrentIndex(self.model.index(row, 0), flag.NoUpdate)
                self.view.scrollTo(self.model.index(row, 0))
            selecting.select(selection, flag.ClearAndSelect | flag.Rows)
        finally:
            self.following = False
        self._scroll_back()

    def show_current(self, row: int) -> None:
        """Bring a row into view for the keys to go on from; it is not selected, and nobody is told."""
        self.following = True
        try:
            index = self.model.index(row, 0)
            self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.view.scrollTo(index)
        finally:
            self.following = False
        self._scroll_back()

    def _ranges(self, indices: Sequence[int]) -> list[tuple[int, int]]:
        if isinstance(indices, range) and len(indices) == self.model.rowCount() > 0:
            return [(0, len(indices) - 1)]
        if len(indices) > MOST_RESTORED:
            return []
        ranges: list[tuple[int, int]] = []
        for row in sorted(row for index in indices if (row := self.model.row_of(index)) >= 0):
            if ranges and ranges[-1][1] == row - 1:
                ranges[-1] = ranges[-1][0], row
            else:
                ranges.append((row, row))
        return ranges if len(ranges) <= MOST_RANGES else []

    def when_chosen(self, slot: Callable[[], None]) -> None:
        """Call ``slot`` when another row may be :meth:`chosen`: keys select before they go, the mouse after."""
        selecting = self.view.selectionModel()
        selecting.selectionChanged.connect(slot)
        selecting.currentRowChanged.connect(slot)

    def chosen(self) -> int | None:
        """The thing the user went to; ``None`` while rows follow, and for a row that merely got the keys."""
        return None if self.following else self.current()

    def current(self) -> int | None:
        """The thing in the current row, if that is selected."""
        row = self.view.currentIndex().row()
        shown = 0 <= row < self.model.rowCount() and self.view.selectionModel().isRowSelected(row)
        return self.model.index_of(row) if shown else None

    def selected_indices(self) -> Sequence[int]:
        """The things in the selected rows, in the order they are shown."""
        parts = [self.model.indices(first, last + 1) for first, last in self.view.selected_ranges()]
        return parts[0] if len(parts) == 1 else [index for part in parts for index in part]

    def _show_count(self) -> None:
        empty = self.model.rowCount() == 0
        searching = empty and self.model.count() > 0
        self._message.setText(f"Nothing matches “{words.safe(self.model.query, 60)}”." if searching else self.nothing)
        self._left.setCurrentIndex(1 if empty and self.inspection is not None else 0)
        self.counted.emit()
