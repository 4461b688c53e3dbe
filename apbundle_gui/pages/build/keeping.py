"""Keeps the draft while it is worked on, and offers what a crash of the program left."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Draft
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.draft_document import document_of, draft_from
from apbundle_gui.services import Services
from apbundle_gui.services.draft_files import DraftFiles, Lost
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import Banner

KEEP_MS: Final = 1500
"""How long after a change the draft is kept, in milliseconds."""


class Keeping(QObject):
    """Follows the store.

    Attributes
    ----------
    files
        Where drafts are kept.
    pending
        The timer until the draft is kept.
    """

    def __init__(self, services: Services, store: DraftStore, banner: Banner, page: QWidget) -> None:
        super().__init__(page)
        self._store = store
        self._banner = banner
        self._kept = False
        self._lost: list[Lost] = []
        self._superseded: list[Lost] = []
        self.files = DraftFiles(services)
        self.pending = QTimer(self, singleShot=True, interval=KEEP_MS)
        self.pending.timeout.connect(self.keep)
        store.changed.connect(self._changed)
        self.files.find_lost(draft_from, self._found)

    def keep(self) -> None:
        """Keep the draft as it is now."""
        draft = self._store.draft
        if draft.rows:
            self._kept = True
            self.files.keep(lambda pace: document_of(draft, pace), self._supersede)
        elif self._kept:
            self.forget()

    def forget(self) -> None:
        """The draft was built, or is empty."""
        self.pending.stop()
        if self._kept:
            self._kept = False
            self.files.forget()

    def close(self) -> None:
        """Keep nothing any more: the window closes, and the user was asked."""
        self.pending.stop()
        self.files.close()

    def _changed(self, before: Draft, after: Draft) -> None:
        if not self.pending.isActive():
            self.pending.start()

    def _supersede(self) -> None:
        """What was restored is kept anew by now."""
        for lost in self._superseded:
            self.files.discard(lost)
        self._superseded.clear()

    def _found(self, lost: list[Lost]) -> None:
        self._lost = lost
        self._offer()

    def _offer(self) -> None:
        if not self._lost:
            return
        lost = self._lost.pop()
        draft: Draft = lost.value

        def restore() -> None:
            self._banner.dismiss()
            self._superseded.append(lost)
            self._store.replace(draft, f"Restore {words.count(len(draft.rows), 'model')}")
            self._offer()

        def discard() -> None:
            self._banner.dismiss()
            self.files.discard(lost)
            self._offer()

        self._banner.say(
            f"The program ended without warning; a draft of {words.count(len(draft.rows), 'model')} was kept.",
            Tone.ACCENT,
            (("Restore", restore), ("Discard", discard)),
        )
