"""The elements of a long value, a row each."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Qt

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import AnyIndex, Role
from apbundle_gui.models.plain_table import PlainTable

_NUMBER_ALIGNMENT = int((Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter).value)


class ValueList(PlainTable[str]):
    """Texts by their numbers, which count from zero."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(("Number", "Element"), parent)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Role.TextAlignmentRole and index.column() == 0:
            return _NUMBER_ALIGNMENT
        if role == Role.DisplayRole:
            return f"{index.row():,}" if index.column() == 0 else words.safe(self._records[index.row()])
        return words.tooltip(self._records[index.row()]) if role == Role.ToolTipRole else None
