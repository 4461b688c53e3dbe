"""What the tab says where there are no values to show."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import Card, Glyph, PageTitle, SecondaryLabel

SENTENCE_WIDTH = 420


class Message(Card):
    """A title and a sentence in the middle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._glyph = Glyph("tensor", theme.ICON_HERO)
        self.title = PageTitle("")
        self.sentence = SecondaryLabel(wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.sentence.setFixedWidth(SENTENCE_WIDTH)
        self.body.addStretch(2)
        self.body.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignHCenter)
        self.body.addWidget(self.title, 0, Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout()  # between stretches it gets the height its lines need; an alignment would not give it
        row.addStretch(1)
        row.addWidget(self.sentence)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addStretch(3)

    def say(self, icon: str, title: str, sentence: str, tone: Tone | None = None) -> None:
        """Say something else."""
        self._glyph.show_icon(icon, tone)
        self.title.setText(title)
        self.sentence.setText(sentence)
