"""The table of the data inspector: what the bytes at the cursor are as numbers."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import AnyIndex, Role
from apbundle_gui.models.plain_table import PlainTable
from apbundle_gui.models.readings import NAMES, readings


class ReadingTable(PlainTable[tuple[str, str]]):
    """Readings by name."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(("As", "Value"), parent)
        self.show_records([(name, "") for name in NAMES])

    def show_bytes(self, data: bytes, big_endian: bool) -> None:
        """Read these bytes; the rows stay where they are."""
        found = readings(data, big_endian)
        self._records = [(name, found.get(name, "")) for name in NAMES]
        self.dataChanged.emit(self.index(0, 1), self.index(len(NAMES) - 1, 1))

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid() or role not in (Role.DisplayRole, Role.ToolTipRole):
            return None
        text = self._records[index.row()][index.column()]
        return words.tooltip(text) if role == Role.ToolTipRole else text
