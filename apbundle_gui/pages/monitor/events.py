"""The list of events, with the reason of each, filters by kind, and following the newest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from apbundle.trace.records import Kind
from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_event_list import KIND_ROLE, Column, EventListModel
from apbundle_gui.models.monitor_rows import RowArray
from apbundle_gui.theme import ROW_HEIGHT, Space, Tone
from apbundle_gui.widgets import CellDelegate, SecondaryLabel, TableView

_FILTERS: Final = (
    (Kind.HIT, "Hits", "hit", Tone.HIT),
    (Kind.MISS, "Misses", "miss", Tone.MISS),
    (Kind.EVICT, "Evictions", "eviction", Tone.EVICTION),
    (Kind.PREFETCH, "Prefetches", "prefetch", Tone.PREFETCH),
)
_ICONS: Final = {int(kind): (icon, tone) for kind, _, icon, tone in _FILTERS} | {
    int(Kind.ERROR): ("danger", Tone.DANGER),
    int(Kind.CLEAR): ("clear", Tone.NEUTRAL),
    int(Kind.RESIZE): ("limit", Tone.LIMIT),
    int(Kind.PIN): ("limit", Tone.NEUTRAL),
    int(Kind.PAGES): ("limit", Tone.NEUTRAL),
    int(Kind.PAD): ("danger", Tone.DANGER),
}
NO_EVENTS: Final = "Every hit, miss, eviction and prefetch is listed here, with its reason."
_WIDTHS: Final = [88, 112, 150, 84]
ROOM_FOR_ALL: Final = 1000
"""The width from which model and size have columns of their own, in pixels; the sentence names both."""


class _KindDelegate(CellDelegate):
    """Puts the icon of its kind before an event, and words it in that colour."""

    def mark(self, index: QModelIndex | QPersistentModelIndex) -> tuple[str, Tone] | None:
        return _ICONS.get(index.data(KIND_ROLE))


class _EventTable(TableView):
    """Ends below its last row rather than with it, so that the first one is whole when the newest is in view."""

    def updateGeometries(self) -> None:
        bar = self.verticalScrollBar()
        held = bar.value()
        super().updateGeometries()
        bar.setMaximum(-(-bar.maximum() // ROW_HEIGHT) * ROW_HEIGHT)
        bar.setValue(held)


class EventsPanel(QWidget):
    """The events of a run.

    Attributes
    ----------
    tools
        Filters by kind, and whether the newest is followed; they stand where the panel is put.
    selected
        Emitted with the numbers of the models that the selected event is about; empty when none is selected.
    """

    selected = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        self.tools = QWidget()
        row = QHBoxLayout(self.tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.XS)
        self.filters = {kind: self._filter(text, icon, tone) for kind, text, icon, tone in _FILTERS}
        for chip in self.filters.values():
            row.addWidget(chip)
        row.addStretch(1)
        self.follow = QToolButton()
        self.follow.setText("Follow")
        self.follow.setIcon(theme.icon("down"))
        self.follow.setIconSize(QSize(theme.ICON, theme.ICON))
        self.follow.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.follow.setCheckable(True)
        self.follow.setChecked(True)
        self.follow.setToolTip(words.tooltip("Keep the newest event in view; scrolling up holds the list"))
        self.follow.toggled.connect(self._follow_toggled)
        row.addWidget(self.follow)
        self.model = EventListModel(self)
        self._past = EventListModel(self)  # what led to a moment
        self.table = _EventTable(sortable=False)
        self.table.setAccessibleName("Events")
        self.table.setItemDelegate(CellDelegate(self.table))
        self.table.setItemDelegateForColumn(Column.EVENT, _KindDelegate(self.table))
        sentences = CellDelegate(self.table, elide=Qt.TextElideMode.ElideRight)
        self.table.setItemDelegateForColumn(Column.REASON, sentences)
        self.table.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self._show_model(self.model)
        self.table.set_widths(_WIDTHS, Column.REASON)
        for model in (self.model, self._past):
            model.modelReset.connect(self._selection_changed)
        self.model.rowsAboutToBeRemoved.connect(self._about_to_remove)
        self.table.verticalScrollBar().valueChanged.connect(self._scrolled)
        self._empty = SecondaryLabel(NO_EVENTS)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.table)
        layout.addLayout(self._stack, 1)
        self._publishing = False
        self._removed = 0

    def begin(self, names: Sequence[str], policy: str = "lru", instead: str = "") -> None:
        """Another recording begins, of these models, under this policy; ``instead`` is said while there are no rows."""
        self.leave_moment()
        self.model.begin(names, policy)
        self._empty.setText(instead or NO_EVENTS)
        self._stack.setCurrentWidget(self._empty)
        self.follow.setChecked(True)

    def add(self, rows: RowArray) -> None:
        """Take rows in; they show at the next :meth:`publish`."""
        self.model.add(rows)

    def publish(self) -> None:
        """Show what came in; the view stays with the newest, or where the user held it."""
        if not self.model.new_events:
            return
        self._stack.setCurrentWidget(self.table)
        self._publishing = True
        self._removed = 0
        held = self.table.verticalScrollBar().value()
        self.model.publish()
        if self.follow.isChecked():
            self.table.scrollToBottom()
        elif self._removed:
            self.table.verticalScrollBar().setValue(max(held - self._removed * ROW_HEIGHT, 0))
        self._publishing = False

    @property
    def shown(self) -> EventListModel:
        """The rows in the table: those of a moment, or the newest."""
        return self._past if self.table.model() is self._past else self.model

    def show_moment(self, names: Sequence[str], policy: str, rows: Iterable[RowArray]) -> None:
        """Show the rows of what led to a moment, its own at the end."""
        self._past.begin(names, policy)
        for part in rows:
            self._past.add(part)
        self._past.publish()
        if self.shown is not self._past:
            self._show_model(self._past)
            self.follow.setEnabled(False)
        self._stack.setCurrentWidget(self.table)
        last = self._past.rowCount() - 1
        self._publishing = True
        self.table.scrollToBottom()
        if last >= 0:
            self.table.selectRow(last)
        self._publishing = False

    def leave_moment(self) -> None:
        """Show the newest rows again."""
        if self.shown is self.model:
            return
        self._show_model(self.model)
        self._past.begin(())
        self.follow.setEnabled(True)
        if not self.model.rowCount():
            self._stack.setCurrentWidget(self._empty)
        if self.follow.isChecked():
            self.table.scrollToBottom()

    def _show_model(self, model: EventListModel) -> None:
        before = self.table.selectionModel()
        self.table.setModel(model)
        self.table.selectionModel().selectionChanged.connect(self._selection_changed)
        if before is not None:
            before.deleteLater()
        self._selection_changed()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column in (Column.MODEL, Column.SIZE):
            self.table.setColumnHidden(column, event.size().width() < ROOM_FOR_ALL)

    def _filter(self, text: str, icon: str, tone: Tone) -> QToolButton:
        chip = QToolButton()
        chip.setText(text)
        chip.setIcon(theme.icon(icon, tone))
        chip.setIconSize(QSize(theme.ICON, theme.ICON))
        chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        chip.setCheckable(True)
        chip.setChecked(True)
        chip.setToolTip(words.tooltip(f"Show {text.lower()} in the list"))
        chip.toggled.connect(self._filters_changed)
        return chip

    def _filters_changed(self) -> None:
        shown = [kind for kind, chip in self.filters.items() if chip.isChecked()]
        self._publishing = True
        for model in (self.model, self._past):
            model.show_kinds(shown)
        if self.shown is self._past or self.follow.isChecked():
            self.table.scrollToBottom()
        self._publishing = False

    def _follow_toggled(self, follow: bool) -> None:
        if follow:
            self.table.scrollToBottom()

    def _scrolled(self, value: int) -> None:
        if not self._publishing and self.shown is self.model:
            self.follow.setChecked(value >= self.table.verticalScrollBar().maximum())

    def _about_to_remove(self, parent: QModelIndex, first: int, last: int) -> None:
        self._removed += last - first + 1

    def _selection_changed(self) -> None:
        rows = self.table.selected_rows()
        self.selected.emit(self.shown.models_at(rows[0]) if rows else ())
