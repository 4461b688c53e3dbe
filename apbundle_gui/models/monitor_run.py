"""All that is known of a recording while it is read: counters, bins, the state of the models, rows of events.

One value folds every batch of events once; the views only look.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.causes import Explainer
from apbundle.trace.decoding import EventArray
from apbundle.trace.history import History
from apbundle.trace.records import NONE, Kind, RecordingHeader
from apbundle.trace.units import UnitList, UnitNames
from apbundle_gui.models.monitor_counters import Counters, memory_changes, settled_memory
from apbundle_gui.models.monitor_residency import Residency
from apbundle_gui.models.monitor_rows import ROWS, RowArray, make_rows
from apbundle_gui.models.monitor_series import Series

_BYTES_A_UNIT: Final = 110  # what history and residency keep of each


class Run:
    """A recording, folded.

    Attributes
    ----------
    names, sizes
        The units: models first, then what is paged of them in part; more may come to be announced.
    policy
        The policy that was recorded.
    limit
        The memory limit now, in bytes.
    time
        The time of the last event, in nanoseconds of the recording.
    counters, series, residency
        What the events add up to.
    """

    def __init__(self, units: UnitList, limit: int | None, policy: str = "lru") -> None:
        self._units = units
        self.names: Sequence[str] = UnitNames(units)
        self.sizes = units.sizes
        self.policy = policy
        self.limit = int(self.sizes.sum()) if limit is None else limit
        self._explainer = Explainer(History(limit, len(units)), None)
        self.time = 0
        self._settled = 0
        self._binned = True
        self.counters = Counters()
        self.series = Series()
        self.residency = Residency(self.sizes)

    @classmethod
    def of(cls, header: RecordingHeader) -> Run:
        """An empty run of the recording with this header."""
        return cls(header.units.copy(), header.limit, header.policy or "lru")

    @classmethod
    def of_models(cls, names: Sequence[str], sizes: NDArray[np.int64]) -> Run:
        """A run of models of which nothing was recorded yet."""
        return cls(UnitList(names, sizes), 0)

    @property
    def read(self) -> int:
        """How many events it was folded from."""
        return self._explainer.history.event

    @property
    def nbytes(self) -> int:
        """About how many bytes :meth:`copy` takes."""
        return _BYTES_A_UNIT * len(self.sizes)

    def copy(self) -> Run:
        """Another one that goes on from here by itself, but for the bins: of these there is one, of the whole run."""
        other = copy.copy(self)
        other._units = self._units.copy()
        other.names = UnitNames(other._units)
        other._explainer = Explainer(self._explainer.history.copy(), None)
        other.counters = copy.copy(self.counters)
        other.residency = self.residency.copy()
        other._binned = False
        return other

    def add(self, events: EventArray) -> RowArray:
        """Fold more events; returns their rows for the list."""
        if not len(events):
            return np.zeros(0, ROWS)
        self._take_in(events[(events["kind"] == Kind.PAGES) & (events["unit"] != NONE)])
        rows = make_rows(self._explainer.explain(events), self.sizes)
        # What resets a state begins a stretch of its own, so that within one everything adds up.
        cuts = np.flatnonzero((events["kind"] == Kind.CLEAR) | (events["kind"] == Kind.RESIZE))
        for part in np.split(events, cuts):
            if len(part):
                self._add(part)
        return rows

    def _take_in(self, announcements: EventArray) -> None:
        """Know the units that are announced."""
        if not len(announcements):
            return
        self._units.announce(announcements["unit"], announcements["bytes"], announcements["other"])
        self.sizes = self._units.sizes
        self.residency.grow(self.sizes)
        self._explainer.history.grow(len(self.sizes))

    def _add(self, events: EventArray) -> None:
        changes = memory_changes(events)
        used = self.counters.memory_used
        if events["kind"][0] == Kind.RESIZE:
            self.limit = int(events["bytes"][0])
        self.counters.add(events, changes)
        memory = settled_memory(events, changes, used, self._settled)
        self._settled = int(memory[-1])
        if self._binned:
            self.series.add(events, memory)
        self.residency.add(events)
        self.time = int(events["time"][-1])
