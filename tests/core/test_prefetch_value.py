"""What loading ahead is worth: misses avoided and bytes wasted, on accesses of several kinds, without any clock.

The thread is left out: after each access, the test itself serves what is waiting.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from apbundle.paging.observer import EvictCause, LoadCause, Silence
from apbundle.paging.pager import Pager, Prefetch
from apbundle.paging.policy import POLICIES
from apbundle.paging.sources import HeapSource
from apbundle.paging.stats import PagingStats
from support.paging import units_of

SIZE = 100


@dataclass
class Ahead(Silence):
    """Bytes loaded ahead that are not used, or have left unused."""

    unused: dict[int, int] = field(default_factory=dict)
    wasted: int = 0

    def loaded(self, unit: int, size: int, cause: LoadCause, latency: int) -> None:
        if cause != "demand":
            self.unused[unit] = size

    def prefetch_used(self, unit: int, size: int) -> None:
        del self.unused[unit]

    def evicted(self, unit: int, size: int, cause: EvictCause, needed_by: int | None) -> None:
        self.wasted += self.unused.pop(unit, 0)


@dataclass(frozen=True)
class Value:
    """The same accesses with and without loading ahead."""

    without: PagingStats
    ahead: PagingStats
    wasted: int

    @property
    def avoided(self) -> float:
        """Share of the misses that were avoided."""
        return 1 - self.ahead.misses / self.without.misses

    @property
    def waste(self) -> float:
        """Share of the loaded bytes that were never used."""
        return self.wasted / self.ahead.bytes_loaded

    @property
    def traffic(self) -> float:
        """Bytes loaded in all, compared with no loading ahead."""
        return self.ahead.bytes_loaded / self.without.bytes_loaded


def value(accesses: Sequence[int], held: int, *, eviction: str = "lru", served: int = 1000) -> Value:
    """Access units of equal size under a limit that holds ``held``; ``served`` loads are done between two accesses."""
    ahead = Ahead()
    with_it = run(accesses, held, eviction, "background", served, ahead)
    without = run(accesses, held, eviction, "off", 0, Ahead())
    return Value(without, with_it, ahead.wasted + sum(ahead.unused.values()))


def run(
    accesses: Sequence[int], held: int, eviction: str, prefetch: Prefetch, served: int, observer: Ahead
) -> PagingStats:
    units = units_of({f"u{i}": SIZE for i in range(max(accesses) + 1)})
    names = list(units)
    pager = Pager(
        units.get,
        HeapSource(lambda unit, into: None),
        max_memory=held * SIZE,
        eviction=eviction,
        prefetch=prefetch,
        observer=observer,
    )
    loader = pager._background
    if loader is not None:
        loader._running = True  # as if the thread were there, and always busy
    for access in accesses:
        pager.get(names[access])
        for _ in range(served):
            request = loader._next() if loader is not None else None
            if request is None:
                break
            pager._load_ahead(request)
        if loader is not None:
            loader._running = True
    stats = pager.stats()
    pager.close()
    return stats


def cyclic(count: int, times: int) -> list[int]:
    return list(range(count)) * times


def layered(layers: int, times: int) -> list[int]:
    """Two tensors a layer, and one that every layer uses."""
    return [unit for _ in range(times) for layer in range(layers) for unit in (0, 2 * layer + 1, 2 * layer + 2)]


def uniform(units: int, count: int) -> list[int]:
    choose = random.Random(5)
    return [choose.randrange(units) for _ in range(count)]


def skewed(units: int, count: int) -> list[int]:
    weights = [1 / (unit + 1) ** 0.9 for unit in range(units)]
    return random.Random(6).choices(range(units), weights, k=count)


@pytest.mark.parametrize("served", [1, 1000])
@pytest.mark.parametrize("eviction", POLICIES)
def test_cyclic_accesses_miss_in_the_first_round_alone(eviction: str, served: int) -> None:
    rounds = 10
    for count, held in ((60, 59), (60, 30), (60, 3)):
        found = value(cyclic(count, rounds), held, eviction=eviction, served=served)
        assert found.ahead.misses <= 1.3 * count, (count, held)
        assert found.waste < 0.01
        assert found.traffic < 1.01


@pytest.mark.parametrize("eviction", POLICIES)
def test_layers_around_a_unit_that_stays(eviction: str) -> None:
    layers, times = 30, 10
    found = value(layered(layers, times), layers, eviction=eviction)
    assert found.avoided > 0.8
    assert found.waste < 0.05
    assert found.traffic < 1.1


@pytest.mark.parametrize("eviction", POLICIES)
@pytest.mark.parametrize("accesses", [uniform(200, 3000), skewed(500, 3000)], ids=["uniform", "skewed"])
def test_random_accesses_lose_next_to_nothing(accesses: list[int], eviction: str) -> None:
    found = value(accesses, 100, eviction=eviction)
    assert found.avoided > -0.03
    assert found.waste < 0.04
    assert found.traffic < 1.06


def test_chance_among_order_costs_little() -> None:
    choose = random.Random(7)
    accesses = [
        unit for one in cyclic(100, 10) for unit in ((one, choose.randrange(100)) if choose.random() < 0.05 else (one,))
    ]
    found = value(accesses, 50)
    assert found.avoided > 0.8
    assert found.waste < 0.03


def test_a_new_order_is_learned_anew() -> None:
    order = list(range(100))
    random.Random(8).shuffle(order)
    found = value(cyclic(100, 5) + order * 10, 50)
    assert found.avoided > 0.6
    assert found.waste < 0.15
    later = value(order * 10, 50)
    assert later.avoided > 0.85


def test_back_and_forth() -> None:
    forth = list(range(60))
    found = value((forth + forth[::-1]) * 10, 30)
    assert found.avoided > 0.6
    assert found.waste < 0.03
