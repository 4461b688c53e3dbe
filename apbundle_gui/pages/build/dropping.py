"""What of a drag the page takes by itself, and the empty page that files are dropped on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QPushButton

from apbundle_gui.models.build_draft import EXTENSION
from apbundle_gui.widgets import EmptyState, local_paths

SENTENCE = "Pack model files of any format into one bundle that opens at once and pages within a memory limit."


def is_for_draft(paths: Sequence[str]) -> bool:
    """Whether these paths are meant for the draft. When all are bundles, they may be meant to be opened instead."""
    return any(not path.lower().endswith(EXTENSION) for path in paths)


def draft_paths(mime: QMimeData) -> list[str]:
    """The paths of a drag that is meant for the draft; none of any other."""
    paths = local_paths(mime)
    return paths if is_for_draft(paths) else []


class EmptyDraft(EmptyState):
    """The page without models. The page itself takes what is dropped, so that its margins do as well."""

    def __init__(self, buttons: Sequence[QPushButton]) -> None:
        super().__init__("drop", "Drop models here", SENTENCE, buttons, "Files and folders, from any program.")
        self.setAcceptDrops(False)
        self.setFocusProxy(buttons[0])

    def show_dropping(self, dropping: bool) -> None:
        """Show that a drop would be taken."""
        self._show_dropping(dropping)
