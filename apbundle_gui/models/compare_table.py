"""What two bundles, or two models, differ in as one table, and in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QObject

from apbundle.diff.records import Change, ModelDifference, Status, TensorDifference, ValueDifference
from apbundle.payload.tensors import TensorInfo
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import (
    ICON_ROLE,
    NO_PARENT,
    RIGHT,
    TONE_ROLE,
    AnyIndex,
    ArrangedModel,
    Role,
    cell,
    heading,
)
from apbundle_gui.models.arrangement import Key, Matches
from apbundle_gui.models.tensor_table import shape_text
from apbundle_gui.services import JobRunner
from apbundle_gui.services.comparing import Difference, Differences
from apbundle_gui.services.natural import natural


class Column(IntEnum):
    """The columns, in their order."""

    STATUS = 0
    NAME = 1
    MODEL = 2
    BEFORE = 3
    AFTER = 4
    SHARE = 5
    LARGEST = 6
    MEAN = 7
    COSINE = 8


HEADINGS: Final = ("Status", "Name", "Model", "Before", "After", "Differing", "Largest", "Mean", "Cosine")
_TIPS: Final = (
    "What became of it on the way from the first to the second",
    "The model, its tensor, or what is said of it",
    "The model it belongs to",
    "In the one above",
    "In the one below",
    "The share of the elements that are not the same number",
    "The largest absolute difference of two elements",
    "The mean of the absolute differences",
    "The cosine of the angle between both as vectors: 1 when they point the same way",
)
_NUMBERS: Final = frozenset({Column.SHARE, Column.LARGEST, Column.MEAN, Column.COSINE})
_TONES: Final[dict[Status, str]] = {"added": "ok", "removed": "danger", "changed": "warning"}
_ICONS: Final[dict[Status, str]] = {"added": "add", "removed": "minus", "changed": "changed"}
_KINDS: Final = {"bundle": "bundle", "model": "model", "field": "metadata", "tensor": "tensor"}
_UNORDERED: Final = -2.0
"""Sorts before every number there can be."""


def summary(found: Differences) -> str:
    """What a comparison found, in a line."""
    parts = [_counts(found.models, "model")]
    if any(found.tensors.values()):
        parts.append(_counts(found.tensors, "tensor"))
    others = sum(row.kind in ("bundle", "field") for row in found.rows)
    if others:
        parts.append(f"{words.count(others, 'other value')} {'differs' if others == 1 else 'differ'}")
    return words.joined(parts)


def _counts(counts: Any, noun: str) -> str:
    said: list[str] = []
    for status in ("changed", "added", "removed", "equal"):
        if number := counts.get(status, 0):
            said.append(f"{words.count(number) if said else words.count(number, noun)} {status}")
    return ", ".join(said)


def values_of(row: Difference) -> ValueDifference | None:
    """How far the numbers of a tensor lie apart, if they were compared."""
    return row.item.values if isinstance(row.item, TensorDifference) else None


def side_text(row: Difference, *, after: bool) -> str:
    """What there is on one side, in full; empty for nothing."""
    item = row.item
    if isinstance(item, Change):
        value = item.after if after else item.before
        return "" if value is None else value or "“”"
    if isinstance(item, TensorDifference):
        return _tensor_text(item.after if after else item.before)
    size = row.sizes[after]
    return "" if size is None else words.size(size)


def number_text(found: ValueDifference | None, column: int) -> str:
    """One of the four numbers of a comparison."""
    if found is None:
        return ""
    match column:
        case Column.SHARE:
            return words.percent(found.different / found.elements if found.elements else 0.0)
        case Column.LARGEST:
            return words.significant(found.largest)
        case Column.MEAN:
            return words.significant(found.mean)
    return words.NONE if found.cosine is None else f"{found.cosine:.6f}"


def _tensor_text(info: TensorInfo | None) -> str:
    return "" if info is None else f"{info.dtype}  {shape_text(info.shape)}"


class CompareTable(ArrangedModel):
    """The table of differences."""

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(jobs, parent)
        self._rows: Sequence[Difference] = ()

    def show_differences(self, rows: Sequence[Difference]) -> None:
        """Show these."""
        self.beginResetModel()
        self._rows = rows
        self.start_over()
        self.endResetModel()
        self.arranged.emit()

    def difference(self, index: int) -> Difference:
        """The one of this number."""
        return self._rows[index]

    # -- what the base asks --------------------------------------------------------------------------------------

    def count(self) -> int:
        return len(self._rows)

    def matcher(self, words: tuple[str, ...]) -> Matches:
        rows = self._rows

        def matches(index: int) -> bool:
            row = rows[index]
            text = f"{row.status}\n{row.model}\n{row.name}".casefold()
            return all(word in text for word in words)

        return matches

    def key(self, column: int) -> Key:
        rows = self._rows
        if column in _NUMBERS:
            return lambda index: _number(values_of(rows[index]), column)
        keys: dict[int, Key] = {
            Column.STATUS: lambda index: rows[index].status,
            Column.NAME: lambda index: natural(rows[index].name),
            Column.MODEL: lambda index: natural(rows[index].model),
            Column.BEFORE: lambda index: natural(side_text(rows[index], after=False)),
            Column.AFTER: lambda index: natural(side_text(rows[index], after=True)),
        }
        return keys[column]

    # -- what Qt asks --------------------------------------------------------------------------------------------

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Any, role: int = Role.DisplayRole) -> Any:
        return heading(section, orientation, role, HEADINGS, _TIPS, _NUMBERS)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[self.index_of(index.row())], Column(index.column())
        match role:
            case Role.TextAlignmentRole:
                return RIGHT if column in _NUMBERS else None
            case x if x == TONE_ROLE:
                return _TONES.get(row.status) if column == Column.STATUS else None
            case x if x == ICON_ROLE:
                return {Column.STATUS: _ICONS.get(row.status), Column.NAME: _KINDS[row.kind]}.get(column)
        return cell(index, role, partial(self._text, row, column), lambda: words.tooltip(self._tip(row, column)))

    def _text(self, row: Difference, column: Column) -> str:
        match column:
            case Column.STATUS:
                return row.status
            case Column.NAME:
                return words.name(row.name)
            case Column.MODEL:
                return words.safe(row.model) if row.kind != "model" else ""
            case Column.BEFORE | Column.AFTER:
                return words.safe(side_text(row, after=column == Column.AFTER)) or words.NONE
        return number_text(values_of(row), column)

    def _tip(self, row: Difference, column: Column) -> str:
        found = values_of(row)
        match column:
            case Column.NAME:
                return row.name
            case Column.MODEL:
                return row.model
            case Column.STATUS:
                return status_sentence(row)
            case Column.BEFORE | Column.AFTER:
                size = row.sizes[column == Column.AFTER]
                return side_text(row, after=column == Column.AFTER) if size is None else words.exact_size(size)
            case Column.SHARE if found is not None:
                return f"{words.count(found.different)} of {words.count(found.elements, 'element')}"
        return self._text(row, column)


def status_sentence(row: Difference) -> str:
    """What the status of a difference means."""
    if row.status == "added":
        return "Only in the second one"
    if row.status == "removed":
        return "Only in the first one"
    if isinstance(row.item, ModelDifference):
        return "Other bytes" if not row.item.same_bytes else "The same bytes; what is said of them differs"
    if isinstance(row.item, TensorDifference) and row.item.values is None:
        return "Changed; its numbers cannot be held against each other"
    return "Changed"


def _number(found: ValueDifference | None, column: int) -> float:
    if found is None:
        return _UNORDERED
    match column:
        case Column.SHARE:
            number = found.different / found.elements if found.elements else 0.0
        case Column.LARGEST:
            number = found.largest
        case Column.MEAN:
            number = found.mean
        case _:
            number = _UNORDERED if found.cosine is None else found.cosine
    return _UNORDERED if math.isnan(number) else number
