"""The draft as it is worked on: the current value, and the history that takes it back and forth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Draft, Options, Row
from apbundle_gui.models.build_rows import copies_of
from apbundle_gui.services.details import Detail, Details, Field, Group
from apbundle_gui.services.looking import Source

UNDO_LIMIT: Final = 500
"""How many changes can be taken back. Drafts share their rows, so one costs eight bytes a row."""
LONGEST_NAME: Final = 40
"""Longest name in the text of a change, in characters."""


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
        self._moved: dict[int, dict[Source, Source]] = {}

    def show(self, draft: Draft) -> None:
        """Make a draft the current one. For the history only."""
        before, self.draft = self.draft, self.settled(draft)
        self.changed.emit(before, self.draft)

    def settled(self, draft: Draft) -> Draft:
        """A draft of before with every source where it is now."""
        return draft.resourced(self._moved) if self._moved else draft

    def move_sources(self, sources: Mapping[int, tuple[Source, Source]]) -> None:
        """The bytes of these rows are elsewhere from now on, old and new place by row id.

        That is no change to be taken back: drafts of the history find them there too.
        """
        for row, (old, new) in sources.items():
            moved = self._moved.setdefault(row, {})
            moved |= {earlier: new for earlier, place in moved.items() if place == old} | {old: new}
            moved.pop(new, None)
        self.show(self.draft)

    def pause(self) -> None:
        """What is typed from now on is a change of its own: a field was left."""
        self.paused = True

    def clear(self) -> None:
        """Begin an empty draft, which can be taken back."""
        self._push("New draft", Draft(options=self.draft.options))

    def replace(self, draft: Draft, text: str) -> None:
        """Go on with another draft, which can be taken back too. ``text`` says where it comes from."""
        self._push(text, draft)

    # -- rows ----------------------------------------------------------------------------------------------------

    def insert(self, at: int, rows: Collection[Row]) -> None:
        """Put rows in front of the row ``at``."""
        if rows:
            self._push(f"Add {_those(rows)}", self.draft.inserted(at, rows))

    def remove(self, ids: Collection[int]) -> None:
        """Take rows out."""
        if ids:
            self._push(f"Remove {self._named(ids)}", self.draft.removed(ids))

    def move(self, ids: Collection[int], at: int) -> None:
        """Put these rows in front of what is the row ``at`` now."""
        self._push(f"Move {self._named(ids)}", self.draft.moved(ids, at))

    def step(self, ids: Collection[int], step: int) -> None:
        """Move rows one place up (-1) or down (1)."""
        text = f"Move {self._named(ids)} {'up' if step < 0 else 'down'}"
        self._push(text, self.draft.stepped(ids, step))

    def sort(self, title: str, key: Callable[[Row], Any], *, descending: bool = False) -> None:
        """Put the rows in order by a key; rows of equal keys stay as they are. ``title`` says by what."""
        ids = [row.id for row in sorted(self.draft.rows, key=key, reverse=descending)]
        self._push(f"Sort by {title.lower()}", self.draft.ordered(ids))

    def duplicate(self, ids: Collection[int]) -> frozenset[int]:
        """Put a copy behind each of these rows; returns the ids of the copies."""
        rows = [row for row in self.draft.rows if row.id in ids]
        copies = copies_of(rows, [row.name for row in self.draft.rows])
        if copies:
            self._push(f"Duplicate {self._named(ids)}", self.draft.doubled(copies))
        return frozenset(row.id for row in copies.values())

    def switch(self, ids: Collection[int], enabled: bool) -> None:
        """Put rows into the bundle, or keep them out of it without taking them out of the draft."""
        self._push(f"{'Enable' if enabled else 'Disable'} {self._named(ids)}", self.draft.switched(ids, enabled))

    # -- what is said of rows ------------------------------------------------------------------------------------

    def rename(self, names: dict[int, str]) -> None:
        """Give rows other names."""
        new = words.safe(next(iter(names.values()), ""), LONGEST_NAME)
        self._push(f"Rename to {new}" if len(names) == 1 else "Rename models", self.draft.renamed(names))

    def relocate(self, row: int, path: str) -> None:
        """Give a row another source file."""
        self._push(f"Choose another source for {self._named((row,))}", self.draft.relocated({row: path}))

    def compress(self, ids: Collection[int], compress: bool) -> None:
        """Store rows compressed, or as they are."""
        what = self._named(ids)
        text = f"Compress {what}" if compress else f"Store {what} uncompressed"
        self._push(text, self.draft.compressed(ids, compress))

    def tell(self, ids: Collection[int], detail: Detail) -> None:
        """Say this of rows."""
        self._push(f"Set {field_title(detail.field)} of {self._named(ids)}", self.draft.told(ids, detail))

    def untell(self, ids: Collection[int], field: Field) -> None:
        """Say nothing in that field of rows."""
        self._push(f"Remove {field_title(field)} of {self._named(ids)}", self.draft.untold(ids, field))

    def retell(self, details: Mapping[int, Details], text: str) -> None:
        """Say other things of rows, by row id."""
        self._push(text, self.draft.retold(details))

    # -- the bundle ----------------------------------------------------------------------------------------------

    def describe(self, description: str) -> None:
        """Change the description."""
        self._push("Change the description", replace(self.draft, description=description), key=1)

    def describe_further(self, metadata: Sequence[tuple[str, str]], text: str) -> None:
        """Change the bundle's own metadata. ``text`` says how."""
        self._push(text, replace(self.draft, metadata=tuple(metadata)))

    def date(self, created_at: int | None) -> None:
        """Change when the bundle says it was made; ``None`` for the time of building."""
        self._push("Change the creation time", replace(self.draft, created_at=created_at), key=3)

    def put(self, output: str, *, typed: bool = False) -> None:
        """Change the output."""
        self._push("Change the output", replace(self.draft, output=output), key=2 if typed else -1)

    def set_options(self, options: Options) -> None:
        """Change how the bundle is written."""
        self._push(_options_text(self.draft.options, options), replace(self.draft, options=options))

    def _named(self, ids: Collection[int]) -> str:
        return _those([row for row in self.draft.rows if row.id in ids])

    def _push(self, text: str, after: Draft, key: int = -1) -> None:
        if after != self.draft:
            self.undo_stack.push(_Change(self, text, after, key))
        self.paused = False


def field_title(field: Field) -> str:
    """A field in words."""
    group, key = field
    return words.safe(key, LONGEST_NAME) if group in (Group.HYPERPARAMETERS, Group.CUSTOM) else group.value


def _those(rows: Sequence[Row] | Collection[Row]) -> str:
    rows = tuple(rows)
    return words.safe(rows[0].name, LONGEST_NAME) if len(rows) == 1 else words.count(len(rows), "model")


def _options_text(before: Options, after: Options) -> str:
    if before.plain != after.plain:
        return "Make it plain" if after.plain else "Make it not plain"
    if before.alignment != after.alignment:
        return f"Align to {words.size(after.alignment)}"
    return f"Use {after.digest or 'no'} checksums"
