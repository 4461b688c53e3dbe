"""The top of the tab: what is compared, how far that is, and what came of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.pages.inspect.compare.sides import Sides
from apbundle_gui.services import Job
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Label, button

PROGRESS_WIDTH = 160
"""Of the progress bar, in pixels."""
_STEPS = 1000
_TIP = "Compare what is chosen"


class CompareBar(QWidget):
    """Asks what is to be compared, and says how that goes.

    Attributes
    ----------
    compare_wanted
        Emitted with the :class:`~apbundle_gui.services.comparing.Request`.
    cancel_wanted
        Comparing should stop.
    """

    compare_wanted = Signal(object)
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sides = Sides()
        self.compare = button("Compare", self._clicked, icon="compare", tip=_TIP)
        self.compare.setMinimumWidth(self.compare.sizeHint().width())  # it is Cancel meanwhile
        self.sides.grid.addWidget(self.compare, 1, self.sides.grid.columnCount() - 1)
        self.sides.changed.connect(self._enable)
        self.sides.swapped_changed.connect(self._turned)
        self._running = self._compared = False
        self.said = Label()
        self.said.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the comparison")
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(PROGRESS_WIDTH)
        bottom = QHBoxLayout()
        bottom.setSpacing(Space.M)
        bottom.addWidget(self.said, 1)
        bottom.addWidget(self.progress)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        layout.addWidget(self.sides)
        layout.addLayout(bottom)
        self.show_job(None)

    def show_job(self, job: Job | None, *, compared: bool = False) -> None:
        """Show how far the job is; without one, that it can be started, and whether something was ``compared``."""
        running = job is not None
        self._compared = running or compared
        if running != self._running:
            self._running = running
            self.compare.setText("Cancel" if running else "Compare")
            self.compare.setIcon(theme.icon("cancel" if running else "compare"))
            self.compare.setToolTip(words.tooltip("Stop comparing" if running else _TIP))
        self._enable()
        self.progress.setVisible(running)
        if job is not None:
            self.progress.setRange(0, _STEPS if job.total > 0 else 0)
            self.progress.setValue(min(_STEPS, job.done * _STEPS // job.total) if job.total > 0 else 0)
            self.say(words.progress(job.phase or "Comparing", job.done, job.total, job.rate, job.seconds_left))

    def say(self, text: str, tone: Tone | None = None) -> None:
        """Say something below the choice."""
        self.said.setText(text)
        self.said.setVisible(bool(text))
        self.said.set_tone(tone)

    def _enable(self) -> None:
        self.compare.setEnabled(self._running or self.sides.request is not None)

    def _clicked(self) -> None:
        if self._running:
            self.cancel_wanted.emit()
        else:
            self._want()

    def _turned(self) -> None:
        """What was compared already is compared the other way round."""
        if self._compared:
            self._want()

    def _want(self) -> None:
        if (request := self.sides.request) is not None:
            self.compare_wanted.emit(request)
