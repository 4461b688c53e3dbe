"""From the columns of explained events to stories: one frozen record an event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.causes import Explained
from apbundle.trace.columns import HitColumns, IdleColumns, MissColumns
from apbundle.trace.distances import NEVER
from apbundle.trace.history import Piece
from apbundle.trace.records import NONE, Kind
from apbundle.trace.sequels import moment, with_sequel
from apbundle.trace.stories import Eviction, EvictionCause, Hit, Idle, Miss, MissCause, Prefetch, Remark, Story

_KINDS = {int(kind): kind for kind in Kind}
_Told = TypeVar("_Told", Eviction, Prefetch)


def stories_of(explained: Explained, sizes: NDArray[np.int64]) -> list[Story]:
    """The stories of a piece, in order, with what came of them as far as the piece itself tells.

    Hits are among them if they were explained. ``sizes`` are the raw bytes of every unit.
    """
    piece = explained.piece
    stories: list[Story] = [*_misses(piece, explained.misses)]
    stories += _with_sequels(explained, list(_evictions(explained, sizes)))
    prefetches = np.flatnonzero(piece.is_load & (piece.kinds == Kind.PREFETCH))
    stories += _with_sequels(explained, list(_prefetches(piece, prefetches)))
    if explained.hits is not None:
        stories += _hits(piece, explained.hits)
    told = piece.is_use | piece.is_load | piece.is_departure
    if explained.hits is None:
        told |= piece.kinds == Kind.HIT
    stories += _remarks(piece, np.flatnonzero(~told))
    return sorted(stories, key=lambda story: story.event)


def _misses(piece: Piece, misses: MissColumns) -> Iterator[Miss]:
    for row, place in enumerate(misses.places.tolist()):
        left = _number(misses.left[row])
        yield Miss(
            *_what(piece, place),
            latency=int(piece.latencies[place]),
            cause=MissCause(misses.causes[row]),
            last_use=_number(misses.idle.last[row]),
            idle=_idle(misses.idle, row),
            left=left,
            away=None if left is None else int(misses.away[row]),
            left_for=_unit(misses.left_for[row]),
            needed=_limit(misses.needed[row]),
            limit=_limit(misses.limits[row]),
        )


def _hits(piece: Piece, hits: HitColumns) -> Iterator[Hit]:
    for row, place in enumerate(hits.places.tolist()):
        yield Hit(
            *_what(piece, place),
            last_use=_number(hits.idle.last[row]),
            idle=_idle(hits.idle, row),
            ahead=bool(hits.ahead[row]),
            needed=_limit(hits.needed[row]),
            limit=_limit(hits.limits[row]),
        )


def _evictions(explained: Explained, sizes: NDArray[np.int64]) -> Iterator[Eviction]:
    piece, evictions = explained.piece, explained.evictions
    for row, place in enumerate(evictions.places.tolist()):
        needed_by = _unit(piece.events["other"][place])
        limit = _limit(evictions.limits[row])
        yield Eviction(
            *_what(piece, place),
            cause=EvictionCause(evictions.causes[row]),
            needed_by=needed_by,
            wanted=None if needed_by is None else int(sizes[needed_by]),
            free=None if limit is None or piece.lost else max(int(evictions.free[row]), 0),
            limit=limit,
            used=bool(evictions.used[row]),
            idle=_idle(evictions.idle, row),
            again=None,
            again_after=None,
        )


def _prefetches(piece: Piece, places: NDArray[np.intp]) -> Iterator[Prefetch]:
    for place in places.tolist():
        yield Prefetch(
            *_what(piece, place),
            latency=int(piece.latencies[place]),
            cause=int(piece.events["cause"][place]),
            used=None,
            used_after=None,
            left=None,
            left_after=None,
        )


def _remarks(piece: Piece, places: NDArray[np.intp]) -> Iterator[Remark]:
    for place, limit in zip(places.tolist(), piece.limits(places).tolist(), strict=True):
        event = piece.events[place]
        kind, other = int(event["kind"]), int(event["other"])
        yield Remark(
            event=int(piece.numbers[place]) - 1,
            time=int(event["time"]),
            kind=_KINDS.get(kind, kind),
            cause=int(event["cause"]),
            unit=_unit(event["unit"]),
            size=int(event["bytes"]),
            other=None if other == NONE else other,
            latency=int(piece.latencies[place]),
            limit=_limit(limit),
        )


def _with_sequels(explained: Explained, stories: list[_Told]) -> Iterator[Story]:
    """The stories, with what came of them in the piece that they are of."""
    piece, by_unit = explained.piece, explained.by_unit
    places = np.array([story.event for story in stories], np.int64) - (int(piece.numbers[0]) - 1 if stories else 0)
    uses = by_unit.after(piece.is_use, places).tolist()
    departures = by_unit.after(piece.is_departure, places).tolist()
    following = np.searchsorted(piece.clears, places)
    clears = np.append(piece.clears, -1)[following].tolist()
    for story, use, *ends in zip(stories, uses, departures, clears, strict=True):
        moments = [moment(piece, end) for end in ends if end >= 0]
        yield with_sequel(story, moment(piece, use) if use >= 0 else None, min(moments, default=None))


def _what(piece: Piece, place: int) -> tuple[int, int, int, int]:
    """Number, time, unit and size of an event."""
    event = piece.events[place]
    return int(piece.numbers[place]) - 1, int(event["time"]), int(event["unit"]), int(event["bytes"])


def _idle(idle: IdleColumns, row: int) -> Idle | None:
    return Idle(int(idle.least[row]), int(idle.most[row])) if idle.last[row] else None


def _number(plus_one: np.int64) -> int | None:
    return int(plus_one) - 1 if plus_one else None


def _unit(unit: np.uint32) -> int | None:
    return None if unit == NONE else int(unit)


def _limit(limit: np.int64 | int) -> int | None:
    return None if limit in (-1, NEVER) else int(limit)
