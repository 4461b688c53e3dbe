"""Names and what is said about each, as a table of two columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import AnyIndex, Role
from apbundle_gui.models.plain_table import PlainTable


class PairList(PlainTable[tuple[str, str]]):
    """Pairs of untrusted texts under two headings."""

    def __init__(
        self, headings: tuple[str, str], pairs: Sequence[tuple[str, str]], parent: QObject | None = None
    ) -> None:
        super().__init__(headings, parent)
        self.show_records(pairs)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        text = self.record(index.row())[index.column()]
        if role == Role.DisplayRole:
            return words.safe(text)
        return words.tooltip(text) if role == Role.ToolTipRole else None
