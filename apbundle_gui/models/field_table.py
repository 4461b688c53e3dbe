"""Every field of a bundle outside its models' bytes as a table: made, like the list behind it, one row at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QObject, Qt

from apbundle.format.fields import Field, FieldTable
from apbundle.format.reader import BundleReader
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ICON_ROLE, NO_PARENT, RIGHT, TONE_ROLE, AnyIndex, ArrangedModel, Role, heading
from apbundle_gui.models.arrangement import Key, Matches
from apbundle_gui.models.remarks import DANGER, Remark
from apbundle_gui.services import JobRunner

RAW_SHOWN: Final = 8
"""Bytes of a field that a cell shows."""
KEPT: Final = 2048
"""How many fields are remembered; more than any screen shows."""


class Column(IntEnum):
    """The columns, in their order."""

    OFFSET = 0
    LENGTH = 1
    NAME = 2
    RAW = 3
    VALUE = 4
    MEANING = 5


HEADINGS: Final = ("Offset", "Length", "Field", "Bytes", "Value", "Meaning")
_RIGHT: Final = frozenset({Column.OFFSET, Column.LENGTH})


def raw_bytes(reader: BundleReader, field: Field, limit: int) -> bytes:
    """The first bytes of a field, at most ``limit``, from what was read when the bundle was opened."""
    header = reader.header_bytes
    begin, end = field.offset, field.offset + min(field.length, limit)
    manifest = reader.manifest_bytes[max(0, begin - len(header)) : max(0, end - len(header))]
    return header[begin:end] + manifest


def raw_text(reader: BundleReader, field: Field) -> str:
    """The first bytes of a field in hexadecimal."""
    shown = raw_bytes(reader, field, RAW_SHOWN).hex(" ").upper()
    return f"{shown} …" if field.length > RAW_SHOWN else shown


class FieldRows(ArrangedModel):
    """The table of fields, with the remarks that are about one of them.

    Parameters
    ----------
    short
        For the fields of one model: left out of the names is whose they are, and nothing stands at the right.
    """

    def __init__(self, jobs: JobRunner, parent: QObject | None = None, *, short: bool = False) -> None:
        super().__init__(jobs, parent)
        self._short = short
        self._reader: BundleReader | None = None
        self._fields: Sequence[Field] = ()
        self._kept: dict[int, Field] = {}
        self._marks: dict[int, list[Remark]] = {}

    def show_fields(self, reader: BundleReader | None, fields: Sequence[Field] = ()) -> None:
        """Show these fields of the bundle of ``reader``, without remarks."""
        self.beginResetModel()
        self._reader, self._fields = reader, fields
        self._kept, self._marks = {}, {}
        self.start_over()
        self.endResetModel()
        self.arranged.emit()

    def mark(self, remarks: Sequence[Remark]) -> None:
        """Show each of these remarks at the field it is about."""
        marks: dict[int, list[Remark]] = defaultdict(list)
        if isinstance(self._fields, FieldTable) and self._reader is not None:
            for remark in remarks:
                if remark.offset is None or remark.offset >= self._reader.data_offset:
                    continue
                if (index := self._fields.at_offset(remark.offset)) is not None:
                    marks[index].append(remark)
        self._marks = dict(marks)
        self.refresh_column(Column.NAME)

    def field(self, index: int) -> Field:
        """The field at ``index`` of the list."""
        field = self._kept.get(index)
        if field is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            field = self._kept[index] = self._fields[index]
        return field

    def marks(self, index: int) -> Sequence[Remark]:
        """What is to be said about the field at ``index``."""
        return self._marks.get(index, ())

    # -- what the base asks --------------------------------------------------------------------------------------

    def count(self) -> int:
        return len(self._fields)

    def matcher(self, words: tuple[str, ...]) -> Matches:
        fields = self._fields

        def matches(index: int) -> bool:
            field = fields[index]
            text = f"{field.name}\n{field.value}\n{field.meaning}\n{field.offset:#x}".casefold()
            return all(word in text for word in words)

        return matches

    def key(self, column: int) -> Key:
        fields = self._fields
        keys: dict[int, Key] = {
            Column.OFFSET: lambda index: index,
            Column.LENGTH: lambda index: fields[index].length,
            Column.NAME: lambda index: fields[index].name,
            Column.RAW: lambda index: fields[index].value,
            Column.VALUE: lambda index: fields[index].value,
            Column.MEANING: lambda index: fields[index].meaning,
        }
        return keys[column]

    # -- what Qt asks --------------------------------------------------------------------------------------------

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        return heading(section, orientation, role, HEADINGS, (), _RIGHT)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if role not in _ANSWERED or not index.isValid() or self._reader is None:
            return None
        column = index.column()
        if role == Role.TextAlignmentRole:
            return RIGHT if column in _RIGHT and not self._short else None
        number = self.index_of(index.row())
        if role == Role.DisplayRole:
            return self._text(self.field(number), column)
        if role == Role.ToolTipRole:
            return words.tooltip(self._tip(number, column))
        marks = self.marks(number)
        if not marks or column != Column.NAME:
            return None
        danger = any(mark.tone == DANGER for mark in marks)
        return (DANGER if danger else marks[0].tone) if role == TONE_ROLE else "danger" if danger else "warning"

    def _text(self, field: Field, column: int) -> str:
        match column:
            case Column.OFFSET:
                return words.hex_offset(field.offset, 4)
            case Column.LENGTH:
                return words.count(field.length)
            case Column.NAME:
                return words.safe(field.name.rpartition("].")[2] if self._short else field.name)
            case Column.RAW:
                assert self._reader is not None
                return raw_text(self._reader, field)
            case Column.VALUE:
                return words.safe(field.value)
            case _:
                return words.safe(field.meaning)

    def _tip(self, number: int, column: int) -> str:
        field = self.field(number)
        match column:
            case Column.OFFSET:
                return words.offset_tooltip(field.offset)
            case Column.LENGTH:
                return words.exact_size(field.length)
            case Column.NAME:
                return "\n".join((field.name, *(mark.message for mark in self.marks(number))))
            case Column.RAW:
                assert self._reader is not None
                return raw_bytes(self._reader, field, 64).hex(" ").upper() + (" …" if field.length > 64 else "")
            case Column.VALUE:
                return field.value
            case _:
                return field.meaning


_ANSWERED: Final = frozenset({Role.DisplayRole, Role.ToolTipRole, Role.TextAlignmentRole, TONE_ROLE, ICON_ROLE})
