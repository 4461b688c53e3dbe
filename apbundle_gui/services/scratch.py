"""Private folders for files that are needed only while the window lives.

A window that is killed leaves its folder behind. So each is locked by who made it, and the next one that is made for
the same purpose removes those whose lock nobody holds: the system gives a lock back however its holder ended.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from typing import Final

if sys.platform != "win32":
    import fcntl

YOUNG_S: Final = 60.0
"""The age, in seconds, below which a folder is left alone: its maker may not have come to lock it."""


class ScratchFolder:
    """A folder under the system's folder for temporary files.

    Parameters
    ----------
    purpose
        One word, a part of its name.

    Raises
    ------
    OSError
        It cannot be made.
    """

    def __init__(self, purpose: str) -> None:
        prefix = f"apbundle-{purpose}-"
        self.path: Final = tempfile.mkdtemp(prefix=prefix)
        self._lock = _lock(self.path)
        _remove_stale(os.path.dirname(self.path), prefix)

    def remove(self) -> None:
        """Remove it with all that is in it; again is fine."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _remove_stale(parent: str, prefix: str) -> None:
    try:
        with os.scandir(parent) as entries:
            found = [entry for entry in entries if entry.name.startswith(prefix)]
    except OSError:
        return  # one may write into a folder that one may not list
    for entry in found:
        try:
            status = entry.stat(follow_symlinks=False)
            ours = entry.is_dir(follow_symlinks=False) and status.st_uid == os.geteuid()
        except (OSError, AttributeError):  # gone meanwhile, or a system without owners
            continue
        if ours and time.time() - status.st_mtime > YOUNG_S and (lock := _lock(entry.path)) is not None:
            shutil.rmtree(entry.path, ignore_errors=True)
            os.close(lock)


def _lock(folder: str) -> int | None:
    """A descriptor that holds the lock of a folder until it is closed; ``None`` when there is none to be had."""
    if sys.platform == "win32":
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
