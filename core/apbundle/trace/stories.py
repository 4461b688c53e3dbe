"""What can be said of an event of a recording: why it happened, and what came of it. Frozen values, without names.

Units are numbers, events numbers too, counted from 0; sizes and limits bytes; times nanoseconds since the recording
began, durations nanoseconds. ``None`` stands for what the recording does not tell.

Hits are not stamped one by one. Where a duration begins with one, it is known to lie between two bounds only; they are
equal where it begins with anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from apbundle.trace.records import Kind


class MissCause(IntEnum):
    """Why a unit was not in memory when it was accessed.

    ``COLD``: it had never been. ``CAPACITY``: it was evicted because another unit needed the room. ``LIMIT``: it was
    evicted because the limit was lowered. ``REQUEST``: the program had evicted it, or cleared everything since. With
    these two first and last causes no amount of memory would have made it a hit. ``UNKNOWN``: the recording does not
    tell, for it is damaged, or two threads met at the same moment.
    """

    COLD = 0
    CAPACITY = 1
    LIMIT = 2
    REQUEST = 3
    UNKNOWN = 4


class EvictionCause(IntEnum):
    """Why a unit left memory."""

    UNKNOWN = 0
    ROOM = 1
    REQUEST = 2
    LIMIT = 3


@dataclass(frozen=True, slots=True)
class Idle:
    """How long something had not been used: at ``least`` and at ``most`` so many nanoseconds."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Hit:
    """An access that found its unit in memory.

    Parameters
    ----------
    event, time, unit, size
        Which, when at the latest, of what.
    last_use, idle
        The access to the unit before, and how long ago that was.
    ahead
        Whether the unit had been loaded ahead, and this was its first use.
    needed
        The smallest limit under which LRU, given the accesses alone, would have had the unit.
    limit
        The limit at that time.
    """

    event: int
    time: int
    unit: int
    size: int
    last_use: int | None
    idle: Idle | None
    ahead: bool
    needed: int | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class Miss:
    """An access that had to load its unit.

    Parameters
    ----------
    event, time, unit, size
        Which, when it was loaded, what.
    latency
        How long the load took.
    cause
        Why it was not in memory.
    last_use, idle
        The access to the unit before, and how long before this one was asked for.
    left, away
        The event with which it had left memory, and how long before this one was asked for.
    left_for
        The unit that needed its room then.
    needed
        The smallest limit under which LRU, given the accesses alone, would have had the unit; ``None`` also if no
        limit would do.
    limit
        The limit at that time.
    """

    event: int
    time: int
    unit: int
    size: int
    latency: int
    cause: MissCause
    last_use: int | None
    idle: Idle | None
    left: int | None
    away: int | None
    left_for: int | None
    needed: int | None
    limit: int | None

    @property
    def more(self) -> int | None:
        """How many more bytes of memory would have made it a hit; 0 if LRU would have had it under the same limit."""
        return None if self.needed is None or self.limit is None else max(self.needed - self.limit, 0)


@dataclass(frozen=True, slots=True)
class Eviction:
    """A unit that left memory.

    Parameters
    ----------
    event, time, unit, size
        Which, when, what.
    cause
        Why.
    needed_by, wanted
        The unit that needed the room, and its bytes.
    free
        Bytes between what was in memory and the limit, just before; 0 if more was in memory than the limit allows.
    limit
        The limit at that time.
    used
        Whether the unit was accessed since it had been loaded.
    idle
        How long ago it was accessed, or loaded if it was not accessed since.
    again, again_after
        The next access to the unit in the recording, and how long after the eviction it was asked for, at most.
    """

    event: int
    time: int
    unit: int
    size: int
    cause: EvictionCause
    needed_by: int | None
    wanted: int | None
    free: int | None
    limit: int | None
    used: bool
    idle: Idle | None
    again: int | None
    again_after: int | None


@dataclass(frozen=True, slots=True)
class Prefetch:
    """A unit that was loaded ahead.

    Parameters
    ----------
    event, time, unit, size, latency
        Which, when it was loaded, what, and how long that took.
    cause
        What made the program load it, one of :data:`apbundle.trace.records.LOAD_CAUSES`, or another number.
    used, used_after
        Its first use, if it was still in memory then, and how long after, at most.
    left, left_after
        The event with which it left memory if it was not used before, and how long after.
    """

    event: int
    time: int
    unit: int
    size: int
    latency: int
    cause: int
    used: int | None
    used_after: int | None
    left: int | None
    left_after: int | None


@dataclass(frozen=True, slots=True)
class Remark:
    """Any other event, as it was recorded (:data:`apbundle.trace.decoding.EVENTS`).

    Parameters
    ----------
    kind
        One of :class:`apbundle.trace.records.Kind`, or a number that is none.
    unit, size, cause, other, latency
        As recorded.
    limit
        The limit before it.
    """

    event: int
    time: int
    kind: Kind | int
    cause: int
    unit: int | None
    size: int
    other: int | None
    latency: int
    limit: int | None


Story: TypeAlias = Hit | Miss | Eviction | Prefetch | Remark
