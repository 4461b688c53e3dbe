"""A table whose rows can be dragged to other programs as files, which are made when a drag begins."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from apbundle_gui import theme
from apbundle_gui.widgets import TableView


def files_mime(paths: list[str]) -> QMimeData:
    """What a drag of these files carries."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return mime


class DragView(TableView):
    """The table, with a context menu besides.

    Parameters
    ----------
    icon
        What is dragged looks like this.

    Attributes
    ----------
    drag_wanted
        The user began to drag the selected rows. Whoever makes their files calls :meth:`drag`, or :meth:`no_drag`.
    """

    drag_wanted = Signal()

    def __init__(self, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, framed=True)
        self._icon = icon
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setDefaultDropAction(Qt.DropAction.CopyAction)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._preparing = False

    @property
    def preparing(self) -> bool:
        """Whether a drag waits for its files."""
        return self._preparing

    def startDrag(self, actions: Qt.DropAction) -> None:
        if not self._preparing:
            self._preparing = True
            self.drag_wanted.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._preparing:  # while the files are being made, moving on must not select rows
            super().mouseMoveEvent(event)

    def drag(self, paths: list[str]) -> bool:
        """Drag these files, if the mouse button is still held; otherwise ``False``."""
        self._preparing = False
        if not QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            return False
        drag = QDrag(self)
        drag.setMimeData(files_mime(paths))
        picture = theme.icon(self._icon).pixmap(QSize(theme.ICON_LARGE, theme.ICON_LARGE), self.devicePixelRatioF())
        drag.setPixmap(picture)
        drag.setHotSpot(QPoint(-theme.Space.S, -theme.Space.S))
        self.run_drag(drag)
        return True

    def no_drag(self) -> None:
        """There are no files to drag."""
        self._preparing = False

    def run_drag(self, drag: QDrag) -> None:
        """Hand the drag to the system until it is dropped."""
        drag.exec(Qt.DropAction.CopyAction)
