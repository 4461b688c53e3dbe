"""Replays over sizes alone: held against the policies themselves, the pager, textbooks, and the best that can be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import Cancelled
from apbundle.paging.policy import POLICIES
from apbundle.trace.accesses import Accesses
from apbundle.trace.outcome import Outcome
from apbundle.trace.policies import BELADY
from apbundle.trace.simulate import SIMULATED, simulate
from support.accesses import accesses_of, loop, mixed, spread_sizes, zipf
from support.paging import make_pager, units_of
from support.textbook_policies import TEXTBOOK


@st.composite
def access_lists(draw: st.DrawFn, *, one_size: bool = False) -> Accesses:
    count = draw(st.integers(1, 12))
    size = st.just(3) if one_size else st.integers(0, 12)
    sizes = draw(st.lists(size, min_size=count, max_size=count))
    return accesses_of(draw(st.lists(st.integers(0, count - 1), max_size=150)), sizes)


def textbook(accesses: Accesses, policy: str, limit: int) -> Outcome:
    """The replay as one would write it down."""
    order = TEXTBOOK[policy]()
    order.resize(limit)
    sizes = accesses.sizes.tolist()
    kept: set[int] = set()
    hits = misses = evictions = refused = hit_bytes = miss_bytes = 0
    for unit in accesses.units.tolist():
        if unit in kept:
            hits += 1
            hit_bytes += sizes[unit]
            order.hit(unit)
            continue
        misses += 1
        miss_bytes += sizes[unit]
        if sizes[unit] > limit or not order.admits(unit, sizes[unit]):
            refused += 1
            continue
        while sum(sizes[other] for other in kept) + sizes[unit] > limit:
            victim = order.victim()
            assert victim is not None
            order.remove(victim)
            kept.remove(victim)
            evictions += 1
        order.insert(unit, sizes[unit])
        kept.add(unit)
    return Outcome(policy, limit, hits, misses, evictions, refused, hit_bytes, miss_bytes)


def slow_belady(accesses: Accesses, limit: int) -> int:
    """The hits of Belady's policy, looking ahead at every eviction."""
    units, sizes = accesses.units.tolist(), accesses.sizes.tolist()
    kept: set[int] = set()
    hits = 0
    for place, unit in enumerate(units):
        if unit in kept:
            hits += 1
            continue
        if sizes[unit] > limit:
            continue
        coming = units[place + 1 :]
        while sum(sizes[other] for other in kept) + sizes[unit] > limit:
            kept.remove(max(kept, key=lambda other: coming.index(other) if other in coming else len(coming)))
        kept.add(unit)
    return hits


def most_hits(units: list[int], room: int) -> int:
    """The most hits that any choice of victims gives, for units of size 1; every choice is tried."""
    states: dict[frozenset[int], int] = {frozenset(): 0}
    for unit in units:
        after: dict[frozenset[int], int] = {}
        for kept, hits in states.items():
            if unit in kept:
                choices = [(kept, hits + 1)]
            elif len(kept) < room:
                choices = [(kept | {unit}, hits)]
            else:
                choices = [(kept - {victim} | {unit}, hits) for victim in kept]
            for state, count in choices:
                after[state] = max(after.get(state, 0), count)
        states = after
    return max(states.values())


@pytest.mark.parametrize("policy", POLICIES)
def test_replay_is_the_textbooks(policy: str) -> None:
    @given(access_lists(), st.integers(0, 130))
    def check(accesses: Accesses, limit: int) -> None:
        assert simulate(accesses, policy, limit) == textbook(accesses, policy, limit)

    check()


@given(access_lists(), st.integers(0, 60))
def test_belady_looks_ahead(accesses: Accesses, limit: int) -> None:
    outcome = simulate(accesses, BELADY, limit)
    assert outcome.hits == slow_belady(accesses, limit)
    assert outcome.accesses == len(accesses)
    assert outcome.hit_bytes + outcome.miss_bytes == int(accesses.sizes[accesses.units].sum())


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 5))
def test_belady_is_a_bound_for_units_of_one_size(units: list[int], room: int) -> None:
    accesses = accesses_of(units, [7] * 6)
    assert simulate(accesses, BELADY, 7 * room + 3).hits == most_hits(units, room)


