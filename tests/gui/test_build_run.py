"""Builds from the window: the same bytes as the library's, stopped, failing, over something that is there."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from apbundle import BundleConfig, ModelBundle
from apbundle.errors import bundle_error
from apbundle.fileio import syscalls
from apbundle.progress import Cancel, Progress
from apbundle_gui.models.build_draft import Options
from apbundle_gui.models.build_table import PROBLEM_ROLE, Column
from apbundle_gui.pages.build import result
from apbundle_gui.services import Services, building
from support.drafting import Bench, safetensors
from support.faults import Fault, failing

CREATED = "1700000000"


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", CREATED)
    made = Bench(qtbot, services)
    (tmp_path / "raw.bin").write_bytes(os.urandom(100_000))
    (tmp_path / "empty").touch()
    made.add([safetensors(tmp_path / "st.safetensors", "a", "b"), tmp_path / "raw.bin", tmp_path / "empty"])
    (tmp_path / "out").mkdir()
    made.page.store.put(str(tmp_path / "out" / "made.apbundle"))
    made.settle()
    return made


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "made.apbundle"


def build(bench: Bench) -> None:
    bench.page.bench.header.build.click()
    assert bench.page.building.job is not None
    bench.qtbot.waitUntil(lambda: bench.page.building.job is None, timeout=20_000)
    bench.settle()


def expected(bench: Bench, path: Path, config: BundleConfig, description: str = "") -> bytes:
    builder = ModelBundle.builder(path).with_config(config).with_description(description)
    builder.with_created_at(int(CREATED))
    for row in bench.page.store.draft.rows:
        builder.add_model(row.name, row.path)
    builder.build().close()
    return path.read_bytes()


def card(bench: Bench) -> str:
    labels = bench.page.bench.error_card.findChildren(object)
    return "\n".join(label.text() for label in labels if hasattr(label, "text") and callable(label.text))


def test_the_bytes_are_those_the_library_writes(bench: Bench, tmp_path: Path, output: Path) -> None:
    bench.page.store.describe("words\nand more")
    bench.type_name(1, "encoder")
    for options in (Options(), Options(4096, "sha256"), Options(1, None), Options(4096, "sha256", plain=True)):
        bench.page.store.set_options(options)
        build(bench)
        assert output.read_bytes() == expected(bench, tmp_path / "other", options.config, "words\nand more")
        assert bench.opened == [str(output)]
        assert bench.page.bench.header.state.text() == "Built"
        done = bench.page.bench.result
        assert done.isVisible()
        assert done.title.text() == "Built made.apbundle"
        assert done.sum.text() == hashlib.sha256(output.read_bytes()).hexdigest()
        assert bench.page.unsaved() == ""
        assert bench.page.panel.facts._values["File size"].text() != "–"
        output.unlink()
        bench.opened.clear()
    bench.page.store.describe("more")
    assert bench.page.unsaved()


def test_the_planned_size_is_what_is_written(bench: Bench, output: Path) -> None:
    planned = bench.page.outlook.planned
    build(bench)
    assert planned.file_size == output.stat().st_size


def test_the_shortcut_builds_and_the_window_opens_the_result(bench: Bench, output: Path) -> None:
    bench.page.bundle_built.connect(bench.window._bundle_built)
    with bench.qtbot.waitSignal(bench.services.session.opened):
        bench.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert bench.window.page_name == "inspect"
    assert bench.services.session.current.path == str(output)


def test_what_is_being_typed_is_built(bench: Bench, output: Path) -> None:
    bench.select(1)
    bench.key(Qt.Key.Key_F2)
    editor = QApplication.focusWidget()
    assert isinstance(editor, QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, "typed")
    bench.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    bench.qtbot.waitUntil(lambda: bool(bench.opened))
    bench.settle()
    with ModelBundle.load(output) as made:
        assert "typed" in list(made)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[threading.Event]:
    """A build that reports half of its bytes and waits until it is cancelled or let go."""
    go = threading.Event()
    real = building.build_now

    def wait(request: building.BuildRequest, progress: Progress, cancel: Cancel) -> building.Written:
        progress("copy", 5_000_000_000, 10_000_000_000)
        while not go.wait(0.001):
            if cancel():
                raise bundle_error("cancelled", "Cancelled.")
        return real(request, progress, cancel)

    monkeypatch.setattr(building, "build_now", wait)
    return [go]


def test_a_build_shows_its_progress_and_is_cancelled(bench: Bench, output: Path, held: list[threading.Event]) -> None:
    header = bench.page.bench.header
    header.build.click()
    bench.qtbot.waitUntil(lambda: "4.66 GiB of 9.31 GiB" in header.said.text())
    assert (header.build.text(), header.state.text(), header.bar.value()) == ("Cancel", "Building", 500)
    assert header.bar.isVisible()
    assert not bench.window.actions_["build.build"].isEnabled()
    header.build.click()
    bench.qtbot.waitUntil(lambda: bench.page.building.job is None)
    bench.settle()
    assert not output.exists()
    assert os.listdir(output.parent) == []
    assert (header.build.text(), header.state.text()) == ("Build", "Ready")
    assert "Cancelled" in bench.page.banner.text
    assert len(bench.names) == 3
    assert bench.opened == []


def test_a_build_is_cancelled_though_its_source_does_not_answer(
    bench: Bench, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go = threading.Event(), threading.Event()
    real = syscalls.preadv

    def slow(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        if len(buffers[0]) == 100_000:
            asked.set()
            go.wait()
        return real(descriptor, buffers, offset)

    monkeypatch.setattr(syscalls, "preadv", slow)
    bench.page.bench.header.build.click()
    bench.qtbot.waitUntil(asked.is_set)
    bench.page.bench.header.build.click()
    bench.qtbot.waitUntil(lambda: bench.page.building.job is None)
    assert not go.is_set()
    assert "Cancelled" in bench.page.banner.text
    go.set()
    bench.qtbot.waitUntil(lambda: os.listdir(output.parent) == [])
    assert bench.opened == []


def test_the_result_can_be_used(bench: Bench, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: not shown.append(url.toLocalFile()))
    monkeypatch.setattr(result, "UNASKED", 0)
    build(bench)
    card = bench.page.bench.result
    assert card.said.text().startswith("3 models  ·  102 KiB  ·  ")
    assert not card.digest
    assert not card.copy_digest.isVisible()
    clipboard = QGuiApplication.clipboard()
    for button, held in (
        (card.take_digest, None),
        (card.copy_digest, hashlib.sha256(output.read_bytes()).hexdigest()),
        (card.copy_path, str(output)),
        (card.open, None),
        (card.show_folder, None),
    ):
        button.setFocus()
        bench.key(Qt.Key.Key_Space)
        bench.settle()
        assert held is None or clipboard.text() == held
    assert bench.opened == [str(output)] * 2
    assert shown == [str(output.parent)]
    card.dismiss()
    assert not card.isVisible()


def test_the_draft_can_be_changed_while_it_is_built(
    bench: Bench, tmp_path: Path, output: Path, held: list[threading.Event]
) -> None:
    wanted = expected(bench, tmp_path / "other", BundleConfig())
    bench.page.bench.header.build.click()
    bench.page.store.rename({bench.page.store.draft.rows[0].id: "later"})
    held[0].set()
    bench.qtbot.waitUntil(lambda: bench.page.building.job is None)
    bench.settle()
    assert output.read_bytes() == wanted
    assert bench.page.bench.header.state.text() == "Ready"
    assert bench.page.unsaved()


def test_a_failing_disk_loses_nothing(bench: Bench, output: Path) -> None:
    shown = bench.page.bench.error_card
    again = next(b for b in shown.findChildren(QPushButton) if b.text() == "Try Again")
    for call, kind in (("pwrite", "ENOSPC"), ("posix_fallocate", "ENOSPC"), ("fsync", "EIO")):
        with failing(Fault(call, 1, kind, forever=True)):
            build(bench)
        assert shown.isVisible()
        assert "The draft is kept." in card(bench)
        assert str(output) in card(bench)
        if kind == "ENOSPC":
            assert "The disk is full" in card(bench)
        assert os.listdir(output.parent) == []
        assert len(bench.names) == 3
        assert bench.page.bench.header.state.text() == "Failed"
        again.click()
        bench.qtbot.waitUntil(lambda: bench.page.building.job is None)
        bench.settle()
        assert not shown.isVisible()
        output.unlink()


def test_a_file_that_could_not_be_moved_is_named(bench: Bench, output: Path) -> None:
    with failing(Fault("link", 1, "EIO", forever=True)), failing(Fault("replace", 1, "EIO", forever=True)):
        build(bench)
    left = [name for name in os.listdir(output.parent) if name.endswith(".part")]
    assert bench.page.bench.error_card.isVisible()
    for name in left:
        assert name in card(bench)
    assert not output.exists()


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"other")])
def test_a_source_that_changes_before_the_build_stops_it(
    bench: Bench, tmp_path: Path, output: Path, change: Callable[[Path], object]
) -> None:
    change(tmp_path / "raw.bin")
    build(bench)
    assert bench.page.bench.error_card.isVisible()
    assert str(tmp_path / "raw.bin") in card(bench)
    assert not output.exists()
    assert bench.cell(1, Column.SOURCE, PROBLEM_ROLE) in ("Missing", "Changed on disk")


def test_what_is_there_is_replaced_only_after_asking_once(bench: Bench, output: Path) -> None:
    output.write_bytes(b"precious")
    box = ask(bench)
    assert output.read_bytes() == b"precious"
    assert str(output) in box.informativeText()
    assert box.textFormat() == Qt.TextFormat.PlainText
    press(bench, box.buttons(), "Cancel")
    assert output.read_bytes() == b"precious"
    assert bench.opened == []
    press(bench, ask(bench).buttons(), "Replace")
    bench.qtbot.waitUntil(lambda: bench.opened == [str(output)])
    bench.settle()
    bench.page.store.describe("again")
    bench.settle()
    build(bench)
    assert len(bench.opened) == 2
    with ModelBundle.load(output) as made:
        assert made.description == "again"


def test_another_output_asks_anew(bench: Bench, output: Path) -> None:
    output.write_bytes(b"one")
    press(bench, ask(bench).buttons(), "Replace")
    bench.qtbot.waitUntil(lambda: bool(bench.opened))
    bench.settle()
    other = output.with_name("two.apbundle")
    other.write_bytes(b"two")
    for path in (other, output):
        bench.page.store.put(str(path))
        bench.settle()
        press(bench, ask(bench).buttons(), "Cancel")
    assert other.read_bytes() == b"two"


def ask(bench: Bench) -> QMessageBox:
    build(bench)
    box = bench.page.building.question
    assert box is not None
    assert box.isVisible()
    return box


def press(bench: Bench, buttons: list[QAbstractButton], text: str) -> None:
    next(b for b in buttons if b.text().replace("&", "") == text).click()
    assert bench.page.building.question is None


def test_a_target_that_becomes_a_folder_is_refused(bench: Bench, output: Path) -> None:
    output.mkdir()
    press(bench, ask(bench).buttons(), "Replace")
    bench.qtbot.waitUntil(bench.page.bench.error_card.isVisible)
    bench.settle()
    assert "This file is not overwritten" in card(bench)
    assert bench.page.panel.output_note.text() == "At the output is something that is not a regular file."
    assert not bench.page.can_build()


def test_a_bad_clock_in_the_environment_is_an_error_not_a_bug(
    bench: Bench, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    build(bench)
    assert "SOURCE_DATE_EPOCH" in card(bench)
    assert not output.exists()
