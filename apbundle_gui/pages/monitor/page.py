"""The Monitor page: watch what a workload on the open bundle does, or any program that records, now or earlier."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QStackedLayout, QVBoxLayout, QWidget

from apbundle_gui.models.monitor_source import ending_sentence, lag_tip, read_so_far
from apbundle_gui.models.monitor_text import PACES
from apbundle_gui.pages.monitor.dashboard import Dashboard
from apbundle_gui.pages.monitor.empty import nothing_open, nothing_to_page
from apbundle_gui.pages.monitor.exports import Exports
from apbundle_gui.pages.monitor.header import Header, SpaceForButtons, recording_state
from apbundle_gui.pages.monitor.live import LiveView
from apbundle_gui.pages.monitor.recording_bar import RecordingBar
from apbundle_gui.pages.monitor.recordings_menu import RecordingsMenu
from apbundle_gui.pages.monitor.scrolling import padded, scrolling
from apbundle_gui.pages.monitor.source_bar import SourceBar
from apbundle_gui.pages.page import Command, Page
from apbundle_gui.services import OpenBundle, Services
from apbundle_gui.services.recent_recordings import RecentRecordings
from apbundle_gui.services.recording_tail import Ending
from apbundle_gui.services.workload import Workload, WorkloadState, list_models
from apbundle_gui.theme import PAGE_MARGINS, Space

EXAMPLE_PACE: Final = 50
"""The speed of the example, in accesses a second."""
BETTER: Final = "better"
"""The view of the example that shows what would be better."""
EXAMPLE_SECONDS: Final = 6.0
"""How much of the example has to be on the screen before it is ready, in seconds of the recording."""
STOPPED: Final = "The workload stopped."
UNREADABLE: Final = "The recording cannot be read any further."
FILTER: Final = "Recordings (*.aptrace);;All files (*)"

_OVER: Final = (WorkloadState.IDLE, WorkloadState.ENDED, WorkloadState.FULL, WorkloadState.FAILED)
_WORKING: Final = (WorkloadState.STARTING, WorkloadState.RUNNING)


class MonitorPage(Page):
    """The source on top, what it does below. Workload and recording are services: the page itself only connects.

    Attributes
    ----------
    watching
        Whether the source is a recording that was opened, and not the workload.
    """

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(services, parent)
        self.workload = Workload(self)
        self._bundle: OpenBundle | None = None
        self._names: tuple[str, ...] = ()
        self._sizes: NDArray[np.int64] = np.zeros(0, np.int64)
        self._listed = False
        self._example = False
        self._example_waits = False
        self._was_ready = False
        self.watching = False
        self._problem: BaseException | None = None
        self.recent = RecentRecordings(services, self)
        self._compose()
        self.live = LiveView(self.dashboard, services.jobs, self)
        self.exports = Exports(self, services, self.live, self.dashboard)
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
            "monitor.freeze": Command(self.freeze, lambda: self.live.run is not None),
            "monitor.open_recording": Command(self.choose_recording),
            "monitor.close_recording": Command(self.close_recording, lambda: self.watching),
            "monitor.save_recording": Command(self.exports.save_recording, lambda: self.exports.possible),
            "monitor.export": Command(self.exports.export, lambda: self.exports.possible),
            "monitor.newest": Command(lambda: self.live.go_to(None), lambda: self.live.moment is not None),
        }

    def activate(self) -> None:
        self.recent.refresh()
        (self.header.leave if self.watching else self.header.run).setFocus(Qt.FocusReason.OtherFocusReason)

    def file_dropped(self, paths: list[str]) -> None:
        self.open_recording(paths[-1])

    def shutdown(self) -> None:
        self.live.close()
        self.workload.shutdown()
        self.dashboard.remember(self.services.settings)
        if not self._example:
            self.source.remember(self.services.settings)

    def show_example(self, bundle_path: str) -> None:
        self._example = True
        self.source.show_example(PACES.index(EXAMPLE_PACE))
        if self._names:
            self._begin()
        else:
            self._example_waits = True

    def example_ready(self) -> bool:
        if self.workload.state is WorkloadState.FAILED:
            return True
        shown = self.live.run is not None and self.live.now >= EXAMPLE_SECONDS * 1e9
        return shown and not self.dashboard.better.working

    def example_views(self) -> Sequence[str]:
        return ("", BETTER)

    def show_example_view(self, view: str) -> None:
        self.dashboard.panels.show_panel(int(view == BETTER))
        if view == BETTER:
            self.workload.pause()
            self.dashboard.better.work_out()

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
        self.live.close()
        self.workload.reset()
        self.dashboard.show_models(self._names, self._sizes, self.source.limit.limit or 0)

    def freeze(self) -> None:
        """Hold the view still while the recording goes on, or show what it missed."""
        self.live.freeze(not self.live.frozen)

    def choose_recording(self) -> None:
        """Ask for a recording, and open it."""
        path, _ = QFileDialog.getOpenFileName(self, "Open Recording", self.recent.start_folder, FILTER)
        if path:
            self.open_recording(path)

    def open_recording(self, path: str) -> None:
        """Show a recording instead of a workload, and follow it if it still grows."""
        self.workload.reset()
        self.services.messages.withdraw(STOPPED)
        self.services.messages.withdraw(UNREADABLE)
        self._watch(True)
        self._problem = None
        self.dashboard.show_models((), np.zeros(0, np.int64), 0)
        self.live.open(os.path.abspath(path))
        self.recording.show_recording(self.live.path, None, None)
        self.recent.remember(self.live.path)

    def close_recording(self) -> None:
        """Let the recording go, and show the workload again."""
        self.services.messages.withdraw(UNREADABLE)
        self._watch(False)
        self.reset()

    # -- making --------------------------------------------------------------------------------------------------

    def _compose(self) -> None:
        self._stack = QStackedLayout(self)
        recordings = RecordingsMenu(self.recent, self)
        recordings.chosen.connect(self.open_recording)
        recordings.other.connect(self.choose_recording)
        self.nothing = nothing_open(self.action_requested.emit, recordings)
        self.no_models = nothing_to_page()
        content = QWidget()
        column = QVBoxLayout(content)
        left, top, right, _ = PAGE_MARGINS
        column.setContentsMargins(left, top, 0, 0)  # a scroll bar stands at the edge of the window
        column.setSpacing(Space.S)
        self.header = Header(
            run=self.run,
            pause=self.workload.pause,
            step=self.step,
            reset=self.reset,
            thaw=self.freeze,
            recordings=recordings,
            leave=self.close_recording,
        )
        self.header.setContentsMargins(0, 0, right, 0)
        column.addWidget(self.header)
        self.source = SourceBar()
        self.dashboard = Dashboard(self.services.jobs)
        self.recording = RecordingBar()
        self.recording.hide()
        column.addWidget(scrolling(self.dashboard, self.source, self.recording), 1)
        for each in (padded(self.nothing), padded(self.no_models), content):
            self._stack.addWidget(each)
        self._space = SpaceForButtons(self)
        self._space.install(self)

    def _connect(self) -> None:
        self.nothing.dropped.connect(self.paths_dropped)
        self.no_models.dropped.connect(self.paths_dropped)
        self.services.session.current_changed.connect(self._bundle_changed)
        self.source.changed.connect(self._settings_changed)
        self.source.pace_changed.connect(self._pace_changed)
        self.workload.changed.connect(self._workload_changed)
        self.workload.progressed.connect(self._progressed)
        self.workload.failed.connect(self._workload_failed)
        self.live.changed.connect(self._show_state)
        self.live.shown.connect(self._shown)
        self.live.ended.connect(self._recording_ended)
        self.live.failed.connect(self._recording_failed)
        self.dashboard.better.changed.connect(self.state_changed)
        self.live.replaced.connect(self._recording_replaced)
        for choosing in (self.dashboard.charts, self.dashboard.scrubber):
            choosing.chosen.connect(self.live.go_to)

    # -- the bundle ----------------------------------------------------------------------------------------------

    def _bundle_changed(self) -> None:
        current = self.services.session.current
        if current is self._bundle:
            return
        self._bundle = current
        self._names, self._sizes, self._listed = (), np.zeros(0, np.int64), False
        if not self.watching:
            self.reset()
        self._show_content()
        if current is not None:
            self.services.jobs.start(
                "Listing models",
                lambda progress, cancel: list_models(current.bundle),
                on_done=lambda found: self._models_listed(current, *found),
                key="monitor.models",
            )

    def _models_listed(self, bundle: OpenBundle, names: tuple[str, ...], sizes: NDArray[np.int64]) -> None:
        if bundle is not self._bundle:
            return
        self._names, self._sizes = names, sizes
        total = int(sizes.sum())
        self._listed = True
        self._show_content()
        self.source.show_bundle(total)
        if not self.watching:
            self.reset()
        if self._example_waits:
            self._example_waits = False
            self._begin()

    def _show_content(self) -> None:
        """Show what there is to show: a recording, the bundle, or that there is nothing."""
        if self.watching:
            self._stack.setCurrentIndex(2)
        elif self._bundle is None:
            self._stack.setCurrentIndex(0)
        else:
            self._stack.setCurrentIndex(1 if self._listed and not self._names else 2)

    # -- the recording -------------------------------------------------------------------------------------------

    def _watch(self, watching: bool) -> None:
        self.watching = watching
        self.source.setVisible(not watching)
        self.recording.setVisible(watching)
        self._show_content()

    # -- the workload --------------------------------------------------------------------------------------------

    def _can(self) -> dict[str, bool]:
        state = self.workload.state
        ready = bool(self._names) and self.source.complete and not self.watching
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
        self.services.messages.withdraw(STOPPED)
        try:
            self.workload.start(replace(self.source.settings(self._bundle.path), held=held))
        except OSError as error:
            self.services.messages.error("The workload cannot be recorded.", error)
            return
        if self.workload.recording is not None:
            self.live.follow(self.workload.recording)

    def _settings_changed(self) -> None:
        if self.live.run is None:
            self.dashboard.show_limit(self.source.limit.limit or 0)
        self._show_state()

    def _pace_changed(self) -> None:
        self.workload.set_pace(self.source.pace)

    def _workload_changed(self) -> None:
        state = self.workload.state
        if self.watching:
            return
        self.live.set_moving(state in _WORKING, state is WorkloadState.RUNNING)
        self._show_state()

    def _progressed(self) -> None:
        self.live.look(self.workload.resident)

    def _workload_failed(self, error: BaseException) -> None:
        self.services.messages.error(STOPPED, error)

    def _recording_ended(self, ending: Ending) -> None:
        if self.workload.alive:  # its process goes on, but nobody can see what it does
            self.workload.pause()
            self.services.messages.warning("The recording of this run was cut short. What was read stays.")
        elif self.watching:
            self.services.messages.info(ending_sentence(ending))

    def _recording_failed(self, error: BaseException) -> None:
        self._problem = error
        self.workload.pause()
        self.services.messages.error(UNREADABLE, error)
        self._show_state()

    def _recording_replaced(self) -> None:
        self.dashboard.better.forget()
        self.services.messages.info("Another recording took the place of the one that was shown: this is the new one.")

    # -- what is shown -------------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        live = self.live
        if self.watching:
            self._show_recording()
        else:
            self.source.lock(self.workload.state not in _OVER)
            self.header.show_state(self.workload.state, self._can())
            if self._bundle is not None:
                self.header.show_bundle(self._bundle.path, len(self._names), int(self._sizes.sum()))
        self.header.show_frozen(live.frozen, live.new_events)
        self.dashboard.scrubber.show_time(live.now, live.moment, can_go=live.complete)
        self.dashboard.better.show_recording(live.path if live.complete else "", live.run.policy if live.run else "")
        self.state_changed.emit()

    def _show_recording(self) -> None:
        live, run = self.live, self.live.run
        said, tip = "", live.path
        if run is not None:
            said = read_so_far(run.counters.events, len(run.names), live.backlog, live.lost)
            tip = lag_tip(live.backlog, live.lost) or live.path
        job = live.job
        share = job.done / job.total if job is not None and job.total else None
        self.header.show_recording(
            *recording_state(live.ending, self._problem, working=job is not None, share=share, read=live.complete),
            said,
            tip,
        )
        self.recording.show_recording(live.path, live.header, run.limit if run is not None else None)

    def _shown(self) -> None:
        live = self.live
        if live.frozen:
            self.header.show_frozen(True, live.new_events)
        if self.watching:
            self._show_recording()
        self.dashboard.scrubber.show_time(live.now, live.moment, can_go=live.complete)
        if self._example and self.example_ready() != self._was_ready:
            self._was_ready = not self._was_ready
            self.state_changed.emit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.live.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.live.set_visible(False)
