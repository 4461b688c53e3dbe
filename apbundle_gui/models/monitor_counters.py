"""The counters of a recording, folded from its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import EVICT_CAUSES, Kind

_KINDS = max(Kind) + 1
_SIGN = np.zeros(256, np.int64)
_SIGN[[Kind.MISS, Kind.PREFETCH]] = 1
_SIGN[[Kind.EVICT, Kind.CLEAR]] = -1


def memory_changes(events: EventArray) -> NDArray[np.int64]:
    """By how many bytes each event changes the memory that is used."""
    changes: NDArray[np.int64] = _SIGN[events["kind"]] * events["bytes"]
    return changes


def settled_memory(events: EventArray, changes: NDArray[np.int64], used: int, settled: int) -> NDArray[np.int64]:
    """The memory used after each event as a chart should show it: what an eviction frees for a load counts until then.

    Otherwise the line would drop at every load under a full limit, for a moment that nobody can use.

    Parameters
    ----------
    events, changes
        Events and by how many bytes each changes the memory used.
    used, settled
        The memory used before them, really and as this function had it last.
    """
    memory = used + np.cumsum(changes)
    lasting = (events["kind"] != Kind.EVICT) | (events["cause"] != EVICT_CAUSES["room"])
    latest = np.maximum.accumulate(np.where(lasting, np.arange(len(events)), -1))
    result: NDArray[np.int64] = np.where(latest >= 0, memory[latest], settled)
    return result


UNKNOWN: Final = -1
"""In place of a counter that is not known."""


@dataclass(slots=True)
class Counters:
    """What :class:`apbundle.paging.stats.PagingStats` counts, and a little more, from the recording alone."""

    events: int = 0
    hits: int = 0
    misses: int = 0
    evictions: int = 0
    prefetches: int = 0
    prefetches_used: int = 0
    errors: int = 0
    bytes_loaded: int = 0
    memory_used: int = 0

    @property
    def accesses(self) -> int:
        """Hits and misses."""
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """Hits over accesses, from 0 to 1; not a number before the first."""
        return self.hits / self.accesses if self.accesses else float("nan")

    def add(self, events: EventArray, changes: NDArray[np.int64]) -> None:
        """Count more events; ``changes`` are their :func:`memory_changes`."""
        by_kind = np.bincount(events["kind"], minlength=_KINDS)
        self.events += len(events) - int(by_kind[Kind.PREFETCH_USED])
        self.hits += int(by_kind[Kind.HIT])
        self.misses += int(by_kind[Kind.MISS])
        self.evictions += int(by_kind[Kind.EVICT])
        self.prefetches += int(by_kind[Kind.PREFETCH])
        self.prefetches_used += int(by_kind[Kind.PREFETCH_USED])
        self.errors += int(by_kind[Kind.ERROR])
        self.bytes_loaded += int(changes[changes > 0].sum())
        self.memory_used += int(changes.sum())
