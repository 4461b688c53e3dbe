"""The status bar: what was last said, and the running job with its phase, progress, rate and Cancel."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QStatusBar, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.services import Job, JobRunner
from apbundle_gui.theme import Space
from apbundle_gui.widgets import ElidedLabel, icon_button

WIDTH = 680
"""Width of the job's place in pixels."""
SHOWN_MS = 8000
"""How long a remark stays, in milliseconds."""
PATIENCE_MS = 200
"""A job shorter than this, in milliseconds, does not appear: nothing flickers."""
STEPS = 1000
"""Steps of the progress bar; byte counts would not fit its integers."""


class JobPanel(QWidget):
    """The oldest running job, and how many more there are. It keeps its place while there is none."""

    def __init__(self, jobs: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        self.setFixedWidth(WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.M)
        self._title = ElidedLabel()
        layout.addWidget(self._title, 1)
        self._phase = ElidedLabel(secondary=True)
        self._phase.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._phase.setFont(theme.tabular(self._phase.font()))
        layout.addWidget(self._phase)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(96)
        layout.addWidget(self._bar)
        self._cancel = icon_button("cancel", "Cancel", self.cancel)
        layout.addWidget(self._cancel)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self.show)
        self.hide()
        jobs.changed.connect(self._follow)

    @property
    def job(self) -> Job | None:
        """The job it is about."""
        return self._job

    @property
    def text(self) -> str:
        """What it says."""
        return words.joined((self._title.text(), self._phase.text()))

    def cancel(self) -> None:
        """Ask the job to stop."""
        if self._job is not None:
            self._job.cancel()
            self._refresh()

    def _follow(self) -> None:
        running = self._jobs.jobs
        job = running[0] if running else None
        if job is not self._job:
            if self._job is not None:
                self._job.progressed.disconnect(self._refresh)
            self._job = job
            if job is None:
                self._patience.stop()
                self.hide()
                return
            job.progressed.connect(self._refresh)
            if not self.isVisible():
                self._patience.start()
        self._refresh()

    def _refresh(self) -> None:
        job = self._job
        if job is None:
            return
        more = len(self._jobs.jobs) - 1
        phase = words.progress(job.phase, job.done, job.total, job.rate, job.seconds_left)
        self._title.setText(job.title)
        self._phase.setText(words.joined(("Cancelling…" if job.cancelling else phase, f"{more} more" if more else "")))
        self._cancel.setEnabled(not job.cancelling)
        self._bar.setRange(0, STEPS if job.total > 0 else 0)
        if job.total > 0:
            self._bar.setValue(min(STEPS, STEPS * job.done // job.total))


class StatusBar(QStatusBar):
    """A remark at the left, the job at the right."""

    def __init__(self, jobs: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(Space.S, 0, Space.S, 0)
        self._remark = ElidedLabel(secondary=True)
        self.addWidget(self._remark, 1)
        self.job_panel = JobPanel(jobs)
        self.addPermanentWidget(self.job_panel)
        self._end = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self._end.timeout.connect(lambda: self._remark.setText(""))

    @property
    def remark(self) -> str:
        """What it says at the left."""
        return self._remark.text()

    def say(self, text: str) -> None:
        """Show a remark for a few seconds."""
        self._remark.setText(text)
        self._end.start()
