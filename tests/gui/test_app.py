"""Starting the program: its command line, its hooks, its resources."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QSize, QTimer, qCritical, qWarning
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from apbundle_gui import resources, theme
from apbundle_gui.app import main, screenshots
from apbundle_gui.app.arguments import Options, parse
from apbundle_gui.app.demo import start_demo
from apbundle_gui.app.program import chosen_theme, import_ahead
from apbundle_gui.app.reporting import Reporter
from apbundle_gui.app.screenshots import save, settled_picture, wait_until
from apbundle_gui.main_window import MainWindow
from apbundle_gui.services import Messages, Services
from apbundle_gui.theme.tokens import DARK
from support.fake_pages import COMMANDS, fake_pages


def test_arguments() -> None:
    assert parse([]) == Options((), demo=False, screenshots=None, theme=None)
    assert parse(["a", "b", "--demo", "--theme", "dark"]) == Options(("a", "b"), True, None, "dark")
    assert parse(["--screenshots", "out"]).screenshots == "out"


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["--help"], 0), (["--theme", "pink"], 2)])
def test_arguments_that_end_at_once(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code
    if arguments == ["--version"]:
        assert capsys.readouterr().out == f"apbundle {version('apbundle')}\n"


def test_version_needs_no_window_toolkit() -> None:
    program = (
        "import sys\n"
        "sys.modules['PySide6'] = None\n"
        "from apbundle_gui.app import main\n"
        "print(main([]))\n"
        "main(['--version'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True)
    assert done.stdout == f"2\napbundle {version('apbundle')}\n"
    assert "pip install 'apbundle[gui]'" in done.stderr


def test_no_display(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert main([]) == 2
    assert "no display" in capsys.readouterr().err


def test_the_theme_of_the_command_line_goes_before_the_remembered_one(services: Services) -> None:
    assert chosen_theme(parse([]), services) is theme.Choice.SYSTEM
    services.settings.remember("window/theme", "nonsense")
    assert chosen_theme(parse([]), services) is theme.Choice.SYSTEM
    services.settings.remember("window/theme", "dark")
    assert chosen_theme(parse([]), services) is theme.Choice.DARK
    assert chosen_theme(parse(["--theme", "light"]), services) is theme.Choice.LIGHT


@pytest.fixture
def messages(qapp: QApplication, caplog: pytest.LogCaptureFixture) -> Iterator[Messages]:
    """Messages with the hooks of the program in place."""
    made = Messages()
    reporter = Reporter(made)
    reporter.install()
    yield made
    reporter.uninstall()
    caplog.get_records("call").clear()  # what the hooks logged is what these tests are about


def errors(messages: Messages) -> list[type[BaseException]]:
    return [type(message.error) for message in messages.kept if message.error is not None]


def test_an_exception_in_a_slot_is_told_and_logged(
    qtbot: QtBot, messages: Messages, caplog: pytest.LogCaptureFixture
) -> None:
    sender = QObject()
    sender.destroyed.connect(lambda: 1 / 0)
    sender.deleteLater()
    qtbot.waitUntil(lambda: errors(messages) == [ZeroDivisionError])
    assert any(record.exc_info for record in caplog.records)


def test_an_exception_in_a_thread_is_told_in_the_gui_thread(qtbot: QtBot, messages: Messages) -> None:
    told_in: list[threading.Thread] = []
    messages.posted.connect(lambda message: told_in.append(threading.current_thread()))

    def work() -> None:
        raise LookupError("x")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: errors(messages) == [LookupError])
    assert told_in == [threading.main_thread()]


def test_an_exception_while_telling_is_logged_and_ends_there(
    qtbot: QtBot, messages: Messages, caplog: pytest.LogCaptureFixture
) -> None:
    messages.posted.connect(lambda message: {}["no such key"])
    sys.excepthook(ValueError, ValueError("first"), None)
    assert errors(messages) == [ValueError]
    assert [r.exc_info[0] for r in caplog.records if r.exc_info] == [ValueError, KeyError]


def test_ctrl_c_is_no_error(messages: Messages, capsys: pytest.CaptureFixture[str]) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not messages.kept
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_what_qt_says_is_logged_on_one_line(messages: Messages, caplog: pytest.LogCaptureFixture) -> None:
    qWarning("This plugin does not support propagateSizeHints()")
    qWarning("odd\nthing \x1b[0m")
    qCritical("bad")
    said = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert said == [(logging.WARNING, "odd\\x0athing \\x1b[0m"), (logging.ERROR, "bad")]


def test_waiting_ends_with_the_condition(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[bool] = []
    QTimer.singleShot(0, lambda: done.append(True))
    wait_until(lambda: bool(done), "the timer")
    monkeypatch.setattr("apbundle_gui.app.screenshots.PATIENCE_S", 0.0)
    with pytest.raises(TimeoutError, match="pigs to fly"):
        wait_until(lambda: False, "pigs to fly")


def test_pictures_of_the_window_are_written(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    window = MainWindow(services, fake_pages())
    qtbot.addWidget(window)
    window.show()
    window.resize(1280, 800)
    save(settled_picture(window), tmp_path / "window.png")
    image = QImage(str(tmp_path / "window.png"))
    assert image.size() == QSize(1280, 800)
    assert image.pixelColor(640, 790).name().upper() == theme.colors().window


def test_every_page_is_drawn_in_both_themes_and_sizes(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screenshots, "standard_pages", fake_pages)
    folder = tmp_path / "a" / "b"
    assert screenshots.draw_all(folder) == 0
    sizes = {path.stem: QImage(str(path)).size() for path in folder.iterdir()}
    assert sizes == {
        f"{page}-{choice}-{size.width()}": size
        for page in COMMANDS
        for choice in ("light", "dark")
        for size in screenshots.SIZES
    }
    dark = QImage(str(folder / "inspect-dark-1280.png"))
    assert dark.pixelColor(640, 790).name().upper() == DARK.window


def test_screenshots_that_cannot_be_written_say_so(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(screenshots, "standard_pages", fake_pages)
    (tmp_path / "file").touch()
    assert screenshots.draw_all(tmp_path / "file") == 2
    assert "file" in caplog.text
    caplog.clear()


def test_the_demonstration_opens_the_sample_and_starts_a_workload(qtbot: QtBot, services: Services) -> None:
    window = MainWindow(services, fake_pages())
    qtbot.addWidget(window)
    start_demo(window)
    qtbot.waitUntil(lambda: window.page_name == "monitor")
    page = window.page("monitor")
    qtbot.waitUntil(page.example_ready)
    with qtbot.waitSignal(services.session.opened):
        window.do("file.reload")
    assert page.findChild(QLineEdit).text() == "sample.apbundle"


def test_resources_come_from_the_wheel_or_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resources.path("icons/apbundle.svg").is_file()
    assert resources.sample_path().read_bytes()[:8] == b"APBUNDLE"
    wheel, checkout = tmp_path / "wheel", tmp_path / "checkout"
    for place in (wheel, checkout):
        place.mkdir()
    monkeypatch.setattr(resources, "_PLACES", (wheel, checkout))
    (checkout / "both").touch()
    assert resources.path("both") == checkout / "both"
    (wheel / "both").touch()
    assert resources.path("both") == wheel / "both"
    with pytest.raises(FileNotFoundError, match="missing"):
        resources.path("neither")


def test_modules_stay_out_of_the_garbage_collectors_rounds() -> None:
    try:
        import_ahead()
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()
