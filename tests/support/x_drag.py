"""Two programs of an X server: the window with its Build page, and another one that files are dragged from.

Run as ``python -m support.x_drag window SETTINGS`` or ``python -m support.x_drag files PATH…``. Both say on their
output what happens, one word a line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from support.dragging import OFFERED, mime_of_files

WINDOW = (0, 0, 1000, 700)
"""Where the window is on the screen: left, top, width and height."""
FILES = (1100, 100, 100, 100)
"""Where the files are dragged from."""
LONGEST_MS = 30_000
"""A program whose test has gone ends by itself."""


def say(word: str) -> None:
    """Tell the test."""
    print(word, flush=True)


class Files(QWidget):
    """Whatever is pressed is dragged: all files."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__()
        self._paths = paths

    def mousePressEvent(self, event: QMouseEvent) -> None:
        drag = QDrag(self)
        drag.setMimeData(mime_of_files(self._paths))
        say("dragging")
        say(drag.exec(OFFERED).name)


class Watch(QObject):
    """Says which widget files are dragged over, once it has answered."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DragMove and isinstance(watched, QWidget):
            QTimer.singleShot(0, lambda: say(f"over {type(watched).__name__}"))
        return False


def show_files(paths: list[str]) -> None:
    """Be the other program, until it is ended."""
    application = QApplication([])
    widget = Files(paths)
    widget.setGeometry(*FILES)
    widget.show()
    QTimer.singleShot(LONGEST_MS, application.quit)
    QTimer.singleShot(0, lambda: say("shown"))
    application.exec()


def show_window(settings: Path) -> None:
    """Be the window, and say what is dragged and what was added, until it is ended."""
    from apbundle_gui import theme
    from apbundle_gui.main_window import MainWindow
    from apbundle_gui.pages.build.page import BuildPage
    from apbundle_gui.services import Services

    application = QApplication([])
    theme.manager().install(theme.Choice.LIGHT)
    window = MainWindow(Services.create(settings))
    window.setGeometry(*WINDOW)
    page = window.page("build")
    assert isinstance(page, BuildPage)
    window.show_page("build")
    watch = Watch()
    application.installEventFilter(watch)
    page.adding.added.connect(lambda _: say(" ".join(["added", *(row.name for row in page.store.draft.rows)])))
    window.show()
    QTimer.singleShot(LONGEST_MS, application.quit)
    QTimer.singleShot(0, lambda: say("shown"))
    application.exec()


if __name__ == "__main__":
    if sys.argv[1] == "window":
        show_window(Path(sys.argv[2]))
    else:
        show_files(sys.argv[2:])
