"""The window: pages, actions, drops, messages, jobs, and what it remembers."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QDragLeaveEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLabel, QMessageBox, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from apbundle.errors import bundle_error
from apbundle.progress import Cancel, Progress
from apbundle_gui import theme
from apbundle_gui.actions import ACTIONS, Menu, When
from apbundle_gui.main_window import MainWindow
from apbundle_gui.main_window.commands import CommandPalette
from apbundle_gui.main_window.dialogs import AboutDialog, MessagesDialog, ShortcutsDialog
from apbundle_gui.main_window.menus import BundleSelector, RecentMenu, ToolBar
from apbundle_gui.services import Services
from apbundle_gui.widgets import DropTargets
from support.dragging import drag_onto, drop_onto, mime_of_files
from support.fake_pages import COMMANDS, FakePage, fake_pages

Control = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def open_window(qtbot: QtBot, services: Services) -> Callable[[], MainWindow]:
    """Makes windows that are closed at the end."""
    made: list[MainWindow] = []

    def make() -> MainWindow:
        made.append(MainWindow(services, fake_pages()))
        qtbot.addWidget(made[-1])
        with qtbot.waitActive(made[-1]):
            made[-1].show()
            made[-1].activateWindow()
        return made[-1]

    return make


@pytest.fixture
def main(open_window: Callable[[], MainWindow]) -> MainWindow:
    return open_window()


@pytest.fixture
def bundle(golden: Path, tmp_path: Path) -> str:
    return str(shutil.copy(golden / "three_models.apbundle", tmp_path))


def page(main: MainWindow, name: str) -> FakePage:
    found = main.page(name)
    assert isinstance(found, FakePage)
    return found


def menu(main: MainWindow, wanted: Menu) -> list[QAction]:
    return next(a.menu().actions() for a in main.menuBar().actions() if a.text() == wanted.value)


def toolbar_texts(main: MainWindow) -> set[str]:
    return {action.text() for action in main.findChild(ToolBar).actions() if action.text()}


def test_pages_are_made_when_first_shown(main: MainWindow) -> None:
    assert main.page_name == "build"
    assert [child.name for child in main.findChildren(FakePage)] == ["build"]
    QTest.keyClick(main, Qt.Key.Key_2, Control)
    assert main.page_name == "inspect"
    assert page(main, "build").noted == ["activate", "deactivate"]
    assert page(main, "inspect").noted == ["activate"]
    main.show_page("inspect")
    assert page(main, "inspect").noted == ["activate"]
    assert [main.actions_[f"view.{name}"].isChecked() for name in COMMANDS] == [False, True, False]


def test_the_rail_chooses_pages(main: MainWindow) -> None:
    buttons = [b for b in main.findChildren(QToolButton) if b.property("kind") == "rail"]
    assert [b.text() for b in buttons] == ["Build", "Inspect", "Monitor"]
    QTest.mouseClick(buttons[2], Qt.MouseButton.LeftButton)
    assert main.page_name == "monitor"
    QTest.mouseClick(buttons[2], Qt.MouseButton.LeftButton)
    assert buttons[2].isChecked()


def test_every_action_is_in_its_menu(main: MainWindow) -> None:
    for action in ACTIONS:
        assert main.actions_[action.name] in menu(main, action.menu)
    assert sum(len([a for a in menu(main, m) if not a.isSeparator()]) for m in Menu) == len(ACTIONS) + 1  # Open Recent


def test_every_action_that_is_no_pages_is_done_by_the_window(main: MainWindow) -> None:
    assert {a.name for a in ACTIONS if a.when is not When.PAGE} == set(main._own)


def test_page_actions_work_on_their_page_only(main: MainWindow) -> None:
    build = page(main, "build")
    QTest.keyClick(main, Qt.Key.Key_Return, Control)
    assert build.noted[-1] == "build.build"
    main.do("inspect.verify")
    assert not main.actions_["inspect.verify"].isEnabled()
    main.show_page("inspect")
    assert main.actions_["inspect.verify"].isEnabled()
    assert not main.actions_["build.build"].isEnabled()
    main.do("inspect.verify")
    assert page(main, "inspect").noted[-1] == "inspect.verify"


def test_a_page_says_when_it_can(main: MainWindow) -> None:
    build = page(main, "build")
    build.can = False
    build.state_changed.emit()
    assert not main.actions_["build.build"].isEnabled()
    QTest.keyClick(main, Qt.Key.Key_Return, Control)
    assert "build.build" not in build.noted


def test_a_key_without_modifier_is_a_shortcut_too(main: MainWindow) -> None:
    main.show_page("monitor")
    monitor = page(main, "monitor")
    QTest.keyClick(main, Qt.Key.Key_Space)
    assert monitor.noted[-1] == "monitor.freeze"


def test_keys_typed_into_a_field_stay_there(main: MainWindow) -> None:
    main.show_page("monitor")
    field = page(main, "monitor").field
    field.setFocus()
    QTest.keyClicks(field, "a b")
    assert field.text() == "a b"
    assert "monitor.freeze" not in page(main, "monitor").noted


def test_the_toolbar_has_what_the_page_does(main: MainWindow) -> None:
    assert toolbar_texts(main) == {"&Open…", "&Undo", "&Add Files…"}
    main.show_page("inspect")
    assert toolbar_texts(main) == {"&Open…", "&Extract…"}
    assert main.actions_["build.add_files"].isVisible()


def test_a_page_asks_for_actions_of_the_window(main: MainWindow) -> None:
    page(main, "build").action_requested.emit("view.monitor")
    assert main.page_name == "monitor"


def test_opening_shows_inspect_and_says_so(qtbot: QtBot, main: MainWindow, bundle: str) -> None:
    assert not main.actions_["file.close"].isEnabled()
    main.open_bundles([bundle])
    assert main.page_name == "inspect"
    qtbot.waitUntil(lambda: main.services.session.current is not None)
    assert main.windowTitle() == "three_models.apbundle – apbundle"
    assert main.status.remark == "Opened three_models.apbundle: 3 models."
    assert main.actions_["file.close"].isEnabled()
    main.do("file.close")
    assert main.windowTitle() == "apbundle"
    assert main.services.session.current is None


def test_opening_while_monitoring_stays_there(qtbot: QtBot, main: MainWindow, bundle: str, tmp_path: Path) -> None:
    main.show_page("monitor")
    with qtbot.waitSignal(main.services.session.opened):
        main.open_bundles([bundle])
    assert main.page_name == "monitor"
    with qtbot.waitSignal(main.services.session.failed):
        main.open_bundles([str(tmp_path / "missing")])
    assert main.page_name == "inspect"


def test_a_built_bundle_opens(qtbot: QtBot, main: MainWindow, bundle: str) -> None:
    page(main, "build").bundle_built.emit(bundle)
    qtbot.waitUntil(lambda: main.services.session.current is not None)
    assert main.page_name == "inspect"


def test_files_are_chosen_with_a_dialog(
    qtbot: QtBot, main: MainWindow, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: ([bundle], ""))
    QTest.keyClick(main, Qt.Key.Key_O, Control)
    qtbot.waitUntil(lambda: main.services.session.current is not None)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: ([], ""))
    main.show_page("build")
    main.do("file.open")
    assert main.page_name == "build"
    with qtbot.waitSignal(main.services.session.opened):
        main.do("file.reload")


def test_recent_bundles(qtbot: QtBot, main: MainWindow, bundle: str) -> None:
    recent = main.findChild(RecentMenu)
    assert not recent.isEnabled()
    main.open_bundles([bundle])
    qtbot.waitUntil(recent.isEnabled)
    main.do("file.close")
    recent.actions()[0].trigger()
    qtbot.waitUntil(lambda: main.services.session.current is not None)
    recent.actions()[-1].trigger()
    assert main.services.session.recent == ()
    assert not recent.isEnabled()


def test_the_selector_switches_between_bundles(qtbot: QtBot, main: MainWindow, bundle: str, golden: Path) -> None:
    selector = main.findChild(BundleSelector)
    assert selector.text() == "No bundle open"
    session = main.services.session
    for path in (bundle, str(golden / "unicode.apbundle")):
        with qtbot.waitSignal(session.opened):
            session.open(path)
    assert selector.text() == "unicode.apbundle"
    first, second = selector.menu().actions()
    assert (first.isChecked(), second.isChecked()) == (False, True)
    first.trigger()
    assert selector.text() == "three_models.apbundle"


def test_bundles_dropped_anywhere_open(qtbot: QtBot, main: MainWindow, bundle: str) -> None:
    assert drag_onto(main, mime_of_files([bundle]))
    overlay = main.findChild(DropTargets)
    assert overlay.isVisible()
    assert overlay.open_target.isVisible()
    assert drop_onto(overlay, mime_of_files([bundle]))
    assert overlay.isHidden()
    qtbot.waitUntil(lambda: main.services.session.current is not None)


def test_other_files_dropped_anywhere_are_added_to_the_draft(main: MainWindow, bundle: str, tmp_path: Path) -> None:
    paths = [bundle, str(tmp_path / "a.safetensors")]
    main.show_page("monitor")
    assert drop_onto(main, mime_of_files(paths))
    assert not main.findChild(DropTargets).isVisible()
    assert main.page_name == "build"
    assert page(main, "build").noted[-1] == paths


def test_the_two_targets_mean_what_they_say(qtbot: QtBot, main: MainWindow, bundle: str) -> None:
    overlay = main.findChild(DropTargets)
    drag_onto(main, mime_of_files([bundle]))
    assert drop_onto(overlay.add_target, mime_of_files([bundle]))
    assert page(main, "build").noted[-1] == [bundle]
    drag_onto(main, mime_of_files([bundle]))
    assert drop_onto(overlay.open_target, mime_of_files([bundle]))
    qtbot.waitUntil(lambda: main.services.session.current is not None)
    drag_onto(main, mime_of_files([bundle, "/x/model.gguf"]))
    assert overlay.open_target.isVisible()
    assert drop_onto(overlay.open_target, mime_of_files([bundle, "/x/model.gguf"]))
    drag_onto(main, mime_of_files(["/x/model.gguf"]))
    assert not overlay.open_target.isEnabled()
    size = QSize(1000, 680)
    main.resize(size)
    assert overlay.size() == overlay.parentWidget().size()


def test_the_targets_go_when_the_drag_does(qtbot: QtBot, main: MainWindow, bundle: str) -> None:
    overlay = main.findChild(DropTargets)
    mime = mime_of_files([bundle])
    drag_onto(main, mime)
    drag_onto(overlay, mime)
    drag_onto(overlay.add_target, mime)
    QApplication.processEvents()
    assert overlay.isVisible()
    QApplication.sendEvent(overlay.add_target, QDragLeaveEvent())
    qtbot.waitUntil(overlay.isHidden)
    drag_onto(main, mime)
    assert overlay.isVisible()
    QApplication.sendEvent(main, QDragLeaveEvent())
    qtbot.waitUntil(overlay.isHidden)


def test_a_page_hands_drops_on(qtbot: QtBot, main: MainWindow, bundle: str) -> None:
    build = page(main, "build")
    build.paths_dropped.emit(["/x/model.gguf"])
    assert build.noted[-1] == ["/x/model.gguf"]
    build.paths_dropped.emit([bundle])
    qtbot.waitUntil(lambda: main.services.session.current is not None)


def test_messages_go_to_the_banner_or_the_status_bar(main: MainWindow, caplog: pytest.LogCaptureFixture) -> None:
    messages = main.services.messages
    messages.info("Extracted 3 models.")
    assert main.status.remark == "Extracted 3 models."
    assert main.banner.isHidden()
    messages.warning("Odd.")
    assert main.banner.text == "Odd."
    messages.error(bundle_error("disk_full", "No room.", path="/x"))
    assert main.banner.text == "No room in /x."
    messages.error("The bundle was not built.", OSError(28, "No space left on device", "/x"))
    assert main.banner.text == "The bundle was not built. No space left on device in /x."
    assert main.banner.isVisible()
    main.banner.dismiss()
    assert not main.banner.isVisible()
    caplog.clear()


def test_a_message_that_holds_no_longer_leaves_the_banner(main: MainWindow, caplog: pytest.LogCaptureFixture) -> None:
    messages = main.services.messages
    messages.error("It stopped.", OSError("killed"))
    messages.withdraw("Something else.")
    assert main.banner.isVisible()
    messages.withdraw("It stopped.")
    assert not main.banner.isVisible()
    caplog.clear()


def test_the_running_job_is_in_the_status_bar(qtbot: QtBot, main: MainWindow) -> None:
    def work(progress: Progress, cancel: Cancel) -> None:
        while not cancel():
            progress("copy", 3 << 30, 4 << 30)
            threading.Event().wait(0.005)
        raise bundle_error("cancelled", "Cancelled.")

    assert not main.actions_["view.cancel_job"].isEnabled()
    job = main.services.jobs.start("Building x.apbundle", work)
    main.services.jobs.start("Reading", lambda progress, cancel: None)
    panel = main.status.job_panel
    qtbot.waitUntil(lambda: panel.isVisible() and "3.00 GiB of 4.00 GiB" in panel.text)
    assert panel.text.startswith("Building x.apbundle  ·  Copy")
    width = panel.width()
    QTest.keyClick(main, Qt.Key.Key_Period, Control)
    assert "Cancelling…" in panel.text
    qtbot.waitUntil(lambda: not job.running)
    assert panel.isHidden()
    assert panel.width() == width
    assert not main.actions_["view.cancel_job"].isEnabled()


def test_every_command_is_found_by_typing(qtbot: QtBot, main: MainWindow, bundle: str) -> None:
    main.open_bundles([bundle])
    qtbot.waitUntil(lambda: main.services.session.current is not None)
    QTest.keyClick(main, Qt.Key.Key_K, Control)
    palette = main.findChild(CommandPalette)
    assert palette.isVisible()
    model = palette.list.model()
    texts = {model.index(row, 0).data() for row in range(model.rowCount())}
    assert texts >= {a.title for a in main.actions_.enabled() if a.name != "view.commands"}
    assert "Recent: three_models.apbundle" in texts
    QTest.keyClicks(palette.field, "MONITOR view")
    assert model.index(0, 0).data() == "View: Monitor"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isHidden()
    assert main.page_name == "monitor"


def test_the_palette_is_driven_by_keys_and_mouse(main: MainWindow) -> None:
    palette = main.findChild(CommandPalette)
    main.do("view.commands")
    QTest.keyClicks(palette.field, "view: ")
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert main.page_name == "inspect"
    main.do("view.commands")
    QTest.keyClicks(palette.field, "no such thing at all")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert palette.isHidden()
    main.do("view.commands")
    QTest.keyClicks(palette.field, "view: build")
    place = palette.list.visualRect(palette.list.model().index(0, 0)).center()
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert main.page_name == "build"


@pytest.mark.parametrize(
    ("name", "dialog"),
    [("help.shortcuts", ShortcutsDialog), ("help.about", AboutDialog), ("help.messages", MessagesDialog)],
)
def test_help(qtbot: QtBot, main: MainWindow, name: str, dialog: type[QDialog]) -> None:
    main.services.messages.info("Something happened.")
    main.do(name)
    found = main.findChild(dialog)
    qtbot.waitUntil(found.isVisible)
    texts = [label.text() for label in found.findChildren(QLabel)]
    if dialog is ShortcutsDialog:
        assert {a.shortcut_text for a in ACTIONS if a.shortcut} <= set(texts)
    for child in found.findChildren(QPushButton):
        child.click()
    assert not found.isVisible()


def test_themes_are_chosen_shown_and_remembered(main: MainWindow) -> None:
    main.do("theme.dark")
    assert theme.colors().dark
    checked = [choice for choice in theme.Choice if main.actions_[f"theme.{choice}"].isChecked()]
    assert checked == [theme.Choice.DARK]
    assert main.services.settings.text("window/theme") == "dark"


def test_full_screen(main: MainWindow) -> None:
    QTest.keyClick(main, Qt.Key.Key_F11)
    assert main.isFullScreen()
    assert main.actions_["view.full_screen"].isChecked()
    main.do("view.full_screen")
    assert not main.isFullScreen()


def test_geometry_and_page_are_remembered(qtbot: QtBot, main: MainWindow, services: Services) -> None:
    main.resize(700 + 200, 600)
    main.show_page("inspect")
    assert main.close()
    assert page(main, "inspect").noted[-1] == "shutdown"
    assert page(main, "build").noted[-1] == "shutdown"
    again = Services.create(services.settings.path)
    second = MainWindow(again, fake_pages())
    qtbot.addWidget(second)
    assert second.page_name == "inspect"
    assert second.height() == 600
    second.close()


@pytest.mark.parametrize(("key", "value"), [("window/page", "no such page"), ("window/geometry", "bm9uc2Vuc2U=")])
def test_nonsense_in_the_settings_is_ignored(
    services: Services, open_window: Callable[[], MainWindow], key: str, value: str
) -> None:
    services.settings.remember(key, value)
    main = open_window()
    assert main.page_name == "build"
    assert main.width() >= main.minimumWidth()


@pytest.mark.parametrize("answer", ["Close", "Cancel"])
def test_closing_asks_when_something_would_be_lost(
    main: MainWindow, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def choose(box: QMessageBox) -> int:
        asked.append(box.informativeText())
        assert box.textFormat() == Qt.TextFormat.PlainText
        next(b for b in box.buttons() if b.text().replace("&", "") == answer).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", choose)
    page(main, "build").loss = "The draft of <b>3</b> models is not built."
    assert main.close() is (answer == "Close")
    assert asked == ["The draft of <b>3</b> models is not built."]
    page(main, "build").loss = ""


def test_closing_asks_about_a_job_that_writes(qtbot: QtBot, main: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), []
    job = main.services.jobs.start("Building x.apbundle", lambda progress, cancel: go.wait(10))
    reading = main.services.jobs.start("Opening", lambda progress, cancel: go.wait(10), abandonable=True)
    monkeypatch.setattr(QMessageBox, "exec", lambda box: asked.append(box.informativeText()))
    assert not main.close()
    assert asked == ["“Building x.apbundle” is not finished."]
    go.set()
    qtbot.waitUntil(lambda: not job.running and not reading.running)
    assert main.close()


@pytest.mark.parametrize("size", [(1000, 680), (1920, 1080)])
def test_nothing_of_the_frame_is_cut_off(main: MainWindow, size: tuple[int, int]) -> None:
    main.resize(*size)
    main.services.messages.info("x" * 400)
    for child in main.findChildren(QWidget):
        parent = child.parentWidget()
        if child.isVisible() and parent is not None and isinstance(child, QLabel | QPushButton | QToolButton):
            assert parent.rect().contains(child.geometry()), child
    assert main.size() == QSize(*size)
