"""Names from strangers are never markup: nothing that shows one opens the file it names.

The kernel is the witness: the folder of the named file is watched, and an open of anything in it fails the test.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from apbundle.errors import bundle_error
from apbundle_gui.main_window import MainWindow
from apbundle_gui.main_window.commands import CommandPalette, Entry
from apbundle_gui.main_window.dialogs import MessagesDialog
from apbundle_gui.models import text
from apbundle_gui.services import Level, Message, Services
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import (
    Badge,
    Banner,
    ElidedLabel,
    EmptyState,
    ErrorCard,
    Facts,
    Label,
    MonoLabel,
    Note,
    SecondaryLabel,
    Tile,
    button,
)
from support.fake_pages import fake_pages
from support.hostile import HOSTILE_NAMES
from support.witness import Watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches a folder with inotify")


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    folder = tmp_path / "watched"
    folder.mkdir()
    made = Watch(folder)
    yield made
    made.close()


@pytest.fixture(params=range(len(HOSTILE_NAMES)), ids=lambda number: HOSTILE_NAMES[number][:12] or "empty")
def name(request: pytest.FixtureRequest, watch: Watch) -> str:
    return HOSTILE_NAMES[request.param].replace("{marker}", str(watch.marker))


def test_the_witness_sees_an_open(qapp: QApplication, watch: Watch) -> None:
    document = QTextDocument()
    document.setHtml(f'<img src="{watch.marker}">')
    document.size()
    assert watch.opened()
    assert not watch.opened()


def error_card(name: str) -> QWidget:
    card = ErrorCard()
    card.show_error(bundle_error("bad_manifest", name, hint=name, left_behind=name), name, name)
    return card


def banner(name: str) -> QWidget:
    parent = QWidget()
    made = Banner(parent)
    made.say(name, Tone.DANGER)
    made.resize(400, 60)
    return parent


def facts(name: str) -> QWidget:
    made = Facts()
    made.add(name)
    made.set(name, name, name)
    return made


def tile(name: str) -> QWidget:
    made = Tile(name, Tone.HIT)
    made.set_value(name, name, name)
    return made


def note(name: str) -> QWidget:
    made = Note()
    made.say(name, Tone.WARNING)
    return made


SHOWING: dict[str, Callable[[str], QWidget]] = {
    "label": Label,
    "secondary": SecondaryLabel,
    "elided": ElidedLabel,
    "mono": MonoLabel,
    "badge": Badge,
    "tile": tile,
    "facts": facts,
    "note": note,
    "banner": banner,
    "button": lambda name: button(text.menu_text(name), tip=name),
    "empty": lambda name: EmptyState("drop", name, name, hint=name),
    "error": error_card,
}


@pytest.mark.parametrize("kind", list(SHOWING))
def test_no_widget_interprets_a_name(qtbot: QtBot, watch: Watch, kind: str, name: str) -> None:
    widget = SHOWING[kind](name)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.grab()
    for shown in (widget, *widget.findChildren(QWidget)):
        QToolTip.showText(QPoint(0, 0), shown.toolTip(), widget)
    QApplication.processEvents()
    QToolTip.hideText()
    assert not watch.opened()


def test_the_window_interprets_no_name(
    qtbot: QtBot, services: Services, watch: Watch, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    services.settings.remember("session/recent", [f"/folder/{name}.apbundle"])
    again = Services.create(services.settings.path)
    window = MainWindow(again, fake_pages())
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    again.messages.info(name)
    again.messages.error(name, OSError(5, name, name))
    again.jobs.start(name, lambda progress, cancel: progress(name, 1, 2))
    qtbot.waitUntil(lambda: not again.jobs.jobs)
    window.do("view.commands")
    window.do("help.messages")
    palette = window.findChild(CommandPalette)
    palette.open_with([Entry(name, name, "", "", lambda: None)])
    for shown in (window, palette, window.findChild(MessagesDialog)):
        shown.grab()
    for child in window.findChildren(QWidget):
        QToolTip.showText(QPoint(0, 0), child.toolTip(), window)
    for action in window.findChildren(type(window.actions_["file.open"])):
        QToolTip.showText(QPoint(0, 0), action.toolTip(), window)
    QApplication.processEvents()
    QToolTip.hideText()
    palette.hide()
    window.close()
    assert not watch.opened()
    caplog.clear()


def test_a_message_is_one_line_of_the_dialog(qtbot: QtBot, qapp: QApplication) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = MessagesDialog([Message(Level.ERROR, "a\nb<b>\x1b")], parent)
    assert dialog.view.toPlainText() == "error   a\\x0ab<b>\\x1b"


RICH = {"setHtml", "appendHtml", "insertHtml", "setMarkdown", "fromHtml"}
BOXES = {"information", "warning", "critical", "question", "about"}


def test_no_code_asks_for_markup(root: Path) -> None:
    """No rich text setters, no static message boxes (they guess the format), no text interaction that follows links."""
    wrong = []
    for path in sorted((root / "apbundle_gui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute):
                continue
            owner = ast.unparse(node.value)
            if (
                node.attr in RICH
                or (node.attr in BOXES and owner == "QMessageBox")
                or node.attr in ("RichText", "AutoText", "MarkdownText", "setOpenExternalLinks")
            ):
                wrong.append(f"{path.relative_to(root)}:{node.lineno} {owner}.{node.attr}")
    assert not wrong


def test_only_folders_are_given_to_other_programs(root: Path) -> None:
    """A file, or what stands in one, must not decide which program is started."""
    calls = []
    for path in sorted((root / "apbundle_gui").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        calls += re.findall(r"openUrl\b.*", text)
    assert calls
    assert all(call.startswith("openUrl(QUrl.fromLocalFile(os.path.dirname(") for call in calls)


def test_every_label_of_the_program_is_one_of_ours(root: Path) -> None:
    """``QLabel`` guesses markup; only the widget kit, which tells it not to, and pictures may make one."""
    wrong = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in sorted((root / "apbundle_gui").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "QLabel" and (node.args or node.keywords)
    ]
    assert not wrong
