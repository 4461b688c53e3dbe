"""What becomes of files and folders that are dropped or chosen: models at once, or a preview of what could be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from apbundle_gui.models.build_draft import Row
from apbundle_gui.models.build_rows import new_rows
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.preview_table import Candidate
from apbundle_gui.pages.build.preview import Preview
from apbundle_gui.pages.build.working import Worker
from apbundle_gui.services import Services
from apbundle_gui.services.finding import Found, find_models
from apbundle_gui.services.looking import Source, SourceFacts
from apbundle_gui.services.sources import Sources


class Adding(QObject):
    """Adds to the draft. Files are added at once; of folders and bundles a preview is shown.

    Attributes
    ----------
    added
        Emitted with the ids of the rows that are new.
    open_wanted
        Emitted with the paths of bundles to be opened instead.
    changed
        A search began or ended.
    """

    added = Signal(object)
    open_wanted = Signal(object)
    changed = Signal()

    def __init__(self, services: Services, store: DraftStore, sources: Sources, page: QWidget) -> None:
        super().__init__(page)
        self._services = services
        self._store = store
        self._sources = sources
        self._page = page
        self._searches = 0

    @property
    def busy(self) -> bool:
        """Whether something is still being looked at."""
        return self._searches > 0

    def add(self, paths: Sequence[str], at: int | None = None) -> None:
        """Look at files and folders, then put their models in front of the row ``at`` (by default at the end)."""
        if not paths:
            return
        before = self._store.draft.rows[at].id if at is not None and at < len(self._store.draft.rows) else None
        self._searches += 1
        job = find_models(
            self._services,
            paths,
            lambda found: self._take(found, before),
            known=[row.source for row in self._store.draft.rows],
        )
        job.finished.connect(self._ended)
        self.changed.emit()

    def _ended(self) -> None:
        self._searches -= 1
        self.changed.emit()

    def _take(self, found: Found, before: int | None) -> None:
        if found.is_plain:
            self._insert(found.taken, before)
            return

        def add(chosen: list[Candidate]) -> None:
            self._insert({each.source: each.facts for each in chosen}, before)

        Preview(found, add, lambda: self.open_wanted.emit(list(found.bundles)), self._page).open()

    def _insert(self, taken: Mapping[Source, SourceFacts], before: int | None) -> None:
        names = [row.name for row in self._store.draft.rows]
        naming = Worker(self._services, "Naming the models")
        self._searches += 1

        def insert(new: list[Row]) -> None:
            self._searches -= 1
            rows = self._store.draft.rows
            at = next((at for at, row in enumerate(rows) if row.id == before), len(rows))
            self._sources.learn(taken)
            self._store.insert(at, new)
            self.added.emit(frozenset([row.id for row in new]))
            self.changed.emit()

        naming.run(len(taken), lambda pace: new_rows(taken, names, taken, pace), insert)
