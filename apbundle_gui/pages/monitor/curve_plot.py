"""The hit-rate curve: what every limit would have done, with the limits in force, the knee and what a target takes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from apbundle_gui import theme
from apbundle_gui.models import monitor_axes as axes
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_better import curve_sentences
from apbundle_gui.pages.monitor.legend import line_pen
from apbundle_gui.pages.monitor.plot import TimePlot
from apbundle_gui.services.analysis import CurveFound
from apbundle_gui.theme import Tone

KEY_STEPS: Final = 100
"""Presses of an arrow key that lead from one end of the curve to the other."""
_MARKS: Final = (("limit", Tone.LIMIT, 0.97), ("target", Tone.OK, 0.89), ("knee", Tone.NEUTRAL, 0.81))
"""Vertical lines, and how high their labels stand: not in each other's way where two lines are close."""


class CurvePlot(TimePlot):
    """A curve over limits instead of times; arrow keys move along it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._lines_at: dict[str, Any] = {}
        self._found: CurveFound | None = None
        self._percent = 0
        super().__init__("Hit rate by limit", words.percent, parent)
        self.add_line("hits", "Hits", Tone.HIT, steps=True, filled=True)
        self.add_line("bytes", "Bytes", Tone.ACCENT, steps=True)
        for name, _, height in _MARKS:
            line = pg.InfiniteLine(angle=90, movable=False, label=name, labelOpts={"position": height})
            line.hide()
            self._item.addItem(line, ignoreBounds=True)
            self._lines_at[name] = line
        self.restyle()
        self.pointed.connect(self.point_at)
        self.clicked.connect(self.point_at)
        self.stepped.connect(self._step)
        self.clear()

    @property
    def description(self) -> str:
        if self._found is None:
            return super().description
        there = "" if self._cursor is None else f" {super().description}"
        return f"{curve_sentences(self._found, self._percent)}{there}"

    def marked(self, name: str) -> float | None:
        """Where the mark ``limit``, ``knee`` or ``target`` stands, in bytes."""
        line = self._lines_at[name]
        return float(line.value()) if line.isVisible() else None

    def show_curve(self, found: CurveFound | None, percent: int = 0) -> None:
        """Show a curve, and the limit that a hit rate of so many percent takes; ``None``: none is known."""
        self._found, self._percent = found, percent
        self._cursor = None
        if found is None or not found.accesses or not len(found.limits):
            self.clear()
            self.set_range(0, 1, 1.15, axes.share_ticks())
            self.set_time_ticks([])
            for name in self._lines_at:
                self._put(name, None)
            return
        limit = found.in_force.last
        end = max(found.working_set, limit or 0) * 1.05
        edges = np.append(found.limits, end).astype(np.float64)
        self.set_line("hits", edges, found.hits / found.accesses)
        self.set_line("bytes", edges, found.byte_hit_rates)
        self.set_range(0, end, 1.15, axes.share_ticks())
        self.set_time_ticks(axes.size_ticks(end))
        self._put("limit", limit)
        self._put("knee", found.knee)
        self._put("target", found.needed[percent])
        self.point_at(None)
        self.describe()

    def restyle(self) -> None:
        super().restyle()
        for name, tone, _ in _MARKS:
            if name in self._lines_at:
                self._lines_at[name].setPen(line_pen(tone))
                self._lines_at[name].label.setColor(theme.tone_color(tone))

    def _where(self, x: float) -> str:
        return words.size(round(x))

    def _put(self, name: str, limit: int | None) -> None:
        line = self._lines_at[name]
        line.setVisible(limit is not None)
        if limit is not None:
            line.label.setFormat(f"{self._percent} %" if name == "target" else name)
            line.setValue(float(limit))

    def _step(self, steps: float) -> None:
        found = self._found
        if found is None or not len(found.limits):
            return
        first, last = float(found.smallest), float(found.working_set)
        if abs(steps) > KEY_STEPS:
            self.point_at(first if steps < 0 else last)
        else:
            at = float(found.in_force.last or last) if self._cursor is None else self._cursor
            self.point_at(min(max(at + steps * (last - first) / KEY_STEPS, first), last))
        self.describe()
