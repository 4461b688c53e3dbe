"""The steps a curve is built of: limits from which on some accesses become hits, summed up piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

_ROWS: Final = 1 << 20  # merged at once
_SAMPLED: Final = 1 << 10  # rows of a table for one that helps to choose where to cut


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Limits in bytes, each once, ascending; how many accesses need exactly that much; the bytes of their units."""

    limits: NDArray[np.int64]
    counts: NDArray[np.int32]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, needed: NDArray[np.int64], sizes: NDArray[np.int64]) -> Self:
        """The steps of accesses that need the limits ``needed``, each to a unit of so many bytes."""
        return cls._summed(needed, np.ones(len(needed), np.int32), sizes)

    @classmethod
    def merged(cls, tables: Sequence[Steps]) -> Self:
        """The steps of several tables together."""
        return cls._summed(
            np.concatenate([table.limits for table in tables]),
            np.concatenate([table.counts for table in tables]),
            np.concatenate([table.sizes for table in tables]),
        )

    def between(self, start: int, stop: int) -> Steps:
        """Those with limits from ``start`` to before ``stop``."""
        first, last = np.searchsorted(self.limits, (start, stop))
        return Steps(self.limits[first:last], self.counts[first:last], self.sizes[first:last])

    @classmethod
    def _summed(cls, limits: NDArray[np.int64], counts: NDArray[np.int32], sizes: NDArray[np.int64]) -> Self:
        if not len(limits):
            return cls(limits, counts, sizes)
        order = np.argsort(limits)
        limits = limits[order]
        starts = np.flatnonzero(np.append(True, limits[1:] != limits[:-1]))
        return cls(limits[starts], np.add.reduceat(counts[order], starts), np.add.reduceat(sizes[order], starts))


def rising(tables: Sequence[Steps], smallest: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The limits of all tables, each once, with the sums of counts and of sizes up to each.

    The first is ``smallest``, which stands for all up to it. The tables are merged stretch by stretch: beside them and
    the result that takes little memory.
    """
    most = 1 + sum(len(table.limits) for table in tables)
    limits, counts, sizes = (np.empty(most, np.int64) for _ in range(3))
    limits[0] = smallest
    below = [table.between(0, smallest + 1) for table in tables]
    counts[0] = sum(int(table.counts.sum()) for table in below)
    sizes[0] = sum(int(table.sizes.sum()) for table in below)
    end = 1
    for start, stop in pairwise(_cuts(tables, smallest + 1)):
        stretch = Steps.merged([table.between(start, stop) for table in tables])
        place = slice(end, end + len(stretch.limits))
        limits[place], counts[place], sizes[place] = stretch.limits, stretch.counts, stretch.sizes
        end = place.stop
    for column in (counts, sizes):
        np.cumsum(column[:end], out=column[:end])
    return limits[:end], counts[:end], sizes[:end]


def _cuts(tables: Sequence[Steps], start: int) -> list[int]:
    """Limits from ``start`` to past the last one, between any two of which there are not many rows."""
    if not any(len(table.limits) for table in tables):
        return []
    samples = np.concatenate([table.limits[::_SAMPLED] for table in tables])
    samples.sort()
    cuts = samples[:: _ROWS // _SAMPLED]
    end = max(int(table.limits[-1]) for table in tables if len(table.limits)) + 1
    return [start, *np.unique(cuts[(cuts > start) & (cuts < end)]).tolist(), max(end, start)]
