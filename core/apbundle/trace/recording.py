"""Reading a recording, finished or still being written: its tail as it grows, or any range of its events."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import StrPath, syscalls
from apbundle.fileio.temporary import close_quietly
from apbundle.trace.decoding import EVENTS, EventArray, decode
from apbundle.trace.pages import PageIndex
from apbundle.trace.records import MAX_HEADER, PAGE_SLOTS, SLOT, RecordingHeader, Totals
from apbundle.trace.storage import RecordingFile
from apbundle.trace.units import UnitList

Status = Literal["live", "ended", "abandoned"]


@dataclass(frozen=True, slots=True, eq=False)
class Milestones:
    """What a recording counted up to certain moments, int64 each.

    Parameters
    ----------
    times
        The moments, in nanoseconds since the recording's start, never falling.
    events, hits, misses, evictions, prefetches, bytes_loaded, memory_used
        The counters then, as :class:`apbundle.trace.records.Totals` has them.
    """

    times: NDArray[np.int64]
    events: NDArray[np.int64]
    hits: NDArray[np.int64]
    misses: NDArray[np.int64]
    evictions: NDArray[np.int64]
    prefetches: NDArray[np.int64]
    bytes_loaded: NDArray[np.int64]
    memory_used: NDArray[np.int64]


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
    cut_short
        Whether the file lost what :meth:`poll` had read of it, and nothing took its place.
    """

    def __init__(self, path: StrPath, max_header: int = MAX_HEADER) -> None:
        self._max_header: Final = max_header
        self.path: Final = os.path.abspath(os.fsdecode(path))
        self.generation = 0
        self.damaged = 0
        self.cut_short = False
        self._file: RecordingFile | None = RecordingFile.open(self.path, max_header)
        self._index: PageIndex | None = None
        self._units = self._file.header.units.copy()  # as far as poll came
        self._slot = 0  # the next one for poll
        self._time = 0
        self._ended = False
        self._status: Status = "live"

    @classmethod
    def open(cls, path: StrPath, max_header: int = MAX_HEADER) -> Self:
        """Open the recording at ``path``.

        Parameters
        ----------
        max_header
            Longest header that is read, in bytes: to read a long one takes seconds.

        Raises
        ------
        BadRecording
            It is no recording, or not one of this version.
        LimitExceeded
            Its header is longer than ``max_header``.
        OSError
            The file cannot be opened or read, or is no regular file.
        """
        return cls(path, max_header)

    @property
    def header(self) -> RecordingHeader:
        """What the recording is of."""
        return self._opened().header

    @property
    def known_units(self) -> int:
        """How many units were paged as far as :meth:`poll` came."""
        return len(self._units)

    @property
    def units(self) -> UnitList:
        """All that was paged up to now: the header's units, and those that were announced since."""
        return self._pages().all_units()

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

    @property
    def polled(self) -> int:
        """Bytes that :meth:`poll` has taken."""
        return self._slot * SLOT

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
        count = max(limit // SLOT, PAGE_SLOTS)
        decoded = decode(file.read(self._slot, count), self._slot, self._units, self._time)
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
        index = self._pages()
        return int(index.firsts[-1]) + len(index.events(len(index) - 1)) if len(index) else 0

    @property
    def damaged_pages(self) -> int:
        """Pages, of those there are now, that do not say how many events were before them, or not what others say."""
        return int(np.count_nonzero(~self._pages().sound))

    def read(self, start: int, stop: int | None = None) -> EventArray:
        """The events from number ``start`` to before ``stop`` (to the last one if ``None``), counted from 0.

        Costs memory for the range alone, and time for it and a hundred bytes of every page before. What is not there
        is left out; in place of events that are destroyed there are such of no kind (:attr:`Kind.PAD`), so that all
        others keep their numbers.
        """
        if start < 0:
            raise ValueError(f"events are counted from 0, not {start}")
        index = self._pages()
        parts, time = [np.zeros(0, EVENTS)], 0
        for page in range(max(int(np.searchsorted(index.firsts, start, "right")) - 1, 0), len(index)):
            first = int(index.firsts[page])
            if stop is not None and first >= stop:
                break
            events = index.events(page, time)
            time = int(events["time"][-1]) if len(events) else time
            parts.append(events[max(start - first, 0) : None if stop is None else max(stop - first, 0)])
        return np.concatenate(parts)

    def locate(self, time: int) -> int:
        """The number of the first event at or after ``time``, in nanoseconds since the start; their count if none."""
        index = self._pages()
        if not len(index):
            return 0
        page = max(int(np.searchsorted(index.times, time)) - 1, 0)  # events of the same instant may end the one before
        return int(index.firsts[page]) + int(np.searchsorted(index.events(page)["time"], time))

    def totals(self, event: int) -> Totals:
        """The counters before the page of event number ``event``: what to count on from, without reading it all.

        ``Totals.events`` says how many events they cover: if that page is damaged, those before an earlier one.
        """
        index = self._pages()
        return index.totals(int(np.searchsorted(index.firsts, event, "right")) - 1)

    def milestones(self) -> Milestones:
        """The counters at the start of every page: a recording at a glance, a hundred bytes of each page."""
        index = self._pages()
        sound = np.flatnonzero(index.sound)
        return Milestones(index.times[sound], index.firsts[sound], *index.before[sound].T)

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

    def _begin_again(self) -> bool:
        """Take what is under the path now for the recording, if it is a complete one."""
        try:
            file = RecordingFile.open(self.path, self._max_header)
        except (OSError, BundleError):
            self._status = "abandoned"
            self.cut_short = True
            return False
        self.close()
        self._file = file
        self._units = file.header.units.copy()
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

    def _pages(self) -> PageIndex:
        """All pages there are now."""
        file = self._opened()
        if self._index is None or self._index.file is not file:
            self._index = PageIndex(file)
        self._index.update()
        return self._index
