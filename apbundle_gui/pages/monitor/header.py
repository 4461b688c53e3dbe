"""The top of the page: which bundle, what its workload does, and the buttons that run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QComboBox, QMenu, QPushButton, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.pages.monitor.empty import recordings_button
from apbundle_gui.services.recording_tail import Ending
from apbundle_gui.services.workload import WorkloadState
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import PageHeader, button

_STATES: Final[Mapping[WorkloadState, tuple[str, Tone]]] = {
    WorkloadState.IDLE: ("Ready", Tone.NEUTRAL),
    WorkloadState.STARTING: ("Starting", Tone.ACCENT),
    WorkloadState.RUNNING: ("Running", Tone.OK),
    WorkloadState.HELD: ("Paused", Tone.WARNING),
    WorkloadState.FULL: ("Recording full", Tone.WARNING),
    WorkloadState.ENDED: ("At its end", Tone.ACCENT),
    WorkloadState.FAILED: ("Failed", Tone.DANGER),
}

_GROWTH: Final[Mapping[Ending | None, tuple[str, Tone]]] = {
    None: ("Following", Tone.OK),
    Ending.ENDED: ("Complete", Tone.ACCENT),
    Ending.ABANDONED: ("Program gone", Tone.WARNING),
    Ending.CUT_SHORT: ("Cut short", Tone.DANGER),
}


def recording_state(
    ending: Ending | None, problem: BaseException | None, *, working: bool, share: float | None, read: bool
) -> tuple[str, Tone]:
    """The state of a recording in a few words.

    Parameters
    ----------
    ending
        Why it grows no more, if so.
    problem
        Why it cannot be read, if so.
    working, share
        Whether what there is of it is being read, and how much of that is done, from 0 to 1, if known.
    read
        Whether that was done.
    """
    if problem is not None:
        return "Unreadable", Tone.DANGER
    if working:
        return ("Reading" if share is None else f"Reading {share:.0%}"), Tone.ACCENT
    if not read:
        return "Not read through", Tone.WARNING
    return _GROWTH[ending]


class Header(PageHeader):
    """Title, bundle, state and buttons.

    Parameters
    ----------
    run, pause, step, reset, thaw, leave
        What the buttons do.
    recordings
        The menu of recordings.
    """

    def __init__(
        self,
        *,
        run: Callable[[], object],
        pause: Callable[[], object],
        step: Callable[[], object],
        reset: Callable[[], object],
        thaw: Callable[[], object],
        recordings: QMenu,
        leave: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Monitor", parent)
        self.state.set_state("Ready", Tone.NEUTRAL)
        self._said: tuple[str, Tone, str, str] | None = None
        self.thaw = button("", thaw, icon="freeze", kind="quiet", tip="Show what happened meanwhile, and go on")
        self.thaw.hide()
        self.row.addWidget(self.thaw)
        self.recordings = recordings_button(recordings)
        self.row.addWidget(self.recordings)
        self.leave = button("Close Recording", leave, icon="close", tip="Go back to the workload of this window")
        self.leave.hide()
        self.row.addWidget(self.leave)
        self.reset = button("Reset", reset, icon="reset", tip="End the workload and forget its recording")
        self.step = button("Step", step, icon="step", tip="Do one access and hold")
        self.pause = button("Pause", pause, icon="pause", tip="Hold the workload where it is")
        self.run = button("Start", run, icon="run", kind="primary", tip="Start the workload, or go on with it")
        for each in self.buttons:
            self.row.addWidget(each)

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """The buttons that run the workload, as they stand."""
        return self.reset, self.step, self.pause, self.run

    def show_bundle(self, path: str, models: int, total: int) -> None:
        """Say what is open."""
        facts = (words.file_name(path), words.count(models, "model"), words.size(total))
        self.said.setText(words.joined(facts), path)

    def show_recording(self, state: str, tone: Tone, said: str, tip: str) -> None:
        """Say what is read of a recording, in place of a workload; costs nothing if that was said already."""
        if (state, tone, said, tip) == self._said:
            return
        self._said = (state, tone, said, tip)
        self._show_buttons(workload=False)
        self.state.set_state(state, tone)
        self.said.setText(said, tip)

    def _show_buttons(self, *, workload: bool) -> None:
        for each in self.buttons:
            each.setVisible(workload)
        self.leave.setVisible(not workload)

    def show_state(self, state: WorkloadState, can: Mapping[str, bool]) -> None:
        """Say what the workload does; ``can`` has, by the name of the button, what can be done."""
        self._said = None
        self._show_buttons(workload=True)
        text, tone = _STATES[state]
        self.state.set_state(text, tone)
        self.run.setText("Resume" if state is WorkloadState.HELD else "Start")
        for name, able in can.items():
            getattr(self, name).setEnabled(able)

    def show_frozen(self, frozen: bool, new_events: int) -> None:
        """Say that the view is frozen, and what it misses."""
        self.thaw.setVisible(frozen)
        if frozen:
            self.thaw.setText(f"Frozen: {words.count(new_events, 'new event')}")


class SpaceForButtons(QObject):
    """Lets the space bar press the button that has the focus, although it is also a shortcut of the window."""

    def install(self, page: QWidget) -> None:
        """Do so for all buttons and drop-downs of ``page``."""
        for widget in page.findChildren(QWidget):
            if isinstance(widget, QAbstractButton | QComboBox):
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        ):
            event.accept()
            return True
        return super().eventFilter(watched, event)
