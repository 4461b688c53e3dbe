"""From the draft to the bundle: when it can be built, and how builds end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from apbundle.fileio import FileIdentity
from apbundle_gui.models.build_draft import Draft
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.draft_recipe import recipe_of
from apbundle_gui.pages.build.result import ResultCard
from apbundle_gui.pages.build.run import Building
from apbundle_gui.services import Services
from apbundle_gui.services.building import BuildRequest, Written
from apbundle_gui.services.sources import BundledModel, Sources
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import Banner, ErrorCard

_RATE_KEY: Final = "build/rate"
_MOST_RATE: Final = 1 << 50
_LEAST_S: Final = 0.05
"""Builds that are done sooner say nothing of the disk."""


class Making(QObject):
    """Builds the draft, and says how that ended.

    Attributes
    ----------
    building
        The builds.
    built
        Emitted with the path of a bundle that now exists.
    changed
        There is something else to say.
    failed
        A build failed: something may have changed under it.
    """

    built = Signal(object)
    changed = Signal()
    failed = Signal()

    def __init__(
        self,
        services: Services,
        store: DraftStore,
        sources: Sources,
        banner: Banner,
        card: ErrorCard,
        result: ResultCard,
        page: QWidget,
    ) -> None:
        super().__init__(page)
        self._services = services
        self._store = store
        self._sources = sources
        self._banner = banner
        self._card = card
        self._result = result
        self._built = self._attempt = Draft()
        self._began = 0.0
        result.open_wanted.connect(self.built)
        self.building = Building(services, page)
        self.building.progressed.connect(self.changed)
        self.building.built.connect(self._done)
        self.building.failed.connect(self._failed)
        self.building.cancelled.connect(self._cancelled)

    @property
    def idle(self) -> bool:
        """Whether no build is running, nor waiting for an answer."""
        return self.building.job is None and self.building.question is None

    @property
    def is_built(self) -> bool:
        """Whether the draft is what was built last."""
        return self._store.draft == self._built

    def seconds_for(self, size: int) -> float:
        """How long so many bytes take at the rate of the last build; 0 when there was none."""
        rate = self._services.settings.number(_RATE_KEY, 0, 1, _MOST_RATE)
        return size / rate if rate else 0.0

    def build(self) -> None:
        """Build the draft."""
        draft, facts = self._store.draft, self._sources.facts
        rows = draft.enabled
        identities: dict[str, FileIdentity] = {}
        for row in rows:
            known = facts.get(row.source)
            if known is not None and known.identity is not None:
                identities[row.path] = known.identity
        self._card.hide()
        self._result.hide()
        self._banner.dismiss()
        self._attempt = draft
        self._began = time.monotonic()
        self.building.start(BuildRequest(draft.target, len(rows), lambda pace: recipe_of(draft, pace), identities))

    def toggle(self, can_build: Callable[[], bool]) -> None:
        """Stop the build that runs, or else build."""
        if self.building.job is not None:
            self.building.cancel()
        elif can_build():
            self.build()

    def _done(self, request: BuildRequest, written: Written) -> None:
        self._built = self._attempt
        took = time.monotonic() - self._began
        size = sum(identity.size for identity in request.identities.values())
        if written.edit is not None:
            self._rest_on(written.path)
        elif took > _LEAST_S and size:
            self._services.settings.remember(_RATE_KEY, max(1, min(int(size / took), _MOST_RATE)))
        self._result.show_written(written, took)
        self.built.emit(written.path)

    def _rest_on(self, path: str) -> None:
        """The bundle was written over: its models are what the draft goes on with."""
        rows = self._attempt.enabled
        there = {row.id: BundledModel(path, row.name) for row in rows}
        self._sources.expect([row.source for row in rows])
        self._sources.expect(there.values())
        unchanged = self._store.draft is self._attempt
        self._store.move_sources({row.id: (row.source, there[row.id]) for row in rows})
        self._built = self._store.draft if unchanged else self._store.settled(self._attempt)

    def _failed(self, request: BuildRequest, error: BaseException) -> None:
        safe = "The draft is kept."
        if not getattr(error, "hint", ""):
            safe += " Nothing was written; what was at the output before is as it was."
        concerned = getattr(error, "path", None) or getattr(error, "filename", None)
        self._card.show_error(error, concerned if isinstance(concerned, str) else request.output, safe)
        self._card.show()
        self.failed.emit()

    def _cancelled(self) -> None:
        self._banner.say("Cancelled: nothing was written, and the draft is as it was.", Tone.NEUTRAL)
