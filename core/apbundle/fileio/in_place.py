"""Changing a file where it is, so that a reader finds it as it was or as it is to be, whatever interrupts the change.

A journal with the old bytes is on the disk before the first one is written over, and its removal is what makes the
change final. Whoever opens the file and finds a journal that no living writer holds puts the old bytes back; where
nothing can be written, they are shown instead of what is there.

The file itself carries the lock: a writer holds it exclusively from before the journal appears until it is gone, a
reader shares it for as long as it reads what may be changed so.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import sleep as pause
from typing import Final, TypeVar

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio.atomic import open_directory
from apbundle.fileio.journal import MAGIC, MAX_SIZE, SUFFIX, Journal
from apbundle.fileio.publishing import disk_full_error, sync_directory
from apbundle.fileio.reading import FileIdentity, InputFile, NotRegularFile
from apbundle.fileio.system import (
    LOCK_EXCLUSIVE,
    LOCK_NOW,
    LOCK_SHARED,
    O_BINARY,
    O_NOCTTY,
    O_NOFOLLOW,
    O_NONBLOCK,
    UNLOCK,
    StrPath,
    read_up_to,
    syscalls,
    write_all,
)
from apbundle.fileio.temporary import close_quietly, create_temporary, remove_temporary

_Read = TypeVar("_Read")

_CHANGE: Final = os.O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_BINARY
_ATTEMPTS: Final = 200
_PAUSE: Final = 0.01  # seconds
_NOT_HERE: Final = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ETXTBSY}
"""What a place says where the old bytes cannot be put back."""
_NO_JOURNAL: Final = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}


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
    for remaining in reversed(range(_ATTEMPTS)):
        file = InputFile.open(text)
        journal = None
        try:
            alone = _lock(file.fileno(), LOCK_SHARED)
            try:
                name = _journal_name(text)
                journal = _journal_of(file, name)
                if journal is None and (alone or not remaining):
                    return read(file)
                if journal is None and not _exists(name):  # some other program's lock, or a writer about to begin
                    return _read_warily(file, name, read)
            except _Moved:
                pass
            finally:
                if alone:
                    _unlock(file.fileno())
            if journal is not None and alone and not _undone(text):
                file.close()
                file = InputFile.open(text)  # the attempt may have been made halfway
                file.show_instead(journal.start, journal.old)
                return read(file)
        except BaseException:
            file.close()
            raise
        file.close()
        if not alone:
            pause(_PAUSE)
    raise _busy(text)


class _Moved(Exception):
    """The file was changed while it was read."""


def _read_warily(file: InputFile, journal: str, read: Callable[[InputFile], _Read]) -> _Read:
    """What ``read`` makes of a file that may be changed meanwhile (raises :class:`_Moved` if it was)."""
    try:
        result = read(file)
    except BundleError as error:
        if _exists(journal):
            raise _Moved from error
        raise
    if _exists(journal) or not file.identity.matches(syscalls.fstat(file.fileno())):
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
    _unlock(file.fileno())
    return ""


@contextmanager
def not_in_place(file: InputFile) -> Iterator[None]:
    """Keep changes in place away from an open file (raises ``DestinationBusy`` if one is under way)."""
    for _ in range(_ATTEMPTS):
        if _lock(file.fileno(), LOCK_SHARED):
            break
        pause(_PAUSE)
    else:
        raise _busy(file.path)
    try:
        yield
    finally:
        _unlock(file.fileno())


def overwrite_in_place(path: StrPath, identity: FileIdentity, head: bytes, start: int, new: bytes) -> None:
    """Write ``new`` at byte ``start`` of a file, as a whole or not at all.

    Parameters
    ----------
    identity
        The file that is meant, as it was when the change was worked out.
    head
        The beginning of that file; the change lies inside it.

    Raises
    ------
    ChangedOnDisk
        The file is another one by now.
    DestinationBusy
        Another program is changing it.
    DiskFull
        There is no room for the journal.
    DurabilityUnknown
        The change is made, but the disk did not confirm it.
    OSError
        The file is as it was; if that cannot be brought about now, the error says so, and opening the file does it.
    """
    real = syscalls.realpath(os.path.abspath(os.fsdecode(path)))
    directory = open_directory(os.path.dirname(real))
    try:
        descriptor = syscalls.open(real, _CHANGE)
        try:
            _claim(descriptor, real, identity)
            journal = Journal.of(identity.size, head, start, new)
            _check_old(descriptor, real, journal)
            mode = stat.S_IMODE(syscalls.fstat(descriptor).st_mode)
            _write_journal(journal, real, directory, mode)
            _change(descriptor, journal, real)
        finally:
            close_quietly(descriptor)
        sync_directory(directory, real)
    finally:
        if directory is not None:
            close_quietly(directory)


def _claim(descriptor: int, path: str, identity: FileIdentity) -> None:
    for _ in range(_ATTEMPTS):  # readers hold their lock for an instant
        if _lock(descriptor, LOCK_EXCLUSIVE):
            break
        pause(_PAUSE)
    else:
        raise _busy(path)
    if not identity.matches(syscalls.fstat(descriptor)):
        raise _changed(path)


def _check_old(descriptor: int, path: str, journal: Journal) -> None:
    """Look once more before the leap."""
    buffer = memoryview(bytearray(journal.covered))
    if read_up_to(descriptor, 0, buffer) != journal.covered:
        raise _changed(path)
    if buffer[journal.start : journal.start + len(journal.old)] != journal.old:
        raise _changed(path)
    if not journal.concerns(journal.file_size, lambda at, size: bytes(buffer[at : at + size])):
        raise _changed(path)
    _clear_the_place(path + SUFFIX)


def _clear_the_place(name: str) -> None:
    """Remove a journal that was never finished, or is of a file that stood here before; nobody else's file."""
    if not _exists(name):
        return
    with InputFile.open(name) as file:
        begin = file.read(0, min(file.size, len(MAGIC)))
    if not MAGIC.startswith(begin):
        raise bundle_error(
            "target_refused",
            "A file of another program stands where the journal would be.",
            path=name,
            hint="Nothing was changed. Move it away, then try again.",
        )
    syscalls.unlink(name)


