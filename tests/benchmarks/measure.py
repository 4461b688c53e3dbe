"""Timing two things against each other on a machine that is never quiet."""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

MIB = 1 << 20
GIB = 1 << 30

Action = Callable[[], object]
Clock = Callable[[], float]
PROCESSOR: Clock = time.thread_time
"""Seconds that this thread had a processor."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    operation
        What was measured.
    ours, theirs
        In ``unit``; ``theirs`` is ``None`` when the peer is not there.
    peer
        What it is held against, or why it cannot be.
    goal
        The most that ours over theirs may be, if anything is aimed at.
    exact
        Ours has to be equal to theirs.
    """

    operation: str
    ours: float
    peer: str
    theirs: float | None
    goal: float | None = None
    unit: str = "s"
    exact: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours over theirs."""
        return None if self.theirs is None else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; ``None`` if there is none, or nothing to hold it against."""
        if self.theirs is None:
            return None
        if self.exact:
            return self.ours == self.theirs
        return None if self.goal is None else self.ours <= self.goal * self.theirs


class Times(dict[str, list[float]]):
    """The seconds of each action, one entry a round."""

    def median(self, name: str) -> float:
        """What it usually took."""
        return statistics.median(self[name])

    def least(self, name: str) -> float:
        """What it took when nothing came between."""
        return min(self[name])

    def rows(self, operation: str, goals: Mapping[str, float | None], *, per: int = 1) -> Iterator[Row]:
        """A row for each peer in ``goals``: the action ``ours`` against it, as many ``per`` run."""
        ours = self.median("ours") / per
        for peer, goal in goals.items():
            if peer in self:
                yield Row(operation, ours, peer, self.median(peer) / per, goal)
            else:
                yield Row(operation, ours, f"{peer}: not installed", None, goal)


def in_turn(
    actions: Mapping[str, Action], rounds: int, before: Action | None = None, clock: Clock = time.perf_counter
) -> Times:
    """The seconds of each action in each of ``rounds`` rounds, every round in an order of its own.

    A fixed order would favour whoever comes after a cheap neighbour. ``before`` runs, untimed, before each. What needs
    the processor alone, and no other thread, is measured by :data:`PROCESSOR`: then others on the machine count less.
    """
    times = Times({name: [] for name in actions})
    for _ in range(rounds):
        for name in random.sample(list(actions), len(actions)):
            if before is not None:
                before()
            times[name].append(timed(actions[name], clock))
    return times


def timed(action: Action, clock: Clock = time.perf_counter) -> float:
    """Seconds of one run."""
    began = clock()
    action()
    return clock() - began


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


def installed(name: str) -> ModuleType | None:
    """The library ``name`` of a peer, if it is there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def in_child(script: str, *arguments: object) -> Any:
    """What the script beside this one prints as JSON in a process of its own, with the seconds it took altogether."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)]
    began = time.perf_counter()
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {**json.loads(printed), "seconds": time.perf_counter() - began}


def peak_memory() -> int:
    """The most bytes this process ever had in memory.

    The figure of ``getrusage`` would still be that of the process it was forked from.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def memory_now() -> int:
    """Bytes this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def leave_page_cache(path: Path) -> None:
    """Let the system forget what it holds of a file that nobody maps, so that the next read is from the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
