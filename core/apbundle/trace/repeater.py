"""Doing to a pager what the events of a recording say was done to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final, Protocol, TypeAlias, TypeVar

from apbundle.errors import BundleError
from apbundle.trace.decoding import EventArray
from apbundle.trace.records import ERROR_NUMBERS, EVICT_CAUSES, LOAD_CAUSES, NONE, PIN_CAUSES, Kind
from apbundle.trace.replay import Counters

_Row: TypeAlias = tuple[int, int, int, int, int]  # kind, cause, unit, bytes, other
_Argument = TypeVar("_Argument")
UnitKey = tuple[str, int]
"""What a unit is asked for by here: its number, in the form that pagers take."""


class RerunPager(Protocol):
    """What a recording is run through; ``Pager`` is one."""

    def get(self, key: UnitKey, /) -> object:
        """Access a unit."""

    def hint(self, key: UnitKey, /) -> None:
        """Load a unit ahead."""

    def evict(self, key: UnitKey, /) -> bool:
        """Drop a unit."""

    def clear(self) -> None:
        """Drop all units."""

    def pin(self, keys: Sequence[UnitKey], /) -> None:
        """Access units and keep them from leaving."""

    def unpin(self, keys: Sequence[UnitKey], /) -> None:
        """Take that back."""

    def resize(self, max_memory: int, /) -> None:
        """Change the limit."""

    @property
    def memory_used(self) -> int:
        """Raw bytes in memory."""

    def stats(self) -> Counters:
        """The counters now."""


class RerunSource(Protocol):
    """What that pager loads from; ``HollowSource`` is one."""

    failing: Exception | None
    """What the next loads raise, or ``None``."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of a run.

    Parameters
    ----------
    hits, misses, evictions, prefetches
        As a pager counts them.
    bytes_loaded
        Raw bytes of misses and prefetches.
    most_used
        The most raw bytes that were in memory at once.
    """

    hits: int
    misses: int
    evictions: int
    prefetches: int
    bytes_loaded: int
    most_used: int

    @property
    def hit_rate(self) -> float:
        """Hits over accesses, from 0 to 1; 0 if there were none."""
        accesses = self.hits + self.misses
        return self.hits / accesses if accesses else 0.0


class Repeater:
    """Repeats what a program did, event by event, on a pager that was not used before.

    Parameters
    ----------
    pager, source
        The pager, and what it loads from.
    resizes, predictions
        See :func:`apbundle.trace.rerun.rerun`.

    Attributes
    ----------
    refused
        How often the pager could not do it, because what is pinned leaves too little room.
    """

    def __init__(self, pager: RerunPager, source: RerunSource, *, resizes: bool, predictions: bool) -> None:
        self.refused = 0
        self._pager: Final = pager
        self._source: Final = source
        self._resizes: Final = resizes
        self._hinting: Final = {LOAD_CAUSES["hint"]}
        if predictions:
            self._hinting.update((LOAD_CAUSES["inline"], LOAD_CAUSES["background"]))
        self._keys: Final = _Keys()
        self._held: list[_Row] = []  # the event that comes next
        self._pinned: Final[set[UnitKey]] = set()
        self._pinned_first: Final[set[int]] = set()  # units whose next hit was part of pinning them
        self._missed_first = NONE  # the unit whose last miss was
        self._most_used = 0

    def repeat(self, events: EventArray) -> None:
        """Repeat the events that come next; the last of them when it is known what follows."""
        kinds, causes, units, sizes, others = (
            events[name].tolist() for name in ("kind", "cause", "unit", "bytes", "other")
        )
        for row, following in pairwise(chain(self._held, zip(kinds, causes, units, sizes, others, strict=True))):
            self._do(row, following)
        self._held = [(kinds[-1], causes[-1], units[-1], sizes[-1], others[-1])]

    def finish(self) -> None:
        """There are no more events."""
        for row in self._held:
            self._do(row, None)
        self._held = []

    def counts(self) -> Counts:
        """The counters of the pager."""
        stats = self._pager.stats()
        return Counts(stats.hits, stats.misses, stats.evictions, stats.prefetches, stats.bytes_loaded, self._most_used)

    def _do(self, row: _Row, following: _Row | None) -> None:
        kind, cause, unit, size, other = row
        key = self._keys[unit]
        if kind == Kind.HIT:
            if self._pinned_first and unit in self._pinned_first:
                self._pinned_first.remove(unit)
            elif unit != NONE:
                self._try(self._pager.get, key)
        elif kind == Kind.MISS:
            if following and following[:3] == (Kind.PIN, PIN_CAUSES["pin"], unit):
                self._missed_first = unit
            elif unit != NONE:
                self._try(self._pager.get, key)
        elif kind == Kind.CLEAR:
            self._pager.clear()
        elif kind == Kind.RESIZE:
            if self._resizes:
                self._try(self._pager.resize, size)
        elif unit == NONE:
            pass
        elif kind == Kind.PREFETCH and cause in self._hinting:
            self._try(self._pager.hint, key)
        elif kind == Kind.EVICT and cause == EVICT_CAUSES["request"]:
            self._pager.evict(key)
        elif kind == Kind.PIN:
            self._pin(unit, pin=cause == PIN_CAUSES["pin"])
        elif kind == Kind.ERROR:
            self._fail(cause, key, other)

    def _pin(self, unit: int, *, pin: bool) -> None:
        """Pin or unpin. To pin is to access: that access is the miss just before, or else the next hit."""
        key = self._keys[unit]
        if not pin:
            self._pinned_first.discard(unit)
            if key in self._pinned:
                self._pinned.remove(key)
                self._pager.unpin([key])
            return
        if self._missed_first == unit:
            self._missed_first = NONE
        else:
            self._pinned_first.add(unit)
        if key not in self._pinned and self._try(self._pager.pin, [key]):
            self._pinned.add(key)

    def _fail(self, cause: int, key: UnitKey, other: int) -> None:
        """Try the load again that failed, and let it fail as it did, if it comes to a load."""
        refused = self.refused
        if other != ERROR_NUMBERS["limit_too_small"]:
            self._source.failing = OSError("the recorded load failed")
        if cause == LOAD_CAUSES["demand"]:
            self._try(self._pager.get, key)
        elif cause in self._hinting:
            self._try(self._pager.hint, key)
        self._source.failing = None
        self.refused = refused

    def _try(self, operation: Callable[[_Argument], object], argument: _Argument) -> bool:
        """Whether the operation could be done."""
        done = True
        try:
            operation(argument)
        except BundleError:
            self.refused += 1
            done = False
        except OSError:
            done = False
        used = self._pager.memory_used
        if used > self._most_used:
            self._most_used = used
        return done


class _Keys(dict[int, UnitKey]):
    """The keys of units by their numbers, made when they are first asked for."""

    def __missing__(self, unit: int) -> UnitKey:
        key = self[unit] = "", unit
        return key
