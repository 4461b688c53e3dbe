"""Timing two things against each other on a machine that is never quiet."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: ours and the peer's, in seconds or MiB, and the ratio that is aimed at, if any."""

    operation: str
    ours: float
    peer: str
    theirs: float
    goal: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """Ours over theirs."""
        return self.ours / self.theirs


def in_turn(actions: Mapping[str, Action], rounds: int, before: Action | None = None) -> dict[str, float]:
    """The median seconds of each action over ``rounds`` rounds, each in an order of its own.

    A fixed order would favour whoever comes after an expensive neighbour. ``before`` runs, untimed, before each.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name in random.sample(list(actions), len(actions)):
            if before is not None:
                before()
            times[name].append(timed(actions[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def timed(action: Action) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def per_call(action: Action, calls: int, rounds: int = 7) -> float:
    """Seconds a call of ``action``, the least over ``rounds`` loops of ``calls``, without the garbage collector."""
    gc.disable()
    try:
        best = min(_loop(action, calls) for _ in range(rounds))
    finally:
        gc.enable()
    return best / calls


def _loop(action: Action, calls: int) -> float:
    steps = range(calls)
    began = time.perf_counter()
    for _ in steps:
        action()
    return time.perf_counter() - began
