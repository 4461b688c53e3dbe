"""From slots to events, in numpy: one row an event, nothing a file says is believed without a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.records import IDS_PER_SLOT, NO_EVENTS, NONE, PAGE_SLOTS, TOTALS_SLOTS, Kind
from apbundle.trace.units import MAX_SIZE, UnitList

SLOTS: Final = np.dtype(
    [
        ("time", "<u8"),
        ("unit", "<u4"),
        ("kind", "u1"),
        ("cause", "u1"),
        ("follow", "<u2"),
        ("bytes", "<u8"),
        ("other", "<u4"),
        ("latency", "<f4"),
    ]
)
"""A record as stored."""

EVENTS: Final = np.dtype(
    [
        ("time", "<i8"),
        ("bytes", "<i8"),
        ("unit", "<u4"),
        ("other", "<u4"),
        ("latency", "<f4"),
        ("kind", "u1"),
        ("cause", "u1"),
    ]
)
"""An event: nanoseconds since the start; raw bytes of the unit (of a clear: of all that left; of a resize: the new
limit); the unit and, for an eviction, the unit that needed the room (of an error: its number), each an index into the
recording's units or ``NONE``; nanoseconds a load took; :class:`apbundle.trace.records.Kind`; cause. Of pages that are
announced: bytes of a page, their model, and for ``other`` the number of the first."""

EventArray: TypeAlias = NDArray[Any]
"""A one-dimensional array of :data:`EVENTS`."""

_OF_A_UNIT: Final = (Kind.HIT, Kind.MISS, Kind.EVICT, Kind.PREFETCH, Kind.PREFETCH_USED, Kind.PIN)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A stretch of a recording, decoded.

    Parameters
    ----------
    events
        Its events.
    slots
        The slots they were made of: fewer than were given when the last record is not complete.
    damaged
        Events and records that could not be what they claim; they are in ``events`` as far as they make sense.
    ended
        Whether the writer said that nothing follows.
    known
        How many units there are after it.
    """

    events: EventArray
    slots: int
    damaged: int
    ended: bool
    known: int


