"""How a finished temporary file becomes the destination, and what is said when the destination will not have it."""

from __future__ import annotations

import errno
import os
from time import sleep as pause
from typing import Final

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio.system import UNSUPPORTED, syscalls
from apbundle.fileio.temporary import close_quietly, remove_temporary
from apbundle.text import format_size

_NO_ROOM: Final = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "The quota is used up",
    errno.EFBIG: "The file system or a limit does not allow files of this size",
}
_IN_USE: Final = {errno.EBUSY, errno.ETXTBSY}
_WINDOWS_IN_USE: Final = {5, 32, 33}
"""Access denied, sharing violation, lock violation: virus scanners hold new files for a moment."""
_REPLACE_ATTEMPTS: Final = 11
_REPLACE_PAUSE: Final = 0.25  # seconds


def publish(temporary: str, path: str, *, overwrite: bool) -> None:
    """Give the finished file its name. If that fails the file is worth keeping."""
    try:
        if overwrite:
            _replace(temporary, path)
        else:
            _link(temporary, path)
    except FileExistsError:
        remove_temporary(temporary)
        raise
    except OSError as error:
        in_use = error.errno in _IN_USE or getattr(error, "winerror", None) in _WINDOWS_IN_USE
        raise disk_full_error(error, path, left_behind=temporary) or bundle_error(
            "destination_busy" if in_use else "target_refused",
            f"The finished file could not be given its name: {error.strerror}.",
            path=path,
            hint="The destination is unchanged.",
            left_behind=temporary,
        ) from error
    except BaseException:
        remove_temporary(temporary)
        raise
    if not overwrite and not remove_temporary(temporary):
        raise bundle_error(
            "durability_unknown",
            "The file is in place, but its temporary name could not be removed.",
            path=path,
            left_behind=temporary,
        )


def _replace(temporary: str, path: str) -> None:
    for remaining in reversed(range(_REPLACE_ATTEMPTS)):
        try:
            syscalls.replace(temporary, path)
            return
        except OSError as error:
            if not remaining or getattr(error, "winerror", None) not in _WINDOWS_IN_USE:
                raise
        pause(_REPLACE_PAUSE)


def _link(temporary: str, path: str) -> None:
    """Publish under a name that must be free at this very moment."""
    try:
        syscalls.link(temporary, path)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        _reserve_name(temporary, path)


def _reserve_name(temporary: str, path: str) -> None:
    """Where there are no hard links: take the name with an empty file, then replace that."""
    close_quietly(syscalls.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | 0o666))
    try:
        _replace(temporary, path)
    except BaseException:
        remove_temporary(path)
        raise


def sync_directory(directory: int | None, path: str) -> None:
    """Make the new name itself durable (raises ``DurabilityUnknown``); ``None`` is for systems that cannot."""
    if directory is None:
        return
    try:
        syscalls.fsync(directory)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            return
        raise bundle_error(
            "durability_unknown",
            f"The file was saved, but the disk did not confirm it: {error.strerror}.",
            path=path,
            hint="The new file is in place; it may be lost if the power fails now.",
        ) from error


def disk_full_error(
    error: BaseException, path: str, size: int | None = None, *, left_behind: str | None = None
) -> BundleError | None:
    """The ``DiskFull`` that ``error`` amounts to when it says that there is no room for ``path``, else ``None``."""
    reason = _NO_ROOM.get(error.errno or 0) if isinstance(error, OSError) else None
    if reason is None:
        return None
    need = "" if size is None else f"; {format_size(size)} are needed"
    hint = "What was there before is untouched."
    return bundle_error("disk_full", f"{reason}{need}.", path=path, hint=hint, left_behind=left_behind)
