"""A pager without cleverness: no log, no threads, no ledger. Whatever counts is worked out anew from what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from apbundle.paging.blocks import BLOCK
from apbundle.paging.observer import EvictCause, LoadCause, Silence
from apbundle.paging.policy import make_policy
from apbundle.paging.stats import PagingStats
from apbundle.paging.units import Unit

Event = tuple[str, int, object]
Place = frozenset[int] | None
"""The blocks a unit is mapped from; ``None`` for one on the heap."""


class Refused(Exception):
    """The limit is too small for what is pinned."""


class Broken(Exception):
    """The disk failed."""


class Notes(Silence):
    """What a pager tells, as a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def hits(self, units: list[int]) -> None:
        self.events += [("hit", unit, None) for unit in units]

    def loaded(self, unit: int, size: int, cause: LoadCause, latency: int) -> None:
        self.events.append(("loaded", unit, cause))

    def evicted(self, unit: int, size: int, cause: EvictCause, needed_by: int | None) -> None:
        self.events.append(("evicted", unit, (cause, needed_by)))

    def prefetch_used(self, unit: int, size: int) -> None:
        self.events.append(("used", unit, None))

    def load_failed(self, unit: int, cause: LoadCause, error: Exception, latency: int) -> None:
        self.events.append(("failed", unit, cause))

    def cleared(self, size: int) -> None:
        self.events.append(("cleared", -1, size))

    def resized(self, limit: int) -> None:
        self.events.append(("resized", -1, limit))

    def pinned(self, unit: int, size: int) -> None:
        self.events.append(("pinned", unit, size))

    def unpinned(self, unit: int, size: int) -> None:
        self.events.append(("unpinned", unit, size))


