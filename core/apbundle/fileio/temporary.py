"""Temporary files beside their destination, each of which is the lock of the write it belongs to.

A write to ``model.apbundle`` goes to ``.model.apbundle.<random>.part`` and holds an exclusive ``flock`` on it until it
is done. A second writer finds a locked file of that name and gives way; the file of a writer that was killed is not
locked any more. So there is no lock file that could be left behind, and "is anybody writing this?" and "is this
leftover dead?" are one question. Looking and creating must not interleave with another writer's: that takes a lock on
the directory, held for microseconds. If some other program keeps the directory locked, two writers that start in the
same instant may both give way, which is safe.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio.system import (
    LOCK_EXCLUSIVE,
    LOCK_NOW,
    LOCK_SHARED,
    O_BINARY,
    O_NOFOLLOW,
    O_NONBLOCK,
    UNLOCK,
    StrPath,
    syscalls,
)

STALE_AGE: Final = 24 * 60 * 60
"""Seconds after which a temporary file nobody writes to is offered for removal."""

_MAX_STEM = 180  # bytes: with what is added, below the 255 a file name may have
_PART = re.compile(r"\..+\.[0-9a-f]{16}\.part", re.DOTALL)
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | O_NOFOLLOW | O_BINARY
_PROBE = os.O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_BINARY
_TURN_ATTEMPTS = 100
_TURN_PAUSE = 0.01  # seconds


def temporary_prefix(target: str) -> str:
    """How the names of all temporary files of ``target`` begin, without their directory."""
    name = os.path.basename(target)
    if len(os.fsencode(name)) > _MAX_STEM:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        while len(os.fsencode(name)) > _MAX_STEM - 17:
            name = name[:-1]
        name = f"{name}~{digest}"
    return f".{name}."


def temporary_path(target: str) -> str:
    """A fresh name for a temporary file beside ``target``."""
    return os.path.join(os.path.dirname(target), f"{temporary_prefix(target)}{secrets.token_hex(8)}.part")


def create_temporary(path: str, mode: int) -> int:
    """Create the file ``path``, which must not exist; a descriptor open for reading and writing."""
    return syscalls.open(path, _CREATE, mode)


class Temporary:
    """The temporary file of one write to ``target``: nothing on the disk until it is claimed."""

    def __init__(self, target: str) -> None:
        self.target: Final = target
        self.path: Final = temporary_path(target)
        self._descriptor: int | None = None
        self._created = False

    def claim(self, directory: int | None, *, mode: int, alone: bool) -> int:
        """Create and lock the file.

        Parameters
        ----------
        directory
            Descriptor of its directory, or ``None`` where directories cannot be opened.
        mode
            Permissions of the file before the umask.
        alone
            Whether to give way to another writer of the same destination.

        Returns
        -------
        int
            A descriptor open for reading and writing, valid until :meth:`close` or :meth:`discard`.

        Raises
        ------
        DestinationBusy
            Another writer is at work on the destination.
        OSError
        """
        with _turn(directory):
            try:
                descriptor = self._descriptor = create_temporary(self.path, mode)
            except OSError as error:
                error.filename = self.target  # nobody but us knows the other name
                raise
            self._created = True
            _lock(descriptor)
            if alone and _has_rival(self.path, temporary_prefix(self.target)):
                raise bundle_error(
                    "destination_busy",
                    "Another program is writing this file.",
                    path=self.target,
                    hint="Nothing was changed. Try again when it has finished.",
                )
        return descriptor

    def close(self) -> None:
        """Let go of the file and its lock (raises ``OSError``: some file systems report lost writes only now)."""
        descriptor, self._descriptor = self._descriptor, None  # the number is gone even if closing fails
        if descriptor is not None:
            syscalls.close(descriptor)

    def discard(self, error: BaseException) -> None:
        """Remove the file because of ``error``, which is made to say so if that fails."""
        if self._descriptor is not None:
            close_quietly(self._descriptor)
        if not self._created and isinstance(error, FileExistsError):
            return  # against all odds somebody else's file has this name
        if not remove_temporary(self.path) and self._created:
            _mention_remains(error, self.path)


def remove_temporary(path: str) -> bool:
    """Remove a temporary file; whether it is gone. A second attempt is made, never an exception."""
    for _ in range(2):
        try:
            syscalls.unlink(path)
        except FileNotFoundError:
            return True
        except OSError:
            continue
        return True
    return False


def close_quietly(descriptor: int) -> None:
    """Close a descriptor whose content does not matter any more."""
    with suppress(OSError):
        syscalls.close(descriptor)


def stale_parts(directory: StrPath, *, min_age: float = STALE_AGE) -> list[str]:
    """Temporary files in ``directory`` that no writer holds and nobody has touched for ``min_age`` seconds.

    They are what killed writers left, and finished files that could not be moved to their place: show them and ask
    before :func:`remove_stale_part`.

    Raises
    ------
    OSError
        When the directory cannot be listed.
    """
    folder = os.fspath(directory)
    paths = (os.path.join(folder, name) for name in sorted(syscalls.listdir(folder)) if _PART.fullmatch(name))
    return [path for path in paths if _is_stale(path, min_age)]


def remove_stale_part(path: StrPath, *, min_age: float = STALE_AGE) -> bool:
    """Remove one file that :func:`stale_parts` listed; ``False`` if it is not stale (any more) or will not go."""
    text = os.fspath(path)
    return bool(_PART.fullmatch(os.path.basename(text))) and _is_stale(text, min_age) and remove_temporary(text)


def _is_stale(path: str, min_age: float) -> bool:
    try:
        status = syscalls.lstat(path)
    except OSError:
        return False
    old = time.time() - status.st_mtime >= min_age
    return old and stat.S_ISREG(status.st_mode) and not _is_locked(path)


def _has_rival(own_path: str, prefix: str) -> bool:
    folder, own_name = os.path.split(own_path)
    return any(
        name.startswith(prefix)
        and name != own_name
        and _PART.fullmatch(name)
        and _is_locked(os.path.join(folder, name))
        for name in syscalls.listdir(folder)
    )


def _is_locked(path: str) -> bool:
    """Whether a living writer holds ``path``. What cannot be opened or locked is nobody's, as far as we can know."""
    try:
        descriptor = syscalls.open(path, _PROBE)
    except OSError:
        return False
    try:
        syscalls.flock(descriptor, LOCK_SHARED | LOCK_NOW)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        close_quietly(descriptor)
    return False


