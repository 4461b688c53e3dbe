"""Writing a recording: one system call an operation that loads or evicts, one for thousands of hits.

What an observer must do, and what a recording promises: it is quick, it never raises into the program it watches, and
what it has written survives the death of that program at any moment.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, TypeAlias

from apbundle.errors import BundleError
from apbundle.fileio import StrPath, syscalls
from apbundle.fileio.system import write_all
from apbundle.fileio.temporary import close_quietly
from apbundle.trace.destination import create_recording_file
from apbundle.trace.notice import warn
from apbundle.trace.records import (
    ERROR_NUMBERS,
    EVICT_CAUSES,
    IDS_PER_SLOT,
    LOAD_CAUSES,
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
from apbundle.trace.units import MAX_SIZE, MAX_UNITS

NewUnits: TypeAlias = Callable[[int], Iterable[tuple[int, int, int, int]]]
"""Tells, from a number on, which units there are now: model, bytes of a page, number of the first, how many pages."""

_BUFFERED: Final = 16 * 1024  # bytes: a full batch of hits does not wait for the next


class RecordingWriter:
    """Tells a file what a pager does; an :class:`apbundle.paging.observer.Observer`.

    Everything but :meth:`announce` is called from one thread at a time. When the file cannot be written any more, the
    writer falls silent, and warns once when it is asked to announce. Made by :meth:`create`.
    """

    def __init__(self, descriptor: int, path: str, size: int, known: int, new_units: NewUnits) -> None:
        self._descriptor: int | None = descriptor
        self._known = known  # units that the file tells of
        self._new_units: Final = new_units
        self._path: Final = path
        self._start: Final = time.monotonic_ns()
        self._totals: Final = Totals()
        self._size = size  # bytes of the file
        self._slot = 0  # slots since the header
        self._buffer = bytearray()
        self._news: list[str] = []  # what there is to announce
        _writers[id(self)] = self

    @classmethod
    def create(cls, path: StrPath, header: RecordingHeader, new_units: NewUnits = lambda known: ()) -> RecordingWriter:
        """Begin a recording at ``path``; an earlier recording there is replaced, and whoever follows it sees that.

        Parameters
        ----------
        new_units
            Is asked when something happens to a unit that neither the header nor an earlier answer told of.

        Raises
        ------
        TargetRefused
            Something else than a recording is there.
        DestinationBusy
            Something is being recorded there, by this process or another.
        LimitExceeded
            The header is too long.
        OSError
            The file cannot be created or written.
        """
        target, begin = os.path.abspath(os.fsdecode(path)), header.to_bytes()
        try:
            descriptor = create_recording_file(target, begin)
        except BundleError as error:
            if error.code == "destination_busy" and _is_written_here(target):
                error.message = "This process is recording here already."
            raise
        return cls(descriptor, target, len(begin), len(header.units), new_units)

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
        if self._descriptor is None:
            return
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
        if unit >= self._known:
            self._announce_units()
        missed = cause == "demand"
        self._event(Kind.MISS if missed else Kind.PREFETCH, LOAD_CAUSES[cause], unit, size, latency=latency)
        self._totals.misses += missed
        self._totals.prefetches += not missed
        self._totals.bytes_loaded += size
        self._totals.memory_used += size

    def evicted(self, unit: int, size: int, cause: str, needed_by: int | None) -> None:
        """Record that a unit left."""
        if needed_by is not None and needed_by >= self._known:
            self._announce_units()
        self._event(Kind.EVICT, EVICT_CAUSES[cause], unit, size, other=NONE if needed_by is None else needed_by)
        self._totals.evictions += 1
        self._totals.memory_used -= size

    def prefetch_used(self, unit: int, size: int) -> None:
        """Record the first access to a unit loaded ahead."""
        self._event(Kind.PREFETCH_USED, 0, unit, size)

    def load_failed(self, unit: int, cause: str, error: Exception, latency: int) -> None:
        """Record that a load raised."""
        if unit >= self._known:
            self._announce_units()
        number = 0
        if isinstance(error, BundleError):
            number = ERROR_NUMBERS.get(error.code, 0)
        elif isinstance(error, OSError) and isinstance(error.errno, int) and 0 <= error.errno < SYSTEM_ERROR:
            number = SYSTEM_ERROR + error.errno
        self._event(Kind.ERROR, LOAD_CAUSES[cause], unit, 0, other=number, latency=latency)

    def cleared(self, size: int) -> None:
        """Record that units left at once, all that may leave, of ``size`` bytes together."""
        self._event(Kind.CLEAR, 0, NONE, size)
        self._totals.memory_used -= size

    def resized(self, limit: int) -> None:
        """Record a new limit."""
        self._event(Kind.RESIZE, 0, NONE, min(limit, MAX_SIZE))

    def pinned(self, unit: int, size: int) -> None:
        """Record that a unit stays in memory."""
        self._event(Kind.PIN, PIN_CAUSES["pin"], unit, size)

    def unpinned(self, unit: int, size: int) -> None:
        """Record that a unit may leave again."""
        self._event(Kind.PIN, PIN_CAUSES["unpin"], unit, size)

    def flush(self) -> None:
        """Write what is buffered."""
        if self._descriptor is None or not self._buffer:
            return
        data = bytes(self._buffer)
        try:
            write_all(self._descriptor, self._size, memoryview(data))
        except OSError as error:
            self._news.append(f"Recording to {self._path} stopped: {error.strerror or error}.")
            self.abandon()
        # After an interruption (Ctrl+C) nothing has changed: the same is written to the same place again.
        self._size, self._buffer = self._size + len(data), bytearray()

    def close(self) -> None:
        """Write the end record and close the file."""
        if self._descriptor is not None:
            self._page_room(1)
            self._record(Kind.END)
            self.flush()
        self.abandon()

    def announce(self) -> None:
        """Warn if the recording has stopped and nobody was told."""
        with suppress(IndexError):
            while self._news:
                warn(self._news.pop())

    def abandon(self) -> None:
        """Close the file as it is, as the death of this process would."""
        descriptor, self._descriptor = self._descriptor, None
        self._buffer.clear()
        if descriptor is not None:
            close_quietly(descriptor)  # what closing might lose was written before; there is nobody to tell

    def __del__(self) -> None:
        self.abandon()

    def is_at(self, path: str) -> bool:
        """Whether the file at ``path`` is the one this writes."""
        try:
            return self._descriptor is not None and os.path.samestat(
                syscalls.fstat(self._descriptor), syscalls.stat(path)
            )
        except OSError:
            return False

    def _announce_units(self) -> None:
        """Record which units there are that were not told of."""
        for model, size, first, count in self._new_units(self._known):
            if count > MAX_UNITS - first:
                self._news.append(f"Recording to {self._path} stopped: there are more than {MAX_UNITS:,} units.")
                self.abandon()
                return
            self._event(Kind.PAGES, 0, model, size, other=first)
            self._totals.announced += count
            self._known = first + count

    def _event(self, kind: Kind, cause: int, unit: int, size: int, other: int = NONE, latency: int = 0) -> None:
        if self._descriptor is not None:
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


_writers: Final[weakref.WeakValueDictionary[int, RecordingWriter]] = weakref.WeakValueDictionary()  # of this process


def _is_written_here(path: str) -> bool:
    """Whether a writer of this process holds the file at ``path``."""
    writers = [reference() for reference in _writers.valuerefs()]  # a copy: other threads may begin to record now
    return any(writer.is_at(path) for writer in writers if writer is not None)
