"""Reads that wait until they are let through: the moment in the middle of a load, for as long as a test needs."""

from __future__ import annotations

import errno
import threading
from collections import Counter
from collections.abc import Callable

from apbundle.paging.pager import Pager
from apbundle.paging.units import Unit
from support.paging import fill


class Gate:
    """A read that waits until it is let through, and may then fail."""

    def __init__(self, names: str = "abcdef") -> None:
        self.begun: Counter[str] = Counter()
        self.open = {name: threading.Event() for name in names}
        self.broken: set[str] = set()

    def read(self, unit: Unit, into: memoryview) -> None:
        self.begun[unit.name] += 1
        assert self.open[unit.name].wait(20)
        if unit.name in self.broken:
            self.broken.remove(unit.name)
            raise OSError(errno.EIO, "broken disk")
        fill(unit, into)


def open_gate() -> Gate:
    """One that lets everything through until it is told not to."""
    gate = Gate()
    for event in gate.open.values():
        event.set()
    return gate


def has_begun(gate: Gate, name: str, times: int = 1) -> Callable[[], bool]:
    """Whether so many loads of a unit have begun."""
    return lambda: gate.begun[name] == times


def waits(pager: Pager, count: int) -> Callable[[], bool]:
    """Whether ``count`` threads wait for a load to end."""
    return lambda: len(pager._store._changed._waiters) == count  # type: ignore[attr-defined]
