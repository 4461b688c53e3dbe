"""Every policy against its textbook, step by step: batches of hits, removals, limits, and what would leave next."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apbundle.paging.policy import POLICIES, Policy, make_policy
from support.textbook_policies import TEXTBOOK, Textbook

SIZES = (0, 1, 1, 2, 3, 5, 7, 8, 9, 10, 11, 15)
UNITS = st.integers(0, len(SIZES) - 1)
LIMIT = 100

TraceFunction = Callable[[FrameType, str, Any], Any]


def leave(policy: Policy | Textbook) -> Iterable[int]:
    """The units in the order in which they leave, all of them; they are gone then."""
    while (unit := policy.victim()) is not None:
        policy.remove(unit)
        yield unit


def machine(name: str) -> type[RuleBasedStateMachine]:
    class PolicyMachine(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.policy = make_policy(name, LIMIT)
            self.textbook = TEXTBOOK[name]()
            self.textbook.resize(LIMIT)
            self.limit = LIMIT
            self.kept: set[int] = set()

        @rule(unit=UNITS)
        def load(self, unit: int) -> None:
            if unit in self.kept:
                return
            admitted = self.policy.admits(unit, SIZES[unit])
            assert self.textbook.admits(unit, SIZES[unit]) is admitted
            while self.kept and sum(SIZES[kept] for kept in self.kept) + SIZES[unit] > self.limit:
                self.evict()
            if admitted:
                self.insert(unit)

        @rule(unit=UNITS)
        def load_that_fails(self, unit: int) -> None:
            if unit not in self.kept:
                assert self.policy.admits(unit, SIZES[unit]) == self.textbook.admits(unit, SIZES[unit])

        @rule(unit=UNITS)
        def insert(self, unit: int) -> None:
            if unit not in self.kept:
                self.policy.insert(unit, SIZES[unit])
                self.textbook.insert(unit, SIZES[unit])
                self.kept.add(unit)

        @rule(units=st.lists(UNITS, min_size=1, max_size=30))
        def touch(self, units: list[int]) -> None:
            self.policy.touch(units)
            for unit in units:
                if unit in self.kept:
                    self.textbook.hit(unit)

        @rule()
        def evict(self) -> None:
            victim = self.policy.victim()
            assert victim == self.textbook.victim()
            if victim is not None:
                self.remove(victim)

        @rule(unit=UNITS)
        def remove(self, unit: int) -> None:
            if unit in self.kept:
                self.policy.remove(unit)
                self.textbook.remove(unit)
                self.kept.remove(unit)

        @rule(limit=st.sampled_from((40, 80, 100, 160)))
        def resize(self, limit: int) -> None:
            self.policy.resize(limit)
            self.textbook.resize(limit)
            self.limit = limit

        @invariant()
        def same_order(self) -> None:
            expected = list(leave(copy.deepcopy(self.textbook)))
            assert list(self.policy.candidates()) == expected
            assert list(leave(copy.deepcopy(self.policy))) == expected
            assert set(expected) == self.kept

    return PolicyMachine


@pytest.mark.parametrize("name", POLICIES)
def test_every_step_is_the_textbooks(name: str) -> None:
    fewer = settings(max_examples=settings.default.max_examples // 4 + 1)  # each step looks at the whole order
    run_state_machine_as_test(machine(name), settings=fewer)


def test_every_policy_has_a_textbook() -> None:
    assert set(TEXTBOOK) == set(POLICIES)


def lines_run(name: str, units: int) -> int:
    """The lines of Python that 1,000 hits, evictions and loads take with so many units kept."""
    policy = make_policy(name, 100 * units)
    for unit in range(units):
        policy.insert(unit, 50)
    chance = random.Random(1)
    lines = 0

    def count(frame: FrameType, event: str, argument: object) -> TraceFunction:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        for fresh in range(units, units + 1000):
            policy.touch([chance.randrange(fresh)])
            victim = policy.victim()
            assert victim is not None
            policy.remove(victim)
            policy.insert(fresh, 50)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("name", POLICIES)
def test_an_access_costs_the_same_however_many_units_there_are(name: str) -> None:
    assert 0 < lines_run(name, 20_000) < 2 * lines_run(name, 200)


def test_lfu_forgets_what_left() -> None:
    policy = make_policy("lfu", 10)
    policy.insert(1, 1)
    policy.touch([1, 1, 1])
    policy.remove(1)
    policy.insert(2, 1)
    policy.touch([2])
    policy.insert(1, 1)
    assert list(policy.candidates()) == [1, 2]


@pytest.mark.parametrize("name", ["clock", "sieve"])
def test_a_hit_that_comes_late_marks_nothing(name: str) -> None:
    policy = make_policy(name, 10)
    policy.insert(1, 1)
    policy.remove(1)
    policy.touch([1])
    policy.insert(1, 1)
    policy.insert(2, 1)
    assert list(policy.candidates()) == [1, 2]


def test_s3fifo_remembers_what_left_the_small_queue_to_make_room() -> None:
    policy = make_policy("s3fifo", 100)
    for unit in range(3):
        policy.insert(unit, 5)
    for unit in (0, 1):
        assert policy.victim() == unit
        policy.remove(unit)
    policy.remove(2)  # on request: nothing to remember
    for unit in (0, 2):
        assert policy.admits(unit, 5)
        policy.insert(unit, 5)
    assert list(policy.candidates()) == [2, 0]  # the one that came back is in the main queue


@pytest.mark.parametrize(("size", "admitted"), [(0, True), (9, True), (10, False), (11, False)])
def test_s3fifo_refuses_a_tenth_of_the_limit(size: int, admitted: bool) -> None:
    policy = make_policy("s3fifo", 109)
    assert policy.admits(1, size) is admitted
    policy.resize(200)
    assert policy.admits(1, size)


def test_unknown_policy() -> None:
    with pytest.raises(ValueError, match="lru, lfu, fifo, clock, sieve, s3fifo, not 'random'"):
        make_policy("random", 10)
