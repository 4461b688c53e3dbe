"""Opening a file that may be changed in place: as it was or as it is to be, never in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio.journal import SUFFIX
from apbundle.fileio.locks import ATTEMPTS, busy, lock, lock_patiently, unlock, wait
from apbundle.fileio.reading import InputFile
from apbundle.fileio.rollback import exists, journal_name, journal_of, undone
from apbundle.fileio.system import LOCK_NOW, LOCK_SHARED, StrPath, syscalls

_Read = TypeVar("_Read")


def read_at_rest(path: StrPath, read: Callable[[InputFile], _Read]) -> _Read:
    """Open ``path`` and return what ``read`` makes of the file, which stays open; no change in place runs meanwhile.

    A change whose writer died is undone first.

    Raises
    ------
    DestinationBusy
        Another program has been changing the file for two seconds.
    NotRegularFile, OSError
    """
    text = os.fsdecode(path)
    rolled_back = False
    for remaining in reversed(range(ATTEMPTS)):
        file = InputFile.open(text)
        if rolled_back:
            file.note_rollback()
        journal = None
        try:
            alone = lock(file.fileno(), LOCK_SHARED)
            try:
                name = journal_name(text)
                journal = journal_of(file, name)
                if journal is None and (alone or not remaining):
                    return read(file)
                if journal is None and not exists(name):  # some other program's lock, or a writer about to begin
                    return _read_warily(file, name, read)
            except _Moved:
                pass
            finally:
                if alone:
                    unlock(file.fileno())
            rolled_back = rolled_back or (journal is not None and alone)
            if journal is not None and alone and not undone(text):
                file.close()
                file = InputFile.open(text)  # the attempt may have been made halfway
                file.show_instead(journal.start, journal.old)
                return read(file)
        except BaseException:
            file.close()
            raise
        file.close()
        if not alone:
            wait()
    raise busy(text)


class _Moved(Exception):
    """The file was changed while it was read."""


def _read_warily(file: InputFile, journal: str, read: Callable[[InputFile], _Read]) -> _Read:
    """What ``read`` makes of a file that may be changed meanwhile (raises :class:`_Moved` if it was)."""
    try:
        result = read(file)
    except BundleError as error:
        if exists(journal):
            raise _Moved from error
        raise
    if exists(journal) or not file.identity.matches(syscalls.fstat(file.fileno())):
        raise _Moved
    return result


def open_at_rest(path: StrPath) -> InputFile:
    """Open ``path`` for a map, which shows what is there; otherwise as :func:`read_at_rest`.

    Raises
    ------
    ChangedOnDisk
        A change was interrupted and cannot be undone here.
    """
    file = read_at_rest(path, lambda file: file)
    if file.shows_other_bytes:
        file.close()
        raise bundle_error(
            "changed_on_disk",
            "A change of this file was interrupted, and it cannot be undone where nothing can be written.",
            path=file.path,
            hint=f"Make it writable, or copy it and {os.path.basename(file.path)}{SUFFIX} to where it is.",
        )
    return file


def obstacle(file: InputFile) -> str:
    """Why an open file cannot be changed in place, as half a sentence; empty if nothing speaks against it."""
    if syscalls.fstat(file.fileno()).st_nlink > 1:
        return "the file has another name as well"
    if file.shows_other_bytes:
        return "an earlier change was interrupted and cannot be undone here"
    try:
        syscalls.flock(file.fileno(), LOCK_SHARED | LOCK_NOW)
    except BlockingIOError:
        return ""  # that other writer is told of when it comes to that
    except OSError:
        return "the file system has no locks"
    unlock(file.fileno())
    return ""


@contextmanager
def not_in_place(file: InputFile) -> Iterator[None]:
    """Keep changes in place away from an open file (raises ``DestinationBusy`` if one is under way)."""
    lock_patiently(file.fileno(), LOCK_SHARED, file.path)
    try:
        yield
    finally:
        unlock(file.fileno())
