"""The empty page that files are dropped on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QPushButton

from apbundle_gui.widgets import EmptyState

SENTENCE = "Pack model files of any format into one bundle that opens at once and pages within a memory limit."


class EmptyDraft(EmptyState):
    """The page without models. The page itself takes what is dropped, so that its margins do as well."""

    def __init__(self, buttons: Sequence[QPushButton]) -> None:
        super().__init__("drop", "Drop models here", SENTENCE, buttons, "Files and folders, from any program.")
        self.setAcceptDrops(False)
        self.setFocusProxy(buttons[0])

    def show_dropping(self, dropping: bool) -> None:
        """Show that a drop would be taken."""
        self._show_dropping(dropping)
