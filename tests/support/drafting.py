"""The Build page in a window of its own, and what a hand would do to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from apbundle.payload.safetensors import serialize
from apbundle_gui.main_window import MainWindow, PageSpec
from apbundle_gui.models.build_draft import Draft
from apbundle_gui.models.build_table import Column
from apbundle_gui.pages.build.page import BuildPage
from apbundle_gui.pages.build.preview import Preview
from apbundle_gui.pages.page import Page
from apbundle_gui.services import Services
from support.dragging import mime_of_files
from support.fake_pages import FakePage

NoModifier = Qt.KeyboardModifier.NoModifier


def safetensors(path: Path, *names: str) -> Path:
    """A safetensors file with tensors of these names."""
    header, buffers = serialize({name: np.arange(6, dtype=np.float32) for name in names})
    path.write_bytes(b"".join([header, *buffers]))
    return path


def hub_folder(folder: Path) -> Path:
    """A folder as model hubs lay it out: two of three shards with their index, a configuration, a tokenizer."""
    folder.mkdir()
    shards = [f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]
    for shard in shards[:2]:
        header, buffers = serialize({shard: np.arange(6, dtype=np.float32)}, {"author": "me", "format": "pt"})
        (folder / shard).write_bytes(b"".join([header, *buffers]))
    index = {"metadata": {}, "weight_map": {name: name for name in shards}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "pytorch_model.bin").write_bytes(b"old weights")
    (folder / "tokenizer.json").write_text("{}")
    config = {"architectures": ["BertModel"], "hidden_size": 128, "rope": {"theta": 1e4}, "tie": True, "_name": "x"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def model_files(folder: Path) -> list[Path]:
    """Four safetensors files of one to four tensors: ``a``, ``bb``, ``ccc`` and ``dddd``."""
    names = ("a", "bb", "ccc", "dddd")
    return [safetensors(folder / f"{name}.safetensors", *map(str, range(len(name)))) for name in names]


class Bench:
    """A window with the Build page and an Inspect page that only notes, unless another one is given."""

    def __init__(self, qtbot: QtBot, services: Services, inspect: Callable[[Services], Page] | None = None) -> None:
        self.qtbot = qtbot
        self.services = services
        specs = [
            PageSpec("build", "Build", "build", BuildPage),
            PageSpec("inspect", "Inspect", "inspect", inspect or (lambda services: FakePage(services, "inspect"))),
        ]
        self.window = MainWindow(services, specs)
        page = self.window.page("build")
        assert isinstance(page, BuildPage)
        self.page = page
        qtbot.addWidget(self.window, before_close_func=lambda _: page.store.show(Draft()))  # nothing is lost then
        page.outlook.resting.setInterval(1)
        self.opened: list[str] = []
        if inspect is None:
            page.bundle_built.disconnect(self.window._bundle_built)
        page.bundle_built.connect(self.opened.append)
        self.window.show()
        self.activate()

    # -- what is there -------------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """The names of the models, in order."""
        return [row.name for row in self.page.store.draft.rows]

    def cell(self, row: int, column: Column, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """What a cell has for a role."""
        return self.page.table.index(row, column).data(role)

    def settle(self) -> None:
        """Wait until nothing is being looked at and everything known is shown."""

        def quiet() -> bool:
            return self.page.at_rest and not self.services.jobs.jobs

        self.qtbot.waitUntil(quiet, timeout=20_000)

    def activate(self) -> None:
        """Make the window the active one, which it is not at once when a dialog was closed."""
        with self.qtbot.waitActive(self.window):
            self.window.activateWindow()

    # -- what a hand does ----------------------------------------------------------------------------------------

    def drop(self, widget: QWidget, mime: QMimeData, at: QPoint, copy: bool = True) -> bool:
        """Drag into a widget, over it, and drop; whether it took it."""
        action = Qt.DropAction.CopyAction if copy else Qt.DropAction.MoveAction
        taken = self.drag(widget, mime, at, copy)
        if taken:
            event = QDropEvent(QPointF(at), action, mime, Qt.MouseButton.LeftButton, NoModifier)
            event.ignore()
            QApplication.sendEvent(widget, event)
            taken = event.isAccepted()
        return taken

    def drag(self, widget: QWidget, mime: QMimeData, at: QPoint, copy: bool = True) -> bool:
        """Drag into a widget and over it; whether it would take a drop."""
        action = Qt.DropAction.CopyAction if copy else Qt.DropAction.MoveAction
        for kind in (QDragEnterEvent, QDragMoveEvent):
            event = kind(at, action, mime, Qt.MouseButton.LeftButton, NoModifier)
            event.ignore()
            QApplication.sendEvent(widget, event)
            if not event.isAccepted():
                return False
        return True

    def add(self, paths: Iterable[Path | str]) -> None:
        """Drop files on the page, agree to what is found, and wait until it is in the draft."""
        assert self.drop(self.page, mime_of_files(paths), QPoint(200, 200))
        self.settle()
        if (preview := self.preview) is not None and preview.add_button.isEnabled():
            preview.add_button.click()
            self.settle()
            self.activate()

    @property
    def preview(self) -> Preview | None:
        """The preview that is shown, if one is."""
        return next((each for each in self.page.findChildren(Preview) if each.isVisible()), None)

    def gap(self, row: int) -> QPoint:
        """A place in the table just below the upper edge of a row."""
        view = self.page.view
        return QPoint(60, view.rowViewportPosition(row) + 2)

    def select(self, *rows: int) -> None:
        """Click one row, and the others with Ctrl."""
        view = self.page.view
        for number, row in enumerate(rows):
            at = view.visualRect(self.page.table.index(row, Column.NAME)).center()
            modifier = Qt.KeyboardModifier.ControlModifier if number else NoModifier
            QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, at)

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NoModifier) -> None:
        """Press a key where the focus is."""
        target = QApplication.focusWidget() or self.window
        QTest.keyClick(target, key, modifier)

    def type_name(self, row: int, text: str) -> None:
        """Edit a name in its cell: F2, the text, Return."""
        self.select(row)
        self.page.view.setFocus()
        self.key(Qt.Key.Key_F2)
        editor = QApplication.focusWidget()
        assert editor is not None
        assert editor.accessibleName() == "Name of the model"
        self.key(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(editor, Qt.Key.Key_Delete)
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, Qt.Key.Key_Return)
        editing = self.page.view.State.EditingState
        self.qtbot.waitUntil(lambda: self.page.view.state() != editing)
        self.settle()
