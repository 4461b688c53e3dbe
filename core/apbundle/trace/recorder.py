"""Writing a recording: one system call an operation that loads or evicts, one for thousands of hits.

What an observer must do, and what a recording promises: it is quick, it never raises into the program it watches, and
what it has written survives the death of that program at any moment.
"""

from __future__ import annotations

import os
import stat
import sys
import time
import warnings
from array import array
from typing import Final

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import StrPath
from apbundle.trace.records import (
    ERROR_NUMBERS,
    EVICT_CAUSES,
    IDS_PER_SLOT,
    LOAD_CAUSES,
    MAGIC,
    NONE,
    PAGE_SLOTS,
    PIN_CAUSES,
    RECORD,
    SLOT,
    SYSTEM_ERROR,
    TOTALS_SLOTS,
    Kind,
    RecordingHeader,
    Totals,
)

try:
    import fcntl
except ImportError:  # Windows: readers cannot tell there whether the writer lives
    fcntl = None  # type: ignore[assignment]

_BUFFERED = 64 * 1024
_ATTEMPTS = 1000  # to take a lock that a reader may hold, for microseconds


class RecordingWriter:
    """Tells a file what a pager does; an :class:`apbundle.paging.observer.Observer`.

    Everything is called from one thread at a time. When the file cannot be written any more, the writer warns once and
    falls silent. Made by :meth:`create`.
    """

    def __init__(self, descriptor: int, path: str, header: bytes) -> None:
        self._descriptor: int | None = descriptor
        self._path: Final = path
        self._start: Final = time.monotonic_ns()
        self._totals: Final = Totals()
        self._slot = 0  # slots written since the header
        self._news: str | None = None  # for announce
        self._buffer = bytearray(header)
        self.flush()

    @classmethod
    def create(cls, path: StrPath, header: RecordingHeader) -> RecordingWriter:
        """Begin a recording at ``path``; an earlier recording there is replaced, and whoever follows it sees that.

        Raises
        ------
        TargetRefused
            Something else than a recording is there.
        DestinationBusy
            Another process is recording there.
        OSError
            The file cannot be created.
        """
        target = os.path.abspath(os.fsdecode(path))
        _remove_recording(target)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(target, flags | getattr(os, "O_BINARY", 0), 0o666)
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # held as long as this process lives: readers ask for it
            except OSError:
                pass  # a file system without locks: readers take the writer for alive
        if os.name == "posix" and not os.fstat(descriptor).st_nlink:
            os.close(descriptor)
            raise _busy(target)  # another process began here in the same moment, and took this for an old recording
        return cls(descriptor, target, header.to_bytes())

    @property
    def path(self) -> str:
        """Where the recording is."""
        return self._path

    @property
    def failed(self) -> bool:
        """Whether nothing more is written, closed or not."""
        return self._descriptor is None

    def hits(self, units: list[int]) -> None:
        """Record accesses that found their units resident, oldest first."""
        ids = array("I", units)
        if sys.byteorder == "big":
            ids.byteswap()
        begin = 0
        while begin < len(ids):
            room = self._page_room(2) - 1
            batch = ids[begin : begin + room * IDS_PER_SLOT]
            slots = -(-len(batch) // IDS_PER_SLOT)
            self._record(Kind.HIT, size=len(batch), follow=slots)
            self._buffer += batch.tobytes().ljust(slots * SLOT, b"\0")
            self._slot += slots
            self._totals.events += len(batch)
            self._totals.hits += len(batch)
            begin += len(batch)
        if len(self._buffer) > _BUFFERED:
            self.flush()

    def loaded(self, unit: int, size: int, cause: str, latency: int) -> None:
        """Record a miss, or a prefetch when the cause is not ``demand``."""
        missed = cause == "demand"
        self._event(Kind.MISS if missed else Kind.PREFETCH, LOAD_CAUSES[cause], unit, size, latency=latency)
        self._totals.misses += missed
        self._totals.prefetches += not missed
        self._totals.bytes_loaded += size
        self._totals.memory_used += size

    def evicted(self, unit: int, size: int, cause: str, needed_by: int | None) -> None:
        """Record that a unit left."""
        self._event(Kind.EVICT, EVICT_CAUSES[cause], unit, size, other=NONE if needed_by is None else needed_by)
        self._totals.evictions += 1
        self._totals.memory_used -= size

    def prefetch_used(self, unit: int, size: int) -> None:
        """Record the first access to a unit loaded ahead."""
        self._event(Kind.PREFETCH_USED, 0, unit, size)

    def load_failed(self, unit: int, cause: str, error: Exception, latency: int) -> None:
        """Record that a load raised."""
        number = 0
        if isinstance(error, BundleError):
            number = ERROR_NUMBERS.get(error.code, 0)
        elif isinstance(error, OSError) and isinstance(error.errno, int) and 0 <= error.errno < SYSTEM_ERROR:
            number = SYSTEM_ERROR + error.errno
        self._event(Kind.ERROR, LOAD_CAUSES[cause], unit, 0, other=number, latency=latency)

    def cleared(self, size: int) -> None:
        """Record that all units left at once."""
        self._event(Kind.CLEAR, 0, NONE, size)
        self._totals.memory_used = 0

    def resized(self, limit: int) -> None:
        """Record a new limit."""
        self._event(Kind.RESIZE, 0, NONE, limit)

    def pinned(self, unit: int, size: int) -> None:
        """Record that a unit stays."""
        self._event(Kind.PIN, PIN_CAUSES["pin"], unit, size)

    def unpinned(self, unit: int, size: int) -> None:
        """Record that a unit may leave again."""
        self._event(Kind.PIN, PIN_CAUSES["unpin"], unit, size)

    def announce(self) -> None:
        """Warn, if there was a reason to since the last call."""
        news, self._news = self._news, None
        if news is not None:
            _warn(news)

    def flush(self) -> None:
        """Write what is buffered."""
        descriptor = self._descriptor
        if descriptor is None:
            self._buffer.clear()
            return
        try:
            while self._buffer:
                del self._buffer[: os.write(descriptor, self._buffer)]
        except OSError as error:
            self.abandon()
            self._news = f"Recording to {self._path} stopped: {error.strerror or error}."

    def close(self) -> None:
        """Write the end record and close the file."""
        if self._descriptor is not None:
            self._page_room(1)
            self._record(Kind.END)
            self.flush()
        self.abandon()

    def abandon(self) -> None:
        """Close the file as it is, as the death of this process would."""
        descriptor, self._descriptor = self._descriptor, None
        self._buffer.clear()
        if descriptor is not None:
            try:
                os.close(descriptor)
            except OSError:
                pass  # what was lost was written before; there is nobody to tell

    def __del__(self) -> None:
        self.abandon()

    def _event(self, kind: Kind, cause: int, unit: int, size: int, other: int = NONE, latency: int = 0) -> None:
        self._page_room(1)
        self._record(kind, cause, unit, size, other, latency)
        self._totals.events += 1

    def _page_room(self, needed: int) -> int:
        """Slots left in the page, at least ``needed``: the rest of a fuller one is passed over."""
        room = PAGE_SLOTS - self._slot % PAGE_SLOTS
        if room < needed:
            self._record(Kind.PAD)
            room = PAGE_SLOTS
        if room == PAGE_SLOTS:
            self._record(Kind.TOTALS, follow=TOTALS_SLOTS)
            self._buffer += self._totals.pack()
            self._slot += TOTALS_SLOTS
            room -= 1 + TOTALS_SLOTS
        return room

    def _record(
        self,
        kind: Kind,
        cause: int = 0,
        unit: int = NONE,
        size: int = 0,
        other: int = NONE,
        latency: int = 0,
        follow: int = 0,
    ) -> None:
        now = time.monotonic_ns() - self._start
        self._buffer += RECORD.pack(now, unit, kind, cause, follow, size, other, latency)
        self._slot += 1


def start_recording(path: StrPath, header: RecordingHeader) -> RecordingWriter | None:
    """A recording at ``path``, or a warning and ``None`` if there can be none: the program goes on either way."""
    try:
        return RecordingWriter.create(path, header)
    except (BundleError, OSError) as error:
        _warn(f"Not recording to {os.fsdecode(path)}: {error}")
        return None


def _remove_recording(target: str) -> None:
    """Make room for a new recording.

    Another inode, not the old one cut short: who reads the old one must not see the two mixed.
    """
    try:
        descriptor = os.open(target, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not MAGIC.startswith(os.read(descriptor, len(MAGIC))):
            raise bundle_error(
                "target_refused",
                "This is not a recording and is not overwritten by one.",
                path=target,
                hint="Choose another path.",
            )
        if not _lock(descriptor):
            raise _busy(target)
        if not os.path.samestat(status, os.stat(target)):
            raise _busy(target)  # someone replaced it meanwhile
        if fcntl is not None:
            os.unlink(target)  # the lock is still held: who has created it, but not locked it yet, will see it gone
    except FileNotFoundError:
        pass  # someone else removed it
    finally:
        os.close(descriptor)
    if fcntl is None:  # Windows removes no open file, and so none that is still recorded to
        os.unlink(target)


def _lock(descriptor: int) -> bool:
    """Take the lock of an old recording, so that one process alone replaces it; ``False`` if another holds it."""
    if fcntl is None:
        return True
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError:
            pass  # a file system without locks
        return True
    return False


def _busy(target: str) -> BundleError:
    return bundle_error(
        "destination_busy", "Another process is recording here.", path=target, hint="Choose another path."
    )


def _warn(message: str) -> None:
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=3)
    except Exception:
        pass  # warnings were made errors, or are shown by what fails: no reason to stop the program that is watched
