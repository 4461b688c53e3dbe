"""What appears over the pages while files are dragged: one target for each thing that can be done with them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.theme import Space
from apbundle_gui.widgets import DropArea, Glyph, PageTitle, SecondaryLabel, local_paths, take_copy


def all_bundles(paths: Sequence[str]) -> bool:
    """Whether all of the paths are named as bundles are."""
    return all(path.lower().endswith(".apbundle") for path in paths)


class _Target(DropArea):
    """One thing that can be done with what is dragged."""

    def __init__(self, icon: str, title: str, sentence: str) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setSpacing(Space.S)
        layout.addStretch(1)
        for widget in (Glyph(icon, theme.ICON_HERO), PageTitle(title), SecondaryLabel(sentence)):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)


class DropOverlay(QWidget):
    """Covers the pages while a drag is over the window.

    Attributes
    ----------
    open_dropped, add_dropped
        Emitted with the list of paths dropped on "Open" or on "Add".
    """

    open_dropped = Signal(object)
    add_dropped = Signal(object)

    def __init__(self, covered: QWidget) -> None:
        super().__init__(covered)
        self._covered = covered
        self.setAcceptDrops(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.XL)
        layout.setSpacing(Space.L)
        self.open_target = _Target("inspect", "Open", "Look into these bundles")
        self.add_target = _Target("build", "Add to the draft", "Pack these files into a new bundle")
        self.open_target.dropped.connect(self._open)
        self.add_target.dropped.connect(self._add)
        layout.addWidget(self.open_target)
        layout.addWidget(self.add_target)
        self._over = False
        self._leaving = QTimer(self, singleShot=True, interval=0)
        self._leaving.timeout.connect(self._hide_if_left)
        for watched in (covered, self, self.open_target, self.add_target):
            watched.installEventFilter(self)
        self.hide()

    def offer(self, paths: Sequence[str]) -> None:
        """Appear, with the targets that make sense for these paths."""
        self.open_target.setVisible(all_bundles(paths))
        self.setGeometry(self._covered.rect())
        self._over = True
        self.raise_()
        self.show()

    def left(self) -> None:
        """The drag left one widget of the window; unless it enters another now, it left the window."""
        self._over = False
        self._leaving.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.Resize if watched is self._covered:
                self.setGeometry(self._covered.rect())
            case QEvent.Type.DragEnter:
                self._over = True
            case QEvent.Type.DragLeave:
                self.left()
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event.mimeData()):
            take_copy(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if local_paths(event.mimeData()):
            take_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Beside the targets: what the files are decides."""
        if paths := local_paths(event.mimeData()):
            take_copy(event)
            (self._open if all_bundles(paths) else self._add)(paths)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme.color("window"))

    def _hide_if_left(self) -> None:
        if not self._over:
            self.hide()

    def _open(self, paths: list[str]) -> None:
        self.hide()
        self.open_dropped.emit(paths)

    def _add(self, paths: list[str]) -> None:
        self.hide()
        self.add_dropped.emit(paths)