def _lock(descriptor: int) -> None:
    """Lock a file of our own. Without locks (some network file systems) the last complete write wins."""
    with suppress(OSError):
        syscalls.flock(descriptor, LOCK_EXCLUSIVE)  # waits at most for another's probe


@contextmanager
def _turn(directory: int | None) -> Iterator[None]:
    """Be the only writer that looks around in this directory, as far as the file system can promise that."""
    held = directory is not None and _take_turn(directory)
    try:
        yield
    finally:
        if held and directory is not None:
            with suppress(OSError):
                syscalls.flock(directory, UNLOCK)


def _take_turn(directory: int) -> bool:
    for _ in range(_TURN_ATTEMPTS):
        try:
            syscalls.flock(directory, LOCK_EXCLUSIVE | LOCK_NOW)
        except BlockingIOError:
            time.sleep(_TURN_PAUSE)
        except OSError as error:
            if error.errno != errno.EINTR:
                return False
        else:
            return True
    return False


def _mention_remains(error: BaseException, path: str) -> None:
    remains = f"the incomplete file {path} could not be removed"
    if isinstance(error, BundleError):
        error.hint = f"{error.hint} Note: {remains}." if error.hint else f"Note: {remains}."
    elif isinstance(error, OSError) and error.strerror:
        error.strerror = f"{error.strerror} ({remains})"
    else:
        error.add_note(f"Note: {remains}.")
