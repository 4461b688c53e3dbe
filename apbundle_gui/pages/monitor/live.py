"""A recording on the screen: read as it grows, folded once, shown a part at a time while it can be seen."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import RecordingHeader
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_reading import LastRows, Moment, Reading, glance, go_to, read_recording
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.pages.monitor.dashboard import BEATS, Dashboard
from apbundle_gui.services import Job, JobRunner
from apbundle_gui.services.recording_file import FirstLook, RecordingRanges
from apbundle_gui.services.recording_tail import Ending, RecordingTail

BEAT_MS: Final = 16
"""How often a part of what arrived is shown, in milliseconds."""


class LiveView(QObject):
    """Connects a recording with a dashboard, whoever writes it and whether it still grows.

    Attributes
    ----------
    path
        The recording; empty if there is none.
    header
        What it says of itself; ``None`` before it began.
    run
        What is known of it; ``None`` before it began.
    job
        What opens it or reads what there is of it; ``None`` once that is done.
    ending
        Why it grows no more; ``None`` while it does, or may.
    now
        The time that is shown, in nanoseconds of the recording.
    frozen
        Whether the dashboard is held still while reading goes on.
    moment
        The time in the past that was gone to; ``None`` if the newest is shown.
    changed
        Emitted when a recording began, came to its end or was let go, or another part of it is shown.
    shown
        Emitted after a part was shown, and while frozen as often.
    ended, failed
        As of :class:`~apbundle_gui.services.recording_tail.RecordingTail`; the latter also when it cannot be opened.
    replaced
        Emitted when another recording took the place of the one that was followed.
    """

    changed = Signal()
    shown = Signal()
    ended = Signal(object)
    failed = Signal(object)
    replaced = Signal()

    def __init__(self, dashboard: Dashboard, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._dashboard = dashboard
        self._jobs = jobs
        self._tail = RecordingTail(self)
        self._tail.began.connect(self._began)
        self._tail.arrived.connect(self._arrived)
        self._tail.ended.connect(self._ended)
        self._tail.failed.connect(self._failed)
        self._visible = False
        self._beat = 0
        self._opening = 0  # how often something was opened or closed: what comes of an earlier time is let go
        self._timer = QTimer(self, interval=BEAT_MS)
        self._timer.timeout.connect(self._show)
        self.header: RecordingHeader | None
        self.run: Run | None
        self.job: Job | None
        self.ending: Ending | None
        self.moment: int | None
        self._reading: Reading | None
        self._ranges: RecordingRanges | None
        self._going: Job | None
        self._resident: int | None
        self._forget()

    @property
    def working(self) -> bool:
        """Whether it reads or paints now."""
        return self._tail.working or self._timer.isActive() or self.job is not None or self._going is not None

    @property
    def new_events(self) -> int:
        """Events that were read and are not shown."""
        return self._dashboard.events.model.new_events

    @property
    def backlog(self) -> int:
        """Bytes of the recording that were not read yet, once it was read to an end."""
        return self._tail.backlog

    @property
    def lost(self) -> int:
        """Events and records that are damaged, as far as it was read."""
        return max(self._lost, self._tail.lost)

    @property
    def complete(self) -> bool:
        """Whether all of the recording was read, as far as it was written, so that its moments can be gone to."""
        return self._reading is not None

    def follow(self, path: str) -> None:
        """Show the recording at ``path`` from its beginning, as soon as it exists."""
        self.close()
        self.path = path
        self._tail.follow(path)

    def open(self, path: str) -> None:
        """Show the recording at ``path``, all of it at once, and go on with it if it grows."""
        self.close()
        self.path = path
        self.job = self._jobs.start(
            f"Opening {words.file_name(path)}",
            lambda progress, cancel: glance(path),
            on_done=partial(self._looked, self._opening),
            on_failed=partial(self._not_opened, self._opening),
            on_cancelled=partial(self._stopped, self._opening),
            on_dropped=lambda found: found[0].reader.close(),
            abandonable=True,
        )
        self.changed.emit()

    def close(self) -> None:
        """Show nothing of a recording any more."""
        self._opening += 1
        self._tail.close()
        if self.job is not None:
            self.job.cancel()
        if self._going is not None:
            self._going.cancel()
        if self._ranges is not None:
            self._ranges.close()
        self._forget()
        self._pace()
        self.changed.emit()

    def set_moving(self, growing: bool, moving: bool) -> None:
        """Whether the recording still grows, and whether time goes on although nothing happens."""
        self._moving = moving
        self._tail.set_growing(growing)
        self._show_all()

    def look(self, resident: int | None) -> None:
        """There is news: ``resident`` bytes are held by the engine, and there may be more in the recording."""
        self._resident = resident
        self._tail.look()
        self._show_all()

    def set_visible(self, visible: bool) -> None:
        """Read and paint only while it can be seen."""
        self._visible = visible
        self._tail.set_awake(visible)
        self._pace()

    def freeze(self, frozen: bool) -> None:
        """Hold the dashboard still, or show what it missed."""
        self.frozen = frozen
        self._show_all()
        self.changed.emit()

    def go_to(self, time: int | None) -> None:
        """Show a moment, in nanoseconds of the recording; ``None``: the newest again."""
        if self.run is None or not self.complete or time == self.moment:
            return
        self.moment = time
        if time is None:
            self._dashboard.leave_moment()
            self._show_all()
        else:
            self._dashboard.point_at(time)
            self._go()
        self.changed.emit()

    # -- opening -------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self.path = ""
        self.header = None
        self.run = None
        self.job = None
        self.ending = None
        self.now = 0
        self.frozen = False
        self.moment = None
        self._reading = None
        self._ranges = None
        self._going = None
        self._moving = False
        self._resident = None
        self._lost = 0
        self._beats_left = 0

    def _looked(self, opening: int, found: tuple[FirstLook, Run]) -> None:
        look, run = found
        if opening != self._opening:
            look.reader.close()
            return
        self.header, self.run, self.now = look.reader.header, run, run.time
        self._dashboard.begin(run, complete=False)
        self.job = self._jobs.start(
            f"Reading {words.file_name(self.path)}",
            lambda progress, cancel: read_recording(look, progress, cancel),
            on_done=lambda found: self._was_read(opening, look, *found),
            on_failed=partial(self._not_opened, opening),
            on_cancelled=partial(self._stopped, opening),
            on_dropped=lambda found: look.reader.close(),
            abandonable=True,
        )
        self._show_all()
        self.changed.emit()

    def _was_read(self, opening: int, look: FirstLook, reading: Reading, rows: LastRows) -> None:
        if opening != self._opening:
            look.reader.close()
            return
        self.job = None
        self._start(look.reader.header, reading)
        for part in rows:
            self._dashboard.add(part)
        self.now = reading.run.time
        self._moving = look.reader.status == "live"
        self._tail.resume(look.reader)
        self._show_all()
        self.changed.emit()

    def _not_opened(self, opening: int, error: BaseException) -> None:
        if opening == self._opening:
            self.job = None
            self._failed(error)

    def _stopped(self, opening: int) -> None:
        if opening == self._opening:
            self.job = None
            self.changed.emit()

    # -- reading -------------------------------------------------------------------------------------------------

    def _began(self, header: RecordingHeader) -> None:
        if self.run is not None:
            self.replaced.emit()
        self._start(header, Reading(Run.of(header)))
        self.now = 0
        self.changed.emit()

    def _start(self, header: RecordingHeader, reading: Reading) -> None:
        self.header, self.run, self._reading = header, reading.run, reading
        self.moment = None
        if self._ranges is not None:
            self._ranges.close()
        self._ranges = RecordingRanges(self.path)
        self._dashboard.begin(self.run)

    def _arrived(self, events: EventArray) -> None:
        if self._reading is not None:
            self._dashboard.add(self._reading.add(events))
            self._lost = max(self._lost, self._tail.lost)
            self._show_all()

    def _ended(self, ending: Ending) -> None:
        self.ending = ending
        self._moving = False
        self._show_all()
        self.ended.emit(ending)
        self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        self._moving = False
        self.failed.emit(error)
        self.changed.emit()

    # -- moments -------------------------------------------------------------------------------------------------

    def _go(self) -> None:
        """Go to the moment, unless a job is on its way to another: then after that."""
        reading, ranges, time, opening = self._reading, self._ranges, self.moment, self._opening
        if self._going is not None or reading is None or ranges is None or time is None:
            return
        checkpoint = reading.checkpoints.before(time)

        def arrived(found: Moment | None) -> None:
            if opening != self._opening:
                return
            self._going = None
            if self.moment is None:
                return
            if found is not None:
                self._dashboard.show_moment(found)
                self.shown.emit()
            if found is not None and found.time != self.moment:
                self._go()

        def failed(error: BaseException) -> None:
            arrived(None)
            if opening == self._opening:
                self.failed.emit(error)

        self._going = self._jobs.start(
            "Going to the moment",
            lambda progress, cancel: go_to(time, checkpoint, ranges, cancel),
            on_done=arrived,
            on_failed=failed,
            on_cancelled=lambda: arrived(None),
        )

    # -- showing -------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        self._beats_left = BEATS
        self._pace()

    def _pace(self) -> None:
        if self.run is None or not self._visible or not (self._moving or self._beats_left):
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def _show(self) -> None:
        if self.run is None:
            return
        self._beat += 1
        self._beats_left = max(self._beats_left - 1, 0)
        if self._moving:
            self.now = self._tail.now
        self.now = max(self.now, self.run.time)
        if not self.frozen and self.moment is None:
            self._dashboard.refresh(self._beat, self.now, self._resident)
        self._pace()
        self.shown.emit()
