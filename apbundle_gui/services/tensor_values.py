"""The values of the tensor that is looked at: what jobs have found out about them, and what is being looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from apbundle.errors import BundleError
from apbundle.payload.tensors import TensorInfo
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.jobs import Job, JobRunner
from apbundle_gui.services.number_types import Numbers
from apbundle_gui.services.tensor_elements import Elements, bytes_of, position_at
from apbundle_gui.services.tensor_layout import Layout, Plane
from apbundle_gui.services.value_grid import FEW, Codes, Grid, Region, grid, sample_grid
from apbundle_gui.services.value_histogram import Histogram
from apbundle_gui.services.value_range import ValueRange, range_of
from apbundle_gui.services.value_statistics import Statistics, exact_statistics, full_histogram, sample_statistics

UNASKED: Final = 2 << 30
"""Bytes that are read to the last one without being asked to."""

SOON_MS: Final = 200
"""How long after the sample all values are read, in milliseconds: pictures of it come first."""


@dataclass(frozen=True, slots=True)
class Coloring:
    """How cells are coloured.

    Parameters
    ----------
    scale
        The range of the colour scale; ``None``: that of the cells themselves, which say most then.
    symmetric
        Whether such a range is made one around zero.
    clip
        Whether such a range leaves the rarest out.
    extreme
        Whether a cell of several values shows the one farthest from zero rather than their mean.
    """

    scale: ValueRange | None = None
    symmetric: bool = True
    clip: bool = True
    extreme: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A part of a plane as it is painted.

    Parameters
    ----------
    plane
        What it is a part of.
    grid
        Its cells.
    codes
        The place of each on the colour scale.
    scale
        The range of that.
    coloring
        How it came about.
    """

    plane: Plane
    grid: Grid
    codes: Codes
    scale: ValueRange
    coloring: Coloring


