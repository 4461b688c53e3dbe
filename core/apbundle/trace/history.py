"""What an event can be explained by: of every unit its last use, load and departure; the limit; what is in memory.

Recordings are gone through piece by piece. A :class:`History` is what is known before a piece, in memory for the units
alone; a :class:`Piece` is what the events themselves say, with what follows from the history at its start.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import NONE, Kind

_LONGEST: Final = float(1 << 62)


class History:
    """What is known before an event.

    Numbers of events are kept plus one, so that 0 stands for never: what nobody touches takes no memory.

    Parameters
    ----------
    limit
        The limit when the recording began; nothing of it has been gone through yet.
    units
        How many units it is of.

    Attributes
    ----------
    event
        The number of the event that comes next.
    limit
        The limit in force in bytes; ``None`` if it is not known.
    used
        Bytes in memory.
    lost
        Whether events before were lost to damage.
    """

    def __init__(self, limit: int | None, units: int) -> None:
        self.event = 0
        self.limit = limit
        self.used = 0
        self.lost = False
        self.time = self.time_before = 0  # of the last event, and of the last one that is not of the same time
        self.cleared_at = self.cleared_time = 0
        self.used_at = np.zeros(units, np.int64)
        self.used_from = np.zeros(units, np.int64)
        self.used_until = np.zeros(units, np.int64)
        self.loaded_at = np.zeros(units, np.int64)
        self.loaded_time = np.zeros(units, np.int64)
        self.left_at = np.zeros(units, np.int64)
        self.left_time = np.zeros(units, np.int64)
        self.left_cause = np.zeros(units, np.uint8)
        self.left_for = np.zeros(units, np.uint32)

    def copy(self) -> History:
        """Another one that goes on from here by itself; worth keeping where one may want to start again."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(other, name, value.copy())
        return other

    def grow(self, units: int) -> None:
        """Be of so many units, if more were announced."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and len(value) < units:
                setattr(self, name, np.concatenate([value, np.zeros(units - len(value), value.dtype)]))

    @property
    def by_last_use(self) -> NDArray[np.int64]:
        """The units accessed so far, the least recently used first."""
        units = np.flatnonzero(self.used_at)
        return units[np.argsort(self.used_at[units])]

    def advance(self, piece: Piece) -> None:
        """Go past ``piece``, which was made with this history and begins where it stands."""
        # Where a unit is named several times, the last one counts: numpy assigns in order.
        units, times = piece.units, piece.times
        places = np.flatnonzero(piece.is_use)
        self.used_at[units[places]] = piece.numbers[places]
        self.used_from[units[places]] = piece.earliest[places]
        self.used_until[units[places]] = times[places]
        places = np.flatnonzero(piece.is_load)
        self.loaded_at[units[places]] = piece.numbers[places]
        self.loaded_time[units[places]] = times[places]
        places = np.flatnonzero(piece.is_departure)
        self.left_at[units[places]] = piece.numbers[places]
        self.left_time[units[places]] = times[places]
        self.left_cause[units[places]] = piece.events["cause"][places]
        self.left_for[units[places]] = piece.events["other"][places]
        if len(piece.clears):
            self.cleared_at, self.cleared_time = int(piece.numbers[piece.clears[-1]]), int(times[piece.clears[-1]])
        if len(piece.resizes):
            self.limit = int(piece.events["bytes"][piece.resizes[-1]])
        self.used = piece.used_after
        self.lost = piece.lost
        self.event += len(times)
        if len(times):
            earlier = np.flatnonzero(times < times[-1])
            if len(earlier):
                self.time_before = int(times[earlier[-1]])
            elif times[-1] > self.time:
                self.time_before = self.time
            self.time = int(times[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Events that follow one another.

    Parameters
    ----------
    events
        As they were read.
    numbers
        Theirs, plus one.
    kinds, units, times
        Columns of them.
    earliest
        When each happened at the earliest: hits come in batches of one time, and not before what came before these.
    latencies
        What their loads took, in whole nanoseconds.
    is_use, is_load, is_departure
        Which are an access to a known unit, made one resident, made one leave.
    clears, resizes
        Where everything left, and where the limit changed.
    limit_before
        The limit before the first of them; -1 if it is not known.
    used_before
        Bytes in memory before each.
    used_after
        Those after the last.
    lost
        Whether events were lost, here or before.
    """

    events: EventArray
    numbers: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    units: NDArray[np.uint32]
    times: NDArray[np.int64]
    earliest: NDArray[np.int64]
    latencies: NDArray[np.int64]
    is_use: NDArray[np.bool_]
    is_load: NDArray[np.bool_]
    is_departure: NDArray[np.bool_]
    clears: NDArray[np.intp]
    resizes: NDArray[np.intp]
    limit_before: int
    used_before: NDArray[np.int64]
    used_after: int
    lost: bool

    @classmethod
    def of(cls, events: EventArray, history: History) -> Self:
        """What ``events`` say, which follow ``history``."""
        kinds, units, times, sizes = (events[name].copy() for name in ("kind", "unit", "time", "bytes"))
        known = units != NONE
        is_miss = (kinds == Kind.MISS) & known
        is_load = (kinds == Kind.PREFETCH) & known | is_miss
        is_departure = (kinds == Kind.EVICT) & known
        clears = np.flatnonzero(kinds == Kind.CLEAR)
        change = np.where(is_load, sizes, 0)
        change[is_departure] -= sizes[is_departure]
        change[clears] = -sizes[clears]
        used = history.used + np.cumsum(change)
        return cls(
            events,
            np.arange(history.event + 1, history.event + 1 + len(events)),
            kinds,
            units,
            times,
            np.where(kinds == Kind.HIT, _time_before(times, history), times),
            np.minimum(events["latency"].astype(np.float64), _LONGEST).astype(np.int64),
            (kinds == Kind.HIT) & known | is_miss,
            is_load,
            is_departure,
            clears,
            np.flatnonzero(kinds == Kind.RESIZE),
            -1 if history.limit is None else history.limit,
            used - change,
            int(used[-1]) if len(used) else history.used,
            history.lost or bool((kinds == Kind.PAD).any()),
        )

    def limits(self, places: NDArray[np.intp]) -> NDArray[np.int64]:
        """The limit at each of ``places``; -1 if it is not known."""
        limits = np.append(self.limit_before, self.events["bytes"][self.resizes])
        return limits[np.searchsorted(self.resizes, places)]


