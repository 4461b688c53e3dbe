"""The draft as it is worked on: the current value, and the history that takes it back and forth."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Draft, Options, Row

UNDO_LIMIT: Final = 500
"""How many changes can be taken back. Drafts share their rows, so one costs eight bytes a row."""


class _Change(QUndoCommand):
    """From one draft to the next. Changes of one ``key`` that follow each other become one."""

    def __init__(self, store: DraftStore, text: str, after: Draft, key: int) -> None:
        super().__init__(text)
        self._store = store
        self._before = store.draft
        self._after = after
        self._key = key

    def redo(self) -> None:
        self._store.show(self._after)

    def undo(self) -> None:
        self._store.show(self._before)

    def id(self) -> int:
        return self._key

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Change) or self._store.paused:
            return False
        self._after = other._after
        return True


class DraftStore(QObject):
    """Holds the draft. Every change goes through here and can be taken back.

    Attributes
    ----------
    draft
        The draft as it is.
    undo_stack
        Its history, each change with a text such as "Rename encoder".
    changed
        Emitted with the draft before and the one after.
    """

    changed = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.draft = Draft()
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(UNDO_LIMIT)
        self.paused = False

    def show(self, draft: Draft) -> None:
        """Make a draft the current one. For the history only."""
        before, self.draft = self.draft, draft
        self.changed.emit(before, draft)

    def pause(self) -> None:
        """What is typed from now on is a change of its own: a field was left."""
        self.paused = True

    def clear(self) -> None:
        """Begin an empty draft, which can be taken back."""
        self._push("New draft", Draft(options=self.draft.options))

    def insert(self, at: int, rows: Collection[Row]) -> None:
        """Put rows in front of the row ``at``."""
        if rows:
            self._push(f"Add {words.count(len(rows), 'model')}", self.draft.inserted(at, rows))

    def remove(self, ids: Collection[int]) -> None:
        """Take rows out."""
        if ids:
            self._push(f"Remove {words.count(len(ids), 'model')}", self.draft.removed(ids))

    def move(self, ids: Collection[int], at: int) -> None:
        """Put these rows in front of what is the row ``at`` now."""
        self._push(f"Move {words.count(len(ids), 'model')}", self.draft.moved(ids, at))

    def step(self, ids: Collection[int], step: int) -> None:
        """Move rows one place up (-1) or down (1)."""
        text = f"Move {words.count(len(ids), 'model')} {'up' if step < 0 else 'down'}"
        self._push(text, self.draft.stepped(ids, step))

    def rename(self, names: dict[int, str]) -> None:
        """Give rows other names."""
        text = f"Rename to {words.safe(next(iter(names.values())), 40)}" if len(names) == 1 else "Rename models"
        self._push(text, self.draft.renamed(names))

    def relocate(self, row: int, path: str) -> None:
        """Give a row another source file."""
        self._push("Choose another source", self.draft.relocated({row: path}))

    def describe(self, description: str) -> None:
        """Change the description."""
        self._push("Change the description", replace(self.draft, description=description), key=1)

    def put(self, output: str, *, typed: bool = False) -> None:
        """Change the output."""
        self._push("Change the output", replace(self.draft, output=output), key=2 if typed else -1)

    def set_options(self, options: Options) -> None:
        """Change how the bundle is written."""
        self._push("Change the options", replace(self.draft, options=options))

    def _push(self, text: str, after: Draft, key: int = -1) -> None:
        if after != self.draft:
            self.undo_stack.push(_Change(self, text, after, key))
        self.paused = False
