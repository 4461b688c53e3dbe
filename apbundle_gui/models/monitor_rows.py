"""The rows of the list of events: each event with what explains it, and hits in a row taken together.

Everything is worked out for a whole batch at once; a row is not worded before somebody looks at it.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.causes import Explained
from apbundle.trace.decoding import EventArray
from apbundle.trace.records import NONE, Kind
from apbundle.trace.stories import Eviction, EvictionCause, Hit, Idle, Miss, MissCause, Prefetch, Remark, Story

NEVER: Final = -1
"""In place of a duration or a limit: there is none, or it is not known."""
ROWS: Final = np.dtype(
    [
        ("time", "<i8"),
        ("bytes", "<i8"),
        ("idle", "<i8"),
        ("most", "<i8"),
        ("free", "<i8"),
        ("needed", "<i8"),
        ("limit", "<i8"),
        ("unit", "<u4"),
        ("other", "<u4"),
        ("count", "<u4"),
        ("distinct", "<u4"),
        ("top", "<u4"),
        ("latency", "<f4"),
        ("kind", "u1"),
        ("cause", "u1"),
        ("why", "u1"),
        ("used", "?"),
    ]
)
"""A row: time, bytes, unit, other, latency, kind and cause of its event, and

idle, most
    of an eviction, the nanoseconds since the model was last used, or loaded if it was not, at least and at most; of a
    miss, ``idle`` are those since it had left when it was asked for; ``NEVER`` if that is not known;
free
    bytes that were free before it;
needed
    of an eviction, the bytes of the model that needed the room; of a miss, ``other`` is the one that did;
limit
    the limit before it;
count, distinct, top
    of hits: how many in a row, on how many models, and how many of them on the model used most, which is ``unit``;
why
    :class:`~apbundle.trace.stories.MissCause` or :class:`~apbundle.trace.stories.EvictionCause`;
used
    of an eviction, whether the model was used since it was loaded; of a miss, whether it was ever used before.
"""

RowArray: TypeAlias = NDArray[Any]
"""A one-dimensional array of :data:`ROWS`."""

_KINDS: Final = {int(kind): kind for kind in Kind}


def make_rows(explained: Explained, sizes: NDArray[np.int64]) -> RowArray:
    """The rows of events that were explained; ``sizes`` are the raw bytes of all units."""
    piece = explained.piece
    told = np.flatnonzero(piece.kinds != Kind.PREFETCH_USED)
    events = piece.events[told]
    if not len(events):
        return np.zeros(0, ROWS)
    hits = events["kind"] == Kind.HIT
    begins = ~hits
    begins[0] = True
    begins[1:] |= ~hits[:-1]
    starts = np.flatnonzero(begins)
    row_of = np.zeros(len(piece.events), np.int64)
    row_of[told] = np.cumsum(begins) - 1

    rows = np.zeros(len(starts), ROWS)
    for column in ("time", "bytes", "unit", "other", "latency", "kind", "cause"):
        rows[column] = events[column][starts]
    rows["count"] = np.diff(np.append(starts, len(events)))
    rows["idle"] = rows["most"] = NEVER
    rows["limit"] = piece.limits(told[starts])
    rows["free"] = rows["limit"] - piece.used_before[told[starts]]
    _sum_up_hits(rows, events, hits, row_of[told], len(sizes))
    _say_why(rows, explained, row_of, sizes)
    return rows


def story_of(row: Any) -> Story:
    """What is to be said of one row, if it is not of several hits; its event has no number."""
    kind, unit, other, limit = int(row["kind"]), int(row["unit"]), int(row["other"]), _known(row["limit"])
    latency = int(row["latency"])
    if unit != NONE:
        what = 0, int(row["time"]), unit, int(row["bytes"])
        for_whom = None if other == NONE else other
        used, idle = bool(row["used"]), _known(row["idle"])
        if kind == Kind.HIT:
            return Hit(*what, last_use=None, idle=None, ahead=False, needed=None, limit=limit)
        if kind == Kind.MISS:
            last_use = 0 if used else None
            return Miss(*what, latency, MissCause(row["why"]), last_use, None, None, idle, for_whom, None, limit)
        if kind == Kind.PREFETCH:
            return Prefetch(*what, latency, int(row["cause"]), None, None, None, None)
        if kind == Kind.EVICT:
            free = None if limit is None else max(int(row["free"]), 0)
            unused = None if idle is None else Idle(idle, int(row["most"]))
            wanted = None if for_whom is None else int(row["needed"])
            cause = EvictionCause(row["why"])
            return Eviction(*what, cause, for_whom, wanted, free, limit, used, unused, None, None)
    return Remark(
        0,
        int(row["time"]),
        _KINDS.get(kind, kind),
        int(row["cause"]),
        None if unit == NONE else unit,
        int(row["bytes"]),
        None if other == NONE else other,
        latency,
        limit,
    )


def _say_why(rows: RowArray, explained: Explained, row_of: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
    """Say of misses and evictions what caused them."""
    misses, evictions = explained.misses, explained.evictions
    there = row_of[misses.places]
    rows["why"][there] = misses.causes
    rows["idle"][there] = np.where(misses.left > 0, misses.away, NEVER)
    rows["other"][there] = misses.left_for
    rows["used"][there] = misses.idle.last > 0
    there = row_of[evictions.places]
    rows["why"][there] = evictions.causes
    rows["used"][there] = evictions.used
    known = evictions.idle.last > 0
    rows["idle"][there] = np.where(known, evictions.idle.least, NEVER)
    rows["most"][there] = np.where(known, evictions.idle.most, NEVER)
    needed_by = rows["other"][there]
    needed = np.zeros(len(there), np.int64)
    needed[needed_by != NONE] = sizes[needed_by[needed_by != NONE]]
    rows["needed"][there] = needed


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


def _known(value: Any) -> int | None:
    return None if value < 0 else int(value)
