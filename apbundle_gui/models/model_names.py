"""The models of a bundle to choose one of, or all of them: a list that costs nothing however long it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QObject

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import NO_PARENT, AnyIndex, Role

ALL = "All models"


class ModelNames(QAbstractListModel):
    """In row 0 all models, below that each of them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._names: Sequence[str] = ()

    def show_names(self, names: Sequence[str]) -> None:
        """Offer these."""
        self.beginResetModel()
        self._names = names
        self.endResetModel()

    def name(self, row: int) -> str | None:
        """The model in a row; ``None`` for all of them."""
        return self._names[row - 1] if 0 < row <= len(self._names) else None

    def row_of(self, name: str | None) -> int:
        """The row of a model, or -1; 0 for all of them."""
        if name is None:
            return 0
        return self._names.index(name) + 1 if name in self._names else -1

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._names) + 1

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else 1

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid() or role not in (Role.DisplayRole, Role.ToolTipRole):
            return None
        name = self.name(index.row())
        if role == Role.DisplayRole:
            return ALL if name is None else words.name(name)
        return words.tooltip(ALL if name is None else name)
