"""The draft's rows as a table: each cell is made when it is looked at; ten thousand rows cost no more than ten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, Signal

from apbundle.payload.detect import format_title
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ICON_ROLE, NO_PARENT, RIGHT, TONE_ROLE, AnyIndex, Role, heading
from apbundle_gui.models.build_draft import Row
from apbundle_gui.models.build_problems import Problem
from apbundle_gui.services.details import Group
from apbundle_gui.services.looking import Source, SourceFacts

PROBLEM_ROLE: Final = Qt.ItemDataRole.UserRole + 2
"""What is wrong with a row, in a few words; ``None`` where nothing is."""
FIX_ROLE: Final = Qt.ItemDataRole.UserRole + 3
"""What the fix of a row's problem is called; ``None`` where there is none."""
DIMMED_ROLE: Final = Qt.ItemDataRole.UserRole + 4
"""True in a row that is kept out of the bundle."""
MOST_STEPS: Final = 64
"""How many blocks of rows come or go one by one; of more, the table is shown anew."""


class Column(IntEnum):
    """The columns, in their order."""

    NAME = 0
    NUMBER = 1
    SOURCE = 2
    FORMAT = 3
    ARCHITECTURE = 4
    VERSION = 5
    TENSORS = 6
    STORED = 7
    SIZE = 8


HEADINGS: Final = ("Model", "", "Source", "Format", "Architecture", "Version", "Tensors", "Stored", "Size")
_HEADING_TIPS: Final = (
    "The name in the bundle; it can be changed here",
    "The place in the bundle",
    "Where the model is taken from",
    "What the content is, whatever the file is called",
    "What the metadata says; it can be changed here",
    "What the metadata says; it can be changed here",
    "How many tensors the model lists",
    "As it is, or compressed, and how much that saves by a sample of it",
    "Bytes of the model",
)
_RIGHT: Final = frozenset({Column.NUMBER, Column.TENSORS, Column.SIZE})
_EDITED: Final = {Column.ARCHITECTURE: Group.ARCHITECTURE, Column.VERSION: Group.VERSION}


