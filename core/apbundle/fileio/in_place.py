"""Changing a file where it is, so that a reader finds it as it was or as it is to be, whatever interrupts the change.

A journal with the old bytes is on the disk before the first one is written over, and its removal is what makes the
change final. Whoever opens the file and finds a journal that no living writer holds puts the old bytes back; where
nothing can be written, they are shown instead of what is there.

The file itself carries the lock: a writer holds it exclusively from before the journal appears until it is gone, a
reader shares it for as long as it reads what may be changed so.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from apbundle.errors import BundleError, DestinationBusy, bundle_error
from apbundle.fileio.atomic import open_directory
from apbundle.fileio.journal import MAGIC, SUFFIX, Journal
from apbundle.fileio.locks import busy, lock, lock_patiently
from apbundle.fileio.publishing import disk_full_error, sync_directory
from apbundle.fileio.reading import FileIdentity, InputFile
from apbundle.fileio.rollback import CHANGE, exists, put_back
from apbundle.fileio.system import LOCK_EXCLUSIVE, StrPath, read_up_to, syscalls, write_all
from apbundle.fileio.temporary import close_quietly, create_temporary, remove_temporary


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
        descriptor = syscalls.open(real, CHANGE)
        try:
            _claim(descriptor, real, identity)
            journal = Journal.of(identity.size, head, start, new)
            _check_old(descriptor, real, journal)
            mode = stat.S_IMODE(syscalls.fstat(descriptor).st_mode)
            held = _write_journal(journal, real, directory, mode)
            try:
                _change(descriptor, journal, real)
            finally:
                close_quietly(held)
        finally:
            close_quietly(descriptor)
        sync_directory(directory, real)
    finally:
        if directory is not None:
            close_quietly(directory)


def _claim(descriptor: int, path: str, identity: FileIdentity) -> None:
    lock_patiently(descriptor, LOCK_EXCLUSIVE, path, needed=True)  # readers hold theirs for an instant
    if not identity.matches(syscalls.fstat(descriptor)) or not identity.matches(syscalls.lstat(path)):
        raise _changed(path)  # the lock is on the file: another one may have taken its place


def _check_old(descriptor: int, path: str, journal: Journal) -> None:
    """Look once more before the leap."""
    buffer = memoryview(bytearray(journal.covered))
    if read_up_to(descriptor, 0, buffer) != journal.covered:
        raise _changed(path)
    if buffer[journal.start : journal.start + len(journal.old)] != journal.old:
        raise _changed(path)
    if not journal.concerns(journal.file_size, lambda at, size: bytes(buffer[at : at + size])):
        raise _changed(path)
    _clear_the_place(path + SUFFIX, path)


def _clear_the_place(name: str, path: str) -> None:
    """Remove a journal that was never finished, or is of a file that stood here before; nobody else's file."""
    if not exists(name):
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
        if not lock(file.fileno(), LOCK_EXCLUSIVE):
            raise busy(path)
        if file.identity.matches(syscalls.lstat(name)):
            syscalls.unlink(name)


def _write_journal(journal: Journal, path: str, directory: int | None, mode: int) -> int:
    """Put the journal on the disk, under its name; nothing was written over before.

    Returns its descriptor, which holds a lock: as long as it is open, nobody takes the journal for a dead writer's.
    """
    name = path + SUFFIX
    try:
        descriptor = create_temporary(name, 0o600)
    except FileExistsError as error:
        raise busy(path) from error
    except OSError as error:
        _tell_of(error, path)
        raise
    try:
        if not lock(descriptor, LOCK_EXCLUSIVE):
            raise busy(path)
        with suppress(OSError):
            syscalls.fchmod(descriptor, mode)  # whoever may read the file has to be able to undo the change
        write_all(descriptor, 0, memoryview(journal.pack()))
        syscalls.fsync(descriptor)
        if directory is not None:
            syscalls.fsync(directory)
    except BaseException as error:
        close_quietly(descriptor)
        if not isinstance(error, DestinationBusy):
            remove_temporary(name)  # if it stays, it says that nothing changed
        _tell_of(error, path)
        raise
    return descriptor


def _tell_of(error: BaseException, path: str) -> None:
    """Let an error of the journal be one of the file that is to be changed (raises ``DiskFull`` if it is that)."""
    disk_full = disk_full_error(error, path)
    if disk_full is not None:
        raise disk_full from error
    if isinstance(error, OSError):
        error.filename = path


def _change(descriptor: int, journal: Journal, path: str) -> None:
    try:
        write_all(descriptor, journal.start, memoryview(journal.new))
        syscalls.fsync(descriptor)
        with suppress(FileNotFoundError):
            syscalls.unlink(path + SUFFIX)
    except BaseException as error:
        try:
            if exists(path + SUFFIX):  # else the change is final, and something interrupted us after it
                put_back(descriptor, journal, path)
        except OSError:
            _mention(error, "the change was interrupted; it is undone when the bundle is opened next")
        if isinstance(error, OSError):
            error.filename = path
        raise


def _changed(path: str) -> BundleError:
    hint = "Nothing was written. Open it again, then repeat the change."
    return bundle_error("changed_on_disk", "Another program changed the file meanwhile.", path=path, hint=hint)


def _mention(error: BaseException, what: str) -> None:
    if isinstance(error, OSError) and error.strerror:
        error.strerror = f"{error.strerror} ({what})"
    else:
        error.add_note(f"Note: {what}.")
