"""Names and what is said about each, as a table of two columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import NO_PARENT, AnyIndex, Role


class PairList(QAbstractTableModel):
    """Pairs of untrusted texts under two headings."""

    def __init__(
        self, headings: tuple[str, str], pairs: Sequence[tuple[str, str]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._headings = headings
        self._pairs = pairs

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._pairs)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else 2

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        shown = orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole
        return self._headings[section] if shown and 0 <= section < 2 else None

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        text = self._pairs[index.row()][index.column()]
        if role == Role.DisplayRole:
            return words.safe(text)
        return words.tooltip(text) if role == Role.ToolTipRole else None
