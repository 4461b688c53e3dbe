"""Explanations by column: what is to be said of all hits, misses or evictions of a piece of a recording.

Numbers of events are plus one, 0 stands for none. Times are nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class IdleColumns:
    """For each event how long its unit had not been used, in nanoseconds, at least and at most.

    ``last`` is the number of the event that used it, plus one; 0 where there was none, and no durations.
    """

    last: NDArray[np.int64]
    least: NDArray[np.int64]
    most: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class AccessColumns:
    """Accesses of a piece, one kind of them.

    Parameters
    ----------
    places
        Where in the piece they are.
    idle
        Since the last access to the unit.
    needed
        The smallest limit under which LRU, given the accesses alone, makes each a hit, or ``NEVER``.
    limits
        The limit in force, -1 if unknown.
    """

    places: NDArray[np.intp]
    idle: IdleColumns
    needed: NDArray[np.int64]
    limits: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HitColumns(AccessColumns):
    """Hits; ``ahead``: the first use of what was loaded ahead."""

    ahead: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class MissColumns(AccessColumns):
    """Misses.

    Parameters
    ----------
    causes
        :class:`apbundle.trace.stories.MissCause`.
    left, away
        The event with which the unit left memory, plus one (0: none), and how long before.
    left_for
        The unit that needed its room, or ``NONE``.
    """

    causes: NDArray[np.uint8]
    left: NDArray[np.int64]
    away: NDArray[np.int64]
    left_for: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class EvictionColumns:
    """Evictions of a piece.

    Parameters
    ----------
    places
        Where in the piece they are.
    causes
        :class:`apbundle.trace.stories.EvictionCause`.
    idle
        Since the last access to the unit or, if it was not accessed since, since it was loaded.
    used
        Whether it was accessed since it was loaded.
    free
        Bytes free just before, below 0 if more was used than the limit allows; means nothing if the limit is unknown.
    limits
        The limit in force, -1 if unknown.
    """

    places: NDArray[np.intp]
    causes: NDArray[np.uint8]
    idle: IdleColumns
    used: NDArray[np.bool_]
    free: NDArray[np.int64]
    limits: NDArray[np.int64]
