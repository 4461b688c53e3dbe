"""The counters of a pager, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PagingStats:
    """A snapshot of what a pager has done; later accesses do not change it.

    Parameters
    ----------
    hits, misses
        Accesses that found their unit in memory, and those that had to load it. Failed accesses count as neither.
    evictions
        Units dropped to make room or on request; ``clear_cache`` counts none.
    bytes_loaded
        Raw bytes brought in by misses and prefetches together.
    memory_used
        Raw bytes of the units in memory now.
    prefetches
        Units brought in by prediction or by a hint.
    """

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    bytes_loaded: int = 0
    memory_used: int = 0
    prefetches: int = 0

    @property
    def hit_rate(self) -> float:
        """Hits over hits and misses, from 0 to 1; 0 before any access."""
        accesses = self.hits + self.misses
        return self.hits / accesses if accesses else 0.0

    def reset(self) -> PagingStats:
        """A snapshot with every counter at zero, to count from."""
        return PagingStats()
