"""What one click does about a problem."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.build_problems import Fix, Problems, Remedy
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.build_table import DraftTable
from apbundle_gui.services.sources import Sources


class Fixing(QObject):
    """Applies fixes to the draft.

    Attributes
    ----------
    problems
        What is wrong now; the page keeps it up to date.
    """

    def __init__(
        self,
        store: DraftStore,
        table: DraftTable,
        sources: Sources,
        choose_output: Callable[[], object],
        page: QWidget,
    ) -> None:
        super().__init__(page)
        self._choose_output = choose_output
        self._store = store
        self._table = table
        self._sources = sources
        self._page = page
        self.problems = Problems()

    def fixes(self) -> dict[int, Fix]:
        """All that can be done without asking, by row id."""
        return {
            row: problem.fix
            for row, problem in self.problems.rows.items()
            if problem.fix is not None and not problem.fix.remedy.asks and not problem.fix.remedy.is_choice
        }

    def fix(self, row: int) -> None:
        """Do what the button of a row does."""
        problem = self._table.problem(row)
        if problem is None or problem.fix is None:
            return
        if problem.fix.remedy is Remedy.LOCATE:
            self._locate(row)
        else:
            self._apply({self._table.rows[row].id: problem.fix})

    def fix_output(self) -> None:
        """Do what the button beside the output does."""
        problem = self.problems.output
        if problem is None or problem.fix is None:
            return
        if problem.fix.remedy is Remedy.CHOOSE:
            self._choose_output()
        else:
            self._store.put(problem.fix.value)

    def fix_all(self) -> None:
        """Do what all the buttons do, as far as nothing has to be asked."""
        self._apply(self.fixes())

    def _apply(self, fixes: Mapping[int, Fix]) -> None:
        def those(remedy: Remedy) -> dict[int, str]:
            return {row: fix.value for row, fix in fixes.items() if fix.remedy is remedy}

        sources = {row.id: row.source for row in self._table.rows}
        if names := those(Remedy.RENAME):
            self._store.rename(names)
        if gone := those(Remedy.REMOVE) | those(Remedy.DROP):
            self._store.remove(frozenset(gone))
        if stored := those(Remedy.STORE):
            self._store.compress(frozenset(stored), False)
        if outputs := those(Remedy.OUTPUT):
            self._store.put(next(iter(outputs.values())))
        if accepted := those(Remedy.ACCEPT):
            self._sources.accept(sources[row] for row in accepted)
        if those(Remedy.LOOK):
            self._sources.refresh(list(sources.values()))

    def _locate(self, row: int) -> None:
        source = self._table.rows[row]
        title = f"Where is {words.file_name(source.path)}?"
        path, _ = QFileDialog.getOpenFileName(self._page, title, os.path.dirname(source.path))
        if path:
            self._store.relocate(source.id, path)
