"""A file that changes while it is looked at: it is said, and reading it anew leads back to the same place."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.services import Services
from support.inspecting import InspectBench


def build(path: Path, first: str = "other") -> None:
    builder = BundleBuilder(path)
    builder.add_model(first, b"something")
    builder.add_model("encoder", {"a": np.zeros(3, np.float32), "b": np.ones(5, np.float32)})
    builder.build().close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    build(tmp_path / "models.apbundle")
    return tmp_path / "models.apbundle"


@pytest.fixture
def bench(qtbot: QtBot, services: Services, path: Path) -> InspectBench:
    bench = InspectBench(qtbot, services)
    bench.open(path)
    qtbot.waitUntil(lambda: not bench.page.changes.watch._settle.isActive())
    bench.settle()
    return bench


def press(bench: InspectBench, label: str) -> None:
    buttons = {button.text(): button for button in bench.page.banner.findChildren(QPushButton) if button.isVisible()}
    QTest.mouseClick(buttons[label], Qt.MouseButton.LeftButton)


def test_a_file_that_does_not_change_is_not_spoken_of(bench: InspectBench) -> None:
    bench.page.changes.watch.look()
    bench.settle()
    assert bench.page.banner.isHidden()


def test_a_replaced_file_is_read_anew_and_one_stays_where_one_was(
    qtbot: QtBot, bench: InspectBench, path: Path
) -> None:
    bench.inspection.contents.want(1)
    qtbot.waitUntil(lambda: bench.inspection.contents.of(1) is not None)
    contents = bench.inspection.contents.of(1)
    assert contents is not None
    number = contents.tensors.find("b")
    bench.page.selection.go(Place(1, "", number))
    build(path, first="a model before it")
    qtbot.waitUntil(lambda: "changed on disk" in bench.page.banner.text)
    press(bench, "&Reload")
    qtbot.waitUntil(lambda: bench.inspection.names[0] == "a model before it")
    qtbot.waitUntil(lambda: bench.page.selection.place == Place(1, "", number))
    bench.settle()
    assert bench.page.banner.isHidden()


def test_a_file_cut_short_is_noticed_and_can_be_kept(qtbot: QtBot, bench: InspectBench, path: Path) -> None:
    os.truncate(path, 100)
    qtbot.waitUntil(lambda: "changed on disk" in bench.page.banner.text)
    press(bench, "&Keep")
    assert bench.page.banner.isHidden()
    assert bench.names == ["other", "encoder"]


def test_a_file_that_is_gone_is_missed(qtbot: QtBot, bench: InspectBench, path: Path) -> None:
    path.unlink()
    qtbot.waitUntil(lambda: "no longer there" in bench.page.banner.text)


def test_a_closed_file_is_not_watched(bench: InspectBench, path: Path) -> None:
    bench.services.session.close(str(path))
    bench.settle()
    path.unlink()
    bench.page.changes.watch.look()
    bench.settle()
    assert bench.page.banner.isHidden()
    assert not bench.page.changes.watch._watcher.files()
