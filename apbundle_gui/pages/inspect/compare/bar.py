"""The top of the tab: the other bundle to be chosen, how far comparing is, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.services import Job
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Label, SecondaryLabel, button

LEAST_WIDTH, PROGRESS_WIDTH = 120, 160
"""Of the list of bundles and of the progress bar, in pixels."""
_STEPS = 1000
_NO_OTHER = "No other bundle is open"
_TIP = "Compare with the chosen bundle"


class CompareBar(QWidget):
    """Chooses the other bundle.

    Attributes
    ----------
    compare_wanted
        Emitted with the path of the chosen bundle.
    file_wanted
        A bundle that is not open should be chosen.
    cancel_wanted
        Comparing should stop.
    """

    compare_wanted = Signal(object)
    file_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Bundle to compare with")
        self.choice.view().setAccessibleName("Open bundles")
        self.choice.setPlaceholderText(_NO_OTHER)
        self.choice.setMinimumWidth(LEAST_WIDTH)
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.file = button("Choose File…", self.file_wanted.emit, icon="open", tip="Compare with a bundle from a file")
        self.compare = button("Compare", self._clicked, icon="compare", tip=_TIP)
        self.compare.setMinimumWidth(self.compare.sizeHint().width())  # it is Cancel meanwhile
        self._running = False
        caption = SecondaryLabel("From")
        caption.setBuddy(self.choice)
        top = QHBoxLayout()
        top.setSpacing(Space.S)
        top.addWidget(caption)
        top.addWidget(self.choice, 1)
        top.addWidget(SecondaryLabel("to this bundle"))
        for widget in (self.file, self.compare):
            top.addWidget(widget)
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
        layout.addLayout(top)
        layout.addLayout(bottom)
        self.show_job(None)

    def show_bundles(self, paths: Sequence[str], chosen: str) -> None:
        """Offer these bundles, and ``chosen`` among them if it is one."""
        names = Counter(words.file_name(path) for path in paths)
        self.choice.clear()
        for path in paths:
            name = words.file_name(path)
            self.choice.addItem(name if names[name] == 1 else words.safe(path), path)
            self.choice.setItemData(self.choice.count() - 1, words.tooltip(path), Qt.ItemDataRole.ToolTipRole)
        if paths:  # the latest opened is the likeliest
            self.choice.setCurrentIndex(paths.index(chosen) if chosen in paths else len(paths) - 1)
        self.choice.setEnabled(bool(paths))
        self._enable()

    def show_job(self, job: Job | None) -> None:
        """Show how far the job is; without one, that it can be started."""
        running = job is not None
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
        self.compare.setEnabled(self._running or self.choice.count() > 0)

    def _clicked(self) -> None:
        path = self.choice.currentData()
        if self._running:
            self.cancel_wanted.emit()
        elif path is not None:
            self.compare_wanted.emit(path)
