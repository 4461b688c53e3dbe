"""The program that runs a workload: real accesses to a real bundle, recorded to a file the window follows.

It is a process of its own, because a busy engine thread would stop the window from painting. It is started by its path,
so that it loads the engine and nothing of Qt. It obeys JSON objects on its standard input, one a line, and tells JSON
objects on its standard output; when its input ends, it ends.

Commands: ``{"pace": N}`` accesses a second (``null``: as fast as it goes), ``{"hold": true}``, ``{"hold": false}``,
``{"step": N}``. The first line is a :class:`WorkloadSettings`.

Told: ``{"state": "running" | "held" | "full" | "ended"}``, ``{"accesses": N, "resident": BYTES}`` a few times a
second, and at last ``{"failed": {…}}`` when the bundle cannot be paged any further. A workload that is at its end stays
as it is, for the models are still in memory.
"""

from __future__ import annotations

import errno
import json
import math
import os
import queue
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

from apbundle.errors import BundleError
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.trace.workload import WORKLOADS, zipf

SLICE_S: Final = 0.02
"""The longest the engine works before it looks for commands and shows its hits, in seconds."""
STATUS_S: Final = 0.2
"""How often it tells how far it is, in seconds."""
STALL_S: Final = 0.2
"""The lateness, in seconds, that is still made up for."""
MAX_RECORDING: Final = 512 << 20
"""Bytes of recording at which it holds by itself: flat out it would fill any disk."""


@dataclass(frozen=True, slots=True)
class WorkloadSettings:
    """What to run. ``max_memory`` is in bytes; ``exponent`` matters to the Zipf workload only.

    ``pace`` is accesses a second, ``None`` as fast as it goes; ``held`` begins without running.
    """

    bundle: str
    recording: str
    workload: str = "zipf"
    seed: int = 1
    exponent: float = 0.9
    max_memory: int = 1 << 20
    eviction: str = "lru"
    prefetch: Literal["off", "inline", "background"] = "off"
    pace: float | None = 20.0
    held: bool = False
    max_recording: int = MAX_RECORDING

    def to_line(self) -> bytes:
        """The first line of the worker's input."""
        return to_line(asdict(self))

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """What :meth:`to_line` made."""
        return cls(**json.loads(line))


def to_line(value: Mapping[str, Any]) -> bytes:
    """One JSON object as a line; paths that are not UTF-8 survive."""
    return json.dumps(value).encode("ascii") + b"\n"


def tell(**value: Any) -> None:
    """Tell the window something; it may be gone."""
    try:
        os.write(1, to_line(value))
    except OSError:
        pass


