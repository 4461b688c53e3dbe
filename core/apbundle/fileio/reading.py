"""Positional reads that are exact and notice changes.

Reading never trusts that a file stays what it was: each read delivers exactly the bytes asked for or raises, and the
identity taken at opening can be compared again at any time.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from apbundle.errors import bundle_error
from apbundle.fileio.system import (
    O_BINARY,
    O_NOCTTY,
    O_NONBLOCK,
    StrPath,
    as_bytes,
    read_up_to,
    syscalls,
)

PIECE: Final = 4 << 20
"""Bytes a copy handles at a time: written so, a file sits in the page cache in large pages and maps fast."""

_OPEN = os.O_RDONLY | O_NONBLOCK | O_NOCTTY | O_BINARY


class NotRegularFile(OSError):
    """A FIFO, device, socket or directory where a file was expected."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", path)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.filename,)


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells a file from another one, and from itself after a change.

    A rewrite that keeps the size and falls into the same tick of the file system's clock is not seen; digests are for
    that.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileIdentity:
        """The identity in the answer of ``stat``."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def matches(self, status: os.stat_result) -> bool:
        """Whether ``status`` is of the same file, unchanged. Asked at each page-in, so no second identity is made."""
        return (
            self.mtime_ns == status.st_mtime_ns
            and self.size == status.st_size
            and self.inode == status.st_ino
            and self.device == status.st_dev
        )


class _Descriptor:
    """An open descriptor that closes with its last user.

    A reader in another thread keeps it open until its call returns, so that the number is never given to another file
    under it.
    """

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number: Final = number

    def __del__(self) -> None:
        with suppress(OSError):
            syscalls.close(self.number)


class InputFile:
    """A regular file open for reading at any position, by any number of threads.

    The file stays readable when another one takes its name. After a fork both processes may read on. A pickled
    ``InputFile`` opens the same path again and insists on the same content. Dropping the last reference closes it.
    """

    __slots__ = ("_absolute", "_descriptor", "_rolled_back", "_shown", "identity", "path")

    def __init__(self, descriptor: int, path: str, identity: FileIdentity) -> None:
        self._absolute: Final = os.path.abspath(path)
        self.path: Final = path
        self.identity: Final = identity
        self._shown: tuple[int, bytes] | None = None
        self._rolled_back = False
        self._descriptor: _Descriptor | None = _Descriptor(descriptor)  # last: from here on it closes itself

    @classmethod
    def open(cls, path: StrPath) -> InputFile:
        """Open ``path``, following links; never waits and never touches a device.

        Raises
        ------
        NotRegularFile
            For FIFOs, devices, sockets and directories.
        OSError
        """
        text = os.fsdecode(path)
        if not stat.S_ISREG(syscalls.stat(text).st_mode):
            raise NotRegularFile(text)
        descriptor = syscalls.open(text, _OPEN)
        try:
            status = syscalls.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotRegularFile(text)
            return cls(descriptor, text, FileIdentity.of(status))
        except BaseException:
            with suppress(OSError):
                syscalls.close(descriptor)
            raise

    @property
    def size(self) -> int:
        """Bytes in the file when it was opened."""
        return self.identity.size

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._descriptor is None

    @property
    def shows_other_bytes(self) -> bool:
        """Whether :meth:`show_instead` was called."""
        return self._shown is not None

    def show_instead(self, offset: int, data: bytes) -> None:
        """Let reads find ``data`` at ``offset``, whatever the file has there; the file itself stays as it is."""
        self._shown = (offset, data)

    @property
    def was_rolled_back(self) -> bool:
        """Whether an interrupted change of the file was undone when it was opened."""
        return self._rolled_back

    def note_rollback(self) -> None:
        """Remember that an interrupted change was undone to open it."""
        self._rolled_back = True

    def fileno(self) -> int:
        """The descriptor, valid until :meth:`close`."""
        return self._opened().number

    def close(self) -> None:
        """Stop reading; calls that are under way in other threads still finish. Calling it again does nothing."""
        self._descriptor = None

    def __enter__(self) -> InputFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"InputFile({self.path!r}, size={self.size}{', closed' if self.closed else ''})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self._absolute, self.identity)

    def read(self, offset: int, size: int, *, checked: bool = False) -> bytes:
        """The ``size`` bytes from ``offset`` on: exactly those, or an exception.

        ``checked`` also asks :meth:`check_unchanged` before and after, so that what is returned is wholly of the file
        that was opened. Without it a file cut short is still noticed, a file rewritten is not.

        Raises
        ------
        ValueError
            When that range was never inside the file.
        ChangedOnDisk
            When the file ends too early by now, or ``checked`` finds it changed.
        BundleClosed, OSError
        """
        self._check_range(offset, size)
        data = io.BytesIO(bytes(size))  # filled in place and handed out without a copy
        with data.getbuffer() as view:
            self.read_into(offset, view, checked=checked)
        return data.getvalue()

    def read_into(self, offset: int, buffer: bytearray | memoryview, *, checked: bool = False) -> None:
        """Fill all of ``buffer`` from byte ``offset`` on; otherwise as :meth:`read`.

        After an exception the content of ``buffer`` is undefined.
        """
        with as_bytes(buffer) as view:  # let go of even if this raises: what is being traced back may be in a cycle
            self._check_range(offset, len(view))
            descriptor = self._opened()
            if checked:
                self._compare(descriptor)
            try:
                done = read_up_to(descriptor.number, offset, view)
            except OSError as error:
                raise OSError(error.errno, error.strerror, self.path) from error
            if done != len(view):
                end = offset + done
                raise self._changed(f"The file now ends at byte {end}; it had {self.size} bytes.", end)
            if self._shown is not None:
                _show(view, offset, *self._shown)
            if checked:
                self._compare(descriptor)

    def check_unchanged(self) -> None:
        """Raise ``ChangedOnDisk`` unless device, inode, size and modification time are those of the opening.

        A file whose name was taken over by another, or removed, is itself unchanged.
        """
        self._compare(self._opened())

    def _opened(self) -> _Descriptor:
        descriptor = self._descriptor
        if descriptor is None:
            raise bundle_error("closed", "The file was closed.", path=self.path)
        return descriptor

    def _check_range(self, offset: int, size: int) -> None:
        end = self.identity.size - size
        if not 0 <= offset <= end or size < 0:
            raise ValueError(f"{size} bytes at {offset} are not inside a file of {self.size}")

    def _compare(self, descriptor: _Descriptor) -> None:
        status = syscalls.fstat(descriptor.number)
        if not self.identity.matches(status):
            if status.st_size != self.size:
                raise self._changed(f"The file has {status.st_size} bytes now; it had {self.size}.")
            raise self._changed("The file was written to after it was opened.")

    def _changed(self, message: str, offset: int | None = None) -> Exception:
        hint = "Open it again to see what it holds now."
        return bundle_error("changed_on_disk", message, path=self.path, offset=offset, hint=hint)


def _show(view: memoryview, offset: int, start: int, data: bytes) -> None:
    """Put what of ``data``, which belongs at ``start`` of the file, falls into ``view``, which begins at ``offset``."""
    begin, end = max(offset, start), min(offset + len(view), start + len(data))
    if begin < end:
        view[begin - offset : end - offset] = data[begin - start : end - start]


def _reopen(path: str, identity: FileIdentity) -> InputFile:
    file = InputFile.open(path)
    if file.identity != identity:
        file.close()
        raise bundle_error("changed_on_disk", "This is not the file that was open before.", path=path)
    return file
