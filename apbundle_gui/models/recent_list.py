"""The bundles opened lately as a table of names and folders. Nobody looks whether they are still there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ICON_ROLE, NO_PARENT, TONE_ROLE, AnyIndex, Role

NAME, FOLDER = range(2)
HEADINGS: Final = ("Bundle", "Folder")


class RecentList(QAbstractTableModel):
    """The recent bundles, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._paths: Sequence[str] = ()

    def show_paths(self, paths: Sequence[str]) -> None:
        """Show these."""
        self.beginResetModel()
        self._paths = paths
        self.endResetModel()

    def path(self, row: int) -> str:
        """The path in a row."""
        return self._paths[row]

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._paths)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        shown = orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole
        return HEADINGS[section] if shown and 0 <= section < len(HEADINGS) else None

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        path, column = self._paths[index.row()], index.column()
        if role == Role.DisplayRole:
            return words.file_name(path) if column == NAME else words.safe(os.path.dirname(path))
        if role == Role.ToolTipRole:
            return words.tooltip(path)
        if role == ICON_ROLE:
            return "bundle" if column == NAME else None
        if role == TONE_ROLE:
            return "neutral" if column == FOLDER else None
        return None
