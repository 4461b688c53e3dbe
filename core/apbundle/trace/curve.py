"""The hit rate of LRU under every limit at once, worked out from one pass over the accesses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace.accesses import Accesses, accesses_among
from apbundle.trace.decoding import EVENTS
from apbundle.trace.distances import NEVER, LruStack, total_bytes
from apbundle.trace.limits import UNKNOWN, Limits
from apbundle.trace.pieces import event_pieces
from apbundle.trace.recording import RecordingReader
from apbundle.trace.steps import Steps, rising

_PIECE: Final = 1 << 20  # accesses worked on between two looks at whether to stop


@dataclass(frozen=True, eq=False)
class Curve:
    """What LRU makes of the accesses, under any limit that holds the largest unit accessed.

    Exactly that: the hits of a replay of the accesses under LRU, everything else that happened left aside, when a unit
    costs its raw bytes. Below its first limit there is no curve, because what LRU does there follows no order of limits
    (a larger limit may give fewer hits).

    Parameters
    ----------
    limits
        Bytes, ascending: the first is the size of the largest unit accessed, each other one gives more hits than all
        below it. Empty if there were no accesses.
    hits, hit_bytes
        How many accesses are hits under each of ``limits``, and the raw bytes of their units.
    accesses, accessed_bytes
        All accesses, and the raw bytes of their units.
    footprint
        Raw bytes of all units accessed, each once.
    in_force
        The limits under which they were made, where that is known; see :class:`apbundle.trace.accesses.Accesses`.
    """

    limits: NDArray[np.int64]
    hits: NDArray[np.int64]
    hit_bytes: NDArray[np.int64]
    accesses: int
    accessed_bytes: int
    footprint: int
    in_force: Limits = UNKNOWN

    @property
    def smallest(self) -> int:
        """Where the curve begins: bytes of the largest unit accessed, 0 if there were no accesses."""
        return int(self.limits[0]) if len(self.limits) else 0

    @property
    def working_set(self) -> int:
        """The smallest limit under which only first accesses miss, in bytes: more memory gains nothing."""
        return int(self.limits[-1]) if len(self.limits) else 0

    def hits_at(self, limit: int) -> int:
        """How many accesses are hits under ``limit``, in bytes.

        Raises
        ------
        ValueError
            ``limit`` is below :attr:`smallest`.
        """
        place = self._place(limit)
        return 0 if place < 0 else int(self.hits[place])

    def hit_rate(self, limit: int) -> float:
        """Hits over accesses under ``limit``, from 0 to 1; 0 if there were none. Raises as :meth:`hits_at`."""
        place = self._place(limit)
        return 0.0 if place < 0 else int(self.hits[place]) / self.accesses

    def byte_hit_rate(self, limit: int) -> float:
        """As :meth:`hit_rate`, with each access counted by the raw bytes of its unit."""
        place = self._place(limit)
        return 0.0 if place < 0 or not self.accessed_bytes else int(self.hit_bytes[place]) / self.accessed_bytes

    def limit_for(self, target: float) -> int | None:
        """The smallest limit with a hit rate of at least ``target``, in bytes; ``None`` if there is none.

        Never below :attr:`smallest`, even where less would do.
        """
        found = np.flatnonzero(self.hits >= target * self.accesses)
        return int(self.limits[found[0]]) if len(found) else None

    def sample(self, count: int) -> NDArray[np.int64]:
        """At most ``count`` (2 or more) of :attr:`limits`, the first and the last among them, spread evenly."""
        if len(self.limits) <= count:
            return self.limits
        wanted = np.linspace(self.smallest, self.working_set, count)
        places = np.searchsorted(self.limits, wanted, "right") - 1
        places[-1] = len(self.limits) - 1
        return self.limits[np.unique(places)]

    @cached_property
    def knee(self) -> int:
        """The limit from which on more memory gains less than the curve's average, in bytes.

        Of :attr:`limits`, the one where the hit rate is farthest above the straight line from no memory and no hits to
        the working set (Satopaa et al., "Finding a 'Kneedle' in a haystack", 2011); among equals the smallest.
        """
        if not len(self.limits):
            return 0
        above = self.hits / max(self.hits[-1], 1) - self.limits / max(self.limits[-1], 1)
        return int(self.limits[np.argmax(above)])

    def _place(self, limit: int) -> int:
        if limit < self.smallest:
            raise ValueError(f"the curve begins at {self.smallest} bytes, the largest unit: {limit} is below")
        return int(np.searchsorted(self.limits, limit, "right")) - 1


class CurveBuilder:
    """A curve in the making: accesses come in any number of pieces.

    Holds 20 bytes for each different limit that some access of a piece would have needed; the curve itself takes 24 for
    each different one of all.

    Parameters
    ----------
    sizes
        Raw bytes of every unit, by number.

    Raises
    ------
    BadRecording
        The sizes add up to more than can be counted.
    """

    def __init__(self, sizes: NDArray[np.int64]) -> None:
        self._sizes: Final = sizes
        self._stack: Final = LruStack(sizes)
        self._steps: Final[list[Steps]] = []
        self._accesses = 0
        self._bytes = 0

    def add(self, units: NDArray[np.int32]) -> None:
        """The next accesses, by the numbers of their units (``BadRecording`` if their bytes cannot be counted)."""
        sizes = self._sizes[units]
        needed = self._stack.access(units)
        self._accesses += len(units)
        self._bytes = total_bytes(np.array([self._bytes, total_bytes(sizes)]))
        again = np.flatnonzero(needed != NEVER)
        self._steps.append(Steps.of(needed[again], sizes[again]))

    def curve(self) -> Curve:
        """The curve of all that was added."""
        held = self._sizes[self._stack.units]
        if not len(held):
            nothing = np.zeros(0, np.int64)
            return Curve(nothing, nothing, nothing, 0, 0, 0)
        limits, hits, hit_bytes = rising(self._steps, int(held.max()))
        return Curve(limits, hits, hit_bytes, self._accesses, self._bytes, int(held.sum()))


def curve_of(accesses: Accesses, progress: Progress | None = None, cancel: Cancel | None = None) -> Curve:
    """The curve of accesses that were read already. Raises as :class:`CurveBuilder`, and ``Cancelled``."""
    builder = CurveBuilder(accesses.sizes)
    reporter = Reporter(progress, cancel)
    reporter.phase("measuring distances", accesses.units.nbytes)
    for start in range(0, len(accesses), _PIECE):
        piece = accesses.units[start : start + _PIECE]
        builder.add(piece)
        reporter.advance(piece.nbytes)
    return replace(builder.curve(), in_force=accesses.in_force)


def read_curve(
    reader: RecordingReader,
    start: int = 0,
    stop: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Curve:
    """The curve of the accesses among the events from ``start`` to before ``stop`` (to the last one if ``None``).

    They are never all in memory. Raises as :func:`apbundle.trace.accesses.read_accesses` and :class:`CurveBuilder`.
    """
    last = reader.count if stop is None else min(stop, reader.count)
    builder, in_force = CurveBuilder(reader.units.sizes), Limits.at_start(reader.header, start)
    reporter = Reporter(progress, cancel)
    reporter.phase("measuring distances", max(last - start, 0) * EVENTS.itemsize)
    for _, events in event_pieces(reader, start, last, reporter):
        in_force = in_force.after(events)
        builder.add(events["unit"][accesses_among(events)].astype(np.int32))
    return replace(builder.curve(), in_force=in_force)
