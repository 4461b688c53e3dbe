"""Reading a recording, finished or still being written: its tail as it grows, or any range of its events."""

from __future__ import annotations

import os
from bisect import bisect_right
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import StrPath, syscalls
from apbundle.fileio.temporary import close_quietly
from apbundle.trace.decoding import EVENTS, Decoded, EventArray, decode
from apbundle.trace.records import (
    PAGE_SLOTS,
    RECORD,
    SLOT,
    TOTALS,
    TOTALS_SLOTS,
    Kind,
    RecordingHeader,
    Totals,
    bad_recording,
)
from apbundle.trace.storage import RecordingFile
from apbundle.trace.units import MAX_SIZE

Status = Literal["live", "ended", "abandoned"]


class RecordingReader:
    """A recording open for reading. Use :meth:`open`; it is a context manager.

    :meth:`poll` follows its growth, :meth:`read` and :meth:`locate` reach any part of it; neither disturbs the other.
    When the recording is cut short, or another takes its place under the same path, the reader begins again with what
    is there: then :attr:`generation` has grown and :attr:`header` may be another. Not for use by several threads.

    Attributes
    ----------
    path
        Where it was opened.
    generation
        How many times the reader began again.
    damaged
        Events and records met by :meth:`poll` that made no sense as a whole.
    """

    def __init__(self, path: StrPath) -> None:
        self.path: Final = os.path.abspath(os.fsdecode(path))
        self.generation = 0
        self.damaged = 0
        self._file: RecordingFile | None = RecordingFile.open(self.path)
        self._slot = 0  # the next one for poll
        self._time = 0
        self._ended = False
        self._status: Status = "live"

    @classmethod
    def open(cls, path: StrPath) -> Self:
        """Open the recording at ``path``.

        Raises
        ------
        BadRecording
            It is no recording, or not one of this version.
        OSError
            The file cannot be opened or read, or is no regular file.
        """
        return cls(path)

    @property
    def header(self) -> RecordingHeader:
        """What the recording is of."""
        return self._opened().header

    @property
    def status(self) -> Status:
        """As of the last :meth:`poll`: still ``live``, ``ended`` by its writer, or ``abandoned`` by one that died.

        Where writers cannot be asked (some network file systems) they count as alive.
        """
        return self._status

    @property
    def backlog(self) -> int:
        """Bytes that :meth:`poll` has not taken yet."""
        return max(self._opened().slots - self._slot, 0) * SLOT

    def poll(self, limit: int = 4 << 20) -> EventArray:
        """The events since the last call, from at most ``limit`` bytes of the file.

        A record that is not complete yet waits. An empty result means that nothing is new, and then :attr:`status` is
        that of this moment; :attr:`generation` never grows in a call that still returns events of the recording before.

        Returns
        -------
        ndarray
            One-dimensional, of :data:`apbundle.trace.decoding.EVENTS`.
        """
        file = self._opened()
        if file.slots < self._slot or not file.is_same():
            if not self._begin_again():
                return np.zeros(0, EVENTS)
            file = self._opened()
        slots = file.slots
        decoded = self._decode(file, self._slot, max(limit // SLOT, PAGE_SLOTS), self._time)
        if decoded.slots:
            self._slot += decoded.slots
            self._ended = decoded.ended
            self._status = "ended" if decoded.ended else "live"
            self.damaged += decoded.damaged
            if len(decoded.events):
                self._time = int(decoded.events["time"][-1])
        else:
            self._ask_for_the_writer(file, slots)
        return decoded.events

    @property
    def count(self) -> int:
        """Events in the file now."""
        pages = self._pages()
        if not pages:
            return 0
        return self._totals(pages - 1)[1].events + len(self._page(pages - 1).events)

    def read(self, start: int, stop: int | None = None) -> EventArray:
        """The events from number ``start`` to before ``stop`` (to the last one if ``None``), counted from 0.

        What is not there is left out. Costs memory for the range alone, and time for it and the search.
        """
        stop = self.count if stop is None else stop
        if start < 0:
            raise ValueError(f"events are counted from 0, not {start}")
        pages = self._pages()
        parts, time = [np.zeros(0, EVENTS)], 0
        page = max(bisect_right(range(pages), start, key=lambda p: self._totals(p)[1].events) - 1, 0)
        while page < pages and start < stop:
            first = self._totals(page)[1].events
            if first >= stop:
                break
            events = self._page(page, time).events
            time = int(events["time"][-1]) if len(events) else time
            parts.append(events[max(start - first, 0) : stop - first])
            page += 1
        return np.concatenate(parts)

    def locate(self, time: int) -> int:
        """The number of the first event at or after ``time``, in nanoseconds since the start; their count if none."""
        pages = self._pages()
        if not pages:
            return 0
        page = max(bisect_right(range(pages), time, key=lambda p: self._totals(p)[0]) - 1, 0)
        while page > 0 and self._totals(page)[0] >= time:  # events of the same instant may end the page before
            page -= 1
        base = self._totals(page)[1].events
        return base + int(np.searchsorted(self._page(page).events["time"], time))

    def totals(self, event: int) -> Totals:
        """The counters before the page of event number ``event``: what to count on from, without reading it all.

        ``Totals.events`` says how many events they cover.
        """
        pages = self._pages()
        page = bisect_right(range(pages), event, key=lambda p: self._totals(p)[1].events) - 1
        return self._totals(page)[1] if page >= 0 else Totals()

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            close_quietly(file.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            self.close()

    def __repr__(self) -> str:
        return f"RecordingReader({self.path!r}, {'closed' if self._file is None else self._status})"

    def _opened(self) -> RecordingFile:
        if self._file is None:
            raise bundle_error("closed", "The recording was closed.", path=self.path)
        return self._file

    @staticmethod
    def _decode(file: RecordingFile, slot: int, count: int, earliest: int = 0) -> Decoded:
        return decode(file.read(slot, count), slot, file.header.units, earliest)

    def _begin_again(self) -> bool:
        """Take what is under the path now for the recording, if it is a complete one."""
        try:
            file = RecordingFile.open(self.path)
        except (OSError, BundleError):
            self._status = "abandoned"
            return False
        self.close()
        self._file = file
        self.generation += 1
        self._slot = self._time = 0
        self._ended = False
        return True

    def _ask_for_the_writer(self, file: RecordingFile, slots: int) -> None:
        """Nothing is new in ``slots`` slots: is the writer done, alive, or gone, and is there another recording?"""
        if not self._ended and (file.writer_lives() or file.slots != slots):  # it may have written, and then died
            self._status = "live"
            return
        self._status = "ended" if self._ended else "abandoned"
        try:
            status = syscalls.stat(self.path)
        except OSError:
            return  # removed: what was read stays readable
        if (status.st_dev, status.st_ino) != file.inode and self._begin_again():
            self._status = "live"

    def _pages(self) -> int:
        """Pages that begin with complete totals; zeros, which a machine that stopped may have left, are none."""
        file = self._opened()
        pages, rest = divmod(file.slots, PAGE_SLOTS)
        pages += rest > TOTALS_SLOTS
        while pages and not any(file.read((pages - 1) * PAGE_SLOTS, 1)):
            pages -= 1
        return pages

    def _page(self, page: int, earliest: int = 0) -> Decoded:
        file = self._opened()
        return self._decode(file, page * PAGE_SLOTS, PAGE_SLOTS, max(self._totals(page)[0], earliest))

    def _totals(self, page: int) -> tuple[int, Totals]:
        """The time at which a page begins, and the counters up to there."""
        file = self._opened()
        data = file.read(page * PAGE_SLOTS, 1 + TOTALS_SLOTS)
        offset = file.start + page * PAGE_SLOTS * SLOT
        if len(data) < SLOT + TOTALS.size:
            raise bad_recording("The recording was cut short.", self.path, offset)
        time, _, kind, *_ = RECORD.unpack_from(data)
        if kind != Kind.TOTALS:
            raise bad_recording("The recording is damaged: a page does not begin with its totals.", self.path, offset)
        return min(time, MAX_SIZE), Totals.unpack(data[SLOT:])