def test_belady_is_no_bound_for_units_of_several_sizes() -> None:
    accesses = accesses_of([1, 0, 1, 2, 0, 1], [2, 1, 3])
    assert simulate(accesses, BELADY, 4).hits == 1  # it lets the two small ones go, in the order of their next uses
    assert simulate(accesses, "lfu", 4).hits == 2


def test_belady_over_many_blocks() -> None:
    """Next uses near and far, evicted from several blocks in turn."""
    count, units = 30_000, 3_000
    often, seldom = zipf(count, 40, seed=3), loop(count, units)
    both = np.where(np.random.default_rng(5).random(count) < 0.6, often, seldom)
    accesses = accesses_of(both, [1] * units)
    hits = [simulate(accesses, BELADY, room).hits for room in (20, 200, 2_000, units)]
    assert hits == sorted(hits)
    assert hits[-1] == count - len(np.unique(both))
    assert all(simulate(accesses, policy, 200).hits < hits[1] for policy in POLICIES)
    few = accesses_of(both[:6_000], [1] * units)
    assert simulate(few, BELADY, 50).hits == slow_belady(few, 50)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_replay_is_the_pagers(policy: str, share: float) -> None:
    count, number = 4_000, 60
    sizes = spread_sizes(number, 30, 300)
    limit = int(sizes.sum() * share) if policy != "s3fifo" else 3_100  # none is refused
    table = units_of({f"unit {unit}": int(size) for unit, size in enumerate(sizes)})
    names = list(table)
    accesses = accesses_of(mixed(count, number), sizes)
    pager = make_pager(table.values(), limit, eviction=policy)
    for unit in accesses.units.tolist():
        pager.get(names[unit])
    stats = pager.stats()
    pager.close()
    outcome = simulate(accesses, policy, limit)
    assert (outcome.hits, outcome.misses, outcome.evictions) == (stats.hits, stats.misses, stats.evictions)
    assert outcome.miss_bytes == stats.bytes_loaded
    assert outcome.refused == 0
    assert 0 < outcome.hit_rate < 1


@pytest.mark.parametrize(("policy", "size"), [("lru", 101), ("s3fifo", 10)])
def test_the_pager_holds_what_is_too_large_until_room_is_needed(policy: str, size: int) -> None:
    table = units_of({"too large": size, "small": 1})
    pager = make_pager(table.values(), 100, eviction=policy)
    for name in ("too large", "too large"):
        pager.get(name)
    assert pager.stats().hits == 1
    pager.close()
    outcome = simulate(accesses_of([0, 0], [size, 1]), policy, 100)
    assert (outcome.hits, outcome.refused, outcome.evictions) == (0, 2, 0)


def test_rates() -> None:
    outcome = simulate(accesses_of([0, 1, 0, 0, 2, 1], [10, 30, 5]), "lru", 15)
    assert (outcome.hits, outcome.misses, outcome.evictions, outcome.refused) == (2, 4, 0, 2)
    assert (outcome.hit_bytes, outcome.miss_bytes) == (20, 75)
    assert (outcome.hit_rate, outcome.byte_hit_rate) == (2 / 6, 20 / 95)


@pytest.mark.parametrize("policy", SIMULATED)
def test_no_accesses(policy: str) -> None:
    outcome = simulate(accesses_of([], []), policy, 10)
    assert (outcome.accesses, outcome.hit_rate, outcome.byte_hit_rate) == (0, 0, 0)


@pytest.mark.parametrize("policy", SIMULATED)
def test_progress_and_cancel(policy: str) -> None:
    accesses = accesses_of(loop(200_000, 10), [1] * 10)
    seen: list[tuple[str, int, int]] = []
    simulate(accesses, policy, 20, progress=lambda *told: seen.append(told))
    assert {(phase, total) for phase, _, total in seen} == {("replay", accesses.units.nbytes)}
    done = [done for _, done, _ in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, accesses.units.nbytes)
    asked = itertools.count()
    with pytest.raises(Cancelled):
        simulate(accesses, policy, 20, cancel=lambda: next(asked) > 1)
    assert next(asked) == 3


def test_wrong_use() -> None:
    with pytest.raises(ValueError, match="lru, lfu, fifo, clock, sieve, s3fifo, belady, not 'random'"):
        simulate(accesses_of([], []), "random", 1)
    with pytest.raises(ValueError, match="not negative"):
        simulate(accesses_of([], []), "lru", -1)
