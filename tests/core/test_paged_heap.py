"""Memory outside the map: what parts and copies are charged, and when it is given back."""

from __future__ import annotations

import ctypes
import mmap

import pytest

from apbundle.paged.heap import BOOKKEEPING, DECODER, CountingHeap
from apbundle.paging.observer import EvictCause, Silence
from apbundle.paging.pager import Pager
from apbundle.paging.units import Unit
from support.paging import fill

MIB = 1 << 20


class Notes(Silence):
    """Which units left, and why."""

    def __init__(self) -> None:
        self.left: list[tuple[int, str, int | None]] = []
        self.limits: list[int] = []

    def evicted(self, unit: int, size: int, cause: EvictCause, needed_by: int | None) -> None:
        self.left.append((unit, cause, needed_by))

    def resized(self, limit: int) -> None:
        self.limits.append(limit)


def units(count: int, size: int, offset: int | None = 0) -> dict[object, Unit]:
    return {("m", number): Unit(number, "m", size, offset, ("m", number)) for number in range(count)}


def cost(size: int) -> int:
    """What a part is charged; a large one fills pages of memory up."""
    return size + BOOKKEEPING + (-size % mmap.PAGESIZE if size > 100_000 else 0)


def test_parts_are_charged_what_they_cost() -> None:
    table = units(8, 512)
    table["whole"] = Unit(8, "whole", 512)
    heap = CountingHeap(fill)
    pager = Pager(table.get, heap, max_memory=4 * (512 + BOOKKEEPING) + 512)
    pager.get("whole")
    assert pager.charged == 512, "whole models are charged as the reference does"
    for number in range(8):
        pager.get(("m", number))
    assert pager.cached_count == 4
    assert pager.charged == 4 * (512 + BOOKKEEPING)
    pager.pin([("m", 7), ("m", 6)])
    assert heap.pinned == 2 * (512 + BOOKKEEPING)
    pager.unpin([("m", 7), ("m", 6)])
    assert heap.pinned == 0
    pager.clear()
    assert pager.charged == pager.resident == 0
    pager.close()


@pytest.mark.parametrize("size", [1000, 300_000])
def test_copies_are_charged_while_they_live(size: int) -> None:
    heap = CountingHeap(fill)
    pager = Pager(units(9, size).get, heap, max_memory=3 * cost(size))
    for number in range(3):
        pager.get(("m", number))
    before = pager.charged
    copy = memoryview(heap.copy_buffer(size))
    part = copy[10:20]
    assert pager.charged - before >= size
    assert pager.resident >= pager.charged
    pager.get(("m", 5))
    assert pager.charged <= pager.max_memory
    assert pager.cached_count == 2
    beside = pager.charged - size
    del copy
    assert pager.charged > beside, "a part of it lives"
    del part
    assert pager.charged == beside
    pager.close()


def test_room_is_made_when_copies_took_it() -> None:
    notes, heap = Notes(), CountingHeap(fill)
    pager = Pager(units(3, 1000).get, heap, max_memory=3 * (1000 + BOOKKEEPING), observer=notes)
    for number in range(3):
        pager.get(("m", number))
    pager.make_room(lambda: None)
    assert notes.left == []
    copy = pager.make_room(lambda: heap.copy_buffer(1000))
    assert notes.left == [(0, "room", None)]
    assert pager.charged <= pager.max_memory
    assert notes.limits == []
    more = pager.make_room(lambda: [heap.copy_buffer(1000) for _ in range(20)])
    assert pager.cached_count == 0
    assert len(copy) + sum(map(len, more)) == pager.charged
    pager.close()


def test_idle_memory_makes_way_for_copies() -> None:
    size = 300_000
    heap = CountingHeap(fill)
    pager = Pager(units(4, size).get, heap, max_memory=4 * cost(size))
    for number in range(4):
        pager.get(("m", number))
    for number in range(4):
        pager.evict(("m", number))
    assert pager.resident >= 4 * size, "kept to be used again"
    copies = [heap.copy_buffer(size - 1000) for _ in range(3)]
    assert pager.resident <= pager.max_memory
    assert heap.copied >= 3 * (size - 1000)
    del copies
    pager.close()


