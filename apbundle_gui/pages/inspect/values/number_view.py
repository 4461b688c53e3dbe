"""A tensor of one element: its number, large."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.widgets import Card, ElidedLabel, SecondaryLabel


class NumberView(Card):
    """Shows one number.

    Attributes
    ----------
    chosen
        Emitted when the user chose it.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("The only value")
        self.body.addStretch(1)
        self.value = ElidedLabel(words.NONE)
        self.value.setFont(theme.value_font())
        self.body.addWidget(self.value)
        self.body.addWidget(SecondaryLabel("The only value of this tensor"))
        self.body.addStretch(2)

    def show_number(self, text: str) -> None:
        """Show another one."""
        self.value.setText(text)
        self.setAccessibleDescription(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit()
