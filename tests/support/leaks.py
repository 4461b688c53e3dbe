"""What a process holds at an instant, so that a test can be asked to give back all it took."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc/self")
_KERNEL_OBJECTS = ("anon_inode:", "/dev/", "/proc/", "/sys/", "/memfd:")
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


@dataclass(frozen=True)
class Holdings:
    """Descriptors, maps of temporary files, threads, child processes and temporary files of this process."""

    descriptors: frozenset[tuple[int, str]]
    maps: frozenset[str]
    threads: frozenset[threading.Thread]
    children: frozenset[int]
    files: frozenset[str]
    folder: str
    """The folder of temporary files."""

    @classmethod
    def now(cls, folder: str | None = None) -> Holdings:
        """What is held at this moment; ``folder`` is where temporary files are looked for, if not the usual one."""
        folder = folder or tempfile.gettempdir()
        return cls(
            descriptors=frozenset(_descriptors()),
            maps=frozenset(_maps()),
            threads=frozenset(_threads()),
            children=frozenset(_children()),
            files=frozenset(_names(Path(folder))),
            folder=folder,
        )

    def left_over(self, wait: float) -> list[str]:
        """What is held now and was not then, in words.

        Threads and children that are ending get ``wait`` seconds for it; reference cycles are collected.
        """
        left = self._difference(Holdings.now(self.folder))
        if not left:
            return left
        gc.collect()
        deadline = time.monotonic() + wait
        for thread in Holdings.now(self.folder).threads - self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        while (left := self._difference(Holdings.now(self.folder))) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        return left

    def _difference(self, now: Holdings) -> list[str]:
        return [
            *(f"descriptor {number} of {target}" for number, target in now.descriptors - self.descriptors),
            *(f"map of {path}" for path in now.maps - self.maps),
            *(f"thread {thread.name}" for thread in now.threads - self.threads),
            *(f"child process {pid} {_command(pid)}" for pid in now.children - self.children),
            *(f"temporary file {name}" for name in now.files - self.files),
        ]


def _descriptors() -> list[tuple[int, str]]:
    found = []
    for name in _names(_PROC / "fd"):
        try:
            target = os.readlink(_PROC / "fd" / name)
        except OSError:
            continue  # the descriptor that listed the folder
        if not target.startswith(_KERNEL_OBJECTS):
            found.append((int(name), target))
    return found


def _maps() -> set[str]:
    """Mapped files below the temporary folders; libraries and fonts are loaded once and stay."""
    try:
        lines = (_PROC / "maps").read_text(errors="replace").splitlines()
    except OSError:
        return set()
    marker = "pytest-"
    return {line.split(maxsplit=5)[5] for line in lines if marker in line}


def _threads() -> list[threading.Thread]:
    """Threads that Python started; those it merely met (`Qt`'s) have no end it could see."""
    return [thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)]


def _children() -> set[int]:
    found: set[int] = set()
    for task in _names(_PROC / "task"):
        try:
            found.update(map(int, (_PROC / "task" / task / "children").read_text().split()))
        except OSError:
            continue  # the thread has ended
    return {pid for pid in found if not any(helper in _command(pid) for helper in _HELPERS)}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "(ended)"


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # not Linux, or the test removed it
