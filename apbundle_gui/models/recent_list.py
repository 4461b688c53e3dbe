"""The bundles opened lately as a table of names and folders. Nobody looks whether they are still there."""

from __future__ import annotations

import os
from typing import Any, Final

from PySide6.QtCore import QObject

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ICON_ROLE, TONE_ROLE, AnyIndex, Role
from apbundle_gui.models.plain_table import PlainTable

NAME, FOLDER = range(2)
HEADINGS: Final = ("Bundle", "Folder")


class RecentList(PlainTable[str]):
    """Paths of the recent bundles, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(HEADINGS, parent)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        path, column = self.record(index.row()), index.column()
        if role == Role.DisplayRole:
            return words.file_name(path) if column == NAME else words.safe(os.path.dirname(path))
        if role == Role.ToolTipRole:
            return words.tooltip(path)
        if role == ICON_ROLE:
            return "bundle" if column == NAME else None
        if role == TONE_ROLE:
            return "neutral" if column == FOLDER else None
        return None
