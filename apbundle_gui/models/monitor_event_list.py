"""The list of events as an item model: the last hundred thousand rows, worded when they are looked at.

New rows wait until the view asks for them (``publish``): a frozen view stays what it is while the recording goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import IntEnum
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from apbundle.trace.records import NONE, Kind
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_rows import ROWS, RowArray
from apbundle_gui.models.monitor_text import KIND_NAMES, clock, sentence

KEPT: Final = 100_000
"""Rows kept at the least, once there were so many."""
KIND_ROLE: Final = Qt.ItemDataRole.UserRole
"""The :class:`~apbundle.trace.records.Kind` of a row, as a number."""

Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns."""

    TIME = 0
    EVENT = 1
    MODEL = 2
    SIZE = 3
    REASON = 4


_TITLES: Final = ("Time", "Event", "Model", "Size", "What happened")
_ROLES: Final = frozenset(
    (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.TextAlignmentRole, KIND_ROLE)
)
_RIGHT: Final = (Column.TIME, Column.SIZE)


class EventListModel(QAbstractTableModel):
    """Rows of events, oldest first.

    Parameters
    ----------
    kept
        Rows kept at the least, once there were so many.
    """

    def __init__(self, parent: QObject | None = None, *, kept: int = KEPT) -> None:
        super().__init__(parent)
        self._kept: Final = kept
        self._block: Final = kept // 10  # so many leave at once: taking one out of a view costs as much as all
        self._room: Final = kept + self._block
        self._names: Sequence[str] = ()
        self._policy = "lru"
        self._rows: RowArray = np.zeros(self._room, ROWS)  # the row of number n is at n % room
        self._first = 0
        self._next = 0
        self._shown = np.zeros(self._room, np.int64)  # the numbers of the rows that pass the filter, in order
        self._begin = 0
        self._end = 0
        self._passes = np.ones(256, np.bool_)
        self._pending: list[RowArray] = []
        self._pending_rows = 0
        self._pending_events = 0

    @property
    def new_events(self) -> int:
        """Events that wait for :meth:`publish`."""
        return self._pending_events

    def begin(self, names: Sequence[str], policy: str = "lru") -> None:
        """Forget everything: another recording begins, of these models, under this policy."""
        self.beginResetModel()
        self._names, self._policy = names, policy
        self._first = self._next = self._begin = self._end = 0
        self._forget_pending()
        self.endResetModel()

    def add(self, rows: RowArray) -> None:
        """Take rows in; they show at the next :meth:`publish`."""
        if not len(rows):
            return
        self._pending.append(rows)
        self._pending_rows += len(rows)
        self._pending_events += int(rows["count"].sum())
        while self._pending_rows - len(self._pending[0]) >= self._kept:
            self._pending_rows -= len(self._pending.pop(0))

    def publish(self) -> None:
        """Show what waits."""
        if not self._pending:
            return
        rows = np.concatenate(self._pending)[-self._kept :]
        self._forget_pending()
        if len(rows) >= self._kept:
            self.beginResetModel()
            self._first = self._next
            self._store(rows)
            self._filter()
            self.endResetModel()
            return
        if self._next - self._first + len(rows) > self._room:
            self._drop(max(len(rows), self._block))
        numbers = self._next + np.flatnonzero(self._passes[rows["kind"]])
        if not len(numbers):
            self._store(rows)
            return
        count = self.rowCount()
        self.beginInsertRows(QModelIndex(), count, count + len(numbers) - 1)
        self._store(rows)
        if self._end + len(numbers) > self._room:
            self._shown[:count] = self._shown[self._begin : self._end].copy()
            self._begin, self._end = 0, count
        self._shown[self._end : self._end + len(numbers)] = numbers
        self._end += len(numbers)
        self.endInsertRows()

    def show_kinds(self, kinds: Collection[int]) -> None:
        """Show the rows of these kinds, and those of kinds that have no filter."""
        self.beginResetModel()
        self._passes[[Kind.HIT, Kind.MISS, Kind.EVICT, Kind.PREFETCH]] = False
        self._passes[list(kinds)] = True
        self._filter()
        self.endResetModel()

    def row(self, row: int) -> Any:
        """One row of :data:`~apbundle_gui.models.monitor_rows.ROWS`, as shown at ``row``."""
        return self._rows[self._shown[self._begin + row] % self._room]

    def rows(self) -> RowArray:
        """A copy of all rows that are shown, oldest first."""
        found: RowArray = self._rows[self._shown[self._begin : self._end] % self._room]
        return found

    def models_at(self, row: int) -> tuple[int, ...]:
        """The numbers of the models the event is about: its own, and the one that needed the room."""
        found = self.row(row)
        other = int(found["other"]) if found["kind"] == Kind.EVICT else NONE
        return tuple(unit for unit in (int(found["unit"]), other) if unit != NONE)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._end - self._begin

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | int | None:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(Column):
            if role == Qt.ItemDataRole.DisplayRole:
                return _TITLES[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | int | None:
        if role not in _ROLES or not index.isValid() or index.row() >= self.rowCount():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        row = self.row(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, index.column())
        return int(row["kind"]) if role == KIND_ROLE else self._tooltip(row, index.column())

    def _text(self, row: Any, column: int) -> str:
        match column:
            case Column.TIME:
                return clock(int(row["time"]))
            case Column.EVENT:
                name = KIND_NAMES.get(int(row["kind"]), "")
                return f"{name} × {words.count(int(row['count']))}" if row["count"] > 1 else name
            case Column.MODEL:
                unit = int(row["unit"])
                if row["distinct"] > 1:
                    return words.count(int(row["distinct"]), "model")
                return words.safe(self._names[unit]) if unit < len(self._names) else words.NONE
            case Column.SIZE:
                return words.size(int(row["bytes"])) if row["distinct"] == 1 else words.NONE
        return sentence(row, self._names, self._policy)

    def _tooltip(self, row: Any, column: int) -> str:
        if column == Column.SIZE:
            return words.tooltip(words.exact_size(int(row["bytes"])) if row["distinct"] == 1 else "")
        return words.tooltip(self._text(row, column))

    def _store(self, rows: RowArray) -> None:
        self._rows[(self._next + np.arange(len(rows))) % self._room] = rows
        self._next += len(rows)

    def _filter(self) -> None:
        numbers = np.arange(self._first, self._next)
        numbers = numbers[self._passes[self._rows["kind"][numbers % self._room]]]
        self._begin, self._end = 0, len(numbers)
        self._shown[: len(numbers)] = numbers

    def _drop(self, count: int) -> None:
        """Forget the oldest ``count`` rows, or all there are."""
        first = min(self._first + count, self._next)
        leaving = int(np.searchsorted(self._shown[self._begin : self._end], first))
        if leaving:
            self.beginRemoveRows(QModelIndex(), 0, leaving - 1)
        self._first = first
        self._begin += leaving
        if leaving:
            self.endRemoveRows()

    def _forget_pending(self) -> None:
        self._pending = []
        self._pending_rows = self._pending_events = 0


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in _RIGHT else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
