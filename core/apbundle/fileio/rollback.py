"""Finding the journal of an interrupted change, and undoing the change."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Final

from apbundle.errors import BundleError
from apbundle.fileio.journal import MAX_SIZE, SUFFIX, Journal
from apbundle.fileio.locks import lock
from apbundle.fileio.reading import InputFile, NotRegularFile
from apbundle.fileio.system import (
    LOCK_EXCLUSIVE,
    O_BINARY,
    O_NOCTTY,
    O_NOFOLLOW,
    O_NONBLOCK,
    syscalls,
    write_all,
)
from apbundle.fileio.temporary import close_quietly

CHANGE: Final = os.O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_BINARY
"""How a file is opened to be changed."""
_NOT_HERE: Final = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ETXTBSY}
"""What a place says where the old bytes cannot be put back."""
_NO_JOURNAL: Final = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}


def journal_name(path: str) -> str:
    """The path of the journal of the file at ``path``: beside the file itself, not beside a link to it."""
    try:
        link = stat.S_ISLNK(syscalls.lstat(path).st_mode)
    except FileNotFoundError:  # it was just removed; what is open stays readable
        link = False
    return (syscalls.realpath(path) if link else path) + SUFFIX


def journal_of(file: InputFile, name: str) -> Journal | None:
    """The journal of an open file, if it is there, complete, and this file's."""
    journal = load(name)
    return journal if journal is not None and journal.concerns(file.size, file.read) else None


def load(path: str) -> Journal | None:
    """The journal at ``path``; ``None`` if there is none that is complete."""
    if not exists(path):
        return None
    try:
        with InputFile.open(path) as file:
            return Journal.parse(file.read(0, file.size)) if file.size <= MAX_SIZE else None
    except (FileNotFoundError, NotRegularFile):
        return None
    except BundleError:
        return None  # it was cut short this very moment: its writer is alive, and holds the file's lock


def exists(path: str) -> bool:
    """Whether there is a regular file at ``path``."""
    try:
        status = syscalls.lstat(path)
    except OSError as error:
        if error.errno in _NO_JOURNAL:
            return False
        raise
    return stat.S_ISREG(status.st_mode)


def undone(path: str) -> bool:
    """Undo what a dead writer left; ``False`` if that cannot be done here."""
    real = syscalls.realpath(os.path.abspath(path))
    try:
        descriptor = syscalls.open(real, CHANGE)
    except OSError as error:
        if error.errno in _NOT_HERE:
            return False
        raise
    try:
        if not lock(descriptor, LOCK_EXCLUSIVE):
            return True  # somebody else is at it
        with InputFile.open(real) as file, InputFile.open(real + SUFFIX) as held:
            mine = file.identity.matches(syscalls.fstat(descriptor)) and lock(held.fileno(), LOCK_EXCLUSIVE)
            journal = journal_of(file, real + SUFFIX) if mine else None  # else its writer lives
            if journal is not None:
                put_back(descriptor, journal, real)
    except FileNotFoundError:
        return True  # somebody else was faster
    except OSError as error:
        if error.errno in _NOT_HERE:
            return False  # the folder, say, in which the journal would be removed
        raise
    finally:
        close_quietly(descriptor)
    return True


def put_back(descriptor: int, journal: Journal, path: str) -> None:
    """Write the old bytes over the open file at ``path``, and remove the journal once they are on the disk."""
    write_all(descriptor, journal.start, memoryview(journal.old))
    syscalls.fsync(descriptor)
    with suppress(FileNotFoundError):
        syscalls.unlink(path + SUFFIX)
