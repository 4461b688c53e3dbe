"""What is known of the values of a tensor: a few numbers, and the histogram."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models import value_text
from apbundle_gui.models.tensor_table import shape_text
from apbundle_gui.pages.inspect.panes import SidePanel
from apbundle_gui.pages.inspect.values.histogram import HistogramChart
from apbundle_gui.services.tensor_values import TensorValues
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Facts, SecondaryLabel, SectionTitle, button

STEPS = 1000
"""Steps of the progress bar; byte counts would not fit its integers."""

LEAST_WIDTH = 272
"""The narrowest it can be made, in pixels."""


class StatisticsPanel(SidePanel):
    """Says what is known of the values.

    Attributes
    ----------
    clip
        Whether outliers are left out of charts and colours.
    clip_changed
        Emitted with whether they are, when the user chose.
    """

    clip_changed = Signal(bool)

    def __init__(self, values: TensorValues, parent: QWidget | None = None) -> None:
        super().__init__("Statistics of the values", parent)
        self.setMinimumWidth(LEAST_WIDTH)
        self._values = values
        self.kind = SecondaryLabel(wrap=True)
        self.content.addWidget(self.kind)
        self.facts = Facts()
        for caption in value_text.CAPTIONS:
            self.facts.add(caption)
        self.content.addWidget(self.facts)
        self.basis = SecondaryLabel(wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, STEPS)
        self.bar.setAccessibleName("Values read")
        self.more = button("Read &All", values.read_all, kind="quiet", tip="Make the statistics exact")
        self.stop = button("S&top", values.stop, kind="quiet", tip="Stop reading; what the sample says stays")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self.basis, 1)
        row.addWidget(self.more)
        row.addWidget(self.stop)
        self.content.addLayout(row)
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        policy.setVerticalPolicy(QSizePolicy.Policy.Fixed)
        self.bar.setSizePolicy(policy)
        self.content.addWidget(self.bar)
        head = QHBoxLayout()
        head.setSpacing(Space.M)
        head.addWidget(SectionTitle("Histogram"))
        head.addStretch(1)
        self.log = QCheckBox("&Log")
        self.log.setToolTip(words.tooltip("Draw counts on a logarithmic scale, so that rare values are seen"))
        self.clip = QCheckBox("Cli&p outliers")
        self.clip.setChecked(True)
        self.clip.setToolTip(words.tooltip("Leave the rarest values at both ends out of charts and colours"))
        head.addWidget(self.log)
        head.addWidget(self.clip)
        self.content.addLayout(head)
        self.histogram = HistogramChart()
        self.content.addWidget(self.histogram, 1)
        self.outliers = SecondaryLabel(wrap=True)
        self.content.addWidget(self.outliers)
        self.log.toggled.connect(self.histogram.set_log)
        self.clip.toggled.connect(self._clip_chosen)
        values.changed.connect(self.refresh)
        values.progressed.connect(self._show_progress)
        self.refresh()

    def refresh(self) -> None:
        """Show what is known now."""
        info, found = self._values.info, self._values.statistics
        if info is not None:
            self.title.setText(words.name(info.name, words.SHOWN_IN_DETAIL))
            magnitude = "; magnitudes of complex numbers" if info.dtype.startswith("C") else ""
            self.kind.setText(f"{info.dtype} · {shape_text(info.shape)}{magnitude}")
        rows = value_text.rows(found) if found is not None else []
        for row in rows or [value_text.Row(caption, "", "") for caption in value_text.CAPTIONS]:
            self.facts.set(row.caption, row.value, row.tip)
        reading = self._values.reading is not None
        self.basis.setText("" if found is None else value_text.basis(found))
        self.more.setVisible(found is not None and not found.exact and not reading)
        self.stop.setVisible(reading)
        self.bar.setVisible(reading)
        self._show_progress()
        self._show_histogram()

    def _show_progress(self) -> None:
        job = self._values.reading
        if job is not None and self._values.statistics is not None:
            self.bar.setValue(min(STEPS, STEPS * job.done // max(job.total, 1)))
            said = words.brief_progress("Reading all", job.done, job.total, job.seconds_left)
            self.basis.setText(f"{value_text.basis(self._values.statistics)}  ·  {said}")

    def _show_histogram(self) -> None:
        found = self._values.statistics
        histogram = None
        if found is not None:
            histogram = found.histogram if self.clip.isChecked() else self._values.whole_histogram
            if not self.clip.isChecked() and histogram is None:
                self._values.want_whole_histogram()
                histogram = found.histogram
        self.histogram.show_histogram(histogram, found)
        said = ""
        if found is not None:
            said = value_text.outliers(histogram, found) if histogram else value_text.odd_values(found)
        self.outliers.setText(said)

    def _clip_chosen(self, clip: bool) -> None:
        self._show_histogram()
        self.clip_changed.emit(clip)
