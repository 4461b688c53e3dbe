"""Painting a thousand times takes no reference to ``None`` away: some versions of PySide6 did, and aborted Python."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from apbundle_gui.theme import Tone
from apbundle_gui.widgets import Badge, DropArea, ElidedLabel, Swatch, Tile


def test_painting_keeps_the_references_to_none(qtbot: QtBot) -> None:
    window = QWidget()
    layout = QVBoxLayout(window)
    label, tile, badge = ElidedLabel("text"), Tile("Hits", Tone.HIT), Badge("Verified", Tone.OK)
    for widget in (label, tile, badge, Swatch(Tone.MISS), DropArea()):
        layout.addWidget(widget)
    qtbot.addWidget(window)
    window.grab()
    before = sys.getrefcount(None)
    for number in range(1000):
        label.setText(f"text {number}")
        tile.set_value(str(number))
        badge.set_state(str(number), Tone.OK)
        window.grab()
    assert sys.getrefcount(None) >= before - 50
