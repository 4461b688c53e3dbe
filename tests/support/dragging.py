"""Real drag and drop events, as a file manager would cause them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

OFFERED = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
"""What a file manager lets be done with its files; it proposes to move them."""


def mime_of(*urls: QUrl) -> QMimeData:
    """What is dragged when these URLs are."""
    mime = QMimeData()
    mime.setUrls(list(urls))
    return mime


def mime_of_files(paths: Iterable[Path | str]) -> QMimeData:
    """What is dragged when these files are."""
    return mime_of(*(QUrl.fromLocalFile(str(path)) for path in paths))


def drag_onto(widget: QWidget, mime: QMimeData) -> bool:
    """Drag into a widget; whether it would take a drop."""
    event = QDragEnterEvent(QPoint(5, 5), OFFERED, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    event.ignore()
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def drop_onto(widget: QWidget, mime: QMimeData) -> bool:
    """Drag into a widget and drop; whether it took it."""
    if not drag_onto(widget, mime):
        return False
    event = QDropEvent(QPointF(5, 5), OFFERED, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    event.ignore()
    QApplication.sendEvent(widget, event)
    assert not event.isAccepted() or event.dropAction() is Qt.DropAction.CopyAction  # else the files may be deleted
    return event.isAccepted()
