"""The question before something that cannot be undone."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton, QWidget

SENTENCE_WIDTH: Final = 400
"""Width of what the question says, in pixels; by itself the box makes columns of a word each."""


def question(parent: QWidget, title: str, text: str, detail: str, yes: str) -> tuple[QMessageBox, QPushButton]:
    """A box that asks, not shown yet, and the button that agrees. Cancel is the default, and closing the box is Cancel.

    Parameters
    ----------
    title
        What the box is about, for its frame.
    text, detail
        The question, and what follows from the answer; plain text, printable.
    yes
        What agreeing does, in a word.
    """
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(title)
    box.setText(text)
    box.setInformativeText(detail)
    agree = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    for label in box.findChildren(QLabel):
        if label.text() == detail:
            label.setFixedWidth(SENTENCE_WIDTH)
    return box, agree
