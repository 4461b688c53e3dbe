"""A text that takes two lines until somebody wants all of it."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui.models.long_text import lines
from apbundle_gui.models.text import safe
from apbundle_gui.pages.inspect.panes import TextPane
from apbundle_gui.theme import Space
from apbundle_gui.widgets import SecondaryLabel, button

FOLDED: Final = 180
"""Characters a folded text shows."""
UNFOLDED_HEIGHT: Final = 120
"""Height of the pane of an unfolded text, in pixels."""


class FoldedText(QWidget):
    """Untrusted text, folded while it is long. Hidden while there is none."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._text = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.XS)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        self._short = SecondaryLabel(wrap=True)
        self._short.setAccessibleName(name)
        row.addWidget(self._short, 1)
        self._more = button("Show All", self.toggle, kind="quiet")
        row.addWidget(self._more)
        column.addLayout(row)
        self._whole = TextPane(name)
        self._whole.setFixedHeight(UNFOLDED_HEIGHT)
        column.addWidget(self._whole)
        self.hide()

    @property
    def unfolded(self) -> bool:
        """Whether all of it is shown."""
        return not self._whole.isHidden()

    def show_text(self, text: str) -> None:
        """Show ``text``, folded."""
        self._text = text
        short = safe(text.strip().replace("\n", " "), FOLDED)
        self._short.setText(short)
        self._more.setVisible(short != lines(text).strip())
        self._fold(True)
        self.setVisible(bool(text.strip()))

    def toggle(self) -> None:
        """Fold or unfold."""
        self._fold(self.unfolded)

    def _fold(self, folded: bool) -> None:
        if not folded:
            self._whole.show_text(self._text)
        self._whole.setVisible(not folded)
        self._more.setText("Show All" if folded else "Show Less")
