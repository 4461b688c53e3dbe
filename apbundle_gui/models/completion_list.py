"""The ways a query may go on, as a list."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QObject

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import TONE_ROLE, AnyIndex, Role
from apbundle_gui.models.plain_table import PlainTable
from apbundle_gui.models.query_completions import Completion

TEXT, MEANING = range(2)
HEADINGS: Final = ("Completion", "Meaning")


class CompletionList(PlainTable[Completion]):
    """Completions and what they mean."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(HEADINGS, parent)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        choice, column = self.record(index.row()), index.column()
        if role == Role.DisplayRole:
            return words.safe(choice.text if column == TEXT else choice.meaning)
        if role == Role.ToolTipRole:
            return words.tooltip(f"{choice.text}\n{choice.meaning}")
        return "neutral" if role == TONE_ROLE and column == MEANING else None
