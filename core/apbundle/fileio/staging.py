"""A file without a name: room for data whose size is known only at the end, gone when closed or when we are killed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from apbundle.fileio.publishing import disk_full_error
from apbundle.fileio.system import (
    O_BINARY,
    O_TEMPORARY,
    O_TMPFILE,
    StrPath,
    as_bytes,
    read_up_to,
    syscalls,
    write_all,
)
from apbundle.fileio.temporary import close_quietly, create_temporary, remove_temporary, temporary_path


class StagingFile:
    """An anonymous file to write and read back at any position. Made by :func:`staging_file`."""

    def __init__(self, descriptor: int, directory: str) -> None:
        self._descriptor = descriptor
        self.directory: Final = directory

    def __repr__(self) -> str:
        return f"StagingFile(in {self.directory!r})"

    def fileno(self) -> int:
        """The descriptor, valid inside the ``with`` block."""
        return self._descriptor

    def write_at(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Write all of ``data`` at byte ``offset`` (raises ``DiskFull`` or ``OSError``)."""
        try:
            write_all(self._descriptor, offset, as_bytes(data))
        except OSError as error:
            disk_full = disk_full_error(error, self.directory)
            if disk_full is not None:
                raise disk_full from error
            raise

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> None:
        """Fill ``buffer`` with what was written at byte ``offset`` (raises ``OSError``, also if that is less)."""
        view = as_bytes(buffer)
        done = read_up_to(self._descriptor, offset, view)
        if done != len(view):
            raise OSError(errno.EIO, f"{len(view)} bytes were expected at {offset}, {done} are there", self.directory)


@contextmanager
def staging_file(directory: StrPath) -> Iterator[StagingFile]:
    """A :class:`StagingFile` in ``directory``, best the one of the destination: it has the room.

    Raises
    ------
    DiskFull, OSError
    """
    folder = os.fsdecode(directory)
    try:
        descriptor = _open_anonymous(folder)
    except OSError as error:
        disk_full = disk_full_error(error, folder)
        if disk_full is not None:
            raise disk_full from error
        raise
    try:
        yield StagingFile(descriptor, folder)
    finally:
        close_quietly(descriptor)


def _open_anonymous(folder: str) -> int:
    if O_TMPFILE:
        try:
            return syscalls.open(folder, os.O_RDWR | O_TMPFILE | 0o600)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):  # the file system or the kernel has none
                raise
    path = temporary_path(os.path.join(folder, "staging"))
    descriptor = create_temporary(path, 0o600)
    if O_TEMPORARY:  # Windows removes no open file, but one opened like this removes itself
        syscalls.close(descriptor)
        return syscalls.open(path, os.O_RDWR | O_TEMPORARY | O_BINARY)
    try:
        removed = remove_temporary(path)
    except BaseException:
        close_quietly(descriptor)
        raise
    if not removed:
        close_quietly(descriptor)
        raise OSError(errno.EIO, "a temporary file cannot be removed", path)
    return descriptor
