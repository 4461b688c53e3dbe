"""Policies and limits side by side."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError

import pytest

from apbundle.errors import Cancelled
from apbundle.trace.compare import LADDER, Comparison, Share, compare
from apbundle.trace.policies import POLICY_FACTS
from apbundle.trace.simulate import SIMULATED, simulate
from support.accesses import accesses_of, loop, mixed, spread_sizes, zipf

SIZES = spread_sizes(80)


def test_rows_are_the_replays() -> None:
    accesses = accesses_of(mixed(3_000, 80), SIZES)
    limits = (10_000_000, 3_000_000, 10_000_000)
    found = compare(accesses, limits, ["sieve", "lru", "sieve"])
    assert found.limits == (3_000_000, 10_000_000)
    assert [facts.name for facts in found.policies] == ["sieve", "lru"]
    expected = [simulate(accesses, policy, limit) for limit in found.limits for policy in ("sieve", "lru")]
    assert [row.outcome for row in found.rows] == expected
    assert [row.facts.title for row in found.rows] == ["SIEVE", "LRU"] * 2
    assert (found.accesses, found.units, found.footprint) == (3_000, 80, int(SIZES.sum()))


def test_ladder() -> None:
    accesses = accesses_of(zipf(500, 20), [50] * 20)
    found = compare(accesses)
    assert found.limits == (50, 100, 250, 500, 750)
    assert [facts.name for facts in found.policies] == list(SIMULATED)
    assert len(found.rows) == len(LADDER) * len(SIMULATED)
    assert compare(accesses, [400, Share(0.5), Share(1)], ["lru"]).limits == (400, 500, 1000)


def by_policy(found: Comparison) -> dict[str, bool]:
    return {row.facts.name: row.is_bound for row in found.rows}


def test_belady_is_a_bound_only_for_units_of_one_size() -> None:
    units = loop(300, 10)
    bound = compare(accesses_of(units, [5] * 10), [20])
    assert bound.one_size
    assert [name for name, is_bound in by_policy(bound).items() if is_bound] == ["belady"]
    never_accessed = compare(accesses_of(units, [*[5] * 10, 6]), [20])
    assert never_accessed.one_size
    assert never_accessed.units == 10
    several = compare(accesses_of(units, [*[5] * 9, 6]), [20])
    assert not several.one_size
    assert not any(by_policy(several).values())


def test_units_refused() -> None:
    accesses = accesses_of(loop(1_000, 5), [1, 10, 20, 99, 200])
    refused = {
        (row.outcome.limit, row.facts.name): (row.refused_units, row.outcome.refused)
        for row in compare(accesses, [100, 200, 2000], ["lru", "s3fifo"]).rows
    }
    assert refused == {
        (100, "lru"): (1, 200),
        (100, "s3fifo"): (4, 800),
        (200, "lru"): (0, 0),
        (200, "s3fifo"): (3, 600),
        (2000, "lru"): (0, 0),
        (2000, "s3fifo"): (1, 200),
    }


def test_best_of_each_limit() -> None:
    accesses = accesses_of(zipf(5_000, 80), SIZES)
    found = compare(accesses, [Share(0.1), Share(0.5)])
    for limit in found.limits:
        rows = [row for row in found.rows if row.outcome.limit == limit and row.facts.name != "belady"]
        most = max(row.outcome.hits for row in rows)
        assert [row.is_best for row in rows] == [row.outcome.hits == most for row in rows]
    assert not any(row.is_best for row in found.rows if row.facts.name == "belady")
    alike = compare(accesses, [Share(1)], ["lru", "fifo"])
    assert all(row.is_best for row in alike.rows)


def test_nothing_accessed() -> None:
    found = compare(accesses_of([], [10, 20]), [10])
    assert (found.accesses, found.units, found.footprint, found.one_size) == (0, 0, 0, True)
    assert all(row.outcome.accesses == 0 for row in found.rows)
    assert compare(accesses_of([], [])).limits == (0,)
    assert compare(accesses_of([0], [1]), []).rows == ()


def test_sizes_that_no_machine_has() -> None:
    found = compare(accesses_of([0, 1, 0, 1], [2**62, 2**62]), [Share(1)], ["lru"])
    assert found.footprint == found.limits[0] == 2**63
    assert found.rows[0].outcome.miss_bytes == found.rows[0].outcome.hit_bytes == 2**63


def test_progress_and_cancel() -> None:
    accesses = accesses_of(loop(100_000, 10), [1] * 10)
    seen: list[tuple[str, int, int]] = []
    compare(accesses, [5, 20], ["lru", "belady"], progress=lambda *told: seen.append(told))
    assert {(phase, total) for phase, _, total in seen} == {("compare", 4 * 400_000)}
    done = [done for _, done, _ in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 4 * 400_000)
    asked = itertools.count()
    with pytest.raises(Cancelled):
        compare(accesses, [5, 20], cancel=lambda: next(asked) > 5)
    assert next(asked) == 7


def test_wrong_use_is_told_before_any_work() -> None:
    accesses = accesses_of(loop(10, 2), [1, 1])
    with pytest.raises(ValueError, match="not 'best'"):
        compare(accesses, [1], ["lru", "best"])
    with pytest.raises(ValueError, match="not negative"):
        compare(accesses, [10, -1])


def test_every_policy_is_told_of_in_a_sentence() -> None:
    assert [facts.name for facts in POLICY_FACTS] == list(SIMULATED)
    for facts in POLICY_FACTS:
        assert facts.summary.startswith("Good ")
        assert "; bad " in facts.summary
        assert facts.summary.count(".") == 1
        assert facts.summary.endswith(".")
        with pytest.raises(FrozenInstanceError):
            facts.name = "other"
