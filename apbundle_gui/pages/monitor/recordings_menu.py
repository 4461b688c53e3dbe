"""The menu of recordings: any file, those where programs record now, and those opened lately."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.services.recent_recordings import RecentRecordings


class RecordingsMenu(QMenu):
    """Offers recordings.

    Attributes
    ----------
    chosen
        Emitted with the path of one.
    other
        Emitted when another file is to be chosen.
    """

    chosen = Signal(object)
    other = Signal()

    def __init__(self, recent: RecentRecordings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recent = recent
        self.setToolTipsVisible(True)
        recent.changed.connect(self._fill)
        self.aboutToShow.connect(recent.refresh)
        self._fill()

    def _fill(self) -> None:
        self.clear()
        self.addAction(theme.icon("open"), "&Open Recording…", self.other.emit)
        found = [one.path for one in self._recent.found]
        if self._recent.folder:
            self._section("Where programs record now", found, "Nothing is recorded there yet")
        opened = [path for path in self._recent.opened if path not in found]
        if opened:
            self._section("Opened lately", opened, "")

    def _section(self, title: str, paths: Sequence[str], nothing: str) -> None:
        self.addSeparator()
        self.addAction(title).setEnabled(False)
        for path in paths:
            action = self.addAction(words.menu_text(words.file_name(path)))
            action.setToolTip(words.tooltip(path))
            action.triggered.connect(lambda _checked, path=path: self.chosen.emit(path))
        if not paths:
            self.addAction(nothing).setEnabled(False)
