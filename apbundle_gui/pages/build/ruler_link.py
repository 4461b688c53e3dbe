"""Between the byte ruler and the table: what is chosen or moved in one is chosen or moved in the other."""

from __future__ import annotations

from PySide6.QtCore import QObject

from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.build_table import DraftTable
from apbundle_gui.pages.build.draft_view import DraftView
from apbundle_gui.pages.build.outlook import Outlook
from apbundle_gui.pages.build.ruler import RulerCard


class RulerLink(QObject):
    """Keeps the two in step. The ruler numbers models as they lie in the file, the table all rows of the draft."""

    def __init__(
        self, card: RulerCard, view: DraftView, table: DraftTable, store: DraftStore, outlook: Outlook
    ) -> None:
        super().__init__(card)
        self._card = card
        self._view = view
        self._table = table
        self._store = store
        self._outlook = outlook
        card.chosen.connect(self._choose)
        card.moved.connect(self._move)
        outlook.layout_known.connect(self._show_layout)
        view.selectionModel().selectionChanged.connect(self._mark)

    def _show_layout(self) -> None:
        outlook = self._outlook
        self._card.show_layout(outlook.map, outlook.planned, outlook.why)
        self._mark()

    def _mark(self) -> None:
        ids = self._outlook.rows
        ranges = self._view.selected_ranges()
        alone = len(ranges) == 1 and ranges[0][0] == ranges[0][1]
        row = self._table.rows[ranges[0][0]].id if alone else None
        self._card.mark(ids.index(row) if row in ids else None)

    def _choose(self, model: int) -> None:
        ids = self._outlook.rows
        if model < len(ids):
            self._view.show_new(frozenset((ids[model],)), alone=True)

    def _move(self, model: int, at: int) -> None:
        ids = self._outlook.rows
        places = {row.id: place for place, row in enumerate(self._store.draft.rows)}
        if model >= len(ids) or ids[model] not in places:
            return
        moved = self._view.selected_ids()
        if ids[model] not in moved:
            moved = frozenset((ids[model],))
        self._store.move(moved, places.get(ids[at], len(places)) if at < len(ids) else len(places))
        self._view.show_new(moved, alone=True)
