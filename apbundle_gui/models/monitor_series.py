"""What the charts show: a recording in bins of equal time, and any stretch of it fitted to so many columns.

However long a recording is, it takes a bounded number of bins: when they are used up, neighbours are merged and a bin
is twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import Kind

MAX_BINS: Final = 1 << 16
"""Bins kept at most."""
FIRST_BIN_NS: Final = 50_000_000
"""Length of a bin at first, in nanoseconds."""
KINDS: Final = (Kind.HIT, Kind.MISS, Kind.EVICT, Kind.PREFETCH)
"""The kinds that are counted, in the order of the columns."""
RATE_WINDOW_NS: Final = 2_000_000_000
"""The time the hit rate of the window looks back, in nanoseconds."""

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

_COLUMN: Final = np.full(256, -1, np.int64)
_COLUMN[list(KINDS)] = range(len(KINDS))
_ACCESSES: Final = [KINDS.index(Kind.HIT), KINDS.index(Kind.MISS)]


@dataclass(frozen=True, slots=True)
class Rates:
    """Events a second, and the hit rates, over equal intervals.

    Parameters
    ----------
    edges
        Where the intervals begin and end, in seconds; one more than intervals.
    per_second
        By kind, in the order of :data:`KINDS`.
    window, overall
        The hit rate at the end of each interval: of the last two seconds (or the interval, if that is longer), and
        since the start. Not a number where there was no access.
    """

    edges: Floats
    per_second: Floats
    window: Floats
    overall: Floats


class Series:
    """A recording in bins."""

    def __init__(self) -> None:
        self._bin_ns = FIRST_BIN_NS
        self._used = 0
        self._counts = np.zeros((1024, len(KINDS)), np.int64)
        self._low = np.zeros(1024, np.int64)
        self._high = np.zeros(1024, np.int64)
        self._last = np.zeros(1024, np.int64)
        self._memory = 0

    @classmethod
    def between(cls, times: Ints, counts: Ints, memory: Ints) -> Series:
        """What is known between moments: events as if they were spread evenly, memory as it was at the moment before.

        Parameters
        ----------
        times
            The moments in nanoseconds, never falling.
        counts
            The events up to each, by kind in the order of :data:`KINDS`.
        memory
            The memory used at each, in bytes.
        """
        series = cls()
        while int(times[-1]) // series._bin_ns >= MAX_BINS:
            series._bin_ns *= 2
        used = int(times[-1]) // series._bin_ns + 1
        edges = np.arange(used + 1) * series._bin_ns
        totals = [np.rint(np.interp(edges, times, column)).astype(np.int64) for column in counts.T]
        series._counts = np.diff(np.column_stack(totals), axis=0)
        at = memory[np.maximum(np.searchsorted(times, edges[1:], "right") - 1, 0)]
        series._low, series._high, series._last = at, at.copy(), at.copy()
        series._used, series._memory = used, int(memory[-1])
        return series

    @property
    def bin_seconds(self) -> float:
        """Length of a bin."""
        return self._bin_ns / 1e9

    def add(self, events: EventArray, memory: Ints) -> None:
        """Add events; ``memory`` is what was used after each of them, in bytes."""
        if not len(events):
            return
        while int(events["time"][-1]) // self._bin_ns >= MAX_BINS:
            self._merge()
        bins = events["time"] // self._bin_ns
        first = max(min(int(bins[0]), self._used - 1), 0)
        np.clip(bins, first, None, out=bins)
        self._extend(int(bins[-1]) + 1)

        columns = _COLUMN[events["kind"]]
        counted = columns >= 0
        width = len(KINDS)
        span = self._used - first
        places = (bins[counted] - first) * width + columns[counted]
        self._counts[first : self._used] += np.bincount(places, minlength=span * width).reshape(span, width)

        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        there = bins[starts]
        after = memory[np.append(starts[1:], len(bins)) - 1]
        for column, extreme in ((self._low, np.minimum), (self._high, np.maximum)):
            reached = extreme.reduceat(memory, starts)
            reached[1:] = extreme(reached[1:], after[:-1])  # a bin begins with what the one before ended with
            reached[0] = extreme(reached[0], column[there[0]])
            column[there] = reached
        self._last[there] = after
        self._carry(there)
        self._memory = int(memory[-1])

    def rates(self, begin: float, end: float, columns: int) -> Rates:
        """The stretch from ``begin`` to ``end`` (seconds) in some ``columns`` intervals at most, complete ones only."""
        step = self._step((end - begin) / max(columns, 1))
        seconds = step * self.bin_seconds
        first = max(int(begin / seconds), 0)
        last = max(int(end / seconds), first)
        totals = self._totals()
        places = np.arange(first, last + 1) * step
        at_edges = totals[np.minimum(places, self._used)]
        per_second = np.diff(at_edges, axis=0).T / seconds
        back = max(round(RATE_WINDOW_NS / self._bin_ns), step)
        before = totals[np.clip(places[1:] - back, 0, self._used)]
        ends = at_edges[1:]
        return Rates(
            edges=np.arange(first, last + 1) * seconds,
            per_second=per_second,
            window=_hit_rate(ends - before),
            overall=_hit_rate(ends),
        )

    def recent(self, end: float) -> Ints:
        """The events of the window that ends at ``end`` (seconds), by kind in the order of :data:`KINDS`."""
        stop = min(int(end / self.bin_seconds) + 1, self._used)
        begin = int(end / self.bin_seconds) + 1 - max(round(RATE_WINDOW_NS / self._bin_ns), 1)
        counts: Ints = self._counts[max(begin, 0) : max(stop, 0)].sum(axis=0)
        return counts

    def memory(self, begin: float, end: float, columns: int) -> tuple[Floats, Floats]:
        """The memory used from ``begin`` to ``end`` (seconds), as the corners of a line no finer than ``columns``.

        Each column keeps its lowest and its highest value, so that no peak is lost.
        """
        step = self._step((end - begin) / max(columns, 1))
        first = max(int(begin / self.bin_seconds) // step * step, 0)
        stop = min(int(end / self.bin_seconds) + 1, self._used)
        if stop <= first:
            return np.array([begin, end]), np.array([float(self._memory)] * 2)
        starts = np.arange(first, stop, step)
        low = np.minimum.reduceat(self._low[:stop], starts)
        high = np.maximum.reduceat(self._high[:stop], starts)
        last = self._last[np.append(starts[1:], stop) - 1]
        before = np.append(self._last[first - 1] if first else 0, last[:-1])
        x = np.repeat(starts * self.bin_seconds, 4)
        y = np.column_stack((before, low, high, last)).ravel()
        return np.append(x, end), np.append(y, last[-1]).astype(np.float64)

    def _step(self, seconds: float) -> int:
        """The number of bins, of 1, 2, 5, 10, …, that lasts at least ``seconds``."""
        step = 1
        for factor in _steps():
            step = factor
            if step * self.bin_seconds >= seconds:
                break
        return step

    def _totals(self) -> Ints:
        totals = np.zeros((self._used + 1, len(KINDS)), np.int64)
        np.cumsum(self._counts[: self._used], axis=0, out=totals[1:])
        return totals

    def _extend(self, used: int) -> None:
        """Have ``used`` bins; in the new ones memory is what it was."""
        if used > len(self._last):
            room = min(max(used, 2 * len(self._last)), MAX_BINS)
            self._counts = np.concatenate((self._counts, np.zeros((room - len(self._counts), len(KINDS)), np.int64)))
            self._low, self._high, self._last = (
                np.concatenate((column, np.zeros(room - len(column), np.int64)))
                for column in (self._low, self._high, self._last)
            )
        for column in (self._low, self._high, self._last):
            column[self._used : used] = self._memory
        self._used = max(self._used, used)

    def _carry(self, there: Ints) -> None:
        """In bins without events between those with some, memory is what it was after the one before."""
        gaps = np.diff(there)
        if not (gaps > 1).any():
            return
        span = np.arange(there[0], self._used)
        source = there[np.searchsorted(there, span, side="right") - 1]
        empty = source != span
        for column in (self._low, self._high, self._last):
            column[span[empty]] = self._last[source[empty]]

    def _merge(self) -> None:
        """Make one bin of every two."""
        self._extend(self._used + self._used % 2)
        used, self._used = self._used, self._used // 2
        half = self._used
        self._counts[:half] = self._counts[:used:2] + self._counts[1:used:2]
        self._counts[half:] = 0
        self._low[:half] = np.minimum(self._low[:used:2], self._low[1:used:2])
        self._high[:half] = np.maximum(self._high[:used:2], self._high[1:used:2])
        self._last[:half] = self._last[1:used:2]
        self._bin_ns *= 2


def _steps() -> list[int]:
    return [digit * 10**power for power in range(7) for digit in (1, 2, 5)]


def _hit_rate(counts: Ints) -> Floats:
    hits = counts[:, _ACCESSES[0]].astype(np.float64)
    accesses = counts[:, _ACCESSES].sum(axis=1)
    rate = np.full(len(counts), np.nan)
    np.divide(hits, accesses, out=rate, where=accesses > 0)
    return rate
