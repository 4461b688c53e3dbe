"""Which models are in memory, since when they were used, and how hot they are."""

from __future__ import annotations

import copy
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import NONE, PIN_CAUSES, Kind

NEVER: Final = -1
"""In place of a time: it did not happen."""
RECENT_NS: Final = 3_000_000_000
"""How long a model that left counts as recently evicted, in nanoseconds."""
HALF_LIFE_NS: Final = 2_000_000_000
"""The time in which the heat of a model that is not used falls to a half, in nanoseconds."""

_ACCESS: Final = (Kind.HIT, Kind.MISS)
_STAY: Final = (Kind.MISS, Kind.PREFETCH, Kind.EVICT)


class Presence(IntEnum):
    """Where a model is at a moment."""

    NEVER_LOADED = 0
    IN_MEMORY = 1
    RECENTLY_EVICTED = 2
    NOT_IN_MEMORY = 3


class Residency:
    """The state of every model at the time of the last event.

    Attributes
    ----------
    sizes
        Raw bytes, by the number of the model.
    resident
        Whether it is in memory.
    pinned
        Whether it is kept there.
    last_used
        When it was last accessed or loaded ahead, in nanoseconds of the recording, or ``NEVER``.
    left_at
        When it last left, or ``NEVER``.
    uses
        How often it was accessed.
    """

    def __init__(self, sizes: NDArray[np.int64]) -> None:
        count = len(sizes)
        self.sizes = sizes
        self.resident = np.zeros(count, np.bool_)
        self.pinned = np.zeros(count, np.bool_)
        self.last_used = np.full(count, NEVER, np.int64)
        self.left_at = np.full(count, NEVER, np.int64)
        self.uses = np.zeros(count, np.int64)
        self._heat = np.zeros(count)
        self._heat_at = 0

    def __len__(self) -> int:
        return len(self.sizes)

    def copy(self) -> Residency:
        """Another one that goes on from here by itself."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and name != "sizes":
                setattr(other, name, value.copy())
        return other

    def grow(self, sizes: NDArray[np.int64]) -> None:
        """Be of these models; those there were come first."""
        other = Residency(sizes)
        count = len(self)
        for name in ("resident", "pinned", "last_used", "left_at", "uses", "_heat"):
            values = getattr(other, name)
            values[:count] = getattr(self, name)
            setattr(self, name, values)
        self.sizes = sizes

    def add(self, events: EventArray) -> None:
        """Go on by these events. A clear may only be the first of them."""
        if len(events) and events["kind"][0] == Kind.CLEAR:
            leaving = self.leaving(int(events["bytes"][0]))
            self.left_at[leaving] = events["time"][0]
            self.resident[leaving] = False
        events = events[events["unit"] != NONE]
        kinds, units, times = events["kind"], events["unit"], events["time"]
        accesses = np.isin(kinds, _ACCESS)
        counts = np.bincount(units[accesses], minlength=len(self))
        self.uses += counts
        if len(events):
            self._cool(int(times[-1]))
            self._heat += counts
        touched = accesses | (kinds == Kind.PREFETCH)
        self.last_used[units[touched]] = times[touched]  # of several values for one place numpy keeps the last
        evicted = kinds == Kind.EVICT
        self.left_at[units[evicted]] = times[evicted]
        moved = np.isin(kinds, _STAY)
        self.resident[units[moved]] = kinds[moved] != Kind.EVICT
        pins = kinds == Kind.PIN
        self.pinned[units[pins]] = events["cause"][pins] == PIN_CAUSES["pin"]

    def leaving(self, size: int) -> NDArray[np.bool_]:
        """Which models leave at a clear of ``size`` bytes: all that are not pinned; at the end of a run all."""
        leaving = self.resident & ~self.pinned
        return leaving if int(self.sizes[leaving].sum()) >= size else self.resident.copy()

    def presence(self, now: int) -> NDArray[np.uint8]:
        """The :class:`Presence` of every model at ``now``, nanoseconds of the recording."""
        state = np.full(len(self), Presence.NOT_IN_MEMORY, np.uint8)
        state[(self.last_used == NEVER) & (self.left_at == NEVER)] = Presence.NEVER_LOADED
        state[(self.left_at != NEVER) & (self.left_at >= now - RECENT_NS)] = Presence.RECENTLY_EVICTED
        state[self.resident] = Presence.IN_MEMORY
        return state

    def heat(self, now: int) -> NDArray[np.float64]:
        """How hot every model is: 0 for one not used lately, 1 for the hottest."""
        self._cool(now)
        hottest = float(self._heat.max(initial=0.0))
        return self._heat / hottest if hottest > 1e-9 else np.zeros(len(self))

    def _cool(self, now: int) -> None:
        if now > self._heat_at:
            self._heat *= 0.5 ** ((now - self._heat_at) / HALF_LIFE_NS)
            self._heat_at = now
