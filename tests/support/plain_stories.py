"""The stories of a recording told event by event, by searching all others: slow, and as plain as can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import NONE, Kind
from apbundle.trace.stories import Eviction, EvictionCause, Hit, Idle, Miss, MissCause, Prefetch, Remark, Story


@dataclass(frozen=True)
class Row:
    """An event as it was read."""

    number: int
    kind: int
    cause: int
    unit: int | None
    size: int
    other: int | None
    time: int
    latency: int

    @property
    def asked(self) -> int:
        return max(self.time - self.latency, 0)

    @property
    def is_use(self) -> bool:
        return self.kind in (Kind.HIT, Kind.MISS) and self.unit is not None

    @property
    def is_load(self) -> bool:
        return self.kind in (Kind.MISS, Kind.PREFETCH) and self.unit is not None


class PlainStories:
    """Tells of every event of a recording.

    Parameters
    ----------
    events
        All of them.
    sizes
        Of the units.
    limit
        The one that the recording begins with.
    """

    def __init__(self, events: EventArray, sizes: list[int], limit: int | None) -> None:
        self.rows = [
            Row(
                number,
                int(event["kind"]),
                int(event["cause"]),
                None if event["unit"] == NONE else int(event["unit"]),
                int(event["bytes"]),
                None if event["other"] == NONE else int(event["other"]),
                int(event["time"]),
                int(event["latency"]),
            )
            for number, event in enumerate(events)
        ]
        self.sizes = sizes
        self.limit = limit

    def all(self, *, hits: bool) -> list[Story]:
        return [self.story(row) for row in self.rows if hits or row.kind != Kind.HIT]

    def story(self, row: Row) -> Story:
        if row.unit is not None:
            if row.kind == Kind.HIT:
                return self._hit(row)
            if row.kind == Kind.MISS:
                return self._miss(row)
            if row.kind == Kind.EVICT:
                return self._eviction(row)
            if row.kind == Kind.PREFETCH:
                return self._prefetch(row)
        kind = Kind(row.kind) if row.kind <= Kind.END else row.kind
        limit = self._limit_at(row)
        return Remark(row.number, row.time, kind, row.cause, row.unit, row.size, row.other, row.latency, limit)

    def _hit(self, row: Row) -> Hit:
        last, load = self._last(row, "use"), self._last(row, "load")
        return Hit(
            *_what(row),
            last_use=_number(last),
            idle=self._idle(last, row.time),
            ahead=load is not None and (last is None or load.number > last.number),
            needed=self._needed(row),
            limit=self._limit_at(row),
        )

    def _miss(self, row: Row) -> Miss:
        last, load, evicted = (self._last(row, what) for what in ("use", "load", "evict"))
        cleared = next((other for other in reversed(self.rows[: row.number]) if other.kind == Kind.CLEAR), None)
        loaded = load.number if load else -1
        left, cause = None, MissCause.UNKNOWN
        if load is None and evicted is None:
            if not any(
                other.kind == Kind.PAD for other in self.rows
            ):  # a piece that lost events lost them at its start
                cause = MissCause.COLD
        elif cleared and cleared.number > max(loaded, evicted.number if evicted else -1):
            left, cause = cleared, MissCause.REQUEST
        elif evicted and evicted.number > loaded:
            left = evicted
            causes = {1: MissCause.CAPACITY, 2: MissCause.REQUEST, 3: MissCause.LIMIT}
            cause = causes.get(evicted.cause, MissCause.UNKNOWN)
        return Miss(
            *_what(row),
            latency=row.latency,
            cause=cause,
            last_use=_number(last),
            idle=self._idle(last, row.asked),
            left=_number(left),
            away=None if left is None else max(row.asked - left.time, 0),
            left_for=left.other if left and cause == MissCause.CAPACITY else None,
            needed=self._needed(row) if cause in (MissCause.CAPACITY, MissCause.LIMIT) else None,
            limit=self._limit_at(row),
        )

    def _eviction(self, row: Row) -> Eviction:
        last, load = self._last(row, "use"), self._last(row, "load")
        used = last is not None and (load is None or last.number >= load.number)
        again = self._next(row, "use")
        limit = self._limit_at(row)
        causes = {1: EvictionCause.ROOM, 2: EvictionCause.REQUEST, 3: EvictionCause.LIMIT}
        lost = any(other.kind == Kind.PAD for other in self.rows)
        return Eviction(
            *_what(row),
            cause=causes.get(row.cause, EvictionCause.UNKNOWN),
            needed_by=row.other,
            wanted=None if row.other is None else self.sizes[row.other],
            free=None if limit is None or lost else max(limit - self._used_before(row), 0),
            limit=limit,
            used=used,
            idle=self._idle(last if used else load, row.time),
            again=_number(again),
            again_after=max(again.asked - row.time, 0) if again else None,
        )

    def _prefetch(self, row: Row) -> Prefetch:
        use = self._next(row, "use")
        gone = [self._next(row, "evict"), next((o for o in self.rows[row.number :] if o.kind == Kind.CLEAR), None)]
        left = min((end for end in gone if end is not None), key=lambda end: end.number, default=None)
        if use and left and left.number < use.number:
            use = None
        elif use:
            left = None
        return Prefetch(
            *_what(row),
            latency=row.latency,
            cause=row.cause,
            used=_number(use),
            used_after=max(use.asked - row.time, 0) if use else None,
            left=_number(left),
            left_after=max(left.time - row.time, 0) if left else None,
        )

    def _is(self, row: Row, what: str) -> bool:
        if what == "evict":
            return row.kind == Kind.EVICT and row.unit is not None
        return row.is_use if what == "use" else row.is_load

    def _last(self, row: Row, what: str) -> Row | None:
        before = reversed(self.rows[: row.number])
        return next((other for other in before if other.unit == row.unit and self._is(other, what)), None)

    def _next(self, row: Row, what: str) -> Row | None:
        after = self.rows[row.number + 1 :]
        return next((other for other in after if other.unit == row.unit and self._is(other, what)), None)

    def _idle(self, last: Row | None, until: int) -> Idle | None:
        if last is None:
            return None
        earliest = last.time
        if last.kind == Kind.HIT:
            earliest = max((other.time for other in self.rows[: last.number] if other.time != last.time), default=0)
        return Idle(max(until - last.time, 0), max(until - earliest, 0))

    def _needed(self, row: Row) -> int | None:
        last = self._last(row, "use")
        if last is None:
            return None
        between = {other.unit for other in self.rows[last.number : row.number + 1] if other.is_use}
        return sum(self.sizes[unit] for unit in between if unit is not None)

    def _limit_at(self, row: Row) -> int | None:
        before = reversed(self.rows[: row.number])
        return next((other.size for other in before if other.kind == Kind.RESIZE), self.limit)

    def _used_before(self, row: Row) -> int:
        used = 0
        for other in self.rows[: row.number]:
            if other.is_load:
                used += other.size
            elif other.kind == Kind.CLEAR or self._is(other, "evict"):
                used -= other.size
        return used


def _what(row: Row) -> tuple[Any, ...]:
    return row.number, row.time, row.unit, row.size


def _number(row: Row | None) -> int | None:
    return None if row is None else row.number
