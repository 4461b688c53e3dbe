"""Drafts that are kept while they are worked on, so that a crash of the program loses none.

Each window keeps its draft in a file of its own, beside the settings, next to a lock that its process holds. A file
whose process is gone was left by a crash, and is offered to the next window.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from PySide6.QtCore import QLockFile

from apbundle.errors import BundleError
from apbundle.fileio import InputFile, OutputFile, write_atomically
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.pacing import Pace

FOLDER: Final = "drafts"
_ENDING: Final = ".draft"
_LOCK: Final = ".lock"
_MOST: Final = 256 << 20
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Lost:
    """A draft that a crash left: its file, the lock that is now ours, and what was made of it."""

    path: str
    lock: QLockFile = field(repr=False)
    value: Any


class DraftFiles:
    """Keeps one draft, and finds those of others that are gone. Everything is done by jobs but :meth:`close`."""

    def __init__(self, services: Services) -> None:
        self._jobs = services.jobs
        self._folder = services.settings.path.parent / FOLDER
        self._path = self._folder / f"{uuid.uuid4().hex}{_ENDING}"
        self._lock: QLockFile | None = None
        self._guard = threading.Lock()
        self._closed = False

    @property
    def path(self) -> Path:
        """Where this draft is kept."""
        return self._path

    def keep(self, lines: Callable[[Pace], Iterable[bytes]], on_done: Callable[[], None]) -> None:
        """Write the draft as these lines, instead of what was kept before."""

        def work(progress: Progress, cancel: Cancel) -> None:
            data = b"".join(lines(Pace(cancel)))
            with self._guard:
                if self._closed:
                    return
                self._folder.mkdir(parents=True, exist_ok=True)
                if self._lock is None:
                    self._lock = locked(self._path)

                def fill(out: OutputFile) -> None:
                    out.write_at(0, data)

                write_atomically(self._path, size=len(data), fill=fill)

        self._start("Keeping the draft", work, lambda _: on_done())

    def forget(self) -> None:
        """The draft need not be kept any more."""

        def work(progress: Progress, cancel: Cancel) -> None:
            with self._guard:
                self._remove()

        self._start("Keeping the draft", work, lambda _: None)

    def close(self) -> None:
        """The window closes, and the user knows what is lost: nothing is kept from now on."""
        with self._guard:
            self._closed = True
            self._remove()

    def find_lost(
        self, read: Callable[[Iterable[bytes], Pace], Value | None], on_done: Callable[[list[Lost]], None]
    ) -> None:
        """Look for drafts whose process is gone; what ``read`` makes nothing of is left alone."""

        def work(progress: Progress, cancel: Cancel) -> list[Lost]:
            return self._lost(read, Pace(cancel))

        self._start("Looking for unsaved drafts", work, on_done)

    def discard(self, lost: Lost) -> None:
        """Remove a draft that was found."""

        def work(progress: Progress, cancel: Cancel) -> None:
            _remove(lost.path)
            lost.lock.unlock()

        self._start("Keeping the draft", work, lambda _: None)

    def _start(self, title: str, work: Callable[[Progress, Cancel], Any], on_done: Callable[[Any], None]) -> None:
        def failed(error: BaseException) -> None:
            """A draft that cannot be kept is no reason to disturb."""

        self._jobs.start(title, work, on_done=on_done, on_failed=failed, abandonable=True)

    def _lost(self, read: Callable[[Iterable[bytes], Pace], Value | None], pace: Pace) -> list[Lost]:
        found = []
        try:
            names = sorted(name for name in os.listdir(self._folder) if name.endswith(_ENDING))
        except OSError:
            return []
        for name in names:
            path = self._folder / name
            pace.step()
            if path == self._path or (lock := locked(path)) is None:
                continue
            value = read(_lines(path), pace)
            if value is None:
                lock.unlock()
            else:
                found.append(Lost(str(path), lock, value))
        return found

    def _remove(self) -> None:
        _remove(str(self._path))
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None


def locked(path: Path) -> QLockFile | None:
    """The lock of a draft, if its process is gone or it never had one."""
    lock = QLockFile(f"{path}{_LOCK}")
    lock.setStaleLockTime(0)  # only a process that is gone makes it stale, never age
    return lock if lock.tryLock(0) else None


def _lines(path: Path) -> list[bytes]:
    try:
        with InputFile.open(path) as file:
            return file.read(0, file.size).splitlines() if file.size <= _MOST else []
    except (BundleError, OSError):
        return []


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
