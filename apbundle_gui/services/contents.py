"""What the models of a bundle hold: their payloads' headers, read by a job when they are first needed."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from apbundle.errors import BundleError
from apbundle.format.reader import BundleReader
from apbundle.payload.contents import Contents, read_contents
from apbundle.payload.table import TensorTable
from apbundle.payload.tensors import TensorInfo
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.garbage import MANY, kept
from apbundle_gui.services.heads import Heads
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.pacing import Pace

TOLD_MS: Final = 100
"""How often it is told that more is known, in milliseconds."""
_FATAL: Final = ("changed_on_disk", "closed")
_OBJECTS: Final = 30  # that the table of one model and what belongs to it consist of


class Group(NamedTuple):
    """The tensors of one model among those of all: the rows from ``start`` on."""

    model: int
    start: int
    table: TensorTable


class BundleContents(QObject):
    """The contents of one bundle's models, by the models' index, and the tensors of all of them in one list of rows.

    Rows come model by model, in the order in which the models were read, and in the order of the models once all are.
    The last model's rows appear while it is being read; they only ever grow, until :attr:`reordered` is emitted.

    Attributes
    ----------
    changed
        Emitted now and then while more becomes known, and at the end.
    reordered
        Emitted when rows stand in another order than before.
    """

    changed = Signal()
    reordered = Signal()

    def __init__(
        self,
        services: Services,
        reader: BundleReader,
        names: Sequence[str],
        detected: Callable[[int], str | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._reader = reader
        self._names = names
        self._detected = detected
        self._known: dict[int, Contents] = {}
        self._empty: dict[tuple[str, str], Contents] = {}  # one for all models of a layout that list nothing
        self._errors: dict[int, BundleError | OSError] = {}
        self._fatal: BundleError | None = None  # after which nothing can be read any more
        self._groups: list[Group] = []
        self._places: dict[int, int] = {}  # model: its place among the groups
        self._wanted: deque[int] = deque()
        self._all = False
        self._next = 0
        self._ordered: tuple[list[Group], dict[int, int]] | None = None  # to be put in place when all is read
        self._job: Job | None = None
        self._closed = False
        self._timer = QTimer(self, interval=TOLD_MS)
        self._timer.timeout.connect(self.changed)

    # -- one model -----------------------------------------------------------------------------------------------

    def of(self, model: int) -> Contents | None:
        """The contents of a model; ``None`` while they are not known, or when its bytes cannot be read."""
        return self._known.get(model)

    def error(self, model: int) -> BundleError | OSError | None:
        """Why a model's payload cannot be looked at, if so."""
        return self._errors.get(model, None if model in self._known else self._fatal)

    def want(self, model: int) -> None:
        """Read this model before all others."""
        if model not in self._known and self.error(model) is None:
            self._wanted.append(model)
            self._start()

    # -- all of them ---------------------------------------------------------------------------------------------

    def want_all(self) -> None:
        """Read every model."""
        if not self._all:
            self._all = True
            self._start()

    @property
    def complete(self) -> bool:
        """Whether every model was read that can be."""
        return self._next == len(self._names) and not self.busy

    @property
    def busy(self) -> bool:
        """Whether models are being read."""
        return self._job is not None

    @property
    def groups(self) -> Sequence[Group]:
        """The models that list tensors, in the order of rows; never empty ones but for the last."""
        return self._groups

    @property
    def count(self) -> int:
        """How many tensors are known now."""
        groups = self._groups
        return groups[-1].start + len(groups[-1].table) if groups else 0

    def at(self, row: int) -> tuple[int, int]:
        """Model and number within the model of the tensor in a row."""
        group = self._groups[bisect_right(self._groups, row, key=lambda group: group.start) - 1]
        return group.model, row - group.start

    def info(self, row: int) -> TensorInfo:
        """What is known of the tensor in a row."""
        group = self._groups[bisect_right(self._groups, row, key=lambda group: group.start) - 1]
        return group.table[row - group.start]

    def row_of(self, model: int, tensor: int) -> int:
        """The row of a tensor, or -1 while it is not known."""
        place = self._places.get(model)
        if place is None:
            return -1
        group = self._groups[place]
        return group.start + tensor if 0 <= tensor < len(group.table) else -1

    def close(self) -> None:
        """Stop reading."""
        self._closed = True
        self._timer.stop()
        if self._job is not None:
            self._job.cancel()

    def holdings(self) -> list[object]:
        """What is kept of the models, each a thing that holds many others."""
        return [*self._known.values(), *self._groups] if len(self._known) >= MANY // _OBJECTS else []

    # -- in the worker -------------------------------------------------------------------------------------------

    def _work(self, progress: Progress, cancel: Cancel) -> None:
        progress("contents", 0, 0)
        pace = Pace(cancel)
        heads = Heads(self._reader, self._names)
        while (model := self._following()) is not None:
            self._look(model, heads, pace)
            pace.step()
        if self._next == len(self._names):
            self._ordered = self._put_in_order(pace)

    def _following(self) -> int | None:
        while self._wanted:
            return self._wanted.pop()  # the latest first: one has gone on since
        if self._all and self._next < len(self._names):
            self._next += 1
            return self._next - 1
        return None

    def _look(self, model: int, heads: Heads, pace: Pace) -> None:
        if model in self._known or model in self._errors:
            return

        def cancelled() -> bool:
            pace.step()
            return False

        table = TensorTable()
        self._places[model] = len(self._groups)
        self._groups.append(Group(model, self.count, table))
        try:
            contents = read_contents(
                heads.size(model),
                partial(heads.read, model),
                head=heads.of(model),
                detected=self._detected(model),
                table=table,
                cancel=cancelled,
            )
            if not (len(table) or contents.metadata or contents.facts or contents.findings):
                contents = self._empty.setdefault((contents.format, contents.layout), contents)
            self._known[model] = contents
            kept.add(_OBJECTS if len(table) else len(contents.metadata) + len(contents.facts))
        except (BundleError, OSError) as error:
            self._errors[model] = error.with_traceback(None)  # its frames would keep the file open
            if isinstance(error, BundleError) and error.code in _FATAL:
                self._fatal = error
                raise
        finally:
            if not len(table):
                self._groups.pop()
                del self._places[model]

    def _put_in_order(self, pace: Pace) -> tuple[list[Group], dict[int, int]] | None:
        """The groups in the order of the models and their places, or ``None`` when they stand so already."""
        groups = self._groups
        models = np.fromiter((group.model for group in groups), np.int64, len(groups))
        if (np.diff(models) > 0).all():
            return None
        ordered: list[Group] = []
        start = 0
        for place in np.argsort(models).tolist():
            group = groups[place]
            ordered.append(Group(group.model, start, group.table))
            start += len(group.table)
            pace.step()
        return ordered, {group.model: place for place, group in enumerate(ordered)}

    # -- in the GUI thread ---------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._job is None and not self._closed:
            self._job = self._services.jobs.start(
                "Reading what the models hold",
                self._work,
                on_done=lambda _: self._end(),
                on_failed=self._failed,
                on_cancelled=self._end,
                abandonable=True,
            )
            self._timer.start()

    def _end(self) -> None:
        self._job = None
        if self._closed:
            return
        self._timer.stop()
        if self._wanted or (self._all and self._next < len(self._names)):
            self._start()  # asked for while the worker was leaving
            return
        if self._ordered is not None and self.complete:
            self._groups, self._places = self._ordered
            self._ordered = None
            self.reordered.emit()
        self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        self._all, self._next = True, len(self._names)
        self._wanted.clear()
        if not self._closed:
            self._services.messages.error(error)
        self._end()
