"""Advisory locks on files, taken without waiting long: who changes a file in place keeps readers out for an instant."""

from __future__ import annotations

from contextlib import suppress
from time import sleep as pause
from typing import Final

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio.system import LOCK_NOW, UNLOCK, syscalls

ATTEMPTS: Final = 200
"""How often a lock is tried before another program counts as busy: for two seconds."""
_PAUSE: Final = 0.01  # seconds


def lock(descriptor: int, kind: int, *, needed: bool = False) -> bool:
    """Take a lock; whether nobody else holds one that excludes it.

    Where there are no locks nobody does, unless the lock is ``needed``: then the failure is raised.
    """
    try:
        syscalls.flock(descriptor, kind | LOCK_NOW)
    except BlockingIOError:
        return False
    except OSError:
        if needed:
            raise
    return True


def wait() -> None:
    """Give another program time before the next attempt."""
    pause(_PAUSE)


def lock_patiently(descriptor: int, kind: int, path: str, *, needed: bool = False) -> None:
    """Lock the file at ``path`` as soon as nobody else holds it (raises ``DestinationBusy`` after two seconds)."""
    for _ in range(ATTEMPTS):
        if lock(descriptor, kind, needed=needed):
            return
        wait()
    raise busy(path)


def unlock(descriptor: int) -> None:
    """Let go of the lock that this descriptor holds, if it does."""
    with suppress(OSError):
        syscalls.flock(descriptor, UNLOCK)


def busy(path: str) -> BundleError:
    """What is said when another program does not let go."""
    hint = "Nothing was changed. Try again when it has finished."
    return bundle_error("destination_busy", "Another program is changing this file.", path=path, hint=hint)