class ByUnit:
    """The events of a piece about known units, so arranged that those about one unit follow one another."""

    def __init__(self, piece: Piece) -> None:
        places = np.flatnonzero(piece.is_use | piece.is_load | piece.is_departure)
        keys = (piece.units[places].astype(np.int64) << 32) | places
        keys.sort()
        self._places: Final = keys & 0xFFFFFFFF
        self._rank: Final = np.zeros(len(piece.units), np.int64)
        self._rank[self._places] = np.arange(len(keys))
        keys >>= 32
        edges = np.flatnonzero(keys[1:] != keys[:-1]) + 1
        runs = np.diff(np.concatenate(([0], edges, [len(keys)])))
        self._begins: Final = np.repeat(np.concatenate(([0], edges)), runs)
        self._ends: Final = np.repeat(np.concatenate((edges, [len(keys)])), runs)

    def before(self, wanted: NDArray[np.bool_], places: NDArray[np.intp]) -> NDArray[np.intp]:
        """For each of ``places`` the last ``wanted`` one before it, about the same unit; -1 if there is none here."""
        ranks = self._rank[places]
        last = np.maximum.accumulate(np.where(wanted[self._places], np.arange(len(self._places)), -1))
        found = last[ranks - 1]  # of the first, any: it is not behind the beginning
        return np.where((found < ranks) & (found >= self._begins[ranks]), self._places[found], -1)

    def after(self, wanted: NDArray[np.bool_], places: NDArray[np.intp]) -> NDArray[np.intp]:
        """For each of ``places`` the first ``wanted`` one after it, about the same unit; -1 if there is none here."""
        ranks = self._rank[places]
        count = len(self._places)
        following = np.where(wanted[self._places], np.arange(count), count)[::-1]
        following = np.append(np.minimum.accumulate(following)[::-1], count)
        found = following[ranks + 1]
        return np.where(found < self._ends[ranks], self._places[np.minimum(found, count - 1)], -1)


def _time_before(times: NDArray[np.int64], history: History) -> NDArray[np.int64]:
    """For each event the time of the last one before it that is of another time."""
    if not len(times):
        return times
    begins = np.flatnonzero(np.append(times[0] != history.time, times[1:] != times[:-1]))
    runs = np.diff(np.append(begins, len(times)))
    before = np.where(begins > 0, times[begins - 1], history.time)
    continued = np.full(len(times) - int(runs.sum()), history.time_before)
    return np.concatenate((continued, np.repeat(before, runs)))
