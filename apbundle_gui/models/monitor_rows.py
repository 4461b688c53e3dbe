"""The rows of the list of events: each event with what explains it, and hits in a row taken together.

Everything is worked out for a whole batch at once; a row is not worded before somebody looks at it.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import NONE, Kind
from apbundle_gui.models.monitor_residency import NEVER, Residency

ROWS: Final = np.dtype(
    [
        ("time", "<i8"),
        ("bytes", "<i8"),
        ("idle", "<i8"),
        ("free", "<i8"),
        ("needed", "<i8"),
        ("unit", "<u4"),
        ("other", "<u4"),
        ("count", "<u4"),
        ("distinct", "<u4"),
        ("top", "<u4"),
        ("latency", "<f4"),
        ("kind", "u1"),
        ("cause", "u1"),
    ]
)
"""A row: time, bytes, unit, other, latency, kind and cause of its event, and

idle
    nanoseconds since the model was last used (an eviction) or since it left (a load), or ``NEVER``;
free
    bytes that were free before it;
needed
    of an eviction, the bytes of the model that needed the room;
count, distinct, top
    of hits: how many in a row, on how many models, and how many of them on the model used most, which is ``unit``.
"""

RowArray: TypeAlias = NDArray[Any]
"""A one-dimensional array of :data:`ROWS`."""

_ACCESS_OR_LOAD: Final = (Kind.HIT, Kind.MISS, Kind.PREFETCH)
_LOAD: Final = (Kind.MISS, Kind.PREFETCH)


def make_rows(events: EventArray, changes: NDArray[np.int64], used: int, limit: int, before: Residency) -> RowArray:
    """The rows of ``events``.

    Parameters
    ----------
    events
        In their order; a clear may only be the first.
    changes
        By how many bytes each changes the memory used.
    used
        The memory used before them.
    limit
        The limit in force.
    before
        The state of the models before them.
    """
    told = events["kind"] != Kind.PREFETCH_USED
    events, changes = events[told], changes[told]
    if not len(events):
        return np.zeros(0, ROWS)
    hits = events["kind"] == Kind.HIT
    begins = ~hits
    begins[0] = True
    begins[1:] |= ~hits[:-1]
    starts = np.flatnonzero(begins)

    rows = np.zeros(len(starts), ROWS)
    for column in ("time", "bytes", "unit", "other", "latency", "kind", "cause"):
        rows[column] = events[column][starts]
    rows["count"] = np.diff(np.append(starts, len(events)))
    rows["idle"] = NEVER
    memory_before = used + np.cumsum(changes) - changes
    rows["free"] = limit - memory_before[starts]
    _sum_up_hits(rows, events, hits, np.cumsum(begins) - 1, len(before))

    evicted = rows["kind"] == Kind.EVICT
    if evicted.any():
        rows["idle"][evicted] = _since(events, starts[evicted], _ACCESS_OR_LOAD, before.last_used)
        known = evicted & (rows["other"] != NONE)
        rows["needed"][known] = before.sizes[rows["other"][known]]
    loaded = np.isin(rows["kind"], _LOAD)
    if loaded.any():
        left_at = before.left_at
        if events["kind"][0] == Kind.CLEAR:
            left_at = np.where(before.leaving(int(events["bytes"][0])), events["time"][0], left_at)
        rows["idle"][loaded] = _since(events, starts[loaded], (Kind.EVICT,), left_at)
    return rows


def _sum_up_hits(
    rows: RowArray, events: EventArray, hits: NDArray[np.bool_], row_of: NDArray[np.int64], units: int
) -> None:
    """Say of every row of hits on how many models they were, and on which one most often."""
    rows["distinct"] = rows["top"] = 1
    if not (rows["count"] > 1).any():
        return
    many = hits & (rows["count"][row_of] > 1)
    width = units + 1  # one place for hits on a model the header does not list
    keys = row_of[many] * width + np.minimum(events["unit"][many], units)
    pairs, counts = np.unique(keys, return_counts=True)
    owners, models = pairs // width, pairs % width
    order = np.lexsort((counts, owners))
    last = np.flatnonzero(np.diff(owners[order], append=-1))
    top = order[last]
    rows["distinct"][owners[top]] = np.diff(last, prepend=-1)
    rows["top"][owners[top]] = counts[top]
    rows["unit"][owners[top]] = np.where(models[top] == units, NONE, models[top])


def _since(
    events: EventArray, places: NDArray[np.int64], kinds: tuple[Kind, ...], earlier: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For the models of the events at ``places``: nanoseconds since the latest event of ``kinds`` before, or ``NEVER``.

    ``earlier`` has the time of the latest one before these events, by model.
    """
    units = events["unit"][places].astype(np.int64)
    times = events["time"][places]
    known = units < len(earlier)
    since = np.full(len(places), NEVER, np.int64)
    since[known] = earlier[units[known]]

    wanted = np.zeros(len(earlier) + 1, np.bool_)
    wanted[units[known]] = True
    candidates = np.isin(events["kind"], kinds) & wanted[np.minimum(events["unit"], len(earlier))]
    found = np.flatnonzero(candidates)
    if len(found):
        span = len(events)
        keys = events["unit"][found].astype(np.int64) * span + found
        order = np.argsort(keys)
        keys = keys[order]
        at = np.searchsorted(keys, units * span + places) - 1
        within = (at >= 0) & (keys[np.maximum(at, 0)] // span == units)
        since[within] = events["time"][found[order[at[within]]]]
    result: NDArray[np.int64] = np.where(since == NEVER, NEVER, times - since)
    return result
