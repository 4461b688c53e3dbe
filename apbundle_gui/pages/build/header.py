"""The top of the page: the state of the draft, how far a build is, and the buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QProgressBar, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.services import Job
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import PageHeader, button

STEPS: Final = 1000
"""Steps of the progress bar; byte counts would not fit its integers."""
BUILD_TIP: Final = "Write the bundle and open it"


class Header(PageHeader):
    """Title, state, progress and buttons.

    Parameters
    ----------
    build, add_files, add_folder
        What the buttons do. The first asks to stop while a build runs.
    """

    def __init__(
        self,
        build: Callable[[], object],
        add_files: Callable[[], object],
        add_folder: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Build", parent)
        self.state.setAccessibleDescription("State of the draft")
        self.said.setFont(theme.tabular(self.said.font()))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(140)
        self.bar.setAccessibleName("Progress of the build")
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        self.bar.hide()
        self.row.addWidget(self.bar)
        self.row.addSpacing(Space.S)
        self.add_files = button("Add Files…", add_files, icon="add-file", tip="Add models to the draft")
        self.add_folder = button("Add Folder…", add_folder, icon="add-folder", tip="Add a folder's models")
        self.build = button("Build", build, icon="build", kind="primary", tip=BUILD_TIP)
        for each in (self.add_files, self.add_folder, self.build):
            self.row.addWidget(each)
        self.build.setFixedWidth(max(self.build.sizeHint().width(), self._width("Cancel")))

    def _width(self, text: str) -> int:
        before = self.build.text()
        self.build.setText(text)
        width = self.build.sizeHint().width()
        self.build.setText(before)
        return width

    def show_state(self, text: str, tone: Tone, remark: str, can_build: bool, cost: str | None = None) -> None:
        """Say what the draft is like while nothing is built. ``cost`` is that of changing the bundle it came from."""
        self.state.set_state(text, tone)
        self.said.setText(remark)
        self.bar.hide()
        if cost is None:
            self._offer("Build", "build", BUILD_TIP, can_build)
        else:
            self._offer("Save", "save", f"Write over the bundle and open it. {cost}", can_build)

    def show_build(self, job: Job) -> None:
        """Say how far a build is."""
        self.state.set_state("Cancelling" if job.cancelling else "Building", Tone.ACCENT)
        whole = words.progress(job.phase, job.done, job.total, job.rate, job.seconds_left)
        fits = self.said.fontMetrics().horizontalAdvance(whole) <= self.said.width()
        brief = words.brief_progress(job.phase, job.done, job.total, job.seconds_left)
        self.said.setText(whole if fits else brief, whole)
        self.bar.setRange(0, STEPS if job.total > 0 else 0)
        if job.total > 0:
            self.bar.setValue(min(STEPS, STEPS * job.done // job.total))
        self.bar.show()
        self._offer("Cancel", "cancel", "Stop the build; what is at the output stays", not job.cancelling)

    def _offer(self, text: str, icon: str, tip: str, enabled: bool) -> None:
        if self.build.text() != text:
            self.build.setText(text)
            self.build.setIcon(theme.icon(icon, on_primary=True))
        self.build.setToolTip(words.tooltip(tip))
        self.build.setEnabled(enabled)
