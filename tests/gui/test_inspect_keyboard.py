"""The whole page by keys alone: every tab is reached and used, and everything in it has a name to be spoken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from apbundle_gui import resources
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.pages.inspect.tabbed import KINDS
from apbundle_gui.services import Services
from support.controls import controls, name_of, path_of
from support.inspecting import InspectBench

Key = Qt.Key
Control, Shift, Alt = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path) -> InspectBench:
    for name in ("other", "sample"):
        shutil.copyfile(resources.sample_path(), tmp_path / f"{name}.apbundle")
    bench = InspectBench(qtbot, services)
    for name in ("other", "sample"):
        bench.open(tmp_path / f"{name}.apbundle")
    return bench


def focused() -> QWidget:
    found = QApplication.focusWidget()
    assert found is not None
    return found


def press(key: Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier, times: int = 1) -> None:
    for _ in range(times):
        QTest.keyClick(focused(), key, modifier)


def go_round(window: QWidget) -> list[QWidget]:
    """Press Tab until the keys are where they were; where they came by."""
    visited: list[QWidget] = []
    while focused() not in visited:
        visited.append(focused())
        press(Key.Key_Tab)
    assert focused() is visited[0], f"the keys are trapped at {path_of(focused())}"
    return visited


def turn_to(bench: InspectBench, tab: Tab) -> None:
    while bench.page.tabs.current is not tab:
        press(Key.Key_Tab, Control)
    bench.settle()


def test_every_tab_is_reached_and_everything_in_it_has_a_name(qtbot: QtBot, bench: InspectBench) -> None:
    page = bench.page
    bench.inspection.contents.want(0)
    qtbot.waitUntil(lambda: bench.inspection.contents.of(0) is not None)
    page.selection.go(Place(0, "", 0))
    seen = []
    for _ in KINDS:
        press(Key.Key_Tab, Control)
        bench.settle()
        tab = page.tabs.current
        seen.append(tab)
        assert tab.isAncestorOf(focused()) or focused() is tab, tab.title
        visited = go_round(bench.window)
        wanted = {
            widget
            for widget in controls(page)
            if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        }
        missed = [path_of(widget) for widget in wanted - set(visited) if widget.focusProxy() is None]
        assert not missed, f"{tab.title}: {missed}"
        assert not [path_of(widget) for widget in visited if not name_of(widget)], tab.title
    assert set(seen) == set(page.tabs.existing)
    press(Key.Key_Tab, Control | Shift)
    assert page.tabs.current is seen[-2]
    assert not [path_of(widget) for widget in controls(bench.window) if not name_of(widget)]


def test_everything_is_used_by_keys_alone(bench: InspectBench) -> None:
    page = bench.page
    press(Key.Key_T, Control)
    tree = page.navigation.view
    assert focused() is tree
    press(Key.Key_Down, times=2)
    press(Key.Key_Up)
    press(Key.Key_Return)
    bench.settle()
    press(Key.Key_Down)
    bench.settle()
    tensor = page.selection.place
    assert tensor.tensor is not None, "down the tree to a tensor"
    press(Key.Key_T, Control)
    assert not tree.hasFocus()

    turn_to(bench, page.values_tab)
    press(Key.Key_Right)
    press(Key.Key_Return)
    bench.settle()
    element = page.selection.place
    assert element.span is not None
    assert (element.model, element.tensor) == (tensor.model, tensor.tensor)
    turn_to(bench, page.hex_tab)
    assert page.hex_tab.view.selected == element.span
    press(Key.Key_Right)
    assert page.selection.place.span == (element.span[0] + 1, 1)
    press(Key.Key_F, Control)
    QTest.keyClicks(focused(), "APBUNDLE")
    press(Key.Key_Return)
    bench.settle()
    assert page.selection.place.span == (0, 8)
    press(Key.Key_Left, Alt)
    press(Key.Key_Right, Alt)
    assert page.selection.place.span == (0, 8)
    turn_to(bench, page.manifest_tab)
    assert page.manifest_tab.panel.title.text() == "magic"
    press(Key.Key_Down)
    assert page.selection.place.span == (8, 4)

    turn_to(bench, page.models_tab)
    press(Key.Key_Down)
    assert page.selection.current is not None
    turn_to(bench, page.metadata_tab)
    press(Key.Key_F, Control)
    QTest.keyClicks(focused(), "architecture")
    bench.settle()
    turn_to(bench, page.metadata_tab)
    assert 0 < page.metadata_tab.table.rowCount() < page.metadata_tab.table.count()
    turn_to(bench, page.tensors_tab)
    press(Key.Key_F, Control)
    QTest.keyClicks(focused(), "rank:2")
    bench.settle()
    press(Key.Key_Tab)
    press(Key.Key_T, Control)
    press(Key.Key_T, Control)
    press(Key.Key_Down)
    assert page.selection.place.tensor is not None

    press(Key.Key_D, Control)
    assert focused() is page.compare_tab.bar.sides.choice
    while focused() is not page.compare_tab.bar.compare:
        press(Key.Key_Tab)
    press(Key.Key_Space)
    bench.settle()
    assert page.compare_tab.bar.said.text() == f"{len(bench.names)} models equal"
    press(Key.Key_V, Control | Shift)
    bench.settle()
    assert bench.badge == "Verified"
