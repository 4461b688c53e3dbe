"""The map under the paging engine: load a range, let go of a range, never wait for a disk inside a bus error."""

from __future__ import annotations

import errno
import mmap
import os
from types import TracebackType
from typing import Final, NamedTuple

from apbundle.errors import bundle_error
from apbundle.fileio import InputFile
from apbundle.mapping import advice
from apbundle.mapping.advice import PAGE

POPULATE: Final = "populate"
TOUCH: Final = "touch"

_POPULATE_PIECE: Final = 64 << 20  # bytes between two chances to be interrupted
_TOUCH_PIECE: Final = 256 << 10


def map_file(file: InputFile) -> mmap.mmap | None:
    """All of ``file`` mapped read-only; None for an empty one, which cannot be mapped.

    Raises
    ------
    ChangedOnDisk
        When the file is no longer the one that was opened.
    OSError
        When the system refuses, for want of address space for instance.
    """
    file.check_unchanged()
    if file.size == 0:
        return None
    try:
        return mmap.mmap(file.fileno(), file.size, access=mmap.ACCESS_READ)
    except ValueError as error:  # shorter than a moment ago
        file.check_unchanged()
        raise OSError(errno.EINVAL, str(error), file.path) from error


class _Mapping(NamedTuple):
    memory: mmap.mmap | None
    address: int
    view: memoryview


class FileMap:
    """A whole file mapped read-only, of which ranges are loaded and let go explicitly.

    Nothing is in memory at first. Views stay valid for as long as they live, whatever is released or closed: a released
    range is read again when touched. May be used by any number of threads.

    Parameters
    ----------
    file
        The file; it stays the caller's, who keeps it open as long as the map is used.

    Raises
    ------
    ChangedOnDisk, OSError
        When the file cannot be mapped.
    """

    def __init__(self, file: InputFile) -> None:
        self._file: Final = file
        self._populate_mode = POPULATE
        memory = map_file(file)
        address, view = (0, memoryview(b"")) if memory is None else (advice.address_of(memory), memoryview(memory))
        self._mapping: _Mapping | None = _Mapping(memory, address, view)

    @staticmethod
    def supported(file: InputFile) -> bool:
        """Whether mapping ``file`` is a good idea here: on Linux, and not on a network or user-space file system."""
        return advice.is_local(file.fileno())

    @property
    def view(self) -> memoryview:
        """All bytes of the file, read-only. Touching what was not loaded loads it, unguarded."""
        return self._opened().view

    @property
    def size(self) -> int:
        """Bytes mapped: those of the file when it was opened."""
        return self._file.size

    @property
    def populate_mode(self) -> str:
        """How ranges are loaded: ``"populate"`` by one call of the kernel, ``"touch"`` where it has none."""
        return self._populate_mode

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._mapping is None

    def populate(self, offset: int, length: int) -> None:
        """Bring the pages that hold ``length`` bytes from ``offset`` into memory, while other threads run.

        The file is compared with the one that was opened before and after, so that what is then seen in the range was
        read from it whole. A kernel without the call (before Linux 5.14) gets the range read piece by piece and a byte
        of each page touched, see :attr:`populate_mode`; only there a file that is cut short in the instant between
        the two can still end the process.

        Raises
        ------
        ValueError
            When the range is not inside the file.
        ChangedOnDisk
            When the file was cut short, or written to.
        BundleClosed, OSError
        """
        mapping = self._opened()  # held until the end: a concurrent close cannot unmap under the call
        self._check_range(offset, length)
        self._file.check_unchanged()
        begin = offset - offset % PAGE
        for start in range(begin, offset + length if length else begin, _POPULATE_PIECE):
            self._load(mapping, start, min(start + _POPULATE_PIECE, offset + length))
        self._file.check_unchanged()

    def release(self, offset: int, length: int) -> None:
        """Give back the memory of the pages wholly inside the range; the end of the file counts as a page's end.

        The process shrinks at once; the kernel keeps what it likes in its own cache. Nothing happens on a closed map.
        """
        self._check_range(offset, length)
        begin = offset + -offset % PAGE
        end = offset + length
        if end != self.size:
            end -= end % PAGE
        mapping = self._mapping
        if mapping is None or begin >= end:
            return
        try:
            advice.advise(mapping.address + begin, end - begin, advice.DONTNEED)
        except OSError:
            pass  # memory locked by the process stays; to free it was only a wish

    def close(self) -> None:
        """Unmap, at once or when the last view of it is gone. Calling it again does nothing."""
        self._mapping = None

    def __enter__(self) -> FileMap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"FileMap({self._file.path!r}, size={self.size}, populate_mode={self._populate_mode!r}{state})"

    def _opened(self) -> _Mapping:
        mapping = self._mapping
        if mapping is None:
            raise bundle_error("closed", "The map was closed.", path=self._file.path)
        return mapping

    def _check_range(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or length > self.size or offset > self.size - length:
            raise ValueError(f"{length} bytes at {offset} are not inside a map of {self.size}")

    def _load(self, mapping: _Mapping, begin: int, end: int) -> None:
        if self._populate_mode == POPULATE:
            try:
                advice.advise(mapping.address + begin, end - begin, advice.POPULATE_READ)
                return
            except OSError as error:
                if error.errno == errno.EFAULT:  # what would have been a bus error: cut short, or the disk failed
                    self._file.check_unchanged()
                    raise OSError(errno.EIO, os.strerror(errno.EIO), self._file.path) from error
                if error.errno != errno.EINVAL:
                    raise OSError(error.errno, error.strerror, self._file.path) from error
            self._populate_mode = TOUCH
        self._touch(mapping, begin, end)

    def _touch(self, mapping: _Mapping, begin: int, end: int) -> None:
        """Read the range, which may wait and may fail cleanly, then map its pages, which by then are in the cache."""
        scratch = memoryview(bytearray(min(_TOUCH_PIECE, end - begin)))
        for start in range(begin, end, _TOUCH_PIECE):
            stop = min(start + _TOUCH_PIECE, end)
            self._file.read_into(start, scratch[: stop - start])
            mapping.view[start:stop:PAGE].tobytes()
