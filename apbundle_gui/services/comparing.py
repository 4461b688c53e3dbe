"""Comparing the bundle under inspection with another one, or two of its models with each other, as a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal

from apbundle.diff.bundles import Side, diff_bundles, diff_models
from apbundle.diff.records import BundleDifference, Change, ModelDifference, Status, TensorDifference
from apbundle.format.reader import BundleReader
from apbundle.progress import Cancel, Progress, Reporter
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.jobs import Function, Job, JobRunner
from apbundle_gui.services.pacing import Pace

Kind = Literal["bundle", "model", "field", "tensor"]
"""What a difference is about: something said of the bundle, a model, something said of it, one of its tensors."""
Where = tuple[str, int | None]
"""A model of the bundle under inspection, by name, and the number of a tensor in it or ``None`` for the whole."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of a comparison.

    Parameters
    ----------
    model
        The model's name; empty for what is about the bundle.
    item
        What was found.
    sizes
        Bytes of a model before and after; ``None`` where it is not.
    where
        What of the bundle under inspection it is about; ``None`` for what is not in it.
    """

    kind: Kind
    status: Status
    model: str
    name: str
    item: Change | ModelDifference | TensorDifference
    sizes: tuple[int | None, int | None] = (None, None)
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Differences:
    """All that a comparison found.

    Parameters
    ----------
    rows
        What differs: of the bundle first, then model by model.
    places
        The number of the row about a model or a tensor of the bundle under inspection.
    models, tensors
        How many there are of each status; equal tensors are not counted.
    """

    rows: tuple[Difference, ...]
    places: Mapping[Where, int]
    models: Mapping[Status, int]
    tensors: Mapping[Status, int]


@dataclass(frozen=True, slots=True)
class Request:
    """What the bundle under inspection, or a model of it, is to be compared with.

    Parameters
    ----------
    other
        Path of the other bundle, which may be the same.
    models
        A model of the other bundle and one of the bundle under inspection, by name; ``None`` compares both as a whole.
    swapped
        Whether one looks from the bundle under inspection to the other one, and not the other way round.
    """

    other: str
    models: tuple[str, str] | None = None
    swapped: bool = False

    @property
    def ordered(self) -> tuple[str, str] | None:
        """The models, before and after."""
        return self.models if self.models is None or not self.swapped else (self.models[1], self.models[0])


class Comparison(QObject):
    """What the bundle under inspection is compared with, and what came of it. The newest request wins.

    Attributes
    ----------
    changed
        Emitted when a comparison began or ended.
    progressed
        Emitted while one goes on.
    request
        What was asked for last; ``None`` before the first time.
    found
        What came of it.
    error
        Why nothing came of it.
    """

    changed = Signal()
    progressed = Signal()

    def __init__(self, jobs: JobRunner, inspection: Inspection, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._closed = False
        self._inspection = inspection
        self.request: Request | None = None
        self.found: Differences | None = None
        self.error: BaseException | None = None
        self.job: Job | None = None

    def start(self, request: Request, reader: BundleReader | None) -> None:
        """Compare; ``reader`` is that of the other bundle when it is open already."""
        self.request = request
        here = self._inspection.reader

        def work(progress: Progress, cancel: Cancel) -> Differences:
            with BundleReader.open(request.other) if reader is None else nullcontext(reader) as other:
                pair = (here, other) if request.swapped else (other, here)
                if request.ordered is None:
                    found = diff_bundles(*pair, progress=progress, cancel=cancel)
                    return _bundle_rows(found, *pair, here, cancel)
                before, after = (Side(side, name) for side, name in zip(pair, request.ordered, strict=True))
                reporter = Reporter(progress, cancel)
                reporter.phase("compare", before.entry.raw_size)
                return _pair_rows(diff_models(before, after, reporter=reporter), before, after, here, cancel)

        self._start(work)

    def cancel(self) -> None:
        """Stop comparing."""
        if self.job is not None:
            self.job.cancel()

    def close(self) -> None:
        """Stop comparing, and let go of the bundle; this object is no more of use."""
        self._closed = True
        self.cancel()
        if self.job is None:
            self.deleteLater()

    def _start(self, work: Function) -> None:
        self.found = self.error = None
        self.job = self._jobs.start(
            "Comparing",
            work,
            on_done=self._done,
            on_failed=self._failed,
            on_cancelled=self._ended,
            key=("compare", id(self)),
            abandonable=True,
        )
        self.job.progressed.connect(self.progressed)
        self.changed.emit()

    def _done(self, found: Differences) -> None:
        self.found = found
        self._ended()

    def _failed(self, error: BaseException) -> None:
        self.error = error.with_traceback(None)  # its frames would keep the file open
        self._ended()

    def _ended(self) -> None:
        self.job = None
        if self._closed:
            self.deleteLater()
        else:
            self.changed.emit()


def _bundle_rows(
    found: BundleDifference, before: BundleReader, after: BundleReader, here: BundleReader, cancel: Cancel
) -> Differences:
    rows = [Difference("bundle", _status(change), "", change.key, change) for change in found.fields]
    for model in found.models:
        name = model.name
        sizes = _size(before, name), _size(after, name)
        rows.append(_model_row(model, sizes, name if name in here.manifest else None))
        rows += _rows_of(model, sizes, Side(before, name), Side(after, name), here, cancel)
    return _differences(rows, found.equal_models)


def _pair_rows(found: ModelDifference, before: Side, after: Side, here: BundleReader, cancel: Cancel) -> Differences:
    if found.status == "equal":
        return _differences([], 1)
    sizes = before.entry.raw_size, after.entry.raw_size
    rows = [_model_row(found, sizes, after.name if after.reader is here else before.name)]
    rows += _rows_of(found, sizes, before, after, here, cancel)
    return _differences(rows, 0)


def _model_row(model: ModelDifference, sizes: tuple[int | None, int | None], name: str | None) -> Difference:
    where = None if name is None else (name, None)
    return Difference("model", model.status, model.name, model.name, model, sizes, where)


def _rows_of(
    model: ModelDifference,
    sizes: tuple[int | None, int | None],
    before: Side,
    after: Side,
    here: BundleReader,
    cancel: Cancel,
) -> Iterator[Difference]:
    """What differs inside a model; rows lead to the side that is in ``here``, to ``after`` if both are."""
    pace = Pace(cancel)
    said = 1 if model.status == "changed" and sizes[0] != sizes[1] else 0  # the row of the model tells its sizes
    mine = after if after.reader is here else before
    for change in model.fields[said:]:
        yield Difference("field", _status(change), model.name, change.key, change, where=(mine.name, None))
    if not model.tensors:
        return
    tables = [side.contents(cancel).tensors if side.reader is here else None for side in (before, after)]
    for tensor in model.tensors:
        pace.step()
        where: Where | None = None
        for side, table, info in zip((before, after), tables, (tensor.before, tensor.after), strict=True):
            if table is not None and info is not None:
                where = side.name, table.find(tensor.name)
        yield Difference("tensor", tensor.status, model.name, tensor.name, tensor, where=where)


def _differences(rows: list[Difference], equal: int) -> Differences:
    models: dict[Status, int] = {"changed": 0, "added": 0, "removed": 0, "equal": equal}
    tensors: dict[Status, int] = {"changed": 0, "added": 0, "removed": 0}
    places: dict[Where, int] = {}
    for number, row in enumerate(rows):
        if row.kind in ("model", "tensor"):
            (models if row.kind == "model" else tensors)[row.status] += 1
            if row.where is not None:
                places.setdefault(row.where, number)
    return Differences(tuple(rows), places, models, tensors)


def _status(change: Change) -> Status:
    return "added" if change.before is None else "removed" if change.after is None else "changed"


def _size(reader: BundleReader, name: str) -> int | None:
    return reader.entry(name).raw_size if name in reader.manifest else None
