"""A short list of records as a table: shown as it is given, neither sorted nor filtered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from apbundle_gui.models.arranged import NO_PARENT, AnyIndex, Role

Record = TypeVar("Record")


class PlainTable(QAbstractTableModel, Generic[Record]):
    """Records under fixed headings; subclasses say in ``data`` what a cell shows."""

    def __init__(self, headings: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._headings = headings
        self._records: Sequence[Record] = ()

    def show_records(self, records: Sequence[Record]) -> None:
        """Show these, and no others."""
        self.beginResetModel()
        self._records = records
        self.endResetModel()

    def record(self, row: int) -> Record:
        """The one in a row."""
        return self._records[row]

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._records)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        shown = orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole
        return self._headings[section] if shown and 0 <= section < len(self._headings) else None