def _write_journal(journal: Journal, path: str, directory: int | None, mode: int) -> None:
    """Put the journal on the disk, under its name; nothing was written over before."""
    name = path + SUFFIX
    created = False
    try:
        descriptor = create_temporary(name, 0o600)
        created = True
        try:
            with suppress(OSError):
                syscalls.fchmod(descriptor, mode)  # whoever may read the file has to be able to undo the change
            write_all(descriptor, 0, memoryview(journal.pack()))
            syscalls.fsync(descriptor)
        finally:
            close_quietly(descriptor)
        _sync(directory)
    except BaseException as error:
        if created:
            remove_temporary(name)  # if it stays, it says that nothing changed
        disk_full = disk_full_error(error, path)
        if disk_full is not None:
            raise disk_full from error
        if isinstance(error, OSError):
            error.filename = path
        raise


def _change(descriptor: int, journal: Journal, path: str) -> None:
    try:
        write_all(descriptor, journal.start, memoryview(journal.new))
        syscalls.fsync(descriptor)
        with suppress(FileNotFoundError):
            syscalls.unlink(path + SUFFIX)
    except BaseException as error:
        try:
            if _exists(path + SUFFIX):  # else the change is final, and something interrupted us after it
                _put_back(descriptor, journal, path)
        except OSError:
            _mention(error, "the change was interrupted; it is undone when the bundle is opened next")
        if isinstance(error, OSError):
            error.filename = path
        raise


def _put_back(descriptor: int, journal: Journal, path: str) -> None:
    write_all(descriptor, journal.start, memoryview(journal.old))
    syscalls.fsync(descriptor)
    with suppress(FileNotFoundError):
        syscalls.unlink(path + SUFFIX)


def _undone(path: str) -> bool:
    """Undo what a dead writer left; ``False`` if that cannot be done here."""
    real = syscalls.realpath(os.path.abspath(path))
    try:
        descriptor = syscalls.open(real, _CHANGE)
    except OSError as error:
        if error.errno in _NOT_HERE:
            return False
        raise
    try:
        if not _lock(descriptor, LOCK_EXCLUSIVE):
            return True  # somebody else is at it
        with InputFile.open(real) as file:
            journal = _journal_of(file, real + SUFFIX)
        if journal is not None:
            _put_back(descriptor, journal, real)
    except OSError as error:
        if error.errno in _NOT_HERE:
            return False  # the folder, say, in which the journal would be removed
        raise
    finally:
        close_quietly(descriptor)
    return True


def _journal_name(path: str) -> str:
    """The path of the journal of the file at ``path``: beside the file itself, not beside a link to it."""
    try:
        link = stat.S_ISLNK(syscalls.lstat(path).st_mode)
    except FileNotFoundError:  # it was just removed; what is open stays readable
        link = False
    return (syscalls.realpath(path) if link else path) + SUFFIX


def _journal_of(file: InputFile, name: str) -> Journal | None:
    """The journal of an open file, if it is there, complete, and this file's."""
    journal = _load(name)
    return journal if journal is not None and journal.concerns(file.size, file.read) else None


def _load(path: str) -> Journal | None:
    if not _exists(path):
        return None
    try:
        with InputFile.open(path) as file:
            return Journal.parse(file.read(0, file.size)) if file.size <= MAX_SIZE else None
    except (FileNotFoundError, NotRegularFile):
        return None
    except BundleError:
        return None  # it was cut short this very moment: its writer is alive, and holds the file's lock


def _exists(path: str) -> bool:
    try:
        status = syscalls.lstat(path)
    except OSError as error:
        if error.errno in _NO_JOURNAL:
            return False
        raise
    return stat.S_ISREG(status.st_mode)


def _lock(descriptor: int, kind: int) -> bool:
    """Whether nobody else holds a lock that excludes this one; where there are no locks, nobody does."""
    try:
        syscalls.flock(descriptor, kind | LOCK_NOW)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _unlock(descriptor: int) -> None:
    with suppress(OSError):
        syscalls.flock(descriptor, UNLOCK)


def _sync(directory: int | None) -> None:
    if directory is not None:
        syscalls.fsync(directory)


def _busy(path: str) -> BundleError:
    hint = "Nothing was changed. Try again when it has finished."
    return bundle_error("destination_busy", "Another program is changing this file.", path=path, hint=hint)


def _changed(path: str) -> BundleError:
    hint = "Nothing was written. Open it again, then repeat the change."
    return bundle_error("changed_on_disk", "Another program changed the file meanwhile.", path=path, hint=hint)


def _mention(error: BaseException, what: str) -> None:
    if isinstance(error, OSError) and error.strerror:
        error.strerror = f"{error.strerror} ({what})"
    else:
        error.add_note(f"Note: {what}.")
