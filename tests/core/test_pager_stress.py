"""Many threads at once: every kind of operation, a disk that fails now and then, and counters that are exact."""

from __future__ import annotations

import errno
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apbundle.errors import LimitTooSmall
from apbundle.paging.blocks import BLOCK
from apbundle.paging.mapped_source import MappedSource
from apbundle.paging.pager import Pager
from apbundle.paging.policy import POLICIES
from apbundle.paging.sources import HeapSource
from apbundle.paging.units import Key, Unit
from support.campaign import rounds
from support.paging import content, fill, units_of
from support.plain_pager import Notes
from support.regions import SparseRegion

THREADS = 8


@pytest.fixture(autouse=True)
def _switching_often() -> Iterator[None]:
    """Let threads take turns a thousand times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


class Disk:
    """Reads that fail now and then, and are counted when they do not."""

    def __init__(self) -> None:
        self.loads: Counter[int] = Counter()  # by the unit's size
        self._lock = threading.Lock()
        self._randomness = random.Random(1)

    def read(self, unit: Unit, into: memoryview) -> None:
        self.check(unit.size)
        fill(unit, into)

    def check(self, size: int) -> None:
        with self._lock:
            if self._randomness.random() < 0.05:
                raise OSError(errno.EIO, "broken disk")
            self.loads[size] += 1


class Worker:
    """One of the threads."""

    def __init__(self, pager: Pager, units: list[Unit], limits: list[int], seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._pager = pager
        self._units = units
        self._limits = limits
        self._choose = random.Random(seed)

    def run(self, count: int) -> Counter[str]:
        for _ in range(count):
            unit = self._units[min(int(self._choose.expovariate(0.15)), len(self._units) - 1)]
            try:
                self._act(unit, self._choose.random())
            except OSError:
                self.done["failed"] += 1
            except LimitTooSmall:
                self.done["refused"] += 1
        return self.done

    def _act(self, unit: Unit, chance: float) -> None:
        pager = self._pager
        if chance < 0.85:
            view = pager.get(unit.key)
            self.done["got"] += 1
            assert unit.offset is not None or view == content(unit)[: unit.size]
        elif chance < 0.90:
            pager.hint(unit.key)
        elif chance < 0.94:
            self.done["evicted"] += pager.evict(unit.key)
        elif chance < 0.98:
            self._pin(unit, self._choose.choice(self._units))
        elif chance < 0.985:
            pager.clear()
        else:
            pager.resize(self._choose.choice(self._limits))

    def _pin(self, *units: Unit) -> None:
        """Two units that stay whatever the others do."""
        keys = [unit.key for unit in units]
        self.done["begun"] += 1
        self._pager.pin(keys)
        self.done["begun"] -= 1
        self.done["got"] += len(keys)
        for _ in range(5):
            assert all(map(self._pager.is_cached, keys))
            self._pager.get(keys[0])
            self.done["got"] += 1
        assert not self._pager.evict(keys[0])
        self._pager.unpin(keys)


def stress(pager: Pager, units: list[Unit], limits: list[int], disk: Disk, notes: Notes) -> None:
    """Let all threads work; then whatever was counted and told must agree."""
    with ThreadPoolExecutor(THREADS) as executor:
        workers = [Worker(pager, units, limits, seed) for seed in range(THREADS)]
        runs = [executor.submit(worker.run, rounds(800)) for worker in workers]
        done: Counter[str] = sum((run.result() for run in runs), Counter())
    if pager._background is not None:
        pager._background.close()
    stats = pager.stats()
    told = Counter(kind for kind, *_ in notes.events)
    assert done["failed"] > 0
    assert done["refused"] > 0
    accesses = stats.hits + stats.misses
    assert done["got"] <= accesses <= done["got"] + done["begun"], (
        "the first of two may be accessed and the second fail"
    )
    assert stats.hits == told["hit"]
    assert stats.misses + stats.prefetches == disk.loads.total() == told["loaded"]
    assert stats.bytes_loaded == sum(size * count for size, count in disk.loads.items())
    assert done["evicted"] <= stats.evictions == told["evicted"]
    assert stats.memory_used == sum(unit.size for unit in pager.cached_units)
    assert pager.charged <= pager.max_memory
    assert residents_told(notes) == {unit.id for unit in pager.cached_units}
    pager.close()
    assert pager.charged == 0


def residents_told(notes: Notes) -> set[int]:
    """What is in memory by what an observer was told, which must make sense."""
    residents: set[int] = set()
    pinned: set[int] = set()
    for kind, unit, _ in notes.events:
        if kind == "loaded":
            assert unit not in residents, "loaded once"
            residents.add(unit)
        elif kind == "evicted":
            assert unit not in pinned
            residents.remove(unit)
        elif kind == "cleared":
            residents &= pinned
        elif kind == "pinned":
            assert unit in residents - pinned
            pinned.add(unit)
        elif kind == "unpinned":
            pinned.remove(unit)
    assert not pinned
    return residents


@pytest.mark.parametrize("eviction", POLICIES)
@pytest.mark.parametrize("prefetch", ["off", "inline", "background"])
def test_read_units_among_threads(eviction: str, prefetch: Any) -> None:
    units = units_of({f"u{i}": 50 * i for i in range(30)})
    disk, notes = Disk(), Notes()
    source = HeapSource(disk.read)
    pager = Pager(units.get, source, max_memory=6000, eviction=eviction, prefetch=prefetch, observer=notes)
    stress(pager, list(units.values()), [6000, 6000, 3000, 2000], disk, notes)
    assert source.resident == 0


@pytest.mark.parametrize("prefetch", ["off", "background"])
def test_mapped_units_that_overlap_among_threads(prefetch: Any) -> None:
    sizes = [BLOCK, 2 * BLOCK, 5 * BLOCK // 2, 3 * BLOCK + 7]
    units = [Unit(i, f"u{i}", sizes[i % 4] + i, i * BLOCK * 2 // 3) for i in range(30)]
    table: dict[Key, Unit] = {unit.key: unit for unit in units}
    disk, notes = Disk(), Notes()
    region = SparseRegion(25 * BLOCK, disk.check)
    source = MappedSource(region, HeapSource(disk.read))
    pager = Pager(table.get, source, max_memory=10 * BLOCK, prefetch=prefetch, observer=notes)
    stress(pager, units, [12 * BLOCK, 12 * BLOCK, 8 * BLOCK, 6 * BLOCK], disk, notes)
    assert not region.inside
