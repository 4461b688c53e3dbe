"""The time scrubber: which moment of the recording is shown, from its beginning to the newest."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_text import clock
from apbundle_gui.theme import CONTROL_HEIGHT, Space
from apbundle_gui.widgets import SecondaryLabel, button

STEPS: Final = 1000
"""Moments that can be told apart with the slider."""
LEAST_WIDTH: Final = 90
"""Least width of the slider, in pixels."""


class Scrubber(QWidget):
    """A slider over the time of a recording, with the time it stands at.

    Attributes
    ----------
    chosen
        Emitted with the moment the user went to, in nanoseconds of the recording, or ``None`` for the newest.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._end = 0
        self._moment: int | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 20)
        self.slider.setSingleStep(STEPS // 200)
        self.slider.setMinimumSize(LEAST_WIDTH, CONTROL_HEIGHT)
        self.slider.setAccessibleName("Moment shown")
        self.slider.setToolTip(words.tooltip("Go to any moment: tiles, models and events show what was then"))
        self.slider.valueChanged.connect(self._slid)
        self._time = SecondaryLabel("")
        self._time.setFont(theme.tabular(self._time.font()))
        self._time.setMinimumWidth(self._time.fontMetrics().horizontalAdvance(clock(3_723_456_000_000)))
        self.newest = button("Newest", lambda: self.chosen.emit(None), kind="quiet", tip="Show the newest again")
        layout.addWidget(self.slider, 1)
        layout.addWidget(self._time)
        layout.addWidget(self.newest)
        self.show_time(0, None, can_go=False)

    def show_time(self, end: int, moment: int | None, *, can_go: bool) -> None:
        """Show that the recording lasts to ``end``, and which moment is shown, both in nanoseconds."""
        self._end, self._moment = end, moment
        self.slider.setEnabled(can_go and end > 0)
        self.newest.setEnabled(moment is not None)
        if not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(STEPS if moment is None else round(STEPS * moment / max(end, 1)))
            self.slider.blockSignals(False)
        said = clock(end if moment is None else moment)
        if said != self._time.text():
            self._time.setText(said)
            of = f"{said} of {clock(end)}"
            self.slider.setAccessibleDescription(of if moment is not None else f"the newest, {said}")

    def _slid(self, value: int) -> None:
        self.chosen.emit(None if value == STEPS else value * self._end // STEPS)