def test_whole_models_are_charged_their_bytes_alone() -> None:
    """As the reference does, however many there are: its counters come out exactly."""
    table: dict[object, Unit] = {f"m{number}": Unit(number, f"m{number}", 100) for number in range(12_000)}
    pager = Pager(table.get, CountingHeap(fill), max_memory=MIB)
    for name in table:
        pager.get(name)
    assert pager.cached_count == MIB // 100
    assert pager.charged == pager.memory_used == pager.cached_count * 100
    pager.close()


def test_bookkeeping_of_parts_that_left_is_charged_until_others_use_it() -> None:
    """Room for something large is made by leaving many small ones go: what was known of them does not go at once."""
    small = units(4000, 512)
    large = Unit(4000, "m", 2 * MIB, 0, ("m", 4000))
    limit = 8 * MIB
    notes, heap = Notes(), CountingHeap(fill)
    pager = Pager((small | {large.key: large}).get, heap, max_memory=limit, observer=notes)
    for key in small:
        pager.get(key)
    before = pager.cached_count
    assert pager.charged == before * cost(512)
    pager.get(large.key)
    left = before + 1 - pager.cached_count
    assert limit - cost(512) < pager.charged <= limit
    assert left * cost(512) > 2 * MIB
    for key in [*small][: 2 * left]:
        pager.get(key)
    assert pager.charged <= limit
    pager.clear()
    assert pager.charged == 0
    pager.close()


def test_what_left_is_no_reason_to_exceed_a_lowered_limit() -> None:
    """Where copies and pins take all there is, nothing is charged for what is known of those that had to leave."""
    heap = CountingHeap(fill)
    table = units(12, 3000) | {"whole": Unit(12, "whole", 800)}
    pager = Pager(table.get, heap, max_memory=70_000)
    for number in range(12):
        pager.get(("m", number))
    pager.pin([("m", number) for number in range(4)])
    pager.resize(20_000)
    assert 19_200 < pager.charged <= 20_000, "4 parts, and what is left of others"
    pager.get("whole")
    assert pager.charged <= 20_000
    copy = heap.copy_buffer(12_000)
    pager.resize(20_000)
    assert pager.charged == 4 * cost(3000) + len(copy)
    pager.close()


def test_decoding_is_charged_while_it_lasts() -> None:
    """Parts that do not lie in the file as they are: room for a decoder is made, too."""
    seen = []

    def read(unit: Unit, into: memoryview) -> None:
        seen.append((heap.charged, pager.cached_count))
        fill(unit, into)

    size, work = MIB, MIB + DECODER
    heap = CountingHeap(read)
    pager = Pager(units(9, size, None).get, heap, max_memory=4 * MIB)
    for number in range(9):
        pager.get(("m", number))
        assert pager.charged == pager.cached_count * (size + BOOKKEEPING)
    assert all(charged <= 4 * MIB for charged, _ in seen)
    assert max(charged for charged, _ in seen) == 2 * (size + BOOKKEEPING) + work
    pager.close()


def test_decoding_is_charged_from_the_reservation_on() -> None:
    """Several threads make room at the same time: none may take what another is about to need."""
    heap = CountingHeap(fill)
    heap.resize(8 * MIB)
    first, second = units(2, MIB, None).values()
    for unit in (first, second):
        before, cost = heap.charged, heap.cost(unit)
        heap.reserve(unit)
        assert heap.charged == before + cost
    heap.load(second)
    heap.load(first)
    assert heap.charged == 2 * (MIB + BOOKKEEPING)


@pytest.mark.parametrize("lacks", [AttributeError, OSError])
def test_c_libraries_that_cannot_give_memory_back(monkeypatch: pytest.MonkeyPatch, lacks: type[Exception]) -> None:
    def refuse(name: None) -> object:
        raise lacks

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    pager = Pager(units(1, 100).get, CountingHeap(fill), max_memory=4096)
    pager.get(("m", 0))
    pager.clear()
    pager.close()
