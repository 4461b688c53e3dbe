"""The operating-system calls behind :mod:`apbundle.fileio`, all in one object.

Whatever touches a file goes through :data:`syscalls`, so that a test can let any single call fail, and so that what a
platform lacks is settled here: a missing call raises ``OSError(ENOSYS)`` and its caller does without. No descriptor
outlives an ``exec``: Python opens all of them so.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from typing import Any, Final, NoReturn

if sys.platform != "win32":
    import fcntl

StrPath = str | os.PathLike[str]

O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
O_NOFOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
O_NONBLOCK: Final[int] = getattr(os, "O_NONBLOCK", 0)
O_NOCTTY: Final[int] = getattr(os, "O_NOCTTY", 0)
O_DIRECTORY: Final[int] = getattr(os, "O_DIRECTORY", 0)
O_TEMPORARY: Final[int] = getattr(os, "O_TEMPORARY", 0)
O_TMPFILE: Final[int] = getattr(os, "O_TMPFILE", 0)

LOCK_SHARED: Final = 1
LOCK_EXCLUSIVE: Final = 2
LOCK_NOW: Final = 4
"""Fail with ``BlockingIOError`` rather than wait."""
UNLOCK: Final = 8

UNSUPPORTED: Final = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EPERM, errno.ENODEV})
"""What a file system says to a call it does not have; steps that only make a write better go on without it."""

_INTERRUPTIONS: Final = 100
"""Python repeats interrupted calls itself; one that still reports an interruption this often is broken."""


def _missing(*_arguments: Any) -> NoReturn:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


_seek_lock = threading.Lock()  # where reading at a position is a seek and a read, the two must not be parted


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    with _seek_lock:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)


def _preadv(descriptor: int, buffers: list[memoryview], offset: int) -> int:
    data = syscalls.pread(descriptor, len(buffers[0]), offset)
    buffers[0][: len(data)] = data
    return len(data)


def _pwrite(descriptor: int, data: memoryview, offset: int) -> int:
    with _seek_lock:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)


def _fsync(descriptor: int) -> None:
    """Ask the disk itself, which on macOS ``fsync`` does not."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
        except OSError as error:
            if error.errno not in UNSUPPORTED and error.errno != errno.ENOTTY:
                raise
    os.fsync(descriptor)


def _flock(descriptor: int, operation: int) -> None:
    if sys.platform == "win32":
        _missing()
    else:
        fcntl.flock(descriptor, operation)


class Syscalls:
    """The calls by name. One instance exists; tests replace its attributes."""

    open = staticmethod(os.open)
    close = staticmethod(os.close)
    stat = staticmethod(os.stat)
    lstat = staticmethod(os.lstat)
    fstat = staticmethod(os.fstat)
    listdir = staticmethod(os.listdir)
    makedirs = staticmethod(os.makedirs)
    pwrite = staticmethod(getattr(os, "pwrite", _pwrite))
    posix_fallocate = staticmethod(getattr(os, "posix_fallocate", _missing))
    fchmod = staticmethod(getattr(os, "fchmod", _missing))
    flock = staticmethod(_flock)
    fsync = staticmethod(_fsync)
    link = staticmethod(getattr(os, "link", _missing))
    replace = staticmethod(os.replace)
    unlink = staticmethod(os.unlink)
    pread = staticmethod(getattr(os, "pread", _pread))
    preadv = staticmethod(getattr(os, "preadv", _preadv))

    def realpath(self, path: str) -> str:
        """``path`` made absolute, with every symbolic link in it resolved as far as it exists."""
        return os.path.realpath(path)


syscalls: Final = Syscalls()


def as_bytes(data: bytes | bytearray | memoryview) -> memoryview:
    """A flat byte view of ``data``, new and without a copy (``TypeError`` if it is not contiguous)."""
    view = memoryview(data)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")


def read_up_to(descriptor: int, offset: int, view: memoryview) -> int:
    """Fill ``view`` from byte ``offset`` on; the number of bytes there were before the end of the file."""
    done = interruptions = 0
    while done < len(view):
        try:
            if not done:
                count = syscalls.preadv(descriptor, [view], offset)
            else:
                with view[done:] as rest:  # released even if this raises: see InputFile.read_into
                    count = syscalls.preadv(descriptor, [rest], offset + done)
        except InterruptedError:
            interruptions += 1
            if interruptions > _INTERRUPTIONS:
                raise
            continue
        if count == 0:
            break
        done += count
    return done


def write_all(descriptor: int, offset: int, view: memoryview) -> None:
    """Write all of ``view`` at byte ``offset``, however many calls that takes."""
    done = interruptions = 0
    while done < len(view):
        try:
            count = syscalls.pwrite(descriptor, view[done:], offset + done)
        except InterruptedError:
            interruptions += 1
            if interruptions > _INTERRUPTIONS:
                raise
            continue
        if count == 0:
            raise OSError(errno.EIO, "nothing could be written")
        done += count
