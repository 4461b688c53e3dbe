"""Why things happened: the causes of misses and evictions, in columns, for any number of events at once.

:mod:`apbundle.trace.explain` makes stories of single events of them, :mod:`apbundle.trace.summary` the sums of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.columns import EvictionColumns, HitColumns, IdleColumns, MissColumns
from apbundle.trace.decoding import EventArray
from apbundle.trace.distances import NEVER, LruStack
from apbundle.trace.history import ByUnit, History, Piece
from apbundle.trace.records import EVICT_CAUSES, NONE, Kind
from apbundle.trace.stories import EvictionCause, MissCause

_CAUSES_OF_MISSES: Final = np.full(256, MissCause.UNKNOWN, np.uint8)
_CAUSES_OF_MISSES[EVICT_CAUSES["room"]] = MissCause.CAPACITY
_CAUSES_OF_MISSES[EVICT_CAUSES["limit"]] = MissCause.LIMIT
_CAUSES_OF_MISSES[EVICT_CAUSES["request"]] = MissCause.REQUEST
_CAUSES_OF_EVICTIONS: Final = np.full(256, EvictionCause.UNKNOWN, np.uint8)
_CAUSES_OF_EVICTIONS[EVICT_CAUSES["room"]] = EvictionCause.ROOM
_CAUSES_OF_EVICTIONS[EVICT_CAUSES["limit"]] = EvictionCause.LIMIT
_CAUSES_OF_EVICTIONS[EVICT_CAUSES["request"]] = EvictionCause.REQUEST


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """A piece and what is to be said of it.

    Parameters
    ----------
    needed
        For each access of the piece, in order: see :class:`apbundle.trace.columns.AccessColumns`.
    hits
        ``None`` if they were not asked for.
    """

    piece: Piece
    by_unit: ByUnit
    needed: NDArray[np.int64]
    misses: MissColumns
    evictions: EvictionColumns
    hits: HitColumns | None


class Explainer:
    """Goes through a recording from somewhere on, and explains it.

    Parameters
    ----------
    history
        Of what comes before; goes along.
    sizes
        Raw bytes of every unit; ``None`` spares finding out what memory LRU would have needed, where that takes too
        long or units are still announced.
    """

    def __init__(self, history: History, sizes: NDArray[np.int64] | None) -> None:
        self.history: Final = history
        self._stack: Final = None if sizes is None else LruStack(sizes)
        if self._stack is not None:
            self._stack.access(history.by_last_use)

    def explain(self, events: EventArray, *, hits: bool = False) -> Explained:
        """Explain the events that come next; of hits there is most and least to say, so they have to be asked for."""
        history = self.history
        piece = Piece.of(events, history)
        by_unit = ByUnit(piece)
        uses = piece.units[piece.is_use]
        needed = np.full(len(uses), NEVER) if self._stack is None else self._stack.access(uses)
        explained = Explained(
            piece,
            by_unit,
            needed,
            _misses(piece, by_unit, needed, history),
            _evictions(piece, by_unit, history),
            _hits(piece, by_unit, needed, history) if hits else None,
        )
        history.advance(piece)
        return explained


def _hits(piece: Piece, by_unit: ByUnit, needed: NDArray[np.int64], history: History) -> HitColumns:
    places = np.flatnonzero(piece.is_use & (piece.kinds == Kind.HIT))
    idle = _idle_before(piece, by_unit, history, places, piece.times[places])
    loaded = _number(piece, by_unit.before(piece.is_load, places), history.loaded_at[piece.units[places]])
    limits = piece.limits(places)
    return HitColumns(places, idle, _of_uses(piece, needed, places), limits, loaded > idle.last)


def _misses(piece: Piece, by_unit: ByUnit, needed: NDArray[np.int64], history: History) -> MissColumns:
    places = np.flatnonzero(piece.is_use & (piece.kinds == Kind.MISS))
    units = piece.units[places]
    asked = np.maximum(piece.times[places] - piece.latencies[places], 0)
    loaded = _number(piece, by_unit.before(piece.is_load, places), history.loaded_at[units])

    departure = by_unit.before(piece.is_departure, places)
    left = _number(piece, departure, history.left_at[units])
    left_time = np.where(departure < 0, history.left_time[units], piece.times[departure])
    left_for = np.where(departure < 0, history.left_for[units], piece.events["other"][departure])
    cause = np.where(departure < 0, history.left_cause[units], piece.events["cause"][departure])

    cleared, cleared_time = _cleared(piece, history, places)
    never = (loaded == 0) & (left == 0)
    by_clear = ~never & (cleared > loaded) & (cleared > left)
    by_eviction = (left > loaded) & ~by_clear
    causes = np.where(by_eviction, _CAUSES_OF_MISSES[cause], np.uint8(MissCause.UNKNOWN))
    causes[by_clear] = MissCause.REQUEST
    if not piece.lost:
        causes[never] = MissCause.COLD
    left_time = np.where(by_clear, cleared_time, left_time)
    useless = ~np.isin(causes, (MissCause.CAPACITY, MissCause.LIMIT))
    return MissColumns(
        places,
        _idle_before(piece, by_unit, history, places, asked),
        np.where(useless, NEVER, _of_uses(piece, needed, places)),
        piece.limits(places),
        causes,
        np.where(by_clear, cleared, np.where(by_eviction, left, 0)),
        np.maximum(asked - left_time, 0),
        np.where(by_eviction & (cause == EVICT_CAUSES["room"]), left_for, np.uint32(NONE)),
    )


def _evictions(piece: Piece, by_unit: ByUnit, history: History) -> EvictionColumns:
    places = np.flatnonzero(piece.is_departure)
    units, times = piece.units[places], piece.times[places]
    idle = _idle_before(piece, by_unit, history, places, times)
    load = by_unit.before(piece.is_load, places)
    loaded = _number(piece, load, history.loaded_at[units])
    unused = loaded > idle.last
    since_load = np.maximum(times - np.where(load < 0, history.loaded_time[units], piece.times[load]), 0)
    limits = piece.limits(places)
    return EvictionColumns(
        places,
        _CAUSES_OF_EVICTIONS[piece.events["cause"][places]],
        IdleColumns(
            np.where(unused, loaded, idle.last),
            np.where(unused, since_load, idle.least),
            np.where(unused, since_load, idle.most),
        ),
        ~unused & (idle.last > 0),
        limits - piece.used_before[places],
        limits,
    )


def _number(piece: Piece, found: NDArray[np.intp], before: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number, plus one, of the event found in the piece, or else of the one known from before."""
    return np.where(found < 0, before, piece.numbers[found])


