"""A recording that is opened: a picture of it at a first glance, then all of it folded, with places to go back to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from apbundle.progress import Cancel, Progress
from apbundle.trace.decoding import EventArray
from apbundle.trace.records import RecordingHeader
from apbundle_gui.models.monitor_counters import UNKNOWN
from apbundle_gui.models.monitor_rows import RowArray
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.models.monitor_series import Series
from apbundle_gui.services.recording_file import FirstLook, RecordingRanges, first_look, read_all

SPACING: Final = 1 << 14
"""Events between two checkpoints at the least."""
MAX_BYTES: Final = 96 << 20
"""Memory that checkpoints may take, in bytes."""
ROWS_BEFORE: Final = 4096
"""Events before a moment that are listed at the least, where there are so many."""
ROWS_READ: Final = 1 << 15
"""Rows of what was read at once that are listed at the least; what came before is listed at its moment."""


def glance(path: str) -> tuple[FirstLook, Run]:
    """The recording at a path, and the run as its pages count it; a job. Raises as ``first_look``.

    Where each unit is, is not known before all was read.
    """
    look = first_look(path)
    run = Run.of(look.reader.header)
    run.add(look.last)
    before, counters, milestones = look.totals, run.counters, look.milestones
    counters.events += before.events
    counters.hits += before.hits
    counters.misses += before.misses
    counters.evictions += before.evictions
    counters.prefetches += before.prefetches
    counters.prefetches_used = UNKNOWN
    counters.bytes_loaded += before.bytes_loaded
    counters.memory_used += before.memory_used
    up_to = np.column_stack((milestones.hits, milestones.misses, milestones.evictions, milestones.prefetches))
    last = np.array([[counters.hits, counters.misses, counters.evictions, counters.prefetches]])
    run.series = Series.between(
        np.maximum.accumulate(np.append(milestones.times, run.time)),
        np.vstack((up_to, last)),
        np.append(milestones.memory_used, counters.memory_used),
    )
    return look, run


class Checkpoints:
    """A run at some events, so that any moment of it can be come back to: the first of them is its beginning.

    Held in a bounded amount of memory: when there are too many, every other one is let go.
    """

    def __init__(self, start: Run) -> None:
        self._runs = [start.copy()]
        self._spacing = SPACING

    def __len__(self) -> int:
        return len(self._runs)

    def pass_by(self, run: Run) -> None:
        """Keep a copy of the run as it is now, if it came far enough."""
        if run.read - self._runs[-1].read < self._spacing or run.nbytes > MAX_BYTES // 8:
            return
        self._runs.append(run.copy())
        if sum(kept.nbytes for kept in self._runs) > MAX_BYTES:
            del self._runs[1::2]
            self._spacing *= 2

    def before(self, time: int) -> Run:
        """The checkpoint some way before a moment, in nanoseconds of the recording; it stays as it is."""
        earlier = [kept for kept in self._runs if kept.time < time] or self._runs[:1]
        enough = [kept for kept in earlier if earlier[-1].read - kept.read >= ROWS_BEFORE] or self._runs[:1]
        return enough[-1]


class LastRows:
    """The rows of the last events: so many at the least, where there were so many."""

    def __init__(self, kept: int) -> None:
        self._kept: Final = kept
        self._parts: deque[RowArray] = deque()
        self._count = 0

    def __iter__(self) -> Iterator[RowArray]:
        return iter(self._parts)

    def __len__(self) -> int:
        return self._count

    def add(self, rows: RowArray) -> None:
        """These come next."""
        self._parts.append(rows)
        self._count += len(rows)
        while self._count - len(self._parts[0]) >= self._kept:
            self._count -= len(self._parts.popleft())


class Reading:
    """A recording read to some event: the run, and its checkpoints."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.checkpoints = Checkpoints(run)

    def add(self, events: EventArray) -> RowArray:
        """Fold more events; returns their rows."""
        rows = self.run.add(events)
        self.checkpoints.pass_by(self.run)
        return rows


def read_recording(look: FirstLook, progress: Progress, cancel: Cancel) -> tuple[Reading, LastRows]:
    """All of a recording to where it ends now; a job. Raises as :func:`~.services.recording_file.read_all`."""
    reading, rows = Reading(Run.of(look.reader.header)), LastRows(ROWS_READ)

    def begin(header: RecordingHeader) -> None:
        nonlocal reading, rows
        reading, rows = Reading(Run.of(header)), LastRows(ROWS_READ)

    read_all(look.reader, begin, lambda events: rows.add(reading.add(events)), progress, cancel)
    return reading, rows


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A run as it was at a time, in nanoseconds of the recording, and the rows of what led to it."""

    time: int
    run: Run
    rows: LastRows


def go_to(time: int, checkpoint: Run, ranges: RecordingRanges, cancel: Cancel) -> Moment:
    """The run at a moment, from a checkpoint before it; a job. Raises as :meth:`RecordingRanges.up_to`."""
    run, rows = checkpoint.copy(), LastRows(ROWS_BEFORE)
    ranges.up_to(run.read, time, lambda events: rows.add(run.add(events)), cancel)
    return Moment(time, run, rows)