def decode(
    data: bytes, first: int, units: UnitList, earliest: int = 0, known: int | None = None, *, announces: bool = True
) -> Decoded:
    """The events in ``data``, whole slots of which the first is number ``first`` of the recording.

    Parameters
    ----------
    units
        What events may be about; grows by what is announced in ``data``.
    earliest
        Time of the event before: no event is earlier, whatever it says.
    known
        How many of ``units`` were announced before; all if ``None``. No event is about others, or about one that is
        announced behind it.
    announces
        Whether an announcement in ``data`` is believed.
    """
    slots, destroyed = _with_page_starts(np.frombuffer(data, SLOTS), first)
    places, end, damaged = _find_records(slots, first)
    damaged += destroyed
    records = slots[places]
    ended = bool((records["kind"] == Kind.END).any())
    is_event = ~np.isin(records["kind"], [int(kind) for kind in NO_EVENTS])
    places, records = places[is_event], records[is_event]

    is_hit = records["kind"] == Kind.HIT
    left = np.minimum(end, (first + places) // PAGE_SLOTS * PAGE_SLOTS + PAGE_SLOTS - first) - places - 1
    held = np.minimum(records["follow"], left) * IDS_PER_SLOT
    claimed = np.minimum(records["bytes"], MAX_SIZE).astype(np.int64)
    counts = np.where(is_hit, np.minimum(claimed, held), 1)
    damaged += int(np.count_nonzero(is_hit & (claimed > held)))

    rows = np.repeat(np.arange(len(records)), counts)
    events = np.zeros(len(rows), EVENTS)
    for column in ("unit", "other", "latency", "kind", "cause"):
        events[column] = records[column][rows]
    events["bytes"] = claimed[rows]
    times = np.minimum(records["time"], MAX_SIZE).astype(np.int64)
    events["time"] = np.maximum(np.maximum.accumulate(times), earliest)[rows] if len(times) else 0

    hit_rows = events["kind"] == Kind.HIT
    starts = np.cumsum(counts) - counts
    within = np.arange(len(rows)) - starts[rows]
    ids = np.frombuffer(data, "<u4")
    events["unit"][hit_rows] = ids[((places[rows] + 1) * IDS_PER_SLOT + within)[hit_rows]]
    limits, known, wrong = _announcements(events, units, len(units) if known is None else known, announces)
    damaged += wrong + _check_units(events, units, limits)
    return Decoded(events, end, damaged, ended, known)


def _with_page_starts(slots: NDArray[Any], first: int) -> tuple[NDArray[Any], int]:
    """The slots with every page beginning with totals as it must, and how many did not.

    Whatever is there in place of them: the counters behind it are no records.
    """
    starts = np.arange(-first % PAGE_SLOTS, len(slots), PAGE_SLOTS)
    kinds, follow = slots["kind"][starts], slots["follow"][starts]
    wrong = (kinds != Kind.TOTALS) | (follow != TOTALS_SLOTS)
    if not wrong.any():
        return slots, 0
    slots = slots.copy()
    slots["kind"][starts], slots["follow"][starts] = Kind.TOTALS, TOTALS_SLOTS
    return slots, int(np.count_nonzero(wrong & ((kinds != Kind.PAD) | (follow != 0))))  # zeros are no damage


def _find_records(slots: NDArray[Any], first: int) -> tuple[NDArray[np.int64], int, int]:
    """Which slots are records, where the last complete one ends, and how many reached past their page.

    A record may be followed by slots that are none; no such stretch crosses a page, so damage ends with the page.
    """
    end, damaged, after = len(slots), 0, 0
    edges = np.zeros(len(slots) + 1, np.int8)
    followed = np.flatnonzero(slots["follow"])
    for place, count in zip(followed.tolist(), slots["follow"][followed].tolist(), strict=True):
        if place < after:
            continue  # not a record
        after = place + 1 + count
        page_end = ((first + place) // PAGE_SLOTS + 1) * PAGE_SLOTS - first
        if after > page_end:
            damaged += 1
            after = page_end
        if after > len(slots):
            end = place
            break
        edges[place + 1] += 1
        edges[after] -= 1
    return np.flatnonzero(np.cumsum(edges[:end], dtype=np.int8) == 0), end, damaged


def _announcements(
    events: EventArray, units: UnitList, known: int, believed: bool
) -> tuple[int | NDArray[np.int64], int, int]:
    """Add what is announced to ``units``.

    Returns
    -------
    limits, known, wrong
        How many units there are at each event, and after all; how many announcements made no sense.
    """
    places = np.flatnonzero(events["kind"] == Kind.PAGES)
    if not len(places):
        return known, known, 0
    announced = events[places]
    if believed:
        counts = units.announce(announced["unit"], announced["bytes"], announced["other"], known)
    else:
        counts = np.zeros(len(places), np.int64)
    events["unit"][places[counts == 0]] = NONE
    before = np.zeros(len(events), np.int64)
    before[places] = counts
    limits: NDArray[np.int64] = known + np.cumsum(before) - before
    return limits, known + int(counts.sum()), int(np.count_nonzero(counts == 0))


def _check_units(events: EventArray, units: UnitList, limits: int | NDArray[np.int64]) -> int:
    """Make every unit one of those there were, or ``NONE``, and every size that unit's; how many were not."""
    wrong = (events["unit"] >= limits) & (events["unit"] != NONE)
    events["unit"][wrong] = NONE
    evictions = events["kind"] == Kind.EVICT
    events["other"][evictions & (events["other"] >= limits)] = NONE
    events["other"][~evictions & (events["kind"] != Kind.ERROR) & (events["kind"] != Kind.PAGES)] = NONE
    latency = events["latency"]
    latency[~np.isfinite(latency) | (latency < 0)] = 0
    of_a_unit = np.isin(events["kind"], [int(kind) for kind in _OF_A_UNIT])
    known = of_a_unit & (events["unit"] != NONE)
    events["bytes"][of_a_unit] = 0
    events["bytes"][known] = units.sizes_of(events["unit"][known])
    return int(np.count_nonzero(wrong))