def _idle_before(
    piece: Piece, by_unit: ByUnit, history: History, places: NDArray[np.intp], until: NDArray[np.int64]
) -> IdleColumns:
    """From the last access to the same unit to the time ``until``."""
    units, use = piece.units[places], by_unit.before(piece.is_use, places)
    last = _number(piece, use, history.used_at[units])
    latest = np.where(use < 0, history.used_until[units], piece.times[use])
    earliest = np.where(use < 0, history.used_from[units], piece.earliest[use])
    return IdleColumns(last, np.maximum(until - latest, 0), np.maximum(until - earliest, 0))


def _cleared(piece: Piece, history: History, places: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number, plus one, and the time of the last clear before each of ``places``; 0 if there was none."""
    if not len(piece.clears):
        return np.full(len(places), history.cleared_at), np.full(len(places), history.cleared_time)
    last = np.searchsorted(piece.clears, places) - 1
    clear = piece.clears[last]
    return (
        np.where(last < 0, history.cleared_at, piece.numbers[clear]),
        np.where(last < 0, history.cleared_time, piece.times[clear]),
    )


def _of_uses(piece: Piece, needed: NDArray[np.int64], places: NDArray[np.intp]) -> NDArray[np.int64]:
    """``needed``, which is of all accesses of the piece, for those at ``places``."""
    which: NDArray[np.int64] = np.cumsum(piece.is_use)[places] - 1
    return needed[which]
