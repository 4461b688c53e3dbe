"""The predictors by themselves: what they remember, and how much."""

from __future__ import annotations

import random

from apbundle.paging.prefetch import MAX_PREDECESSORS, MAX_SUCCESSORS, Successions
from apbundle.paging.units import Unit

UNITS = [Unit(number, f"u{number}", 100) for number in range(1000)]


def test_the_usual_successor_is_predicted() -> None:
    successions = Successions()
    for following in (1, 1, 2):
        successions.learn(UNITS[0], UNITS[following])
    assert successions.successor(0) == UNITS[1]
    successions.learn(UNITS[0], UNITS[2])
    assert successions.successor(0) is None, "neither comes more often than all others"
    assert successions.before(1) == [0]


def test_wrong_predictions_are_forgotten() -> None:
    successions = Successions()
    successions.learn(UNITS[0], UNITS[1])
    successions.weaken(0, 1)
    assert successions.successor(0) is None
    assert successions.before(1) == []
    successions.weaken(0, 1)


def test_what_follows_everything_remembers_few() -> None:
    successions, hub = Successions(), UNITS[0]
    for unit in UNITS[1:]:
        successions.learn(unit, hub)
    assert successions.before(hub.id) == [unit.id for unit in UNITS[-MAX_PREDECESSORS:]]
    assert successions.successor(UNITS[-1].id) == hub
    assert successions.successor(UNITS[1].id) is None


def test_both_directions_agree() -> None:
    choose, successions = random.Random(3), Successions()
    for _ in range(20_000):
        first, second = choose.choice(UNITS[:30] if choose.random() < 0.5 else UNITS), choose.choice(UNITS[:200])
        successions.learn(first, second)
        if choose.random() < 0.3:
            successions.weaken(choose.randrange(1000), choose.randrange(200))
    forwards = {(unit, following) for unit, weights in successions._weights.items() for following in weights}
    backwards = {(unit, following) for following in range(1000) for unit in successions.before(following)}
    assert forwards == backwards
    assert {following for _, following in forwards} == set(successions._units)
    assert all(0 < len(weights) <= MAX_SUCCESSORS for weights in successions._weights.values())
