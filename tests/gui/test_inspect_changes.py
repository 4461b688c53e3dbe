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


def test_what_was_in_view_is_in_view_again(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    def write(count: int) -> None:
        builder = BundleBuilder(path)
        for number in range(40):
            builder.add_model(f"other {number}", b"something", custom={"key": "value"})
        layers = {f"layers.{i}.{part}": np.zeros(2, np.float32) for i in range(count) for part in ("a", "b")}
        builder.add_model("net", layers)
        builder.build().close()

    path = tmp_path / "many.apbundle"
    write(40)
    bench = InspectBench(qtbot, services)
    bench.open(path)
    page = bench.page
    tabs = (page.models_tab, page.manifest_tab, page.metadata_tab, page.tensors_tab)
    page.selection.go(Place(40, "layers."))
    tree, view = page.navigation.tree, page.navigation.view
    qtbot.waitUntil(lambda: view.item is not None and view.item.group is not None)
    tree.unfold(view.currentIndex().row())
    for tab in tabs:
        page.tabs.show_tab(tab)
        bench.settle()
    page.tensors_tab.view.selectRow(9)
    bench.settle()
    chosen = page.selection.place
    unfolded = [tree.index(row, 0).data() for row in range(tree.rowCount())]
    qtbot.waitUntil(lambda: view.item is not None and view.item.tensor == chosen.tensor)
    bars = [table.verticalScrollBar() for table in (view, *(tab.view for tab in tabs))]
    for bar in bars:
        qtbot.waitUntil(lambda bar=bar: bar.maximum() > 60)
        bar.setValue(57)
    write(41)
    bench.window.do("file.reload")
    qtbot.waitUntil(lambda: not page.selection.returning and bench.inspection.contents.count == 82)
    bench.settle()
    assert page.selection.place == chosen
    assert [tree.index(row, 0).data() for row in range(tree.rowCount())][: len(unfolded)] == [*unfolded[:-1], "39"]
    for tab in tabs:
        page.tabs.show_tab(tab)
        bench.settle()
    qtbot.waitUntil(lambda: [bar.value() for bar in bars] == [57] * len(bars))
    page.selection.go(Place(0))
    page.tabs.show_tab(page.models_tab)
    assert bars[1].value() == 0, "whoever goes elsewhere is not held back"


def test_the_way_back_leads_into_the_new_file(qtbot: QtBot, bench: InspectBench, path: Path) -> None:
    page = bench.page
    bench.inspection.contents.want(1)
    qtbot.waitUntil(lambda: bench.inspection.contents.of(1) is not None)
    page.selection.go(Place(0))
    page.selection.go(Place(1, "", 1))
    page.tabs.show_tab(page.hex_tab)
    build(path, first="renamed")
    bench.services.session.open(str(path))
    bench.settle()
    visits = [visit.place for visit in page.navigation.history._visits]
    assert Place(0) not in visits, "that model is gone"
    assert page.selection.place == Place(1, "", 1) == visits[-1]
    while page.navigation.history.can_go_back:
        page.navigation.back()


def test_the_way_back_may_lead_to_a_tensor_that_is_gone(
    qtbot: QtBot, bench: InspectBench, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apbundle_gui.pages.inspect.history.PASSING_MS", 0)
    size = bench.inspection.reader.entry("encoder").raw_size
    for place in (Place(1, "", 1), Place(0)):
        bench.page.selection.go(place)
        bench.settle()
    builder = BundleBuilder(path).add_model("other", b"something")
    builder.add_model("encoder", b"no tensors".ljust(size)).build().close()
    bench.services.session.open(str(path))
    bench.settle()
    bench.page.tabs.show_tab(bench.page.tensors_tab)
    while bench.page.selection.current != 1:
        bench.page.navigation.back()
        bench.settle()
    for tab in (bench.page.tensors_tab, bench.page.values_tab, bench.page.hex_tab):
        bench.page.tabs.show_tab(tab)
        bench.settle()
    assert bench.page.selection.place.tensor == 1


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
