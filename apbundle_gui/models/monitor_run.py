"""All that is known of a recording while it is read: counters, bins, the state of the models, rows of events.

One value folds every batch of events once; the views only look.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import Kind, RecordingHeader
from apbundle_gui.models.monitor_counters import Counters, memory_changes, settled_memory
from apbundle_gui.models.monitor_residency import Residency
from apbundle_gui.models.monitor_rows import ROWS, RowArray, make_rows
from apbundle_gui.models.monitor_series import Series


class Run:
    """A recording, folded.

    Attributes
    ----------
    names, sizes
        The models.
    limit
        The memory limit now, in bytes.
    time
        The time of the last event, in nanoseconds of the recording.
    counters, series, residency
        What the events add up to.
    """

    def __init__(self, names: Sequence[str], sizes: NDArray[np.int64], limit: int) -> None:
        self.names = names
        self.sizes = sizes
        self.limit = limit
        self.time = 0
        self._settled = 0
        self.counters = Counters()
        self.series = Series()
        self.residency = Residency(sizes)

    @classmethod
    def of(cls, header: RecordingHeader) -> Run:
        """An empty run of the recording with this header."""
        limit = header.config.get("max_memory")
        sizes = np.array(header.sizes, np.int64)
        return cls(header.names, sizes, limit if isinstance(limit, int) else int(sizes.sum()))

    def add(self, events: EventArray) -> RowArray:
        """Fold more events; returns their rows for the list."""
        if not len(events):
            return np.zeros(0, ROWS)
        # What resets a state begins a stretch of its own, so that within one everything adds up.
        cuts = np.flatnonzero((events["kind"] == Kind.CLEAR) | (events["kind"] == Kind.RESIZE))
        return np.concatenate([self._add(part) for part in np.split(events, cuts) if len(part)])

    def _add(self, events: EventArray) -> RowArray:
        changes = memory_changes(events)
        used = self.counters.memory_used
        if events["kind"][0] == Kind.RESIZE:
            self.limit = int(events["bytes"][0])
        rows = make_rows(events, changes, used, self.limit, self.residency)
        self.counters.add(events, changes)
        memory = settled_memory(events, changes, used, self._settled)
        self._settled = int(memory[-1])
        self.series.add(events, memory)
        self.residency.add(events)
        self.time = int(events["time"][-1])
        return rows
