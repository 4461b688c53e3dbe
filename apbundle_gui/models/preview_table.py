"""What a drop holds, as a table of what can be taken: chosen line by line before anything changes in the draft."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, Signal

from apbundle.payload.detect import format_title
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ICON_ROLE, RIGHT, TONE_ROLE, AnyIndex, Role
from apbundle_gui.models.build_rows import suggested_name
from apbundle_gui.models.plain_table import PlainTable
from apbundle_gui.services.finding import Found
from apbundle_gui.services.looking import Source, SourceFacts

_HEADINGS: Final = ("Model", "From", "Format", "Size", "Remark")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that can become a model, or cannot: then it is only told."""

    source: Source
    facts: SourceFacts
    remark: str = ""
    usable: bool = True

    @property
    def place(self) -> str:
        """Where its bytes are."""
        return self.source if isinstance(self.source, str) else self.source.bundle


def candidates_of(found: Found) -> tuple[Candidate, ...]:
    """All that a drop holds: what is taken unless the user says otherwise, and then the rest."""
    taken = [Candidate(source, facts, remark_on(facts)) for source, facts in found.taken.items()]
    left = [Candidate(each.path, each.facts, each.reason, each.usable) for each in found.left_out]
    return (*taken, *sorted(left, key=lambda each: not each.usable))


def remark_on(facts: SourceFacts) -> str:
    """What is worth saying of something that is taken."""
    if facts.error is not None:
        return words.error_text(facts.error).title
    said = len(facts.details)
    return f"{words.count(said, 'field')} of metadata" if said else ""


class PreviewTable(PlainTable[Candidate]):
    """Shows :class:`Candidate` values with a box to tick.

    Attributes
    ----------
    chosen_changed
        Emitted when others are ticked.
    """

    chosen_changed = Signal()

    def __init__(self, candidates: Sequence[Candidate], chosen: int, parent: QObject | None = None) -> None:
        super().__init__(_HEADINGS, parent)
        self._chosen = bytearray(b"\1" * chosen + b"\0" * (len(candidates) - chosen))
        self._root = _common_folder(candidates)
        self.show_records(candidates)

    @property
    def chosen(self) -> list[Candidate]:
        """Those that are ticked, in order."""
        return [each for each, on in zip(self._records, self._chosen, strict=True) if on]

    def choose(self, rows: Iterable[int], on: bool) -> None:
        """Tick lines, or not; those that cannot be taken stay as they are."""
        for row in rows:
            self._chosen[row] = on and self._records[row].usable
        if self._records:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._records) - 1, 0))
        self.chosen_changed.emit()

    def is_chosen(self, row: int) -> bool:
        """Whether a line is ticked."""
        return bool(self._chosen[row])

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flag = Qt.ItemFlag
        usual = flag.ItemIsSelectable | flag.ItemNeverHasChildren
        if self.record(index.row()).usable:
            usual |= flag.ItemIsEnabled | (flag.ItemIsUserCheckable if index.column() == 0 else flag.NoItemFlags)
        return usual

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        each, column = self.record(index.row()), index.column()
        if role == Role.DisplayRole:
            return self._text(each, column)
        if role == Role.CheckStateRole and column == 0 and each.usable:
            return Qt.CheckState.Checked if self._chosen[index.row()] else Qt.CheckState.Unchecked
        if role == Role.ToolTipRole:
            return words.tooltip(each.place if column < 2 else each.remark if column == 4 else "")
        if role == Role.TextAlignmentRole:
            return RIGHT if column == 3 else None
        if role == ICON_ROLE and column == 0:
            return "model" if each.usable else "file"
        if role == TONE_ROLE:
            if column == 4 and each.facts.error is not None:
                return "danger"
            return "neutral" if column in (1, 4) or not self._chosen[index.row()] else None
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if role == Role.TextAlignmentRole and section == 3:
            return RIGHT
        return super().headerData(section, orientation, role)

    def setData(self, index: AnyIndex, value: Any, role: int = Role.EditRole) -> bool:
        if role != Role.CheckStateRole or not index.isValid():
            return False
        self.choose((index.row(),), Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def _text(self, each: Candidate, column: int) -> str:
        known = each.facts.identity is not None
        match column:
            case 0:
                return words.safe(suggested_name(each.source) if each.usable else os.path.basename(each.place))
            case 1:
                return words.safe(os.path.relpath(each.place, self._root) if self._root else each.place)
            case 2:
                return format_title(each.facts.format) if each.facts.format not in ("", "unknown") else ""
            case 3:
                return words.size(each.facts.size) if known else ""
            case _:
                return words.safe(each.remark)


def _common_folder(candidates: Sequence[Candidate]) -> str:
    try:
        return os.path.commonpath([os.path.dirname(each.place) for each in candidates[:1000]])
    except ValueError:
        return ""
