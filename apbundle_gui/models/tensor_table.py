"""The tensors of all models of a bundle as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from apbundle.payload.tensors import TensorInfo
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import NO_PARENT, RIGHT, AnyIndex, ArrangedModel, Role, cell, heading
from apbundle_gui.models.arrangement import Arrangement
from apbundle_gui.models.tensor_query import QueryError, Term, parse
from apbundle_gui.models.tensor_search import SortKey, arrange_tensors
from apbundle_gui.services import JobRunner
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.tensor_rows import totals

KEPT: Final = 4096
"""How many records are remembered; more than any screen shows."""
AT_ONCE: Final = 256
"""The totals of so many tensors do not take a job."""


class Column(IntEnum):
    """The columns, in their order."""

    NAME = 0
    MODEL = 1
    DTYPE = 2
    SHAPE = 3
    PARAMETERS = 4
    SIZE = 5
    OFFSET = 6


_COLUMNS: Final = tuple(Column)
HEADINGS: Final = ("Tensor", "Model", "Type", "Shape", "Params", "Size", "Offset")
_TIPS: Final = (
    "The name in the model",
    "The model that lists it",
    "The element type",
    "The dimensions, the slowest varying first",
    "How many elements it has",
    "Bytes it takes in the model",
    "Where its bytes begin in the file",
)
_FLAGS: Final = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsDragEnabled
_NO_FLAGS: Final = Qt.ItemFlag.NoItemFlags
_RIGHT: Final = frozenset({Column.PARAMETERS, Column.SIZE, Column.OFFSET})
_KEYS: Final = {
    Column.NAME: SortKey.NAME,
    Column.MODEL: SortKey.MODEL,
    Column.DTYPE: SortKey.DTYPE,
    Column.SHAPE: SortKey.RANK,
    Column.PARAMETERS: SortKey.PARAMETERS,
    Column.SIZE: SortKey.SIZE,
    Column.OFFSET: SortKey.OFFSET,
}


def shape_text(shape: Sequence[int]) -> str:
    """Dimensions as people write them: ``32 × 768``; of a scalar that it is one."""
    return " × ".join(map(str, shape)) if shape else "scalar"


class TensorTableModel(ArrangedModel):
    """The table of tensors of the bundle under inspection. A thing of it is a row of its ``contents``.

    Attributes
    ----------
    query_judged
        Emitted with the :class:`~apbundle_gui.models.tensor_query.QueryError` of the query, or ``None`` when it is
        understood; one that is not leaves the rows as they are.
    """

    query_judged = Signal(object)

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(jobs, parent)
        self._inspection: Inspection | None = None
        self._count = 0
        self._terms: tuple[Term, ...] = ()
        self._records: dict[int, TensorInfo] = {}

    def show_inspection(self, inspection: Inspection | None) -> None:
        """Show the tensors of another bundle, or none."""
        if self._inspection is not None:
            self._inspection.contents.changed.disconnect(self._grow)
            self._inspection.contents.reordered.disconnect(self._reordered)
        self._inspection = inspection
        if inspection is not None:
            inspection.contents.changed.connect(self._grow)
            inspection.contents.reordered.connect(self._reordered)
        self._reordered()

    def record(self, index: int) -> TensorInfo:
        """The tensor of this number."""
        found = self._records.get(index)
        if found is None:
            assert self._inspection is not None
            if len(self._records) >= KEPT:
                self._records.clear()
            found = self._records[index] = self._inspection.contents.info(index)
        return found

    def add_up(self, things: Sequence[int], on_done: Callable[[int, int], None]) -> None:
        """Tell the elements and bytes of these tensors together: at once, of very many later."""
        assert self._inspection is not None
        groups = tuple(self._inspection.contents.groups)

        def work(pace: Pace | None) -> tuple[int, int]:
            rows = np.arange(things.start, things.stop) if isinstance(things, range) else np.asarray(things, np.int64)
            return totals(groups, rows, pace)

        if len(things) <= AT_ONCE:
            on_done(*work(None))
            return
        self._jobs.start(
            "Adding up",
            lambda progress, cancel: work(Pace(cancel)),
            on_done=lambda found: on_done(*found),
            key=("add up", id(self)),
            abandonable=True,
        )

    def set_query(self, query: str) -> None:
        try:
            terms = parse(query)
        except QueryError as error:
            self._query = query
            self.query_judged.emit(error)
            return
        self.query_judged.emit(None)
        self._query = query
        if terms != self._terms:
            self._terms = terms
            self.rearrange()

    @property
    def terms(self) -> tuple[Term, ...]:
        """What is shown must be so; none: everything is shown."""
        return self._terms

    # -- what the base asks --------------------------------------------------------------------------------------

    def count(self) -> int:
        return self._count

    def is_arranged(self) -> bool:
        return bool(self._terms) or self._sort_column >= 0

    def arranging_work(self, column: int, descending: bool) -> Callable[[Pace], Arrangement]:
        assert self._inspection is not None
        contents = self._inspection.contents
        key = _KEYS[Column(column)] if column >= 0 else None
        return partial(
            arrange_tensors, tuple(contents.groups), self._count, self._inspection.names, self._terms, key, descending
        )

    # -- what happens --------------------------------------------------------------------------------------------

    def _grow(self) -> None:
        """More tensors are known: they follow those that are shown, or are sorted in."""
        assert self._inspection is not None
        count = self._inspection.contents.count
        if count == self._count:
            return
        if self.is_arranged():
            self._count = count
            if not self.arranging or not self._inspection.contents.busy:
                self.rearrange()
            return
        self.beginInsertRows(NO_PARENT, self._count, count - 1)
        self._count = count
        self._arrangement = Arrangement.unchanged(count)
        self.endInsertRows()

    def _reordered(self) -> None:
        self.beginResetModel()
        self._records.clear()
        self._count = 0 if self._inspection is None else self._inspection.contents.count
        self.start_over()
        self.endResetModel()
        self.arranged.emit()

    # -- what Qt asks --------------------------------------------------------------------------------------------

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        return _FLAGS if index.isValid() else _NO_FLAGS

    def headerData(self, section: int, orientation: Any, role: int = Role.DisplayRole) -> Any:
        return heading(section, orientation, role, HEADINGS, _TIPS, _RIGHT)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if role == Role.TextAlignmentRole:
            return RIGHT if index.column() in _RIGHT else None
        if role not in (Role.DisplayRole, Role.ToolTipRole) or not index.isValid():
            return None
        thing, column = self.index_of(index.row()), _COLUMNS[index.column()]
        return cell(index, role, partial(self._text, thing, column), lambda: words.tooltip(self._tip(thing, column)))

    def _text(self, thing: int, column: Column) -> str:
        inspection, info = self._inspection, self.record(thing)
        assert inspection is not None
        match column:
            case Column.NAME:
                return words.name(info.name)
            case Column.MODEL:
                return words.safe(inspection.names[inspection.contents.at(thing)[0]])
            case Column.DTYPE:
                return words.safe(info.dtype)
            case Column.SHAPE:
                return shape_text(info.shape)
            case Column.PARAMETERS:
                return words.compact(info.elements)
            case Column.SIZE:
                return words.size(info.size)
            case Column.OFFSET:
                span = inspection.span_of(*inspection.contents.at(thing))
                return words.NONE if span is None else words.hex_offset(span[0])

    def _tip(self, thing: int, column: Column) -> str:
        inspection, info = self._inspection, self.record(thing)
        assert inspection is not None
        match column:
            case Column.PARAMETERS:
                return words.count(info.elements, "element")
            case Column.SIZE:
                return words.exact_size(info.size)
            case Column.OFFSET:
                span = inspection.span_of(*inspection.contents.at(thing))
                if span is None:
                    return "It has no bytes of its own in the file"
                return f"{words.offset_tooltip(span[0])}; in the model {words.hex_offset(info.offset)}"
            case Column.DTYPE if info.block is not None:
                return f"{info.dtype}: blocks of {info.block.elements} elements in {info.block.bytes} bytes"
            case _:
                return info.name if column is Column.NAME else self._text(thing, column)
