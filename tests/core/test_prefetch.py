"""The predictors by themselves: what they remember, and how much."""

from __future__ import annotations

import random

from apbundle.paging.prefetch import MAX_PREDECESSORS, MAX_SUCCESSORS, LookAhead, Successions
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
    assert successions._count == len(forwards)


def test_what_is_remembered_is_bounded() -> None:
    successions = Successions(10)
    for number in range(500):
        successions.learn(UNITS[number], UNITS[number + 1])
        successions.learn(UNITS[number], UNITS[number + 2])
    assert successions._count == 10
    assert list(successions._weights) == [495, 496, 497, 498, 499]
    for _ in range(3):
        successions.learn(UNITS[0], UNITS[1])
    assert successions.successor(0) == UNITS[1]


def expected(look_ahead: LookAhead, number: int, previous: int | None = None, thread: int = 0) -> list[int]:
    """The numbers of what is expected after a miss of one unit, directly after another."""
    requests = look_ahead.accessed(UNITS[number], None if previous is None else UNITS[previous], True, thread)
    return [request.unit.id for request in requests]


def test_what_was_seen_once_is_expected_until_that_proves_wrong() -> None:
    look_ahead = LookAhead(1)
    expected(look_ahead, 0)
    expected(look_ahead, 1, 0)
    assert expected(look_ahead, 0, 1) == [1]
    look_ahead.left(UNITS[7], 6)  # loaded because of another unit, and never used
    assert expected(look_ahead, 0) == []
    expected(look_ahead, 1, 0)
    assert expected(look_ahead, 0) == [1], "seen twice"
    look_ahead.used()
    expected(look_ahead, 4, 3)
    assert expected(look_ahead, 3) == [4], "trusted again"


def test_wrong_hints_say_nothing_of_predictions() -> None:
    look_ahead = LookAhead(1)
    expected(look_ahead, 0)
    expected(look_ahead, 1, 0)
    look_ahead.left(UNITS[7], None)
    assert expected(look_ahead, 0) == [1]


def test_units_that_stay_do_not_hide_what_follows() -> None:
    look_ahead, hub = LookAhead(1), UNITS[9]
    for number in (0, 1, 2):
        expected(look_ahead, number, hub.id)
    assert expected(look_ahead, 0) == [1]
    assert expected(look_ahead, 1) == [2]


def test_threads_are_told_apart() -> None:
    """Two that walk side by side, each in its own order."""
    look_ahead, first, second = LookAhead(2), [0, 1, 2, 3], [10, 11, 12, 13]
    for one, other in zip(first, second, strict=True):
        look_ahead.accessed(UNITS[one], None, True, 1)
        look_ahead.accessed(UNITS[other], None, True, 2)
    for one, other in zip(first[:2], second[:2], strict=True):
        assert [request.unit.id for request in look_ahead.accessed(UNITS[one], None, True, 1)] == [one + 1, one + 2]
        assert [request.unit.id for request in look_ahead.accessed(UNITS[other], None, True, 2)] == [
            other + 1,
            other + 2,
        ]


def test_what_is_expected_is_not_old() -> None:
    look_ahead = LookAhead(1)
    for number in (0, 1):
        look_ahead.accessed(UNITS[number], None, True, 1)
        look_ahead.loaded(UNITS[number])
    (request,) = look_ahead.accessed(UNITS[0], None, False, 1)
    assert request.clock is not None
    assert not look_ahead.is_older(request.clock, 0), "it is the evidence itself"
    assert not look_ahead.is_older(request.clock + 5, 1), "it is expected"
    look_ahead.accessed(UNITS[7], None, False, 1)
    assert look_ahead.is_older(request.clock + 1, 1)
