"""Where a recording goes: a path of its own, and a new file there that one process alone writes.

The writer holds an exclusive lock on its file as long as it lives. By that readers tell whether more will come, and
other writers that they must not begin here.
"""

from __future__ import annotations

import itertools
import os
import stat
import sys
import time
from contextlib import suppress
from typing import Final

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import syscalls
from apbundle.fileio.system import LOCK_EXCLUSIVE, LOCK_NOW, O_BINARY, O_NONBLOCK, write_all
from apbundle.fileio.temporary import close_quietly
from apbundle.trace.records import MAGIC

VARIABLE: Final = "APBUNDLE_RECORD"
"""The environment variable that names a folder: what a process pages is recorded there."""
SUFFIX: Final = ".aptrace"

_ATTEMPTS: Final = 1000  # to take a lock that a reader may hold, for microseconds
_MAX_STEM: Final = 150  # bytes: with what is added, below the 255 that a file name may have
_REMOVES_OPEN_FILES: Final = sys.platform != "win32"
_numbers: Final = itertools.count(1)


def recording_path_from_environment(bundle: str) -> str | None:
    """A path for a recording of ``bundle`` in the folder that ``APBUNDLE_RECORD`` names; ``None`` if it names none.

    The file's name is made of the bundle's, the time (UTC), the process and a number, so that no two recordings meet:
    ``model-20260131-235959.123456789-4242-1.aptrace``.

    Raises
    ------
    OSError
        The folder is relative, and there is no current one.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    stem = os.fsencode(os.path.splitext(os.path.basename(bundle))[0])[:_MAX_STEM]
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
    name = f"{os.fsdecode(stem)}-{moment}.{rest:09d}-{os.getpid()}-{next(_numbers)}{SUFFIX}"
    return os.path.join(os.path.abspath(folder), name)


def create_recording_file(target: str, header: bytes) -> int:
    """Begin a recording at ``target`` in place of an earlier one; returns the descriptor that holds its lock.

    Raises
    ------
    TargetRefused
        Something else than a recording is there.
    DestinationBusy
        Another process is recording there.
    OSError
        The file cannot be created or written.
    """
    _remove_earlier(target)
    descriptor = syscalls.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | O_BINARY, 0o666)
    try:
        with suppress(OSError):  # a file system without locks: readers take the writer for alive
            syscalls.flock(descriptor, LOCK_EXCLUSIVE)
        if not syscalls.fstat(descriptor).st_nlink:
            raise _busy(target)  # another process began here in the same moment, and took this for an old recording
        try:
            write_all(descriptor, 0, memoryview(header))
        except BaseException:
            with suppress(OSError):
                syscalls.unlink(target)
            raise
    except BaseException:
        close_quietly(descriptor)
        raise
    return descriptor


def _remove_earlier(target: str) -> None:
    """Make room for a new recording.

    Another inode, not the old one cut short: who reads the old one must not see the two mixed.
    """
    try:
        descriptor = syscalls.open(target, os.O_RDONLY | O_NONBLOCK | O_BINARY)
    except FileNotFoundError:
        return
    try:
        status = syscalls.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not MAGIC.startswith(syscalls.pread(descriptor, len(MAGIC), 0)):
            raise bundle_error(
                "target_refused",
                "This is not a recording and is not overwritten by one.",
                path=target,
                hint="Choose another path.",
            )
        if not _lock(descriptor):
            raise _busy(target)
        if not os.path.samestat(status, syscalls.stat(target)):
            raise _busy(target)  # someone replaced it meanwhile
        if _REMOVES_OPEN_FILES:
            syscalls.unlink(target)  # still locked: who has created it, but not locked it yet, will see it gone
    except FileNotFoundError:
        pass  # someone else removed it
    finally:
        close_quietly(descriptor)
    if not _REMOVES_OPEN_FILES:  # and so none that is still recorded to
        syscalls.unlink(target)


def _lock(descriptor: int) -> bool:
    """Take the lock of an old recording, so that one process alone replaces it; ``False`` if another holds it."""
    for _ in range(_ATTEMPTS):
        try:
            syscalls.flock(descriptor, LOCK_EXCLUSIVE | LOCK_NOW)
        except BlockingIOError:
            continue
        except OSError:
            pass  # a file system without locks
        return True
    return False


def _busy(target: str) -> BundleError:
    return bundle_error(
        "destination_busy", "Another process is recording here.", path=target, hint="Choose another path."
    )
