"""Everything that shows a run: tiles, charts, residency strip and events, in the room there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSplitter, QToolButton, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_reading import Moment
from apbundle_gui.models.monitor_rows import RowArray
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.pages.monitor.better import BESIDE, BetterPanel
from apbundle_gui.pages.monitor.charts import Charts
from apbundle_gui.pages.monitor.events import EventsPanel
from apbundle_gui.pages.monitor.lower import Panels
from apbundle_gui.pages.monitor.scrubber import Scrubber
from apbundle_gui.pages.monitor.strip import ResidencyStrip
from apbundle_gui.pages.monitor.tiles import Tiles
from apbundle_gui.services import JobRunner, Settings
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Card, SecondaryLabel, SectionTitle, Swatch

WIDE: Final = 1500
"""The width from which the events stand beside the charts rather than below them, in pixels."""
EVENTS_HEIGHT: Final = 132
EVENTS_WIDTH: Final = 420
"""The least room of the events, in pixels; where there is less, the page scrolls."""
BEATS: Final = 8
"""Beats in which everything is shown once."""
NOT_YET: Final = "Models and events show once the recording is read through."
_KEYS: Final = {
    Qt.Orientation.Vertical: "monitor/splitter_vertical",
    Qt.Orientation.Horizontal: "monitor/splitter_horizontal",
}


class Dashboard(QWidget):
    """A run as it was when it was last refreshed."""

    def __init__(self, jobs: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: Run | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        self.tiles = Tiles()
        layout.addWidget(self.tiles)
        self.charts = Charts()
        self.strip = ResidencyStrip()
        self.scrubber = Scrubber()
        self.events = EventsPanel()
        self.events.selected.connect(self.strip.mark)
        self.better = BetterPanel(jobs)
        self.panels = Panels(
            (
                ("Events", self.events.tools, self.events),
                ("What would be better", self.better.tools, self.better),
            )
        )
        charts = Card(margin=Space.M)
        charts.body.setContentsMargins(Space.M, Space.S, Space.M, Space.XS)
        charts.body.addWidget(self.charts)
        self._lower = Card(margin=0)
        self._lower.body.setContentsMargins(1, Space.XS, 1, 1)
        self._lower.body.addWidget(self.panels)
        self._lower.setMinimumSize(EVENTS_WIDTH, EVENTS_HEIGHT)
        self._left = QWidget()
        column = QVBoxLayout(self._left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addWidget(charts, 1)
        column.addWidget(self._strip_card())
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setHandleWidth(Space.S)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._left)
        self.splitter.addWidget(self._lower)
        layout.addWidget(self.splitter, 1)
        self.panels.tabs.currentChanged.connect(self._give_way)
        self._remembered = dict.fromkeys(_KEYS, QByteArray())
        self._share_room()

    def show_models(self, names: Sequence[str], sizes: NDArray[np.int64], limit: int) -> None:
        """Show models of which nothing is recorded yet."""
        self._run = None
        self.tiles.clear()
        self.charts.clear(limit)
        self.strip.show_models(names, sizes)
        self.strip.describe()
        self.strip.say("")
        self.events.begin(names)
        self.leave_moment()

    def show_limit(self, limit: int) -> None:
        """Show the limit that a run would have; only while there is none."""
        self.charts.clear(limit)

    def begin(self, run: Run, *, complete: bool = True) -> None:
        """Another recording begins; of one that is not ``complete``, models and events are not known yet."""
        self._run = run
        if not complete:
            self.charts.show_whole()
        self.strip.say("" if complete else NOT_YET)
        self.events.begin(run.names, run.policy, "" if complete else NOT_YET)
        self.leave_moment()

    def point_at(self, moment: int) -> None:
        """Mark a moment in the charts, in nanoseconds of the recording; the rest follows with :meth:`show_moment`."""
        self.charts.mark(moment / 1e9)

    def show_moment(self, moment: Moment) -> None:
        """Show the run as it was."""
        now = moment.time
        self.tiles.show_run(moment.run, now / 1e9, None)
        self.strip.show_run(moment.run, now)
        self.strip.describe()
        self.events.show_moment(moment.run.names, moment.run.policy, moment.rows)

    def leave_moment(self) -> None:
        """Show the newest again, at the next :meth:`refresh`."""
        self.charts.mark(None)
        self.events.leave_moment()

    def add(self, rows: RowArray) -> None:
        """Take the rows of new events in; nothing is painted before :meth:`refresh`."""
        self.events.add(rows)

    def refresh(self, beat: int, now: int, resident: int | None) -> None:
        """Show the run as of ``now``, in nanoseconds of the recording.

        One part at a ``beat``, for all would take too long to paint at once: charts every other time, for they move;
        numbers and sentences less often, for they are read. ``BEATS`` calls in a row show everything.
        """
        if self._run is None:
            return
        if beat % 2 == 0:
            self.charts.show_run(self._run, now / 1e9)
        elif beat % 4 == 1:
            self.tiles.show_run(self._run, now / 1e9, resident)
            self.strip.show_run(self._run, now)
        elif beat % BEATS == 3:
            self.events.publish()

    def restore(self, settings: Settings) -> None:
        """Divide the room as it was remembered."""
        self._remembered = {orientation: settings.blob(key) for orientation, key in _KEYS.items()}
        self._share_room()
        self.better.restore(settings)

    def remember(self, settings: Settings) -> None:
        """Keep how the room is divided."""
        self._remembered[self.splitter.orientation()] = self.splitter.saveState()
        for orientation, state in self._remembered.items():
            settings.remember(_KEYS[orientation], state)
        self.better.remember(settings)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.better.set_beside(event.size().width() >= BESIDE and event.size().width() < WIDE)
        wanted = Qt.Orientation.Horizontal if event.size().width() >= WIDE else Qt.Orientation.Vertical
        if wanted != self.splitter.orientation():
            self._remembered[self.splitter.orientation()] = self.splitter.saveState()
            self.splitter.setOrientation(wanted)
            self._share_room()
        self._give_way()

    def _give_way(self) -> None:
        """Where the panels stand below the charts, what would be better takes the room of both."""
        upright = self.splitter.orientation() == Qt.Orientation.Vertical
        events = self.panels.shows(self.events)
        self._left.setVisible(not upright or events)
        self._lower.setMinimumHeight(EVENTS_HEIGHT if events else self.better.least_height)

    def _share_room(self) -> None:
        orientation = self.splitter.orientation()
        if not self.splitter.restoreState(self._remembered[orientation]):
            half = (self.height() if orientation == Qt.Orientation.Vertical else self.width()) // 2
            self.splitter.setSizes([half, half])
        self.splitter.setOrientation(orientation)
        self.splitter.setHandleWidth(Space.S)

    def _strip_card(self) -> Card:
        card = Card(margin=Space.M)
        card.body.setContentsMargins(Space.M, Space.XS, Space.M, Space.S)
        card.body.setSpacing(Space.XS)
        row = QHBoxLayout()
        row.setSpacing(Space.XS)
        row.addWidget(SectionTitle("Models"))
        row.addSpacing(Space.M)
        row.addWidget(self.scrubber, 1)
        row.addSpacing(Space.M)
        for tone, text in ((Tone.HIT, "in memory"), (Tone.EVICTION, "just evicted")):
            row.addWidget(Swatch(tone))
            row.addWidget(SecondaryLabel(text))
            row.addSpacing(Space.M)
        row.addWidget(SecondaryLabel("dotted: never loaded"))
        row.addSpacing(Space.M)
        by_size = QToolButton()
        by_size.setText("By size")
        by_size.setCheckable(True)
        by_size.setChecked(True)
        by_size.setToolTip(words.tooltip("Make the cells as wide as the models are large"))
        by_size.toggled.connect(self.strip.set_by_size)
        row.addWidget(by_size)
        card.body.addLayout(row)
        card.body.addWidget(self.strip)
        card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        return card
