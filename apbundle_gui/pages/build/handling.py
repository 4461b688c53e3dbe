"""What is done with the selected rows, and with the order of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject

from apbundle_gui.models.build_draft import Row
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.build_table import HEADINGS, Column, DraftTable, said
from apbundle_gui.pages.build.draft_view import DraftView
from apbundle_gui.pages.page import Command
from apbundle_gui.services.details import Group
from apbundle_gui.services.looking import NO_FACTS, SourceFacts
from apbundle_gui.services.natural import natural
from apbundle_gui.services.sources import Sources


class Handling(QObject):
    """Changes rows through the store."""

    def __init__(self, store: DraftStore, table: DraftTable, sources: Sources, view: DraftView) -> None:
        super().__init__(view)
        self._store = store
        self._table = table
        self._sources = sources
        self._view = view
        view.sort_wanted.connect(lambda column: self.sort(Column(column)))
        view.switch_wanted.connect(self.switch)

    def commands(self) -> Mapping[str, Command]:
        """The actions on rows."""
        store, view = self._store, self._view

        def selected() -> bool:
            return view.selectionModel().hasSelection()

        def several() -> bool:
            return len(store.draft.rows) > 1

        return {
            "build.rename": Command(view.edit_name, selected),
            "build.duplicate": Command(self.duplicate, selected),
            "build.switch": Command(self.switch, selected),
            "build.compress": Command(self.compress, selected),
            "build.remove": Command(self.remove, selected),
            "build.move_up": Command(lambda: store.step(view.selected_ids(), -1), selected),
            "build.move_down": Command(lambda: store.step(view.selected_ids(), 1), selected),
            "build.sort_name": Command(lambda: self.sort(Column.NAME), several),
            "build.sort_size": Command(lambda: self.sort(Column.SIZE), several),
        }

    def remove(self) -> None:
        """Take the selected rows out, and select what comes to their place."""
        rows = self._view.selected_rows()
        self._store.remove(self._view.selected_ids())
        left = self._table.rowCount()
        if rows and left:
            self._view.selectRow(min(rows[0], left - 1))

    def duplicate(self) -> None:
        """Put a copy behind each selected row, and select the copies."""
        self._view.show_new(self._store.duplicate(self._view.selected_ids()))

    def switch(self) -> None:
        """Keep the selected rows out of the bundle; when all are, put them back in."""
        ids = self._view.selected_ids()
        self._store.switch(ids, not any(row.enabled for row in self._store.draft.rows if row.id in ids))

    def compress(self) -> None:
        """Store the selected rows compressed; when all are, as they are."""
        ids = self._view.selected_ids()
        self._store.compress(ids, not all(row.compress for row in self._store.draft.rows if row.id in ids))

    def sort(self, column: Column) -> None:
        """Put the rows in order by a column; when they are so already, the other way round."""
        if column is Column.NUMBER:
            return
        key = self._key(column)
        title = HEADINGS[column] if column is not Column.NAME else "name"
        before = self._store.draft
        self._store.sort(title, key)
        if self._store.draft is before:
            self._store.sort(f"{title}, descending", key, descending=True)

    def _key(self, column: Column) -> Callable[[Row], Any]:
        facts = self._sources.facts

        def fact(row: Row) -> SourceFacts:
            return facts.get(row.source, NO_FACTS)

        keys: dict[Column, Callable[[Row], Any]] = {
            Column.NAME: lambda row: (natural(row.name), row.name),
            Column.SOURCE: lambda row: natural(row.place),
            Column.FORMAT: lambda row: fact(row).format,
            Column.ARCHITECTURE: lambda row: natural(said(row, Group.ARCHITECTURE)),
            Column.VERSION: lambda row: natural(said(row, Group.VERSION)),
            Column.TENSORS: lambda row: -1 if (tensors := fact(row).tensors) is None else tensors,
            Column.STORED: lambda row: row.compress,
            Column.SIZE: lambda row: fact(row).size,
        }
        return keys[column]
