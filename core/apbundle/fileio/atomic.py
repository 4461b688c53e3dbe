"""The one way a file is written: complete and on the disk under its name, or not at all.

The order of the steps is the point. Everything that can fail happens to a temporary file; the destination changes in
one ``rename``, after the data are known to be on the disk.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NoReturn

from apbundle.errors import bundle_error
from apbundle.fileio.publishing import disk_full_error, publish, sync_directory
from apbundle.fileio.system import O_DIRECTORY, UNSUPPORTED, StrPath, as_bytes, syscalls, write_all
from apbundle.fileio.temporary import Temporary, close_quietly
from apbundle.progress import Reporter


class OutputFile:
    """The temporary file of :func:`write_atomically`, to be filled from byte 0 up to its size in any order.

    Bytes in between that are never written read as zeros; the last byte must be written.
    """

    def __init__(self, descriptor: int, path: str, size: int) -> None:
        self._descriptor = descriptor
        self.path: Final = path
        self.size: Final = size
        self._end = 0

    def __repr__(self) -> str:
        return f"OutputFile({self.path!r}, size={self.size})"

    def fileno(self) -> int:
        """The descriptor, open for reading and writing while ``fill`` and ``check`` run."""
        return self._descriptor

    def write_at(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Write all of ``data`` at byte ``offset``; no copy is made.

        Raises
        ------
        ValueError
            When it does not fit into the announced size.
        OSError
        """
        view = as_bytes(data)
        if offset < 0 or len(view) > self.size or offset > self.size - len(view):
            raise ValueError(f"{len(view)} bytes at {offset} do not fit into a file of {self.size}")
        write_all(self._descriptor, offset, view)
        self._end = max(self._end, offset + len(view))

    def check_complete(self) -> None:
        """Raise if the last byte was not written, or the file system does not agree about the size."""
        if self._end != self.size:
            raise ValueError(f"only {self._end} of {self.size} bytes were written")
        size = syscalls.fstat(self._descriptor).st_size
        if size != self.size:
            raise OSError(errno.EIO, f"{self.size} bytes were written, {size} arrived", self.path)


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where a file goes and what is there now."""

    path: str
    mode: int | None  # permissions of the file that is replaced


def write_atomically(
    target: StrPath,
    *,
    size: int,
    fill: Callable[[OutputFile], None],
    check: Callable[[str], None] | None = None,
    inputs: Iterable[StrPath] = (),
    overwrite: bool = True,
    follow_links: bool = True,
    alone: bool = True,
    reporter: Reporter | None = None,
) -> str:
    """Write a file so that its name always stands for a complete one: the old or the new.

    Parameters
    ----------
    target
        The destination. Missing directories are not made. An existing file keeps its permissions, a new one gets
        those the umask leaves.
    size
        Exact size in bytes; room for it is reserved before anything is copied.
    fill
        Writes the content; reports the phase ``copy`` itself if it wants to.
    check
        Called with the path of the filled temporary file; raises if that is not what it should be.
    inputs
        Files the content is made of: none of them may be the destination, by whatever name.
    overwrite
        Whether an existing file may be replaced. If not, one that appears meanwhile is not replaced either.
    follow_links
        Whether to write through a symbolic link at ``target`` to the file it leads to. If not, symbolic links and
        files with more than one name are refused. Without ``overwrite`` no link is ever followed.
    alone
        Whether to give way to another writer of the same destination. That takes a listing of the directory, too much
        for writing thousands of files; otherwise the last complete file wins. Not used without ``overwrite``.
    reporter
        Told of the phases ``reserve``, ``check`` and ``publish``; can cancel until ``publish`` has begun.

    Returns
    -------
    str
        The absolute path that was written, links resolved.

    Raises
    ------
    DiskFull, DestinationBusy, TargetRefused, Cancelled
        The destination is as it was. If ``left_behind`` is set, it names the finished file that could not be moved.
    DurabilityUnknown
        The new file is in place, but the disk did not confirm that.
    FileExistsError
        ``overwrite`` is false and something is there.
    OSError
        As above: the destination is as it was. Exceptions of ``fill`` and ``check`` pass through likewise.
    """
    report = reporter or Reporter()
    destination = _resolve(target, inputs, overwrite=overwrite, follow_links=follow_links)
    directory = open_directory(os.path.dirname(destination.path))
    try:
        temporary = _write_temporary(destination, directory, size, fill, check, report, alone=overwrite and alone)
        publish(temporary, destination.path, overwrite=overwrite)
        sync_directory(directory, destination.path)
    finally:
        if directory is not None:
            close_quietly(directory)
    return destination.path


def check_destination(
    target: StrPath, *, inputs: Iterable[StrPath] = (), overwrite: bool = True, follow_links: bool = True
) -> str:
    """The absolute path that :func:`write_atomically` would write, refusing what it would refuse.

    For work that is to fail before it begins: the parameters and what is raised are those of the function.
    """
    return _resolve(target, inputs, overwrite=overwrite, follow_links=follow_links).path


def _resolve(target: StrPath, inputs: Iterable[StrPath], *, overwrite: bool, follow_links: bool) -> _Destination:
    given = os.path.abspath(os.fsdecode(target))
    if overwrite and follow_links:
        path = syscalls.realpath(given)
    else:
        path = os.path.join(syscalls.realpath(os.path.dirname(given)), os.path.basename(given))
    try:
        status = syscalls.lstat(path)
    except FileNotFoundError:
        return _Destination(path, None)
    if not overwrite:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    if stat.S_ISLNK(status.st_mode) and follow_links:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    if not stat.S_ISREG(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
        _refuse(path, f"The destination is {kind}.")
    if status.st_nlink > 1 and not follow_links:
        _refuse(path, "The destination has another name as well (a hard link).")
    for source in inputs:
        try:
            other = syscalls.stat(source)
        except FileNotFoundError:
            continue
        if os.path.samestat(status, other):
            _refuse(path, "The destination is one of the inputs.")
    return _Destination(path, stat.S_IMODE(status.st_mode) & 0o777)


def _refuse(path: str, message: str) -> NoReturn:
    raise bundle_error("target_refused", message, path=path, hint="Nothing was changed. Choose another file.")


def open_directory(path: str) -> int | None:
    """The directory, for its lock and its fsync; ``None`` on systems that do not open directories."""
    if not O_DIRECTORY:
        return None
    return syscalls.open(path, os.O_RDONLY | O_DIRECTORY)


def _write_temporary(
    destination: _Destination,
    directory: int | None,
    size: int,
    fill: Callable[[OutputFile], None],
    check: Callable[[str], None] | None,
    report: Reporter,
    *,
    alone: bool,
) -> str:
    """Everything up to the rename: the path of a complete file that is on the disk."""
    # What replaces a private file is private from the start; a new file takes its mode from the umask, in the kernel.
    mode = 0o666 if destination.mode is None else 0o600
    temporary = Temporary(destination.path)
    try:
        descriptor = temporary.claim(directory, mode=mode, alone=alone)
        report.phase("reserve")
        _reserve(descriptor, size)
        output = OutputFile(descriptor, temporary.path, size)
        fill(output)
        report.phase("check")
        output.check_complete()
        if check is not None:
            check(temporary.path)
        if destination.mode is not None:
            _set_mode(descriptor, destination.mode)
        report.phase("publish")
        syscalls.fsync(descriptor)
        temporary.close()
    except BaseException as error:
        disk_full = disk_full_error(error, destination.path, size)
        temporary.discard(disk_full or error)
        if disk_full is not None:
            raise disk_full from error
        raise
    return temporary.path


def _reserve(descriptor: int, size: int) -> None:
    """Take the room now, where the file system can: a disk that is too full is then told before the work."""
    if size == 0:
        return
    try:
        syscalls.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def _set_mode(descriptor: int, mode: int) -> None:
    try:
        syscalls.fchmod(descriptor, mode)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
