"""Which tensors of a model have names of one beginning, and the bytes they span: found by a job for the latest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from apbundle.payload.contents import Contents
from apbundle.payload.table import TensorTable
from apbundle_gui.services.jobs import Job, JobRunner
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.tensor_rows import Rows, starting_with


@dataclass(frozen=True, slots=True)
class GroupOfTensors:
    """The tensors of a group.

    Parameters
    ----------
    rows
        Their numbers among the model's, ascending.
    span
        Offset in the payload and number of bytes from the first of their bytes to the last; ``None`` if they have none.
    """

    rows: Rows
    span: tuple[int, int] | None


class GroupRows(QObject):
    """Finds the tensors of groups of a bundle, one group at a time.

    Attributes
    ----------
    found
        Emitted when the group that was asked for last is known.
    """

    found = Signal()

    def __init__(self, jobs: JobRunner, contents_of: Callable[[int], Contents | None], parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._contents_of = contents_of
        self._asked: tuple[int, str] | None = None
        self._known: GroupOfTensors | None = None
        self._job: Job | None = None

    def of(self, model: int, prefix: str) -> GroupOfTensors | None:
        """The group of a model whose names begin with ``prefix``; ``None`` while it is looked for."""
        contents = self._contents_of(model)
        if contents is not None and self._asked != (model, prefix):
            self._asked, self._known = (model, prefix), None
            table = contents.tensors
            self._job = self._jobs.start(
                "Finding the group",
                lambda progress, cancel: _group(table, prefix, Pace(cancel)),
                on_done=self._done,
                key=("inspect.group", id(self)),
                abandonable=True,
            )
        return self._known if self._asked == (model, prefix) else None

    def close(self) -> None:
        """Stop looking."""
        if self._job is not None:
            self._job.cancel()

    def _done(self, group: GroupOfTensors) -> None:
        self._job, self._known = None, group
        self.found.emit()


def _group(table: TensorTable, prefix: str, pace: Pace) -> GroupOfTensors:
    rows = starting_with(table, prefix, pace)
    here = np.array([kind.encoding != "external" for kind in table.kinds], np.bool_)
    inside = rows[here[table.kind_numbers[rows]]] if len(rows) else rows
    if not len(inside):
        return GroupOfTensors(rows, None)
    begins, sizes = table.offsets[inside], table.sizes[inside]
    first = int(begins.min())
    ends = begins + np.minimum(sizes, np.iinfo(np.int64).max - begins)  # a damaged listing may say anything
    return GroupOfTensors(rows, (first, int(ends.max()) - first))
