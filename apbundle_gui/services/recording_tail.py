"""The eyes of the Monitor page: reads what a recording grows by, a bounded piece at a time, while somebody looks.

The engine never signals; this samples its recording. Nothing is read while it sleeps, and the file keeps everything
until it wakes.
"""

from __future__ import annotations

import time
from enum import Enum
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from apbundle.errors import BadRecording, BundleError, bundle_error
from apbundle.trace.decoding import EVENTS, EventArray
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import RecordingHeader

TICK_MS: Final = 16
"""How often it looks while there is more than it read, in milliseconds."""
REST_MS: Final = 32
"""How often it looks for news, in milliseconds: each look has its price, whatever it finds."""
BUDGET_S: Final = 0.003
"""The time after which reading and folding wait for the next tick, in seconds."""
PIECE: Final = 64 << 10
"""Bytes read at once."""
STEP: Final = 8192
"""Most events delivered at once: a piece may hold several times as many hits, and folding them takes a while."""
MAX_HEADER: Final = 64 << 20
"""Longest header that is read: it is read at once, and the window waits."""
MAX_UNITS: Final = 1 << 20
"""Most units that are shown: each is drawn, and takes two hundred bytes."""


def check_units(units: int, path: str | None) -> None:
    """Refuse what would take all memory and hold the window up (``LimitExceeded``)."""
    if units > MAX_UNITS:
        raise bundle_error(
            "limit_exceeded",
            f"The recording is of {units:,} units: more than the {MAX_UNITS:,} that are shown here.",
            path=path,
            hint="apbundle explain, curve and compare take it.",
        )


class Ending(Enum):
    """Why a recording grows no more: its program said so, or is gone; or the file lost what had been in it."""

    ENDED = "ended"
    ABANDONED = "abandoned"
    CUT_SHORT = "cut short"


class RecordingTail(QObject):
    """Follows one recording at a time.

    Attributes
    ----------
    began
        Emitted with the :class:`~apbundle.trace.records.RecordingHeader`, before the first events: of a recording
        that was opened, and again when another one took its place.
    arrived
        Emitted with an array of events (:data:`apbundle.trace.decoding.EVENTS`).
    ended
        Emitted once all events of a recording that grows no more were delivered, with an :class:`Ending`.
    failed
        Emitted with the exception when it cannot be read any further; what was delivered stands.
    """

    began = Signal(object)
    arrived = Signal(object)
    ended = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path: str | None = None
        self._reader: RecordingReader | None = None
        self._read_events: EventArray = np.zeros(0, EVENTS)  # and not delivered yet
        self._generation = 0
        self._zero = 0
        self._awake = False
        self._growing = False
        self._caught_up = True
        self._timer = QTimer(self, interval=REST_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def working(self) -> bool:
        """Whether it looks for news now."""
        return self._timer.isActive()

    @property
    def now(self) -> int:
        """The time of the recording's clock, in nanoseconds since its start; 0 before it began."""
        return max(time.monotonic_ns() - self._zero, 0) if self._reader is not None else 0

    def follow(self, path: str) -> None:
        """Read the recording at ``path`` from its start, as soon as it exists, instead of what was followed before."""
        self.close()
        self._path = path
        self._growing = True
        self._caught_up = False
        self._adjust()

    def resume(self, reader: RecordingReader) -> None:
        """Go on with a recording that was polled up to here; the reader is this object's from now on."""
        self.close()
        self._path = reader.path
        self._reader = reader
        self._generation = reader.generation
        self._growing = True
        self._caught_up = False
        self._start_clock(reader.header)
        self._adjust()

    @property
    def backlog(self) -> int:
        """Bytes of the recording that were not delivered yet."""
        return self._reader.backlog if self._reader is not None else 0

    @property
    def lost(self) -> int:
        """Events and records that were damaged."""
        return self._reader.damaged if self._reader is not None else 0

    def set_awake(self, awake: bool) -> None:
        """Whether somebody looks."""
        self._awake = awake
        self._adjust()

    def set_growing(self, growing: bool) -> None:
        """Whether more events are to be expected. If not, it reads what there is and rests."""
        self._growing = growing
        self.look()

    def look(self) -> None:
        """There may be news although none was expected."""
        self._caught_up = False
        self._adjust()

    def close(self) -> None:
        """Follow nothing."""
        self._path = None
        self._adjust()
        self._read_events = self._read_events[:0]
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _adjust(self) -> None:
        wanted = self._awake and self._path is not None and (self._growing or not self._caught_up)
        if wanted and not self._timer.isActive():
            self._timer.start()
        elif not wanted:
            self._timer.stop()

    def _hasten(self, interval: int) -> None:
        if interval != self._timer.interval():
            self._timer.setInterval(interval)

    def _tick(self) -> None:
        path = self._path
        try:
            if self._reader is None and not self._open():
                return
            self._read(time.monotonic() + BUDGET_S)
        except (BundleError, OSError) as error:
            if path == self._path:
                self.close()
                self.failed.emit(error)

    def _open(self) -> bool:
        assert self._path is not None
        try:
            self._reader = RecordingReader.open(self._path, MAX_HEADER)
        except (FileNotFoundError, BadRecording):
            if self._growing:  # its writer has not come to it yet
                return False
            raise
        self._generation = self._reader.generation
        self._begin(self._reader.header)
        return True

    def _begin(self, header: RecordingHeader) -> None:
        check_units(len(header.units), self._path)
        self._start_clock(header)
        self.began.emit(header)

    def _start_clock(self, header: RecordingHeader) -> None:
        self._zero = time.monotonic_ns() - (time.time_ns() - header.started)

    def _read(self, until: float) -> None:
        while (reader := self._reader) is not None:
            if not len(self._read_events):
                self._read_events = reader.poll(PIECE)
                if reader.generation != self._generation:
                    self._generation = reader.generation
                    self._begin(reader.header)
                check_units(reader.known_units, self._path)
            events, self._read_events = self._read_events[:STEP], self._read_events[STEP:]
            if len(events):
                self.arrived.emit(events)
            elif reader.status != "live":
                ending = Ending.CUT_SHORT if reader.cut_short else Ending(reader.status)
                self.close()
                self.ended.emit(ending)
            else:
                self._caught_up = True
                self._hasten(REST_MS)
                self._adjust()
                return
            if time.monotonic() >= until:
                self._hasten(TICK_MS)
                return
