"""Reading all of a recording, or any part of it: what the jobs of the Monitor page do with the file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apbundle.errors import bundle_error
from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace.decoding import EventArray
from apbundle.trace.pieces import event_pieces
from apbundle.trace.recording import Milestones, RecordingReader
from apbundle.trace.records import RecordingHeader, Totals
from apbundle_gui.services.recording_tail import MAX_HEADER, check_units

PIECE: Final = 64 << 10
"""Bytes of a recording read at once."""
STEP: Final = 1 << 14
"""Most events folded at once: what that takes leaves the window its share of the interpreter."""


@dataclass(frozen=True, slots=True, eq=False)
class FirstLook:
    """A recording at a glance.

    Parameters
    ----------
    reader
        The recording, not polled yet; to be closed by whom it is handed to.
    milestones
        Its counters, page by page.
    totals
        Its counters before its last page, or before the last one that is sound.
    last
        The events after these.
    """

    reader: RecordingReader
    milestones: Milestones
    totals: Totals
    last: EventArray


def first_look(path: str) -> FirstLook:
    """Open the recording at ``path`` and look at it. Takes a moment, whatever its length: run it as a job.

    Raises
    ------
    BadRecording
        It is none.
    LimitExceeded
        It is of more units than can be shown.
    OSError
        It cannot be read.
    """
    reader = RecordingReader.open(path, MAX_HEADER)
    try:
        check_units(len(reader.header.units), path)
        milestones = reader.milestones()
        check_units(len(reader.units), path)
        totals = reader.totals(max(reader.count - 1, 0))
        return FirstLook(reader, milestones, totals, reader.read(totals.events))
    except BaseException:
        reader.close()
        raise


def read_all(
    reader: RecordingReader,
    begin: Callable[[RecordingHeader], object],
    fold: Callable[[EventArray], object],
    progress: Progress,
    cancel: Cancel,
) -> None:
    """Poll a recording to where it ends now, and hand its events on, a bounded number at a time.

    Parameters
    ----------
    begin
        Called before the first events, and again when another recording took the place of this one.
    fold
        Called with the events.

    Raises
    ------
    LimitExceeded
        It comes to be of more units than can be shown.
    Cancelled
        The job was cancelled; the reader is closed.
    """
    try:
        reporter = Reporter(progress, cancel)
        generation, total = -1, 0
        while True:
            if reader.generation != generation:
                generation, total = reader.generation, reader.backlog
                reporter.phase("reading", total)
                begin(reader.header)
            before = reader.polled
            events = reader.poll(PIECE)
            if reader.generation != generation:
                continue
            check_units(reader.known_units, reader.path)
            for start in range(0, len(events), STEP):
                fold(events[start : start + STEP])
            reporter.advance(reader.polled - before)
            if reader.polled in (before, total) or reader.polled > total:
                return
    except BaseException:
        reader.close()
        raise


class RecordingRanges:
    """Any part of one recording, read by one job at a time, with a reader of its own."""

    def __init__(self, path: str) -> None:
        self._path: Final = path
        self._lock = threading.Lock()
        self._reader: RecordingReader | None = None
        self._open = True

    def up_to(self, start: int, time: int, fold: Callable[[EventArray], object], cancel: Cancel) -> None:
        """Hand on the events from number ``start`` to the last one at or before ``time``, a bounded number at a time.

        Raises
        ------
        BundleError, OSError
            The recording cannot be read, or is not there any more.
        Cancelled
            The job was cancelled.
        """
        with self._lock:
            if not self._open:
                raise bundle_error("closed", "The recording was closed.", path=self._path)
            if self._reader is None:
                self._reader = RecordingReader.open(self._path, MAX_HEADER)
            reporter = Reporter(None, cancel)
            for _, events in event_pieces(self._reader, start, self._reader.locate(time + 1), reporter):
                for first in range(0, len(events), STEP):
                    reporter.check()
                    fold(events[first : first + STEP])

    def close(self) -> None:
        """Let the recording go, once the job that reads has ended."""
        self._open = False
        if self._lock.acquire(blocking=False):
            try:
                if self._reader is not None:
                    self._reader.close()
            finally:
                self._lock.release()
