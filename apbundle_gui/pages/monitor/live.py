"""A recording on the screen: read as it grows, folded once, shown a part at a time while it can be seen."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import RecordingHeader
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.pages.monitor.dashboard import BEATS, Dashboard
from apbundle_gui.services.recording_tail import RecordingTail

BEAT_MS: Final = 16
"""How often a part of what arrived is shown, in milliseconds."""


class LiveView(QObject):
    """Connects a recording with a dashboard.

    Attributes
    ----------
    run
        What is known of the recording; ``None`` before it began.
    now
        The time that is shown, in nanoseconds of the recording.
    frozen
        Whether the dashboard is held still while reading goes on.
    changed
        Emitted when a recording began, was let go, or the view was frozen or thawed.
    shown
        Emitted after a part was shown, and while frozen as often.
    ended, failed
        As of :class:`~apbundle_gui.services.recording_tail.RecordingTail`.
    """

    changed = Signal()
    shown = Signal()
    ended = Signal()
    failed = Signal(object)

    def __init__(self, dashboard: Dashboard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run: Run | None = None
        self.now = 0
        self.frozen = False
        self._dashboard = dashboard
        self._tail = RecordingTail(self)
        self._tail.began.connect(self._began)
        self._tail.arrived.connect(self._arrived)
        self._tail.ended.connect(self.ended)
        self._tail.failed.connect(self.failed)
        self._moving = False
        self._visible = False
        self._resident = 0
        self._beat = 0
        self._beats_left = 0
        self._timer = QTimer(self, interval=BEAT_MS)
        self._timer.timeout.connect(self._show)

    @property
    def working(self) -> bool:
        """Whether it reads or paints now."""
        return self._tail.working or self._timer.isActive()

    @property
    def new_events(self) -> int:
        """Events that were read and are not shown."""
        return self._dashboard.events.model.new_events

    def follow(self, path: str) -> None:
        """Show the recording at ``path``, as soon as it exists."""
        self.close()
        self._tail.follow(path)

    def close(self) -> None:
        """Show nothing of a recording any more."""
        self._tail.close()
        self.run = None
        self.now = 0
        self.frozen = False
        self._pace()
        self.changed.emit()

    def set_moving(self, growing: bool, moving: bool) -> None:
        """Whether the recording still grows, and whether time goes on although nothing happens."""
        self._moving = moving
        self._tail.set_growing(growing)
        self._show_all()

    def look(self, resident: int) -> None:
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

    def _began(self, header: RecordingHeader) -> None:
        self.run = Run.of(header)
        self.now = 0
        self._dashboard.begin(self.run)
        self.changed.emit()

    def _arrived(self, events: EventArray) -> None:
        if self.run is not None:
            self._dashboard.add(self.run.add(events))
            self._show_all()

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
        if not self.frozen:
            self._dashboard.refresh(self._beat, self.now, self._resident)
        self._pace()
        self.shown.emit()
