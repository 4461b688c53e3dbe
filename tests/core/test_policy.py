"""Every policy against a slow one that takes hits one by one and sorts when asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apbundle.paging.policy import POLICIES, make_policy

UNITS = st.integers(0, 9)


class Slow:
    """All that is known of each resident unit, and the order by a key over it."""

    def __init__(self, key: Callable[[int, int], tuple[int, ...]]) -> None:
        self.key = key
        self.uses: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.clock = 0

    def use(self, unit: int, uses: int) -> None:
        self.clock += 1
        self.uses[unit] = uses
        self.last[unit] = self.clock

    def order(self) -> list[int]:
        return sorted(self.uses, key=lambda unit: self.key(self.uses[unit], self.last[unit]))


SLOW: dict[str, Callable[[int, int], tuple[int, ...]]] = {
    "lru": lambda uses, last: (last,),
    "lfu": lambda uses, last: (uses, last),
}


def machine(name: str) -> type[RuleBasedStateMachine]:
    class PolicyMachine(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.policy = make_policy(name, 10)
            self.slow = Slow(SLOW[name])

        @rule(unit=UNITS)
        def insert(self, unit: int) -> None:
            if unit not in self.slow.uses:
                self.policy.insert(unit, 1)
                self.slow.use(unit, 1)

        @rule(units=st.lists(UNITS, min_size=1, max_size=30))
        def touch(self, units: list[int]) -> None:
            self.policy.touch(units)
            for unit in units:
                if unit in self.slow.uses:
                    self.slow.use(unit, self.slow.uses[unit] + 1)

        @rule(unit=UNITS)
        def remove(self, unit: int) -> None:
            if unit in self.slow.uses:
                self.policy.remove(unit)
                del self.slow.uses[unit], self.slow.last[unit]

        @invariant()
        def same_order(self) -> None:
            assert list(self.policy.candidates()) == self.slow.order()
            assert self.policy.victim() == next(iter(self.slow.order()), None)

    return PolicyMachine


@pytest.mark.parametrize("name", POLICIES)
def test_batches_give_the_order_of_single_hits(name: str) -> None:
    run_state_machine_as_test(machine(name))


def test_every_policy_is_tested() -> None:
    assert set(SLOW) == set(POLICIES)


def test_lfu_forgets_what_left() -> None:
    policy = make_policy("lfu", 10)
    policy.insert(1, 1)
    policy.touch([1, 1, 1])
    policy.remove(1)
    policy.insert(2, 1)
    policy.touch([2])
    policy.insert(1, 1)
    assert list(policy.candidates()) == [1, 2]


def test_unknown_policy() -> None:
    with pytest.raises(ValueError, match="lru, lfu"):
        make_policy("random", 10)
