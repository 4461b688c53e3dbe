"""What appears while files are dragged: one target for each thing that can be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.theme import Space
from apbundle_gui.widgets.drop import DropArea, local_paths, take_copy
from apbundle_gui.widgets.labels import PageTitle, SecondaryLabel
from apbundle_gui.widgets.states import Glyph

STRIP: Final = 132
"""Usual height of the targets where the rest of a page takes drops itself, in pixels."""
_BUNDLE: Final = ".apbundle"
_RECORDING: Final = ".aptrace"


def opened_of(paths: Sequence[str]) -> list[str]:
    """Those of the paths that are named as bundles or recordings are."""
    return [path for path in paths if path.lower().endswith((_BUNDLE, _RECORDING))]


def recordings_of(paths: Sequence[str]) -> list[str]:
    """Those of the paths that are named as recordings are."""
    return [path for path in paths if path.lower().endswith(_RECORDING)]


def all_opened(paths: Sequence[str]) -> bool:
    """Whether all of the paths are named as bundles or recordings are."""
    return len(opened_of(paths)) == len(paths)


class _Target(DropArea):
    """One thing that can be done with what is dragged."""

    def __init__(self, icon: str, title: str, sentence: str, *, low: bool) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setSpacing(Space.XS if low else Space.S)
        layout.addStretch(1)
        self.sentence = SecondaryLabel(sentence)
        size = theme.ICON_LARGE if low else theme.ICON_HERO
        for widget in (Glyph(icon, size), PageTitle(title), self.sentence):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)


class DropTargets(QWidget):
    """Covers a widget, or a strip at its top, while a drag is over it.

    Parameters
    ----------
    covered
        What it covers.
    strip
        Only a strip at the top: below it the widget takes drops itself, where they fall.

    Attributes
    ----------
    open_dropped, add_dropped
        Emitted with the list of paths dropped on "Open", of which only bundles and recordings are told, or on "Add".
    gone
        Emitted when the drag left.
    """

    open_dropped = Signal(object)
    add_dropped = Signal(object)
    gone = Signal()

    def __init__(self, covered: QWidget, *, strip: bool = False) -> None:
        super().__init__(covered)
        self._covered = covered
        self._strip = strip
        self._height = STRIP
        self.setAcceptDrops(True)
        layout = QHBoxLayout(self)
        margin = Space.L if strip else Space.XL
        layout.setContentsMargins(Space.XL, margin, Space.XL, Space.S if strip else margin)
        layout.setSpacing(Space.L)
        self.open_target = _Target("inspect", "Open", "Look into these bundles", low=strip)
        self.add_target = _Target("build", "Add to the draft", "Pack these files into a new bundle", low=strip)
        self.open_target.dropped.connect(self._open)
        self.add_target.dropped.connect(self._add)
        layout.addWidget(self.open_target, 1)
        layout.addWidget(self.add_target, 1)
        self._over = False
        self._leaving = QTimer(self, singleShot=True, interval=0)
        self._leaving.timeout.connect(self._hide_if_left)
        for watched in (covered, self, self.open_target, self.add_target):
            watched.installEventFilter(self)
        self.hide()

    def offer(self, paths: Sequence[str], height: int = 0, *, rows: bool = False) -> None:
        """Appear, with the targets that make sense for these paths; as a strip of another ``height`` than usual.

        ``rows`` are below it, and take drops between them.
        """
        self._height = height or STRIP
        found = opened_of(paths)
        self.open_target.setEnabled(bool(found))
        some = "Look into these bundles" if not recordings_of(paths) else "Look into these, and watch recordings"
        if len(found) < len(paths):
            some = "Only the bundles among them"
        self.open_target.sentence.setText(some if found else "None of these is a bundle")
        below = "; drop between rows to put them there" if rows else ""
        self.add_target.sentence.setText(f"Pack these files into a new bundle{below}")
        self._cover()
        self._over = True
        self.raise_()
        self.show()

    def left(self) -> None:
        """The drag left one widget; unless it enters another now, it left for good."""
        self._over = False
        self._leaving.start()

    def watch(self, widget: QWidget) -> None:
        """Stay while the drag is over this one, too."""
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.Resize if watched is self._covered:
                self._cover()
            case QEvent.Type.DragEnter:
                self._over = True
            case QEvent.Type.DragLeave | QEvent.Type.Drop:
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
            (self._open if all_opened(paths) else self._add)(paths)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme.color("window"))

    def _cover(self) -> None:
        area = self._covered.rect()
        self.setGeometry(area.adjusted(0, 0, 0, self._height - area.height()) if self._strip else area)

    def _hide_if_left(self) -> None:
        if not self._over:
            self.hide()
            self.gone.emit()

    def _open(self, paths: list[str]) -> None:
        self.hide()
        self.open_dropped.emit(opened_of(paths))

    def _add(self, paths: list[str]) -> None:
        self.hide()
        self.add_dropped.emit(paths)