class Pacer:
    """Says how many accesses are due.

    Parameters
    ----------
    rate
        Accesses a second; ``None``: as many as fit into the time.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate: Final = rate
        self.restart()

    def restart(self) -> None:
        """Nothing is due yet."""
        self._begin = time.monotonic()
        self._done = 0

    def due(self) -> float:
        """Accesses to do now. What a stall kept from being done is given up, not caught up with."""
        if self._rate is None:
            return math.inf
        due = (time.monotonic() - self._begin) * self._rate - self._done
        if due > 1 + self._rate * STALL_S:
            self._begin, self._done = time.monotonic() - 1 / self._rate, 0
            return 1.0
        return due

    def did(self, count: int) -> None:
        """So many accesses were done."""
        self._done += count

    def wait(self) -> float:
        """Seconds until it is worth looking again."""
        if self._rate is None or self.due() >= 1:
            return 0.0
        return max(self._begin + (self._done + 1) / self._rate - time.monotonic(), SLICE_S / 2)


class Worker:
    """Runs one workload to its end, or to the end of its input.

    Parameters
    ----------
    settings
        What to run.
    commands
        Lines of input as they arrive; ``None`` at its end.
    """

    def __init__(self, settings: WorkloadSettings, commands: queue.SimpleQueue[bytes | None]) -> None:
        self._settings: Final = settings
        self._commands: Final = commands
        self._pacer = Pacer(settings.pace)
        self._held = settings.held
        self._full = False
        self._steps = 0
        self._stopped = False
        self._over = False
        self._accesses = 0
        self._warned: list[warnings.WarningMessage] = []
        self._told: tuple[int, int] | None = None
        self._told_at = 0.0

    def run(self) -> None:
        """Page until told to stop.

        Raises
        ------
        BundleError, OSError
            The bundle cannot be opened, or not be paged or recorded any further.
        """
        settings = self._settings
        config = PagingConfig(
            max_memory=settings.max_memory, eviction=settings.eviction, prefetch=settings.prefetch, prefetch_count=2
        )
        with (
            warnings.catch_warnings(record=True) as self._warned,
            PagedBundle.open(settings.bundle, config, record=settings.recording) as paged,
        ):
            names = self._names(paged.model_names)
            tell(state="held" if self._held else "running")
            while not self._stopped:
                self._obey(paged)
                self._access(paged, names)
                self._status(paged)

    def _names(self, models: list[str]) -> Iterator[str]:
        settings = self._settings
        if settings.workload == "zipf":
            return zipf(models, settings.seed, settings.exponent)
        return WORKLOADS[settings.workload](models, settings.seed)

    def _obey(self, paged: PagedBundle) -> None:
        """Follow the commands that are there; while nothing is due, wait for one."""
        while not self._stopped:
            if self._steps:
                wait: float | None = 0.0
            elif self._held:
                wait = None
            else:
                wait = self._pacer.wait()
            if wait is None:
                self._status(paged, at_once=True)
            try:
                line = self._commands.get(timeout=wait)
            except queue.Empty:
                return
            if line is None:
                self._stopped = True
            else:
                self._follow(json.loads(line))

    def _follow(self, command: Mapping[str, Any]) -> None:
        if "pace" in command:
            self._pacer = Pacer(command["pace"])
        if "hold" in command:
            self._hold(command["hold"])
        if "step" in command and not (self._full or self._over):
            self._hold(True)
            self._steps += command["step"]

    def _hold(self, held: bool) -> None:
        if held != self._held and not (self._full or self._over):
            self._held = held
            self._pacer.restart()
            tell(state="held" if held else "running")

    def _access(self, paged: PagedBundle, names: Iterator[str]) -> None:
        """Do what is due, for one slice of time at most."""
        due = self._steps or (0 if self._held or self._stopped else self._pacer.due())
        until = time.monotonic() + SLICE_S
        done = 0
        while done + 1 <= due and time.monotonic() < until:
            name = next(names, None)
            if name is None:
                self._steps = 0
                self._held = self._over = True
                tell(state="ended")
                break
            paged.get_model(name)
            done += 1
        self._steps -= min(done, self._steps)
        self._pacer.did(done)
        self._accesses += done
        paged.stats()  # works the hits off, so that the recording has them

    def _status(self, paged: PagedBundle, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if now - self._told_at < STATUS_S and not at_once:
            return
        told = self._accesses, paged.resident
        if told != self._told:
            tell(accesses=told[0], resident=told[1])
        self._told, self._told_at = told, now
        if paged.recording is None:
            reason = str(self._warned[-1].message) if self._warned else "The recording cannot be written."
            raise OSError(errno.EIO, reason)
        if not self._full and _size(self._settings.recording) >= self._settings.max_recording:
            self._held = self._full = True
            self._steps = 0
            tell(state="full")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0  # removed under us: the window says so


def read_lines(descriptor: int, commands: queue.SimpleQueue[bytes | None]) -> None:
    """Pass the lines of a file on as they come, and ``None`` when it ends.

    Past Python's buffers: their locks would be held by a thread that waits, and stop the interpreter from exiting.
    """
    rest = b""
    while data := os.read(descriptor, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            commands.put(line)
    commands.put(None)


def failure(error: BaseException) -> dict[str, Any]:
    """An exception as the window can make it one again."""
    if isinstance(error, BundleError):
        return {**error.to_json(), "path": error.path, "hint": error.hint}
    if isinstance(error, OSError):
        return {"errno": error.errno or 0, "message": error.strerror or str(error), "path": error.filename}
    return {"message": "There was not enough memory to page the bundle."}


def main() -> int:
    """Run the workload that standard input describes; 0 unless it failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is the window's; the end of input ends this
    commands: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=read_lines, args=(0, commands), daemon=True).start()
    first = commands.get()
    if first is None:
        return 0
    try:
        Worker(WorkloadSettings.from_line(first), commands).run()
    except (BundleError, OSError, MemoryError) as error:
        tell(failed=failure(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