class TensorValues(QObject):
    """Reads the values of one tensor after the other. The newest request of each kind wins.

    Attributes
    ----------
    changed
        Emitted when statistics, histogram, error or what is being read are other ones.
    progressed
        Emitted while :attr:`reading` goes on.
    pictured
        Emitted with the purpose that was given to :meth:`picture`, and a :class:`Picture`.
    recolored
        The same for :meth:`recolor`; the picture shown may be another one by then.
    told
        Emitted with a position and the number there, in numpy's type.
    info, layout
        The tensor; ``None`` for none, and for a layout that no array has.
    statistics
        What is known of it: from a sample at first.
    whole_histogram
        The histogram with the outliers, once that was asked for.
    error
        Why its values cannot be had, if so.
    """

    changed = Signal()
    progressed = Signal()
    pictured = Signal(str, object)
    recolored = Signal(str, object)
    told = Signal(object, object)

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._inspection: Inspection | None = None
        self._model = -1
        self._turn = 0  # counts the tensors shown
        self._started: list[Job] = []
        self._reading: Job | None = None
        self._whole: Job | None = None
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self.go_on)
        self._forget(None)

    # -- which tensor --------------------------------------------------------------------------------------------

    def show(self, inspection: Inspection | None, model: int = -1, info: TensorInfo | None = None) -> None:
        """Look at another tensor, or at none; everything that is still read of the one before is given up."""
        self._turn += 1
        for job in self._started:
            job.cancel()
        self._started.clear()
        self._soon.stop()
        self._inspection, self._model = inspection, model
        self._forget(info)
        if inspection is not None and info is not None:
            self._run("Looking at values", "look", self._looking(), self._looked)
        self.changed.emit()

    def _forget(self, info: TensorInfo | None) -> None:
        self.info = info
        self.layout: Layout | None = None
        if info is not None:
            try:
                self.layout = Layout.of(info)
            except ValueError:  # the job says why
                pass
        self.statistics: Statistics | None = None
        self.whole_histogram: Histogram | None = None
        self.error: BaseException | None = None
        self._reading = self._whole = None
        self._later: dict[str, Callable[[], None]] = {}
        self._stopped = False

    @property
    def reading(self) -> Job | None:
        """The job that reads all values, while it runs."""
        return self._reading

    @property
    def size(self) -> int:
        """Bytes of the tensor in its model."""
        return 0 if self.info is None else self.info.size

    def span_at(self, index: Sequence[int]) -> tuple[int, int] | None:
        """Offset in the file and number of the bytes of an element; ``None`` when it has none of its own there."""
        if self.info is None or self.layout is None or self._begin is None:
            return None
        span = bytes_of(self.info, self.layout.position(index))
        return None if span is None else (self._begin + span[0], span[1])

    def index_at(self, offset: int) -> tuple[int, ...] | None:
        """The index of the element whose bytes hold byte ``offset`` of the file, if that is known."""
        if self.info is None or self.layout is None or self._begin is None:
            return None
        position = position_at(self.info, offset - self._begin)
        return None if position is None else self.layout.index_of(position)

    @property
    def _begin(self) -> int | None:
        """Where the model begins in the file; ``None`` for a compressed one, whose bytes are not there."""
        inspection = self._inspection
        if inspection is None:
            return None
        entry = inspection.reader.entry(inspection.names[self._model])
        return None if entry.compressed else inspection.reader.data_offset + entry.offset

    # -- statistics ----------------------------------------------------------------------------------------------

    def read_all(self) -> None:
        """Make the statistics exact."""
        sample = self.statistics
        if sample is None or sample.exact or self._reading is not None:
            return
        self._stopped = False

        def work(progress: Progress, cancel: Cancel, elements: Elements) -> Statistics:
            return exact_statistics(elements, sample, progress, cancel)

        def read(found: Statistics) -> None:
            self._reading = None
            self.statistics = found
            self.changed.emit()
            self._do_later()

        self._reading = self._run("Reading all values", "read", self._with_elements(work), read, self._given_up)
        self._reading.progressed.connect(self.progressed)
        self.changed.emit()

    def stop(self) -> None:
        """Stop reading all values; what the sample says stays."""
        self._stopped = True
        self.pause()

    def pause(self) -> None:
        """Stop reading all values until :meth:`go_on`."""
        self._soon.stop()
        if self._reading is not None:
            self._reading.cancel()

    def go_on(self) -> None:
        """Read all values, unless somebody stopped that, or they are very many."""
        if self.info is not None and self._claimed <= UNASKED and not self._stopped:
            self.read_all()
        if self._reading is None:
            self._do_later()

    def want_whole_histogram(self) -> None:
        """Have the histogram with the outliers."""
        found = self.statistics
        if found is None or found.full is None or self.whole_histogram is not None or self._whole is not None:
            return

        def work(progress: Progress, cancel: Cancel, elements: Elements) -> Histogram | None:
            return full_histogram(elements, found, progress, cancel)

        def counted(histogram: Histogram | None) -> None:
            self._whole = None
            self.whole_histogram = histogram
            self.changed.emit()

        def given_up() -> None:
            self._whole = None

        self._whole = self._run("Counting values", "histogram", self._with_elements(work), counted, given_up)

    def _looking(self) -> Callable[[Progress, Cancel], Statistics]:
        return self._with_elements(lambda progress, cancel, elements: sample_statistics(elements, cancel))

    def _looked(self, found: Statistics) -> None:
        self.statistics = found
        self.changed.emit()
        if not found.exact:
            self._soon.start()

    @property
    def _claimed(self) -> int:
        """Bytes that all elements take, were each stored; a view may have more elements than there are bytes."""
        assert self.info is not None
        return max(self.size, self.info.raw_size or 0)

    @property
    def _elements(self) -> int:
        return 0 if self.info is None else self.info.elements

    def _given_up(self) -> None:
        self._reading = None
        self.changed.emit()

    # -- pictures and single values ------------------------------------------------------------------------------

    def picture(self, purpose: str, plane: Plane, region: Region, height: int, width: int, coloring: Coloring) -> None:
        """Have a picture of a region in at most ``height`` × ``width`` cells; of a large one a sample comes first."""
        large = region.cells > FEW

        def work(progress: Progress, cancel: Cancel, elements: Elements) -> Picture:
            if large:
                return _colored(plane, sample_grid(elements, plane, region, height, width, cancel), coloring)
            return _colored(plane, grid(elements, plane, region, height, width, progress, cancel), coloring)

        def rest(progress: Progress, cancel: Cancel, elements: Elements) -> Picture:
            return _colored(plane, grid(elements, plane, region, height, width, progress, cancel), coloring)

        def made(picture: Picture) -> None:
            self.pictured.emit(purpose, picture)
            if large and region.cells * self._claimed <= UNASKED * self._elements:
                self._later[purpose] = go_on
                if self._reading is None and not self._soon.isActive():
                    self._do_later()

        def go_on() -> None:
            self._run("Drawing values", purpose, self._with_elements(rest), drawn)

        def drawn(picture: Picture) -> None:
            self.pictured.emit(purpose, picture)

        self._later.pop(purpose, None)
        self._run("Drawing values", purpose, self._with_elements(work), made)

    def _do_later(self) -> None:
        """Draw exactly what a sample was drawn of: after the statistics, for each needs all of the disk."""
        waiting, self._later = self._later, {}
        for go_on in waiting.values():
            go_on()

    def recolor(self, purpose: str, picture: Picture, coloring: Coloring) -> None:
        """Have a picture in other colours."""

        def work(progress: Progress, cancel: Cancel) -> Picture:
            return _colored(picture.plane, picture.grid, coloring)

        self._run("Colouring values", f"color {purpose}", work, lambda made: self.recolored.emit(purpose, made))

    def tell(self, position: int) -> None:
        """Have the number at a position."""

        def told(number: Any) -> None:
            self.told.emit(position, number)

        def work(progress: Progress, cancel: Cancel, elements: Elements) -> Any:
            numbers: Numbers = elements.read(position, 1)
            return numbers[0]

        self._run("Reading a value", "tell", self._with_elements(work), told)

    # -- jobs ----------------------------------------------------------------------------------------------------

    def _with_elements(self, work: Callable[[Progress, Cancel, Elements], Any]) -> Callable[[Progress, Cancel], Any]:
        inspection, info = self._inspection, self.info
        assert inspection is not None
        assert info is not None
        reader, name = inspection.reader, inspection.names[self._model]
        return lambda progress, cancel: work(progress, cancel, Elements(reader, name, info))

    def _run(
        self,
        title: str,
        kind: str,
        work: Callable[[Progress, Cancel], Any],
        on_done: Callable[[Any], None],
        on_cancelled: Callable[[], None] | None = None,
    ) -> Job:
        turn = self._turn

        def done(result: Any) -> None:
            if turn == self._turn:
                on_done(result)

        def failed(error: BaseException) -> None:
            if turn == self._turn:
                self._failed(error)

        def cancelled() -> None:
            if turn == self._turn and on_cancelled is not None:
                on_cancelled()

        job = self._jobs.start(
            title,
            work,
            on_done=done,
            on_failed=failed,
            on_cancelled=cancelled,
            key=("values", id(self), kind),
            abandonable=True,
        )
        self._started = [*(other for other in self._started if other.running), job]
        return job

    def _failed(self, error: BaseException) -> None:
        self._reading = self._whole = None
        if not (isinstance(error, BundleError) and error.code == "closed"):
            self.error = error.with_traceback(None)  # its frames would keep the file open
        self.changed.emit()


def _colored(plane: Plane, found: Grid, coloring: Coloring) -> Picture:
    cells = found.values(extreme=coloring.extreme)
    scale = coloring.scale
    if scale is None:
        scale = range_of(cells[np.isfinite(cells)], clip=coloring.clip)
        scale = scale.symmetric if coloring.symmetric else scale
    return Picture(plane, found, found.codes(cells, scale), scale, coloring)
