"""The base of the long tables: rows that are numbers of things, filtered and sorted by a job."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from apbundle_gui.models import text as words
from apbundle_gui.models.arrangement import Arrangement, Key, Matches, arrange, words_of
from apbundle_gui.services import JobRunner
from apbundle_gui.services.pacing import Pace

AnyIndex = QModelIndex | QPersistentModelIndex
NO_PARENT: Final = QModelIndex()

TONE_ROLE: Final = Qt.ItemDataRole.UserRole
"""What the colour of a cell means, as the value of a tone; ``None`` for plain text."""
ICON_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""The name of the icon before a cell's text, or ``None``."""

Role = Qt.ItemDataRole
RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


def heading(
    section: int,
    orientation: Qt.Orientation,
    role: int,
    texts: Sequence[str],
    tips: Sequence[str] = (),
    right: Collection[int] = (),
) -> Any:
    """The answer of ``headerData`` of a table with these headings, their tips, and its right-aligned columns."""
    if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(texts):
        return None
    if role == Role.DisplayRole:
        return texts[section]
    if role == Role.ToolTipRole and tips:
        return words.tooltip(tips[section])
    return RIGHT if role == Role.TextAlignmentRole and section in right else None


class ArrangedModel(QAbstractTableModel):
    """A table over ``count()`` things; subclasses say what they are, what matches a query, and what sorts a column.

    Attributes
    ----------
    arranged
        Emitted when other rows are shown, or in another order; views restore what they showed then.
    """

    arranged = Signal()

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._arrangement = Arrangement.unchanged(0)
        self._query = ""
        self._sort_column = -1
        self._descending = False
        self._asked = self._answered = 0

    # -- what subclasses say -------------------------------------------------------------------------------------

    def count(self) -> int:
        """How many things there are, shown or not."""
        raise NotImplementedError

    def matcher(self, words: tuple[str, ...]) -> Matches:
        """Which things match all of these words. The answer is used in a worker."""
        raise NotImplementedError

    def key(self, column: int) -> Key:
        """What a column sorts by. The answer is used in a worker."""
        raise NotImplementedError

    # -- rows and things -----------------------------------------------------------------------------------------

    def index_of(self, row: int) -> int:
        """The thing shown in a row."""
        return int(self._arrangement.order[row])

    def indices(self, first: int, end: int) -> Sequence[int]:
        """The things shown from row ``first`` up to, not including, row ``end``."""
        return self._arrangement.order[first:end]

    def row_of(self, index: int) -> int:
        """The row a thing is shown in, or -1."""
        rows = self._arrangement.rows
        return int(rows[index]) if 0 <= index < len(rows) else -1

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._arrangement.order)

    # -- arranging -----------------------------------------------------------------------------------------------

    @property
    def query(self) -> str:
        """What is searched for."""
        return self._query

    @property
    def arranging(self) -> bool:
        """Whether the rows do not show yet what was asked for last."""
        return self._asked != self._answered

    def set_query(self, query: str) -> None:
        """Show what matches, as soon as that is found out."""
        if query != self._query:
            self._query = query
            self.rearrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column as soon as that is done; column -1 is the order of the file."""
        wanted = column, order == Qt.SortOrder.DescendingOrder
        if wanted != (self._sort_column, self._descending):
            self._sort_column, self._descending = wanted
            self.rearrange()

    def start_over(self) -> None:
        """The things are others now: show all of them. To be called within a reset."""
        self._arrangement = Arrangement.unchanged(self.count())
        self._asked += 1  # an answer that is still to come is about other things
        self._answered = self._asked
        if self.is_arranged():
            self.rearrange()

    def is_arranged(self) -> bool:
        """Whether not all things are shown, or not in their own order."""
        return bool(words_of(self._query)) or self._sort_column >= 0

    def rearrange(self) -> None:
        """Filter and sort anew."""
        work = self.arranging_work(self._sort_column, self._descending)
        self._asked += 1
        answer = partial(self._arrange, self._asked)
        self._jobs.start(
            "Arranging the rows",
            lambda progress, cancel: work(Pace(cancel)),
            on_done=answer,
            key=("arrange", id(self)),
            abandonable=True,
        )

    def arranging_work(self, column: int, descending: bool) -> Callable[[Pace], Arrangement]:
        """What arranges the rows as the query says, sorted by ``column`` (-1: not sorted). It is done in a worker."""
        count, words = self.count(), words_of(self._query)
        matches = self.matcher(words) if words and count else None
        key = self.key(column) if column >= 0 and count else None
        return lambda pace: arrange(count, matches, key, descending, pace)

    def _arrange(self, asked: int, arrangement: Arrangement) -> None:
        if asked != self._asked:
            return
        self._answered = asked
        self.beginResetModel()
        self._arrangement = arrangement
        self.endResetModel()
        self.arranged.emit()

    def refresh_column(self, column: int) -> None:
        """The cells of a column changed."""
        if rows := self.rowCount():
            self.dataChanged.emit(self.index(0, column), self.index(rows - 1, column))


def cell(index: AnyIndex, role: int, text: Callable[[], str], tip: Callable[[], str]) -> Any:
    """The answer of a cell for the two roles that every cell has."""
    if role == Role.DisplayRole:
        return text()
    if role == Role.ToolTipRole:
        return tip()
    return None
