"""Which rows of a long list are shown, and in what order: computed in a worker, a breath at a time.

Long lists are filtered and sorted as row numbers; what is listed is never copied. Sorting goes by runs that are merged,
because one long call would keep the interpreter, and with it the window, from doing anything else.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apbundle_gui.services.pacing import Pace

RUN: Final = 512
"""How many keys are sorted in one call."""

Matches = Callable[[int], bool]
Key = Callable[[int], float | str]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The indices of what is shown, in the order it is shown, and the row of each index (-1: not shown)."""

    order: Sequence[int]
    rows: Sequence[int]

    @classmethod
    def unchanged(cls, count: int) -> Arrangement:
        """All of ``count`` things in their own order."""
        return cls(range(count), range(count))


def arrange(
    count: int,
    matches: Matches | None = None,
    key: Key | None = None,
    descending: bool = False,
    pace: Pace | None = None,
) -> Arrangement:
    """The arrangement of ``count`` things of which those that match are shown, sorted by their key.

    Parameters
    ----------
    matches, key
        Asked with an index; ``None`` shows everything, or keeps the order. Keys compare with each other.
    descending
        The greatest key first; equal ones stay in their own order either way.
    pace
        Taken a step for every index.

    Raises
    ------
    Cancelled
        When the job of ``pace`` is.
    """
    step = (pace or Pace()).step
    if matches is None and key is None:
        return Arrangement.unchanged(count)
    shown: Iterable[int] = range(count) if matches is None else _kept(count, matches, step)
    order = array("I", shown if key is None else _sorted(shown, key, descending, step))
    rows = array("i", [-1]) * count
    for row, index in enumerate(order):
        rows[index] = row
        step()
    return Arrangement(order, rows)


def _kept(count: int, matches: Matches, step: Callable[[], None]) -> Iterator[int]:
    for index in range(count):
        if matches(index):
            yield index
        step()


def _sorted(indices: Iterable[int], key: Key, descending: bool, step: Callable[[], None]) -> Iterator[int]:
    keys: dict[int, Any] = {}  # no tuple a row: collecting those as garbage would stop everything for a while
    runs: list[list[int]] = [[]]
    for index in indices:
        keys[index] = key(index)
        runs[-1].append(index)
        if len(runs[-1]) == RUN:
            runs[-1].sort(key=keys.__getitem__, reverse=descending)
            runs.append([])
        step()
    runs[-1].sort(key=keys.__getitem__, reverse=descending)
    for index in heapq.merge(*runs, key=keys.__getitem__, reverse=descending):
        yield index
        step()


def words_of(query: str) -> tuple[str, ...]:
    """What a query asks for: each of these, in whatever case."""
    return tuple(query.casefold().split())
