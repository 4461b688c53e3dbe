"""The bar that says what is recorded: in place of a workload's controls, the settings of the program that recorded."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QGridLayout, QWidget

from apbundle.trace.records import RecordingHeader
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_source import FACTS, facts
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Card, ElidedLabel

_SHARES: Final = (5, 3, 4, 2, 2, 3, 4)


class RecordingBar(Card):
    """The settings of a recording."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=Space.M)
        self.body.setContentsMargins(Space.M, Space.S, Space.M, Space.S)
        grid = QGridLayout()
        grid.setHorizontalSpacing(Space.L)
        grid.setVerticalSpacing(Space.XS)
        self._values: dict[str, ElidedLabel] = {}
        for column, (name, share) in enumerate(zip(FACTS, _SHARES, strict=True)):
            grid.addWidget(ElidedLabel(name, secondary=True), 0, column)
            value = ElidedLabel(words.NONE)
            value.setAccessibleDescription(name)
            grid.addWidget(value, 1, column)
            grid.setColumnStretch(column, share)
            self._values[name] = value
        self.body.addLayout(grid)

    def value(self, name: str) -> str:
        """What it says of one of the :data:`~apbundle_gui.models.monitor_source.FACTS`."""
        return self._values[name].text()

    def show_recording(self, path: str, header: RecordingHeader | None, limit: int | None) -> None:
        """Show what is known of the recording at ``path``; ``limit`` is the one in force now, in bytes."""
        if header is None:
            for value in self._values.values():
                value.setText(words.NONE)
            self._values["Recording"].setText(words.file_name(path), path)
            return
        for name, fact in facts(path, header, limit).items():
            if fact.text != self._values[name].text():
                self._values[name].setText(fact.text, fact.tip or fact.text)