class DraftTable(QAbstractTableModel):
    """The rows of the draft.

    Attributes
    ----------
    renamed
        Emitted with a row's id and the name typed into its cell.
    told
        Emitted with a row's id, the group of a field and the text typed into its cell.
    switched
        Emitted with a row's id and whether it shall go into the bundle.
    """

    renamed = Signal(object, str)
    told = Signal(object, object, str)
    switched = Signal(object, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()
        self._facts: Mapping[Source, SourceFacts] = MappingProxyType({})
        self._gains: Mapping[Source, float] = MappingProxyType({})
        self._problems: Mapping[int, Problem] = MappingProxyType({})

    @property
    def rows(self) -> tuple[Row, ...]:
        """What it shows."""
        return self._rows

    def problem(self, row: int) -> Problem | None:
        """What is wrong with the row at that place."""
        return self._problems.get(self._rows[row].id)

    def show_facts(self, facts: Mapping[Source, SourceFacts]) -> None:
        """Show what is known of the sources; the mapping is read, not copied."""
        self._facts = facts
        self._refresh(Column.FORMAT, Column.SIZE)

    def show_gains(self, gains: Mapping[Source, float]) -> None:
        """Show what compressing saves, as a share of the size; the mapping is read, not copied."""
        self._gains = gains
        self._refresh(Column.STORED, Column.STORED)

    def show_problems(self, problems: Mapping[int, Problem]) -> None:
        """Mark the rows that something is wrong with."""
        if problems != self._problems:
            self._problems = problems
            self._refresh(Column.NAME, Column.SOURCE)

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show other rows. Rows that stay keep their selection, wherever they move."""
        old_ids, new_ids = [row.id for row in self._rows], [row.id for row in rows]
        if old_ids == new_ids:
            self._replace(rows)
            return
        before, after = set(old_ids), set(new_ids)
        gone = list(blocks([at for at, row in enumerate(self._rows) if row.id not in after]))
        new = list(blocks([at for at, row in enumerate(rows) if row.id not in before]))
        if len(gone) + len(new) > MOST_STEPS:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return
        for first, last in reversed(gone):
            self.beginRemoveRows(NO_PARENT, first, last)
            self._rows = self._rows[:first] + self._rows[last + 1 :]
            self.endRemoveRows()
        self._reorder(tuple(row for row in rows if row.id in before))
        for first, last in new:
            self.beginInsertRows(NO_PARENT, first, last)
            self._rows = self._rows[:first] + rows[first : last + 1] + self._rows[first:]
            self.endInsertRows()
        if gone or new:
            self._refresh(Column.NUMBER, Column.NUMBER)

    def _reorder(self, rows: tuple[Row, ...]) -> None:
        """Show the same rows in another order, or under other names."""
        if [row.id for row in rows] != [row.id for row in self._rows]:
            self.layoutAboutToBeChanged.emit()
            place = {row.id: at for at, row in enumerate(rows)}
            old = self.persistentIndexList()
            new = [self.createIndex(place[self._rows[index.row()].id], index.column()) for index in old]
            self._rows = rows
            self.changePersistentIndexList(old, new)
            self.layoutChanged.emit()
        self._replace(rows)

    def _replace(self, rows: tuple[Row, ...]) -> None:
        """Show the same rows in the same order, under other names or with other sources."""
        changed = [at for at, pair in enumerate(zip(self._rows, rows, strict=True)) if pair[0] is not pair[1]]
        self._rows = rows
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(Column) - 1))

    def _refresh(self, first: Column, last: Column) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, first), self.index(len(self._rows) - 1, last))

    # -- what Qt asks --------------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        return heading(section, orientation, role, HEADINGS, _HEADING_TIPS, _RIGHT)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        if not index.isValid():
            return flag.ItemIsDropEnabled
        usual = flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemIsDragEnabled | flag.ItemNeverHasChildren
        if index.column() == Column.NAME:
            return usual | flag.ItemIsEditable | flag.ItemIsUserCheckable
        return usual | flag.ItemIsEditable if index.column() in _EDITED else usual

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column = index.column()
        if role == Role.TextAlignmentRole:
            return RIGHT if column in _RIGHT else None
        row = self._rows[index.row()]
        if role == Role.DisplayRole:
            return self._text(index.row(), row, column)
        if role == Role.ToolTipRole:
            return words.tooltip(self._tip(row, column))
        if role == Role.EditRole and (column == Column.NAME or column in _EDITED):
            return row.name if column == Column.NAME else said(row, _EDITED[Column(column)])
        if role == Role.CheckStateRole and column == Column.NAME:
            return Qt.CheckState.Checked if row.enabled else Qt.CheckState.Unchecked
        if role == DIMMED_ROLE:
            return not row.enabled
        if role == Role.AccessibleDescriptionRole:
            problem = self._problems.get(row.id)
            return ("" if row.enabled else "Kept out of the bundle") if problem is None else problem.detail
        if role in (TONE_ROLE, ICON_ROLE):
            return self._mark(row, column, role)
        if role in (PROBLEM_ROLE, FIX_ROLE) and column == Column.SOURCE:
            return self._issue(row, role)
        return None

    def setData(self, index: AnyIndex, value: Any, role: int = Role.EditRole) -> bool:
        if not index.isValid():
            return False
        row, column = self._rows[index.row()], index.column()
        if role == Role.CheckStateRole and column == Column.NAME:
            self.switched.emit(row.id, Qt.CheckState(value) == Qt.CheckState.Checked)
            return True
        if role != Role.EditRole or not isinstance(value, str):
            return False
        if column == Column.NAME:
            if value != row.name:
                self.renamed.emit(row.id, value)
            return True
        if column in _EDITED:
            group = _EDITED[Column(column)]
            if value != said(row, group):
                self.told.emit(row.id, group, value)
            return True
        return False

    def _mark(self, row: Row, column: int, role: int) -> str | None:
        problem = self._problems.get(row.id)
        if column == Column.NAME:
            if role == ICON_ROLE:
                return "model" if problem is None else problem.tone
            if not row.enabled:
                return "neutral"
            return None if problem is None else problem.tone
        if role == TONE_ROLE and column == Column.SOURCE:
            return "neutral" if problem is None else problem.tone
        return "neutral" if role == TONE_ROLE and column == Column.NUMBER else None

    def _issue(self, row: Row, role: int) -> str | None:
        problem = self._problems.get(row.id)
        if problem is None:
            return None
        if role == PROBLEM_ROLE:
            return problem.title
        return problem.fix.label if problem.fix is not None else None

    def _text(self, number: int, row: Row, column: int) -> str:
        match column:
            case Column.NUMBER:
                return f"{number + 1:,}"
            case Column.NAME:
                return words.safe(row.name) or "(no name)"
            case Column.SOURCE:
                return words.safe(row.place)
            case Column.ARCHITECTURE | Column.VERSION:
                return words.safe(said(row, _EDITED[Column(column)]))
            case Column.STORED:
                return stored_text(row, self._gains.get(row.source))
        facts = self._facts.get(row.source)
        if facts is None:
            return "…"
        match column:
            case Column.FORMAT:
                return format_title(facts.format) if facts.format else words.NONE
            case Column.TENSORS:
                return words.NONE if facts.tensors is None else words.count(facts.tensors)
            case _:
                return words.NONE if facts.identity is None else words.size(facts.size)

    def _tip(self, row: Row, column: int) -> str:
        facts = self._facts.get(row.source)
        problem = self._problems.get(row.id)
        match column:
            case Column.NAME:
                return row.name if problem is None else f"{row.name}\n{problem.detail}"
            case Column.SOURCE:
                return row.place if problem is None else f"{problem.detail}\n{row.place}"
            case Column.ARCHITECTURE | Column.VERSION:
                return said(row, _EDITED[Column(column)])
            case Column.FORMAT:
                if facts is None or not facts.format:
                    return "Not known"
                return f"{format_title(facts.format)}, told from the content"
            case Column.SIZE:
                return "" if facts is None or facts.identity is None else words.exact_size(facts.size)
            case _:
                return ""


def said(row: Row, group: Group) -> str:
    """The version or the architecture of a row; empty when nothing says."""
    return next((detail.text for detail in row.details if detail.group is group), "")


def stored_text(row: Row, gain: float | None) -> str:
    """How a row is stored, and what that saves as far as a sample of it says."""
    if not row.compress:
        return ""
    return "zstd" if gain is None else f"zstd, {gain_text(gain)}"


def gain_text(gain: float) -> str:
    """A share that is saved, in words."""
    return f"−{round(100 * gain)} %" if gain >= 0.005 else "saves nothing"


def blocks(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and last place of each run of neighbours."""
    if not places:
        return
    first = places[0]
    for one, other in pairwise(places):
        if other != one + 1:
            yield first, one
            first = other
    yield first, places[-1]
