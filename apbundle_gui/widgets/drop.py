"""Files dragged onto the window: what is in such a drag, and a frame that takes it."""

from __future__ import annotations

import os
import sys
from typing import Final
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QWidget

from apbundle_gui import theme

MOST_TEXT: Final = 1 << 20
"""Characters of a text that is dragged which are looked at."""


def local_path(url: QUrl) -> str | None:
    """The path of a file URL, also of a name that is not UTF-8; ``None`` for any other URL."""
    if not url.isLocalFile():
        return None
    if sys.platform == "win32" or url.host():
        return url.toLocalFile()
    # Qt's own conversion loses bytes that are not UTF-8.
    return os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded)))


def local_paths(mime: QMimeData) -> list[str]:
    """The paths of the files and folders that are dragged, in their order; also of such URLs dragged as text."""
    urls = mime.urls()
    if not urls and mime.hasText():
        lines = mime.text()[:MOST_TEXT].split()
        urls = [QUrl(line) for line in lines] if all(line.startswith("file://") for line in lines) else []
    return [path for url in urls if (path := local_path(url))]


def take_copy(event: QDropEvent) -> None:
    """Accept a drag as one that copies, whatever is proposed: who is told that its files were moved may delete them."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


class DropArea(QFrame):
    """A dashed frame that files can be dropped on.

    Attributes
    ----------
    dropped
        Emitted with the list of paths.
    """

    dropped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._dropping = False

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event.mimeData()):
            take_copy(event)
            self._show_dropping(True)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if local_paths(event.mimeData()):
            take_copy(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._show_dropping(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._show_dropping(False)
        if paths := local_paths(event.mimeData()):
            take_copy(event)
            self.dropped.emit(paths)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme.color("accent" if self._dropping else "disabled"), 1)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        if self._dropping:
            painter.setBrush(theme.color("selection"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)

    def _show_dropping(self, dropping: bool) -> None:
        self._dropping = dropping
        self.update()
