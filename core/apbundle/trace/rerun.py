"""A recording run again through a pager: the program's accesses and wishes, under other settings or the same.

The pager works over sizes alone. What the program did is repeated in the order in which it was recorded; what the pager
did of itself (evictions for room, predictions) is left to the new one. Some things leave no trace and are not repeated:
a hint for a unit that was in memory, which units were pinned together, whether an access to a pinned unit was to pin it
once more, that something predicted could not be loaded. What threads did at the same moment is done one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace.decoding import EVENTS, EventArray
from apbundle.trace.distances import exact_sum
from apbundle.trace.limits import Limits
from apbundle.trace.pieces import event_pieces
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, Kind
from apbundle.trace.repeater import Counts, Repeater, RerunPager, RerunSource


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of it.

    Parameters
    ----------
    recorded, replayed
        The counters then and now.
    in_force
        The limits under which it was recorded.
    refused
        Accesses, pins and limits that could not be repeated, because what is pinned leaves too little room.
    """

    recorded: Counts
    replayed: Counts
    in_force: Limits
    refused: int


def rerun(
    reader: RecordingReader,
    pager: RerunPager,
    source: RerunSource,
    *,
    resizes: bool = True,
    predictions: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Rerun:
    """Run a recording through a pager.

    Parameters
    ----------
    pager
        A new one, which knows units by :data:`apbundle.trace.repeater.UnitKey`.
    source
        What it loads from.
    resizes
        Change the limit where the program did.
    predictions
        Load ahead what the recorded pager predicted, where it did: for a pager that predicts nothing itself.

    Raises
    ------
    BadRecording
        The recording was cut short.
    Cancelled
        ``cancel`` answered true.
    """
    reporter = Reporter(progress, cancel)
    reporter.phase("replaying", reader.count * EVENTS.itemsize)
    repeater = Repeater(pager, source, resizes=resizes, predictions=predictions)
    recorded, in_force = _Recorded(), Limits.of(reader.header.limit)
    for _, events in event_pieces(reader, reporter=reporter):
        recorded.add(events)
        in_force = in_force.after(events)
        repeater.repeat(events)
    repeater.finish()
    return Rerun(recorded.counts(), repeater.counts(), in_force, repeater.refused)


class _Recorded:
    """The counters of what was recorded."""

    def __init__(self) -> None:
        self._hits = self._misses = self._evictions = self._prefetches = self._bytes_loaded = 0
        self._used = self._most_used = 0

    def add(self, events: EventArray) -> None:
        """The events that come next."""
        kinds, sizes, known = events["kind"], events["bytes"], events["unit"] != NONE
        loads = ((kinds == Kind.MISS) | (kinds == Kind.PREFETCH)) & known
        self._hits += int(np.count_nonzero((kinds == Kind.HIT) & known))
        self._misses += int(np.count_nonzero((kinds == Kind.MISS) & known))
        self._evictions += int(np.count_nonzero((kinds == Kind.EVICT) & known))
        self._prefetches += int(np.count_nonzero((kinds == Kind.PREFETCH) & known))
        self._bytes_loaded += exact_sum(sizes[loads])
        left = ((kinds == Kind.EVICT) & known) | (kinds == Kind.CLEAR)
        used = self._used + np.cumsum(np.where(loads, sizes, 0) - np.where(left, sizes, 0))
        self._used, self._most_used = int(used[-1]), max(self._most_used, int(used.max()))

    def counts(self) -> Counts:
        """The counters up to here."""
        return Counts(self._hits, self._misses, self._evictions, self._prefetches, self._bytes_loaded, self._most_used)
