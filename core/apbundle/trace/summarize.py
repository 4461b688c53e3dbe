"""Adding the explanations of a recording up."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace.causes import Explained, Explainer
from apbundle.trace.decoding import EVENTS
from apbundle.trace.distances import NEVER, exact_sum
from apbundle.trace.history import History, Piece
from apbundle.trace.limits import Limits
from apbundle.trace.pieces import event_pieces
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind
from apbundle.trace.stories import EvictionCause, MissCause
from apbundle.trace.summary import MOST_VICTIMS, Cost, Summary, Victim

_POWERS: Final = np.left_shift(1, np.arange(63))


def summarize(
    reader: RecordingReader,
    start: int = 0,
    stop: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Summary:
    """The explanations of the events from number ``start`` to before ``stop`` (to the last one if ``None``), added up.

    What comes before explains them, what comes after does not matter. In memory are some numbers for each unit that is
    accessed, and a piece of the recording.

    Raises
    ------
    ValueError
        ``start`` is negative.
    BadRecording
        The recording was cut short.
    Cancelled
        ``cancel`` answered true.
    """
    last = reader.count if stop is None else min(stop, reader.count)
    units = reader.units
    history = History(reader.header.limit, len(units))
    reporter = Reporter(progress, cancel)
    reporter.phase("explaining", last * EVENTS.itemsize)
    if start < 0:
        raise ValueError(f"events are counted from 0, not {start}")
    for _, events in event_pieces(reader, 0, min(start, last), reporter):
        history.advance(Piece.of(events, history))
    explainer = Explainer(history, units.sizes)
    sums = _Sums(len(units))
    in_force = Limits.of(history.limit)
    for _, events in event_pieces(reader, start, last, reporter):
        sums.add(explainer.explain(events))
        in_force = in_force.after(events)
    return sums.summary(units.sizes, in_force)


class _Sums:
    """What a :class:`Summary` is made of, up to some event.

    Parameters
    ----------
    units
        How many units there are; arrays of zeros take memory only where something is written.
    """

    def __init__(self, units: int) -> None:
        self._kinds = np.zeros(256, np.int64)
        self._hits = 0
        self._misses: Final = {cause: Cost(0, 0, 0) for cause in MissCause}
        self._evictions: Final = dict.fromkeys(EvictionCause, 0)
        self._gains = np.zeros(len(_POWERS) + 1, np.int64)  # misses by the least power of two that would do
        self._within = self._enough = self._most_more = 0
        self._waiting = np.zeros(units, np.int64)  # evictions after which a unit was not needed yet
        self._evicted = np.zeros(units, np.int64)
        self._again = np.zeros(units, np.int64)
        self._missed = np.zeros(units, np.int64)
        self._latency = np.zeros(units, np.float64)

    def add(self, explained: Explained) -> None:
        """The events that come next."""
        piece = explained.piece
        self._kinds += np.bincount(piece.kinds, minlength=256)
        self._hits += int(np.count_nonzero(piece.is_use & (piece.kinds == Kind.HIT)))
        self._add_misses(explained)
        self._add_evictions(explained)

    def summary(self, sizes: NDArray[np.int64], in_force: Limits) -> Summary:
        """The sums; ``sizes`` are the units' raw bytes."""
        gains = self._within + np.cumsum(self._gains)
        steps = np.flatnonzero(self._gains).tolist()
        return Summary(
            events=int(self._kinds.sum()),
            hits=self._hits,
            misses=self._misses,
            evictions=self._evictions,
            again=int(self._again.sum()),
            prefetches=int(self._kinds[Kind.PREFETCH]),
            prefetches_used=int(self._kinds[Kind.PREFETCH_USED]),
            failures=int(self._kinds[Kind.ERROR]),
            lost=int(self._kinds[Kind.PAD]),
            in_force=in_force,
            within=self._within,
            gains=tuple((min(1 << step, self._most_more), int(gains[step])) for step in steps),
            enough=self._enough or None,
            victims=tuple(self._victims(sizes)),
        )

    def _add_misses(self, explained: Explained) -> None:
        piece, misses = explained.piece, explained.misses
        latencies, sizes = piece.latencies[misses.places], piece.events["bytes"][misses.places]
        for cause, before in self._misses.items():
            of_cause = np.flatnonzero(misses.causes == cause)
            if len(of_cause):
                self._misses[cause] = Cost(
                    before.misses + len(of_cause),
                    before.loaded + exact_sum(sizes[of_cause]),
                    before.latency + exact_sum(latencies[of_cause]),
                )
        avoidable = np.isin(misses.causes, (MissCause.CAPACITY, MissCause.LIMIT))
        units = piece.units[misses.places[avoidable]]
        np.add.at(self._missed, units, 1)
        np.add.at(self._latency, units, latencies[avoidable])

        known = np.flatnonzero(avoidable & (misses.needed != NEVER))
        self._enough = max(self._enough, int(misses.needed[known].max(initial=0)))
        known = known[misses.limits[known] >= 0]
        more = misses.needed[known] - misses.limits[known]
        self._most_more = max(self._most_more, int(more.max(initial=0)))
        self._within += int(np.count_nonzero(more <= 0))
        self._gains += np.bincount(np.searchsorted(_POWERS, more[more > 0]), minlength=len(self._gains))

    def _add_evictions(self, explained: Explained) -> None:
        piece, evictions = explained.piece, explained.evictions
        for cause in EvictionCause:
            self._evictions[cause] += int(np.count_nonzero(evictions.causes == cause))
        used = np.unique(piece.units[piece.is_use])
        self._again[used] += self._waiting[used]
        self._waiting[used] = 0
        places = evictions.places[evictions.causes != EvictionCause.REQUEST]
        units = piece.units[places]
        is_again = explained.by_unit.after(piece.is_use, places) >= 0
        np.add.at(self._evicted, units, 1)
        np.add.at(self._again, units[is_again], 1)
        np.add.at(self._waiting, units[~is_again], 1)

    def _victims(self, sizes: NDArray[np.int64]) -> list[Victim]:
        """The units that were evicted, those that cost most time first, then most bytes."""
        units = np.flatnonzero(self._evicted)
        loaded = self._missed[units].astype(np.float64) * sizes[units]
        worst = units[np.lexsort((units, -loaded, -self._latency[units]))[:MOST_VICTIMS]]
        return [
            Victim(
                unit,
                int(self._evicted[unit]),
                int(self._again[unit]),
                Cost(int(self._missed[unit]), int(self._missed[unit]) * int(sizes[unit]), int(self._latency[unit])),
            )
            for unit in worst.tolist()
        ]
