"""The three charts on one time axis: events a second by kind, hit rate, memory against the limit."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QToolButton, QWidget

from apbundle_gui.models import monitor_axes as axes
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.pages.monitor.plot import HEADER_HEIGHT, TimePlot
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import set_property

SPANS: Final = (("Last 30 seconds", 30.0), ("Last 2 minutes", 120.0), ("Whole run", float("inf")))
"""What can be shown of a run: caption, seconds."""
LEAST_SECONDS: Final = 5.0
"""The shortest time axis: a run that just began does not fill it."""
TALL: Final = 330
"""The height from which the charts stand on each other, in pixels."""
WIDE: Final = 1060
"""The width from which they may stand side by side, in pixels."""
KEY_STEPS: Final = 100
"""Presses of an arrow key that lead from one end of the time axis to the other."""
LEAST_STACKED: Final = 290
LEAST_BESIDE: Final = 150
_LINES: Final = (  # in the order of monitor_series.KINDS
    ("hit", "Hits", Tone.HIT),
    ("miss", "Misses", Tone.MISS),
    ("eviction", "Evictions", Tone.EVICTION),
    ("prefetch", "Prefetches", Tone.PREFETCH),
)
_HEADROOM: Final = 1.15
"""The height of a chart over its highest value: room for a line there, and for half of its label."""
_EMPTY: Final = np.zeros(0)
_EVENTS_A_STEP: Final = 6
_PIXELS_A_STEP: Final = 6


class Charts(QWidget):
    """What happened over time.

    Attributes
    ----------
    chosen
        Emitted with a time, in nanoseconds of the recording, that was clicked or gone to with the keys, and ``None``
        for the newest.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._span = SPANS[0][1]
        self._described = -1
        self._shown: tuple[Run, float] | None = None
        self._mark: float | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(Space.L)
        self._grid.setVerticalSpacing(Space.XS)
        self._stacked: bool | None = None
        self.events = TimePlot("Events a second", words.significant)
        for name, caption, tone in _LINES:
            self.events.add_line(name, caption, tone, steps=True, filled=tone is Tone.HIT)
        self.hit_rate = TimePlot("Hit rate", words.percent)
        self.hit_rate.add_line("window", "Lately", Tone.HIT)
        self.hit_rate.add_line("overall", "Overall", Tone.NEUTRAL)
        self.memory = TimePlot("Memory used", lambda value: words.size(round(value)))
        self.memory.add_line("used", "In memory", Tone.ACCENT, filled=True)
        self.memory.add_limit("Limit")
        self.span_button = self._make_span_button()
        for plot in self.plots:
            plot.pointed.connect(self._point)
            plot.clicked.connect(self._choose)
            plot.stepped.connect(self._step)
        self._arrange(stacked=True)
        self.clear()

    @property
    def plots(self) -> tuple[TimePlot, TimePlot, TimePlot]:
        """The charts from top to bottom."""
        return self.events, self.hit_rate, self.memory

    def clear(self, limit: int = 0) -> None:
        """Show empty charts, with the limit if there is one."""
        self._shown = None
        self._mark = None
        for plot in self.plots:
            plot.clear()
        self._set_ranges(0.0, LEAST_SECONDS, 1.0, max(limit, 1), limit)

    def show_run(self, run: Run, now: float) -> None:
        """Show a run as of ``now`` (seconds of the recording)."""
        self._shown = run, now
        begin, end = max(now - self._span, 0.0), max(now, self._least_end)
        accesses = run.counters.events / max(now, 1.0)
        least = min(max(0.25, _EVENTS_A_STEP / max(accesses, 0.1)), (end - begin) / 12)
        columns = min(self.events.plot_width // _PIXELS_A_STEP, int((end - begin) / least))
        rates = run.series.rates(begin, now, max(columns, 1) if now >= end else max(int(columns * now / end), 1))
        for (name, _, _), values in zip(_LINES, rates.per_second, strict=True):
            self.events.set_line(name, rates.edges if len(values) else _EMPTY, values)
        self.hit_rate.set_line("window", rates.edges[1:], rates.window)
        self.hit_rate.set_line("overall", rates.edges[1:], rates.overall)
        used = run.series.memory(begin, now, self.memory.plot_width)
        self.memory.set_line("used", *used)
        top = axes.nice(float(rates.per_second.max(initial=0.0)))
        self._set_ranges(begin, end, top, max(float(used[1].max()), run.limit), run.limit)
        for plot in self.plots:
            plot.say_values()
        if int(now) != self._described:
            self._described = int(now)
            for plot in self.plots:
                plot.describe()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(stacked=event.size().height() >= TALL or event.size().width() < WIDE)

    def _arrange(self, *, stacked: bool) -> None:
        """Put the charts on each other, or, where that would make them flat, the first beside the other two."""
        if stacked == self._stacked:
            return
        self._stacked = stacked
        self.setMinimumHeight(LEAST_STACKED if stacked else LEAST_BESIDE)
        if stacked:
            for row, (plot, share) in enumerate(zip(self.plots, (5, 3, 4), strict=True)):
                self._grid.addWidget(plot, row, 0)
                self._grid.setRowStretch(row, share)
        else:
            self._grid.addWidget(self.events, 0, 0, 2, 1)
            for row, plot in enumerate((self.hit_rate, self.memory)):
                self._grid.addWidget(plot, row, 1)
                self._grid.setRowStretch(row, 1)
            self._grid.setRowStretch(2, 0)
        left, right = (1, 0) if stacked else (54, 46)
        self._grid.setColumnStretch(0, left)
        self._grid.setColumnStretch(1, right)
        self.events.show_time(not stacked)
        self.hit_rate.show_time(False)
        (self.events if stacked else self.hit_rate).header.addWidget(self.span_button)

    def _set_ranges(self, begin: float, end: float, events: float, memory: float, limit: int) -> None:
        self.events.set_range(begin, end, events * _HEADROOM, axes.count_ticks(events))
        self.hit_rate.set_range(begin, end, _HEADROOM, axes.share_ticks())
        self.memory.set_range(begin, end, memory * _HEADROOM, axes.size_ticks(memory * _HEADROOM))
        self.memory.set_limit(float(limit))
        ticks = axes.time_ticks(begin, end, max(self.memory.plot_width // 90, 2))
        for plot in self.plots:
            plot.set_time_ticks(ticks)

    @property
    def _least_end(self) -> float:
        """The least end of the time axis, in seconds: the whole of a run has all of it."""
        return 1.0 if self._span == SPANS[-1][1] else LEAST_SECONDS

    def show_whole(self) -> None:
        """Show all of the run from now on."""
        self._show_span(*SPANS[-1])

    def mark(self, time: float | None) -> None:
        """Keep the cross at a time (seconds of the recording) while the mouse is not over a chart."""
        self._mark = time
        self._point(None)
        for plot in self.plots:
            plot.describe()

    def _point(self, x: float | None) -> None:
        for plot in self.plots:
            plot.point_at(self._mark if x is None else x)

    def _choose(self, time: float | None) -> None:
        if self._shown is not None:
            newest = time is None or time >= self._shown[1]
            self.chosen.emit(None if newest or time is None else max(round(time * 1e9), 0))

    def _step(self, columns: float) -> None:
        """Go on from the moment that is marked, by so many steps; infinitely many lead to one of the ends."""
        if self._shown is None:
            return
        now = self._shown[1]
        begin = max(now - self._span, 0.0)
        if abs(columns) > KEY_STEPS:
            self._choose(None if columns > 0 else begin)
            return
        at = now if self._mark is None else self._mark
        self._choose(max(at + columns * (now - begin) / KEY_STEPS, 0.0))

    def _make_span_button(self) -> QToolButton:
        button = QToolButton()
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setAccessibleName("Time shown")
        set_property(button, kind="selector")
        button.setFixedHeight(HEADER_HEIGHT)
        menu = QMenu(button)
        for caption, span in SPANS:
            menu.addAction(caption, partial(self._show_span, caption, span))
        button.setMenu(menu)
        button.setText(SPANS[0][0])
        return button

    def _show_span(self, caption: str, span: float) -> None:
        self._span = span
        self.span_button.setText(caption)
        if self._shown is not None:
            self.show_run(*self._shown)
