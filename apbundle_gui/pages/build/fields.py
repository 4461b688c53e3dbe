"""Fields of the draft: taking back what was typed into them is the draft's business, not their own."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit


def _is_history(event: QEvent) -> bool:
    """Whether keys are pressed that the field would take for its own history."""
    return (
        event.type() == QEvent.Type.ShortcutOverride
        and isinstance(event, QKeyEvent)
        and (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo))
    )


class PathField(QLineEdit):
    """A path in one line.

    Attributes
    ----------
    left
        Emitted when the focus leaves it.
    """

    left = Signal()

    def event(self, event: QEvent) -> bool:
        if _is_history(event):
            event.ignore()
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class TextField(QPlainTextEdit):
    """Free text of several lines; the tab key leaves it.

    Attributes
    ----------
    left
        Emitted when the focus leaves it.
    """

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)

    def event(self, event: QEvent) -> bool:
        if _is_history(event):
            event.ignore()
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()
