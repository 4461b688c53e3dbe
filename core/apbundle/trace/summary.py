"""The explanations of a whole recording added up: why units were missed, whom evictions hit, what memory would help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apbundle.trace.limits import Limits
from apbundle.trace.stories import EvictionCause, MissCause

MOST_VICTIMS: Final = 1000
"""Most units that a summary names."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What misses of one kind came to: how many, bytes loaded, nanoseconds that took."""

    misses: int
    loaded: int
    latency: int


@dataclass(frozen=True, slots=True)
class Victim:
    """A unit that was evicted, other than on request.

    Parameters
    ----------
    unit
        Its number.
    evictions, again
        How often that happened, and after how many of these it was needed again.
    cost
        Of the misses that came of it.
    """

    unit: int
    evictions: int
    again: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class Summary:
    """What happened and why.

    Parameters
    ----------
    events, hits
        How many there were; those of units that the recording does not tell of are no hits.
    misses
        By cause; all of :class:`MissCause` are there.
    evictions
        By cause; all of :class:`EvictionCause` are there.
    again
        After how many evictions, those on request aside, the unit was needed again.
    prefetches, prefetches_used
        Units loaded ahead, and those that were used while they were in memory.
    failures
        Loads that failed.
    lost
        Events lost to damage.
    in_force
        The limits under which it happened.
    within
        Of the misses for capacity or a lowered limit, those that LRU, given the accesses alone, would have had as hits
        under the limit of that time.
    gains
        For some amounts of memory, ascending, in bytes: how many of these misses that many more would have made hits,
        those within the limit included. The last is the least that does for all.
    enough
        The smallest limit under which LRU would have had all of them, those not used before they were evicted aside;
        ``None`` if there were none.
    victims
        Those whose misses took longest first, at most :data:`MOST_VICTIMS`.
    """

    events: int
    hits: int
    misses: Mapping[MissCause, Cost]
    evictions: Mapping[EvictionCause, int]
    again: int
    prefetches: int
    prefetches_used: int
    failures: int
    lost: int
    in_force: Limits
    within: int
    gains: tuple[tuple[int, int], ...]
    enough: int | None
    victims: tuple[Victim, ...]