@dataclass
class PlainPager:
    """The rules, word for word. The policy hears of every hit at once.

    Parameters
    ----------
    limit, eviction
        As the pager's.
    file_size
        Bytes of the file that large units are mapped from; 0 if nothing is mapped.
    """

    limit: int
    eviction: str
    file_size: int
    works: bool = True
    residents: dict[int, Unit] = field(default_factory=dict)
    uncharged: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    unused: set[int] = field(default_factory=set)
    pins: Counter[int] = field(default_factory=Counter)
    told: set[int] = field(default_factory=set)  # pinned and resident
    places: dict[int, Place] = field(default_factory=dict)  # of what is charged or pinned
    known: dict[int, Unit] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        self.policy = make_policy(self.eviction, self.limit)

    def stats(self) -> PagingStats:
        used = sum(unit.size for unit in self.residents.values())
        numbers = [self.counts[name] for name in ("hits", "misses", "evictions", "bytes_loaded")]
        return PagingStats(*numbers, used, self.counts["prefetches"])

    @property
    def mapped(self) -> set[int]:
        """The blocks in memory."""
        return {block for number in self._charged_residents() for block in self.places[number] or ()}

    @property
    def charged(self) -> int:
        return self.cost(self._charged_residents())

    def cost(self, numbers: Iterable[int]) -> int:
        """What these units cost together."""
        numbers = set(numbers)
        blocks = {block for number in numbers for block in self.places[number] or ()}
        heap = sum(self.known[number].size for number in numbers if self.places[number] is None)
        return heap + sum(self._block_size(block) for block in blocks)

    def get(self, unit: Unit) -> None:
        if unit.id not in self.residents:
            self._load(unit, "demand")
            return
        self.counts["hits"] += 1
        self.policy.touch([unit.id])
        self.notes.hits([unit.id])
        if unit.id in self.unused:
            self.unused.remove(unit.id)
            self.notes.prefetch_used(unit.id, unit.size)

    def hint(self, unit: Unit) -> None:
        if unit.id not in self.residents:
            self._load(unit, "hint")

    def evict(self, unit: Unit) -> bool:
        if unit.id not in self.residents or self.pins[unit.id]:
            return False
        self._evict(unit.id, "request", None)
        return True

    def clear(self) -> None:
        leaving = [number for number in self.residents if not self.pins[number]]
        size = sum(self._leave(number).size for number in leaving)
        if leaving:
            self.notes.cleared(size)

    def pin(self, units: Sequence[Unit]) -> None:
        claimed = [number for number, pins in self.pins.items() if pins]
        for unit in units:
            if unit.id not in claimed:
                place = self._place(unit)
                if not self._is_charged(place):
                    self._unclaim(units)
                    raise Refused
                self._settle(unit, place)
                claimed.append(unit.id)
                if self.cost(claimed) > self.limit:
                    self._unclaim(units)
                    raise Refused
        for unit in units:
            if unit.id in self.residents and not self.pins[unit.id] and unit.id not in self.uncharged:
                self._take_out_of_order(unit.id)
                self._tell_pinned(unit)
            self.pins[unit.id] += 1
        try:
            for unit in sorted(units, key=lambda unit: unit.id not in self.residents):
                if unit.id in self.uncharged:
                    self._evict(unit.id, "room", unit.id)
                self.get(unit)
        except BaseException:
            self.unpin(units)
            raise

    def unpin(self, units: Sequence[Unit]) -> None:
        for unit in units:
            self.pins[unit.id] -= 1
            if self.pins[unit.id]:
                continue
            if unit.id in self.residents and unit.id not in self.uncharged:
                self._put_in_order(unit, self.policy.admits(unit.id, unit.size))
            self._unsettle(unit.id)
            if unit.id in self.told:
                self.told.remove(unit.id)
                self.notes.unpinned(unit.id, unit.size)

    def resize(self, limit: int) -> None:
        if self.cost(number for number, pins in self.pins.items() if pins) > limit:
            raise Refused
        self.limit = limit
        self.policy.resize(limit)
        self.notes.resized(limit)
        while self.charged > limit:
            self._evict(self._victim(), "limit", None)

    def _load(self, unit: Unit, cause: LoadCause) -> None:
        pinned = [number for number, pins in self.pins.items() if pins]
        place = self._place(unit)
        self.known[unit.id] = unit
        charged = self._is_charged(place)
        if pinned and unit.id not in pinned and unit.size <= self.limit:
            self.places[unit.id] = place
            fits = self.cost([*pinned, unit.id]) <= self.limit
            del self.places[unit.id]
            if not fits:
                self.notes.load_failed(unit.id, cause, Refused(), 0)
                raise Refused
        kept = self.policy.admits(unit.id, unit.size)
        for number in list(self.uncharged):
            self._evict(number, "room", unit.id)
        if charged:
            self.places[unit.id] = place
            while self.cost([*self._charged_residents(), unit.id]) > self.limit:
                victim = self._victim()
                if victim < 0:
                    break
                self._evict(victim, "room", unit.id)
        if not self.works:
            self._unsettle(unit.id)
            self.notes.load_failed(unit.id, cause, Broken(), 0)
            raise Broken
        self.residents[unit.id] = unit
        if not charged:
            self.uncharged.append(unit.id)
        elif not self.pins[unit.id]:
            self._put_in_order(unit, kept)
        self.counts["bytes_loaded"] += unit.size
        self.counts["misses" if cause == "demand" else "prefetches"] += 1
        if cause != "demand":
            self.unused.add(unit.id)
        self.notes.loaded(unit.id, unit.size, cause, 0)
        if self.pins[unit.id]:
            self._tell_pinned(unit)

    def _victim(self) -> int:
        for first in (self.uncharged, self.refused):
            if first:
                return first[0]
        victim = self.policy.victim()
        return -1 if victim is None else victim

    def _evict(self, number: int, cause: EvictCause, needed_by: int | None) -> None:
        unit = self._leave(number)
        self.counts["evictions"] += 1
        self.notes.evicted(number, unit.size, cause, needed_by)

    def _leave(self, number: int) -> Unit:
        if number in self.uncharged:
            self.uncharged.remove(number)
        elif not self.pins[number]:
            self._take_out_of_order(number)
        self.unused.discard(number)
        unit = self.residents.pop(number)
        self._unsettle(number)
        return unit

    def _put_in_order(self, unit: Unit, kept: bool) -> None:
        if kept:
            self.policy.insert(unit.id, unit.size)
        else:
            self.refused.append(unit.id)

    def _take_out_of_order(self, number: int) -> None:
        if number in self.refused:
            self.refused.remove(number)
        else:
            self.policy.remove(number)

    def _tell_pinned(self, unit: Unit) -> None:
        self.told.add(unit.id)
        self.notes.pinned(unit.id, unit.size)

    def _place(self, unit: Unit) -> Place:
        if unit.id in self.places:
            return self.places[unit.id]
        if not self.file_size or unit.offset is None or unit.size < BLOCK:
            return None
        blocks = frozenset(range(unit.offset // BLOCK, (unit.offset + unit.size - 1) // BLOCK + 1))
        return None if unit.size <= self.limit < sum(map(self._block_size, blocks)) else blocks

    def _is_charged(self, place: Place) -> bool:
        return place is None or sum(map(self._block_size, place)) <= self.limit

    def _settle(self, unit: Unit, place: Place) -> None:
        self.known[unit.id] = unit
        self.places[unit.id] = place

    def _unsettle(self, number: int) -> None:
        """Forget where a unit is, once it is neither charged nor pinned."""
        if not self.pins[number] and (number not in self.residents or number in self.uncharged):
            self.places.pop(number, None)

    def _unclaim(self, units: Sequence[Unit]) -> None:
        for unit in units:
            self._unsettle(unit.id)

    def _charged_residents(self) -> list[int]:
        return [number for number in self.residents if number not in self.uncharged]

    def _block_size(self, block: int) -> int:
        return min(BLOCK, self.file_size - block * BLOCK)
