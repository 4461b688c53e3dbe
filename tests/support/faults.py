"""Operating-system calls that fail when told to: every call of ``apbundle.fileio`` goes through one object.

Run a piece of work once under :func:`recorded` to see the calls it makes, then again for each of them under
:func:`failing`.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from apbundle.fileio import syscalls

CALLS = sorted(name for name in dir(syscalls) if not name.startswith("_"))
"""The names of all calls."""

ERRORS = {name: getattr(errno, name) for name in ("EIO", "ENOSPC", "EACCES", "EDQUOT", "EINTR", "EFBIG", "EPERM")}

Call = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """Which call fails, and how.

    Parameters
    ----------
    call
        Its name; ``None`` for all calls.
    at
        The number of the first call that fails, counted from 1 among those of that name.
    kind
        A key of :data:`ERRORS`; ``interrupt`` (``KeyboardInterrupt``); ``short`` (half of the bytes are moved);
        ``lost`` (a write that claims to have happened).
    forever
        Whether all later ones fail too.
    """

    call: str | None
    at: int
    kind: str
    forever: bool = False

    def __str__(self) -> str:
        return f"{self.call or 'any call'} {self.at}{' and all after' if self.forever else ''}: {self.kind}"

    def hits(self, name: str, number: int) -> bool:
        """Whether the ``number``-th call of ``name`` (of all, when ``call`` is ``None``) fails."""
        return self.call in (None, name) and (number >= self.at if self.forever else number == self.at)

    def perform(self, name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        """What happens instead of ``call(*arguments)``."""
        if self.kind == "short" and name == "pwrite":
            descriptor, data, offset = arguments
            return call(descriptor, data[: max(1, len(data) // 2)], offset)
        if self.kind == "short" and name == "preadv":
            descriptor, buffers, offset = arguments
            return call(descriptor, [buffers[0][: max(1, len(buffers[0]) // 2)]], offset)
        if self.kind == "lost" and name == "pwrite":
            return len(arguments[1])
        if self.kind in ("short", "lost"):
            return call(*arguments)
        if name == "close":
            call(*arguments)  # the descriptor is gone even if closing fails
        if self.kind == "interrupt":
            raise KeyboardInterrupt
        number = ERRORS[self.kind]
        raise OSError(number, os.strerror(number))


def faults_of(
    calls: Iterable[str],
    kinds: Iterable[str],
    *,
    only: Iterable[str] | None = None,
    forever: Iterable[bool] = (False, True),
) -> Iterator[Fault]:
    """One fault for each recorded call (of the names in ``only``), kind, and once or for good."""
    counts: dict[str, int] = {}
    for name in calls:
        counts[name] = counts.get(name, 0) + 1
    for name, count in counts.items():
        if only is None or name in only:
            yield from (Fault(name, at, kind, more) for at in range(1, count + 1) for kind in kinds for more in forever)


@contextmanager
def watched(watch: Callable[[str, Call, tuple[Any, ...]], Any]) -> Iterator[None]:
    """Have ``watch(name, call, arguments)`` make each call."""

    def replacement(name: str, call: Call) -> Call:
        @functools.wraps(call)
        def make(*arguments: Any) -> Any:
            return watch(name, call, arguments)

        return make

    originals = {name: getattr(syscalls, name) for name in CALLS}
    kept = dict(vars(syscalls))
    try:
        for name, call in originals.items():
            setattr(syscalls, name, replacement(name, call))
        yield
    finally:
        vars(syscalls).clear()
        vars(syscalls).update(kept)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The names of the calls made inside the block, in order."""
    names: list[str] = []

    def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        names.append(name)
        return call(*arguments)

    with watched(watch):
        yield names


@contextmanager
def failing(fault: Fault) -> Iterator[None]:
    """Let ``fault`` happen inside the block."""
    number = 0

    def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        nonlocal number
        if fault.call in (None, name):
            number += 1
            if fault.hits(name, number):
                return fault.perform(name, call, arguments)
        return call(*arguments)

    with watched(watch):
        yield


@contextmanager
def without_fsync() -> Iterator[None]:
    """Spare the disk: for tests that write thousands of files and do not cut the power."""
    syscalls.fsync = lambda descriptor: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        del syscalls.fsync
