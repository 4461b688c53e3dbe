"""What came of evictions and prefetches: looked for in the events that follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.history import Piece
from apbundle.trace.stories import Eviction, Prefetch, Story

Moment = tuple[int, int]
"""The number of an event, and its time: of a miss, that at which it was asked for."""


class Sequels:
    """Stories, of which some wait for what is to come.

    Parameters
    ----------
    units
        How many units there are.
    """

    def __init__(self, units: int) -> None:
        self.stories: Final[list[Story]] = []
        self._waiting: Final[dict[int, list[int]]] = {}  # by unit: the places of stories without a sequel
        self._is_waited_for: Final = np.zeros(units, np.bool_)

    @property
    def open(self) -> bool:
        """Whether any story waits for its sequel."""
        return bool(self._waiting)

    def add(self, stories: Iterable[Story]) -> None:
        """Stories that begin after all events looked through so far."""
        for story in stories:
            if isinstance(story, Eviction | Prefetch) and not is_told(story):
                self._waiting.setdefault(story.unit, []).append(len(self.stories))
                self._is_waited_for[story.unit] = True
            self.stories.append(story)

    def look(self, piece: Piece) -> None:
        """Look for sequels in the events that come next."""
        if not self.open:
            return
        uses = self._firsts(piece, piece.is_use)
        departures = self._firsts(piece, piece.is_departure)
        clear = moment(piece, int(piece.clears[0])) if len(piece.clears) else None
        for unit in list(self._waiting) if clear else list({**uses, **departures}):
            ends = [end for end in (departures.get(unit), clear) if end is not None]
            self._go_on(unit, uses.get(unit), min(ends, default=None))

    def _firsts(self, piece: Piece, among: NDArray[np.bool_]) -> dict[int, Moment]:
        """For each unit that is waited for the first event ``among`` these about it."""
        places = np.flatnonzero(among)
        places = places[self._is_waited_for[piece.units[places]]]
        units, firsts = np.unique(piece.units[places], return_index=True)
        return {unit: moment(piece, place) for unit, place in zip(units.tolist(), places[firsts].tolist(), strict=True)}

    def _go_on(self, unit: int, use: Moment | None, end: Moment | None) -> None:
        waiting = []
        for place in self._waiting[unit]:
            story = self.stories[place] = with_sequel(self.stories[place], use, end)
            if not is_told(story):
                waiting.append(place)
        if waiting:
            self._waiting[unit] = waiting
        else:
            del self._waiting[unit]
            self._is_waited_for[unit] = False


def is_told(story: Story) -> bool:
    """Whether nothing is to be added to ``story``."""
    if isinstance(story, Eviction):
        return story.again is not None
    return not isinstance(story, Prefetch) or story.used is not None or story.left is not None


def with_sequel(story: Story, use: Moment | None, end: Moment | None) -> Story:
    """``story`` with what came of it, given the next access to its unit, and the next time it left memory."""
    if isinstance(story, Eviction) and use is not None:
        return replace(story, again=use[0], again_after=max(use[1] - story.time, 0))
    if isinstance(story, Prefetch):
        if use is not None and (end is None or use < end):
            return replace(story, used=use[0], used_after=max(use[1] - story.time, 0))
        if end is not None:
            return replace(story, left=end[0], left_after=max(end[1] - story.time, 0))
    return story


def moment(piece: Piece, place: int) -> Moment:
    """The event at ``place``."""
    return int(piece.numbers[place]) - 1, max(int(piece.times[place] - piece.latencies[place]), 0)
