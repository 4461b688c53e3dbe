"""What would be better: the hit rate under every limit, and other policies on the same accesses, worked out by jobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from apbundle.progress import Cancel, Progress
from apbundle.trace.compare import LADDER, Comparison
from apbundle_gui.models import monitor_better as wording
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_better import Column, PolicyTable
from apbundle_gui.pages.monitor.curve_plot import CurvePlot
from apbundle_gui.services import Job, JobRunner, Settings
from apbundle_gui.services.analysis import CurveFound, find_curve, find_policies
from apbundle_gui.theme import Space
from apbundle_gui.widgets import CellDelegate, SecondaryLabel, SpinBox, TableView, button

DEFAULT_TARGET: Final = 95
"""The hit rate that is looked for at first, in percent."""
BESIDE: Final = 900
"""The width of the page from which curve and policies stand side by side, in pixels."""
LEAST_HEIGHT: Final = 280
LEAST_STACKED: Final = 480
"""Least heights, with the curve beside and above the policies, in pixels."""
_WIDTHS: Final = [84, 150, 76, 76, 92, 92]
_TARGET_KEY: Final = "monitor/target_percent"
_NOTHING: Final = "Which limit would do, and which policy, is worked out from the accesses that were recorded."


class BetterPanel(QWidget):
    """The analysis of one recording.

    Attributes
    ----------
    tools
        The target, and the buttons that begin and end the work; they stand where the panel is put.
    changed
        Emitted when work began or ended.
    """

    changed = Signal()

    def __init__(self, jobs: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._running: dict[str, Job] = {}
        self._asked = 0  # how often the recording changed or work began: what comes of an earlier time is let go
        self._beside = True
        self._path = ""
        self._policy = ""
        self.curve_found: CurveFound | None = None
        self.comparison: Comparison | None = None
        self.tools = self._make_tools()
        self.curve = CurvePlot()
        self.curve_said = SecondaryLabel("", wrap=True)
        self.policies = PolicyTable(self)
        self.table = TableView(sortable=False)
        self.table.setAccessibleName("Policies on the same accesses")
        self.table.setModel(self.policies)
        self.table.setItemDelegate(CellDelegate(self.table))
        self.table.set_widths(_WIDTHS, Column.POLICY)
        self.table.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.table.selectionModel().currentChanged.connect(self._policy_chosen)
        self.policy_said = SecondaryLabel("", wrap=True)
        self._empty = SecondaryLabel(_NOTHING)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        found = QWidget()
        self._halves = QBoxLayout(QBoxLayout.Direction.LeftToRight, found)
        self._halves.setContentsMargins(0, 0, 0, 0)
        self._halves.setSpacing(Space.S)
        for plot, said, margin in ((self.curve, self.curve_said, Space.M), (self.table, self.policy_said, 0)):
            half = QVBoxLayout()
            half.setContentsMargins(margin, 0, margin, Space.XS)
            half.setSpacing(Space.XS)
            half.addWidget(plot, 1)
            row = QHBoxLayout()
            row.setContentsMargins(0 if margin else Space.S, 0, Space.S, 0)
            row.addWidget(said)
            half.addLayout(row)
            self._halves.addLayout(half, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(found)
        self.forget()

    @property
    def working(self) -> bool:
        """Whether something is being worked out."""
        return bool(self._running)

    def show_recording(self, path: str, policy: str) -> None:
        """Take a recording, and the policy that was in force; nothing is worked out of it yet."""
        self._policy = policy
        if path != self._path:
            self._path = path
            self.forget()

    def forget(self) -> None:
        """Let go of what was found, and of what is being worked out."""
        self.cancel()
        self.curve_found = self.comparison = None
        self.curve.show_curve(None)
        self.policies.clear()
        self._stack.setCurrentIndex(0)
        self._show_state()

    def work_out(self) -> None:
        """Work everything out, of what is recorded now."""
        if not self._path or self.working:
            return
        self._asked += 1
        self.curve_said.setText("")
        self.policy_said.setText("")
        self._start("curve", "Working out the hit-rate curve", partial(find_curve, self._path), self._curve_done)
        self._start("policies", "Comparing policies", partial(find_policies, self._path, (), ()), self._policies_done)
        self._stack.setCurrentIndex(1)

    def cancel(self) -> None:
        """Stop what is being worked out; what was found before stays."""
        self._asked += 1
        for job in self._running.values():
            job.cancel()
        if self.curve_found is None and self.comparison is None:
            self._stack.setCurrentIndex(0)

    def restore(self, settings: Settings) -> None:
        """Set the target that was remembered."""
        self.target.setValue(settings.number(_TARGET_KEY, DEFAULT_TARGET, 1, 100))

    def remember(self, settings: Settings) -> None:
        """Keep the target."""
        settings.remember(_TARGET_KEY, self.target.value())

    @property
    def least_height(self) -> int:
        """What it takes to be read, in pixels, with its tools; where there is less room, the page scrolls."""
        return LEAST_HEIGHT if self._beside else LEAST_STACKED

    def set_beside(self, beside: bool) -> None:
        """Whether curve and policies stand side by side, or one above the other."""
        self._beside = beside
        self._halves.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)

    # -- making --------------------------------------------------------------------------------------------------

    def _make_tools(self) -> QWidget:
        tools = QWidget()
        row = QHBoxLayout(tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(SecondaryLabel("Target"))
        self.target = SpinBox(1, 100, DEFAULT_TARGET)
        self.target.setSuffix(" %")
        self.target.setFixedWidth(84)
        self.target.setAccessibleName("Hit rate to reach")
        self.target.setToolTip(words.tooltip("The hit rate for which the smallest limit is looked for"))
        self.target.valueChanged.connect(self._show_curve)
        row.addWidget(self.target)
        self.progress = SecondaryLabel("")
        row.addWidget(self.progress)
        row.addStretch(1)
        self.stop = button("Cancel", self.cancel, icon="cancel", kind="quiet", tip="Stop working it out")
        self.work = button("Work It Out", self.work_out, icon="run", tip="From all that is recorded up to now")
        row.addWidget(self.stop)
        row.addWidget(self.work)
        return tools

    def _start(
        self, name: str, title: str, work: Callable[[Progress, Cancel], object], done: Callable[..., None]
    ) -> None:
        asked = self._asked

        def end(take: Callable[[], None] | None = None) -> None:
            if self._running.get(name) is job:
                del self._running[name]
            if asked == self._asked and take is not None:
                take()
            self._show_state()

        def failed(error: BaseException) -> None:
            end()
            if asked == self._asked:
                said = self.curve_said if name == "curve" else self.policy_said
                said.setText(words.error_text(error, self._path).line)

        job = self._jobs.start(
            title,
            work,
            on_done=lambda found: end(lambda: done(found)),
            on_failed=failed,
            on_cancelled=end,
            abandonable=True,
        )
        self._running[name] = job
        job.progressed.connect(self._show_progress)
        self._show_state()

    # -- showing -------------------------------------------------------------------------------------------------

    def _curve_done(self, found: CurveFound) -> None:
        self.curve_found = found
        self._show_curve()

    def _policies_done(self, found: Comparison) -> None:
        """Show them under the recorded limits, and go on with others."""
        self._show_comparison(found, found.limits)
        shares = tuple(share.part for share in LADDER)
        self._start(
            "policies",
            "Comparing policies under other limits",
            partial(find_policies, self._path, (), shares),
            partial(self._show_comparison, recorded=found.limits),
        )

    def _show_curve(self) -> None:
        found, percent = self.curve_found, self.target.value()
        if found is None:
            return
        self.curve.show_curve(found, percent)
        self.curve_said.setText(wording.curve_sentences(found, percent))

    def _show_comparison(self, found: Comparison, recorded: tuple[int, ...]) -> None:
        self.comparison = found
        self.policies.show_comparison(found, self._policy, recorded)
        said = wording.policy_sentences(found, self._policy, recorded[-1] if recorded else None)
        self.policy_said.setText(said)
        self.table.setAccessibleDescription(said)

    def _policy_chosen(self, current: QModelIndex) -> None:
        if current.isValid():
            self.policy_said.setText(wording.explanation(self.policies.record(current.row())))

    def _show_progress(self) -> None:
        job = next(iter(self._running.values()), None)
        said = "" if job is None else words.brief_progress(job.phase, job.done, job.total, job.seconds_left)
        self.progress.setText(said)

    def _show_state(self) -> None:
        self.work.setVisible(not self.working)
        self.work.setEnabled(bool(self._path))
        self.work.setText("Work It Out" if self.curve_found is None else "Work Out Again")
        self.stop.setVisible(self.working)
        self._show_progress()
        self.changed.emit()
