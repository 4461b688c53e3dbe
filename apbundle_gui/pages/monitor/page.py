"""The Monitor page: run a workload on the open bundle through the real engine, and watch what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from apbundle.trace.decoding import EventArray
from apbundle.trace.records import RecordingHeader
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.models.monitor_text import PACES
from apbundle_gui.pages.monitor.dashboard import BEATS, Dashboard
from apbundle_gui.pages.monitor.header import Header, SpaceForButtons
from apbundle_gui.pages.monitor.source_bar import SourceBar
from apbundle_gui.pages.page import Command, Page
from apbundle_gui.services import OpenBundle, Services
from apbundle_gui.services.recording_tail import RecordingTail
from apbundle_gui.services.workload import Workload, WorkloadState, list_models
from apbundle_gui.theme import Space
from apbundle_gui.widgets import EmptyState, button, set_property

BEAT_MS: Final = 16
"""How often a part of what arrived is shown, in milliseconds."""
EXAMPLE_PACE: Final = 50
"""The speed of the example, in accesses a second."""
EXAMPLE_SECONDS: Final = 6.0
"""How much of the example has to be on the screen before it is ready, in seconds of the recording."""

_OVER: Final = (WorkloadState.IDLE, WorkloadState.ENDED, WorkloadState.FULL, WorkloadState.FAILED)
_WORKING: Final = (WorkloadState.STARTING, WorkloadState.RUNNING)


class MonitorPage(Page):
    """Sources on top, below them what they do. The workload and its recording are services; this only looks."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(services, parent)
        self.workload = Workload(self)
        self.tail = RecordingTail(self)
        self._bundle: OpenBundle | None = None
        self._names: tuple[str, ...] = ()
        self._sizes: NDArray[np.int64] = np.zeros(0, np.int64)
        self._run: Run | None = None
        self._now = 0
        self._beat = 0
        self._beats_left = 0
        self._frozen = False
        self._example = False
        self._frames = QTimer(self, interval=BEAT_MS)
        self._compose()
        self._connect()
        self.source.restore(services.settings)
        self.dashboard.restore(services.settings)
        self._bundle_changed()
        self._show_state()

    # -- what the window asks ------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Command]:
        return {
            "monitor.run": Command(self.run, lambda: self._can()["run"]),
            "monitor.pause": Command(self.workload.pause, lambda: self._can()["pause"]),
            "monitor.step": Command(self.step, lambda: self._can()["step"]),
            "monitor.reset": Command(self.reset, lambda: self._can()["reset"]),
            "monitor.freeze": Command(self.freeze, lambda: self._run is not None),
        }

    def shutdown(self) -> None:
        self._frames.stop()
        self.tail.close()
        self.workload.shutdown()
        self.dashboard.remember(self.services.settings)
        if not self._example:
            self.source.remember(self.services.settings)

    def show_example(self, bundle_path: str) -> None:
        self._example = True
        self.source.show_example(PACES.index(EXAMPLE_PACE))
        if self._names:
            self._begin()

    def example_ready(self) -> bool:
        if self.workload.state is WorkloadState.FAILED:
            return True
        return self._run is not None and self._now >= EXAMPLE_SECONDS * 1e9

    # -- what the user asks --------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start the workload, or go on with it."""
        if self.workload.state is WorkloadState.HELD:
            self.workload.resume()
        else:
            self._begin()

    def step(self) -> None:
        """Do one access and hold."""
        if self.workload.state in _OVER:
            self._begin(held=True)
        self.workload.step()

    def reset(self) -> None:
        """End the workload and forget its recording."""
        self.tail.close()
        self.workload.reset()
        self._run = None
        self._now = 0
        self._set_frozen(False)
        self.dashboard.show_models(self._names, self._sizes, self.source.limit.limit or 0)

    def freeze(self) -> None:
        """Hold the view still while the recording goes on, or show what it missed."""
        self._set_frozen(not self._frozen)

    # -- making --------------------------------------------------------------------------------------------------

    def _compose(self) -> None:
        self._stack = QStackedLayout(self)
        sentence = "Run a workload on a bundle and see which models stay in memory, which leave, and why."
        open_ = button("Open…", lambda: self.action_requested.emit("file.open"), icon="open", kind="primary")
        sample = button("Open Sample", lambda: self.action_requested.emit("file.sample"), icon="sample")
        self.nothing = EmptyState(
            "monitor", "Watch models page", sentence, (open_, sample), "Drop a bundle here to open it."
        )
        self.nothing.dropped.connect(self.paths_dropped)
        self.no_models = EmptyState("monitor", "Nothing to page", "This bundle holds no models.")
        self.no_models.dropped.connect(self.paths_dropped)
        self._content = QWidget()
        outer = QVBoxLayout(self._content)
        outer.setContentsMargins(Space.L, Space.M, 0, 0)
        outer.setSpacing(Space.S)
        self.header = Header(
            run=self.run, pause=self.workload.pause, step=self.step, reset=self.reset, thaw=self.freeze
        )
        self.header.setContentsMargins(0, 0, Space.L, 0)
        outer.addWidget(self.header)
        body = QWidget()
        set_property(body, kind="page-body")
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, Space.L, Space.L)
        column.setSpacing(Space.S)
        self.source = SourceBar()
        column.addWidget(self.source)
        self.dashboard = Dashboard()
        column.addWidget(self.dashboard, 1)
        outer.addWidget(_scrolling(body), 1)
        for each in (_padded(self.nothing), _padded(self.no_models), self._content):
            self._stack.addWidget(each)
        self._space = SpaceForButtons(self)
        self._space.install(self)

    def _connect(self) -> None:
        self.services.session.current_changed.connect(self._bundle_changed)
        self.source.changed.connect(self._show_state)
        self.source.changed.connect(self._settings_changed)
        self.source.pace_changed.connect(lambda: self.workload.set_pace(self.source.pace))
        self.workload.changed.connect(self._workload_changed)
        self.workload.progressed.connect(self._progressed)
        self.workload.failed.connect(self._workload_failed)
        self.tail.began.connect(self._began)
        self.tail.arrived.connect(self._arrived)
        self.tail.failed.connect(
            lambda error: self.services.messages.error("The recording cannot be read any further.", error)
        )
        self._frames.timeout.connect(self._show_frame)

    # -- the bundle ----------------------------------------------------------------------------------------------

    def _bundle_changed(self) -> None:
        current = self.services.session.current
        if current is self._bundle:
            return
        self._bundle = current
        self._names, self._sizes = (), np.zeros(0, np.int64)
        self.reset()
        self._stack.setCurrentIndex(0 if current is None else 2)
        if current is not None:
            self.services.jobs.start(
                "Listing models",
                lambda progress, cancel: list_models(current.bundle),
                on_done=lambda found: self._models_listed(current, *found),
                key="monitor.models",
            )
        self._show_state()

    def _models_listed(self, bundle: OpenBundle, names: tuple[str, ...], sizes: NDArray[np.int64]) -> None:
        if bundle is not self._bundle:
            return
        self._names, self._sizes = names, sizes
        total = int(sizes.sum())
        self._stack.setCurrentIndex(2 if names else 1)
        self.header.show_bundle(bundle.path, len(names), total)
        self.source.show_bundle(total)
        self.reset()
        self._show_state()
        if self._example and names:
            self._begin()

    # -- the workload --------------------------------------------------------------------------------------------

    def _can(self) -> dict[str, bool]:
        state = self.workload.state
        ready = bool(self._names) and self.source.complete
        return {
            "run": state is WorkloadState.HELD or (ready and state in _OVER),
            "pause": state in _WORKING,
            "step": state in (WorkloadState.HELD, WorkloadState.RUNNING) or (ready and state in _OVER),
            "reset": state is not WorkloadState.IDLE,
        }

    def _begin(self, *, held: bool = False) -> None:
        if self._bundle is None or not self._can()["run"]:
            return
        self.reset()
        try:
            self.workload.start(replace(self.source.settings(self._bundle.path), held=held))
        except OSError as error:
            self.services.messages.error("The workload cannot be recorded.", error)
            return
        assert self.workload.recording is not None
        self.tail.follow(self.workload.recording)

    def _workload_changed(self) -> None:
        self.tail.set_growing(self.workload.state in _WORKING)
        self._need_frame()
        self._show_state()

    def _workload_failed(self, error: BaseException) -> None:
        self.services.messages.error("The workload stopped.", error)
        self.state_changed.emit()

    def _progressed(self) -> None:
        self.tail.look()
        self._need_frame()

    def _show_state(self) -> None:
        self.source.lock(self.workload.state not in _OVER)
        self.header.show_state(self.workload.state, self._can())
        self.state_changed.emit()

    def _settings_changed(self) -> None:
        if self._run is None:
            self.dashboard.show_limit(self.source.limit.limit or 0)

    # -- the recording -------------------------------------------------------------------------------------------

    def _began(self, header: RecordingHeader) -> None:
        self._run = Run.of(header)
        self._now = 0
        self.dashboard.begin(self._run)
        self.state_changed.emit()

    def _arrived(self, events: EventArray) -> None:
        if self._run is not None:
            self.dashboard.add(self._run.add(events))
            self._need_frame()

    def _set_frozen(self, frozen: bool) -> None:
        self._frozen = frozen
        self.header.show_frozen(frozen, 0)
        self._need_frame()
        self.state_changed.emit()

    def _need_frame(self) -> None:
        self._beats_left = BEATS
        self._pace_frames()

    def _pace_frames(self) -> None:
        moving = self._beats_left > 0 or self.workload.state is WorkloadState.RUNNING
        if self._run is not None and self.isVisible() and moving:
            if not self._frames.isActive():
                self._frames.start()
        else:
            self._frames.stop()

    def _show_frame(self) -> None:
        if self._run is None:
            return
        self._beat += 1
        self._beats_left -= 1
        was_ready = self.example_ready()
        if self.workload.state is WorkloadState.RUNNING:
            self._now = self.tail.now
        self._now = max(self._now, self._run.time)
        if self._frozen:
            self.header.show_frozen(True, self.dashboard.events.model.new_events)
        else:
            self.dashboard.refresh(self._beat, self._now, self.workload.resident)
        if self.example_ready() != was_ready:
            self.state_changed.emit()
        self._pace_frames()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.tail.set_awake(True)
        self._pace_frames()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.tail.set_awake(False)
        self._frames.stop()


def _scrolling(body: QWidget) -> QScrollArea:
    area = QScrollArea()
    set_property(area, kind="page")
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(body)
    return area


def _padded(widget: QWidget) -> QWidget:
    outer = QWidget()
    layout = QVBoxLayout(outer)
    layout.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.XL)
    layout.addWidget(widget)
    return outer
