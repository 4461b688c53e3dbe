"""The metadata of the selected rows as a table: one line a field, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, Signal

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import TONE_ROLE, AnyIndex, Role
from apbundle_gui.models.build_draft import Row
from apbundle_gui.models.detail_checks import Kind, kind_wanted
from apbundle_gui.models.plain_table import PlainTable
from apbundle_gui.services.details import Field, Group, Origin
from apbundle_gui.services.pacing import Pace

SEVERAL: Final = "several values"
_TITLES: Final = {Group.VERSION: "Version", Group.ARCHITECTURE: "Architecture"}
_SECTIONS: Final = {Group.HYPERPARAMETERS: "Hyperparameters", Group.CUSTOM: "Custom"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of the selected rows, or the title of a section.

    Parameters
    ----------
    text
        Its value; ``None`` when the rows differ.
    origin
        Where it came from; ``None`` when nothing says it, or the rows differ.
    rows
        How many of the rows have it.
    section
        It is only a title.
    """

    group: Group
    key: str = ""
    text: str | None = ""
    origin: Origin | None = None
    rows: int = 0
    section: bool = False

    @property
    def field(self) -> Field:
        """Which field it is."""
        return self.group, self.key

    @property
    def keyed(self) -> bool:
        """Whether it has a name that can be changed, and can be removed."""
        return self.group in _SECTIONS and not self.section

    @property
    def title(self) -> str:
        """What it is called."""
        if self.section:
            return _SECTIONS[self.group]
        return words.safe(self.key) if self.group in _SECTIONS else _TITLES[self.group]

    @property
    def kind(self) -> Kind:
        """What may be typed for its value."""
        return kind_wanted(self.group, self.text or "", self.origin)


def entries_of(rows: Sequence[Row], pace: Pace | None = None) -> tuple[Entry, ...]:
    """The lines of the table for these rows. For thousands a job makes them, and gives ``pace``."""
    found: dict[Field, Entry] = {(group, ""): Entry(group, rows=-1) for group in _TITLES}
    for row in rows:
        if pace is not None:
            pace.step()
        for detail in row.details:
            known = found.get(detail.field)
            if known is None or known.rows < 0:
                found[detail.field] = Entry(detail.group, detail.key, detail.text, detail.origin, 1)
            else:
                text = known.text if known.text == detail.text else None
                origin = known.origin if known.origin is detail.origin else None
                found[detail.field] = Entry(detail.group, detail.key, text, origin, known.rows + 1)
    count = len(rows)
    entries = []
    for group in Group:
        if group in _SECTIONS:
            entries.append(Entry(group, section=True))
        for entry in found.values():
            if entry.group is group:
                partly = 0 < entry.rows < count
                entries.append(Entry(group, entry.key, None, None, entry.rows) if partly else entry)
    return tuple(entries)


class DetailTable(PlainTable[Entry]):
    """Shows :class:`Entry` values, and takes what is typed.

    Attributes
    ----------
    told
        Emitted with a field and the text typed for it.
    renamed
        Emitted with a field and the key it shall have.
    """

    told = Signal(object, str)
    renamed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(("Field", "Value", "From"), parent)

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these; where they are as many fields in the same sections as before, nothing loses its place."""
        if [(each.group, each.section) for each in entries] != [(each.group, each.section) for each in self._records]:
            self.show_records(entries)
        elif tuple(entries) != tuple(self._records):
            self._records = entries
            self.dataChanged.emit(self.index(0, 0), self.index(len(entries) - 1, 2))

    @property
    def entries(self) -> Sequence[Entry]:
        """What it shows."""
        return self._records

    def row_of(self, field: Field) -> int:
        """The line of a field, or -1."""
        return next((at for at, each in enumerate(self._records) if each.field == field and not each.section), -1)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        entry = self.record(index.row())
        usual = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        if entry.section:
            return usual
        editable = index.column() == 1 or (index.column() == 0 and entry.keyed)
        usual |= Qt.ItemFlag.ItemIsSelectable
        return usual | Qt.ItemFlag.ItemIsEditable if editable else usual

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        entry, column = self.record(index.row()), index.column()
        if role == Role.DisplayRole:
            return self._text(entry, column)
        if role == Role.EditRole and not entry.section:
            return (entry.key, entry.text or "", "")[column]
        if role == Role.ToolTipRole and not entry.section:
            origin = "" if entry.origin is None else entry.origin.value
            return words.tooltip((entry.key, entry.text or "", origin)[column])
        if role == TONE_ROLE:
            quiet = entry.section or column == 2 or (column == 1 and entry.text is None)
            return "neutral" if quiet else None
        return None

    def setData(self, index: AnyIndex, value: Any, role: int = Role.EditRole) -> bool:
        if role != Role.EditRole or not index.isValid() or not isinstance(value, str):
            return False
        entry = self.record(index.row())
        if index.column() == 1 and (value != entry.text or entry.text is None):
            self.told.emit(entry.field, value)
        elif index.column() == 0 and entry.keyed and value != entry.key:
            self.renamed.emit(entry.field, value)
        return True

    @staticmethod
    def _text(entry: Entry, column: int) -> str:
        if entry.section:
            return entry.title if column == 0 else ""
        if column == 0:
            return entry.title
        if column == 1:
            return SEVERAL if entry.text is None else words.safe(entry.text)
        return "" if entry.origin is None else entry.origin.short
