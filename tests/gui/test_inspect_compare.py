"""The tab that compares: another bundle, two models, and what becomes of it when bundles go or are none."""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle_gui.models.compare_table import Column
from apbundle_gui.pages.inspect.compare.tab import CompareTab
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.services import Services
from support.inspecting import InspectBench

MARKUP = "<b>gone</b>"


def build(path: Path, *, new: bool) -> Path:
    first = {f"layers.{i}.weight": np.arange(1, 65, dtype=np.float32).reshape(8, 8) for i in range(3)}
    builder = BundleBuilder(path).with_description("new" if new else "old")
    if new:
        first["layers.1.weight"] = first["layers.1.weight"] * 1.5
        first["layers.9.weight"] = np.ones(3, np.float32)
        del first["layers.0.weight"]
    builder.add_model("first", first)
    builder.add_model("same", b"the same bytes")
    builder.add_model("fresh" if new else MARKUP, {"a": np.zeros(2, np.int8)})
    builder.build().close()
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return build(tmp_path / "old.apbundle", new=False)


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path) -> InspectBench:
    bench = InspectBench(qtbot, services)
    bench.open(build(tmp_path / "new.apbundle", new=True))
    bench.page.tabs.show_tab(bench.page.compare_tab)
    bench.settle()
    return bench


def tab(bench: InspectBench) -> CompareTab:
    return bench.page.compare_tab


def rows(bench: InspectBench) -> list[tuple[str, str]]:
    table = tab(bench).table
    return [
        (str(table.index(row, Column.STATUS).data()), str(table.index(row, Column.NAME).data()))
        for row in range(table.rowCount())
    ]


def compare(bench: InspectBench, other: Path) -> None:
    tab(bench).compare_with(str(other))
    bench.settle()


EXPECTED = [
    ("changed", "description"),
    ("changed", "first"),
    ("removed", "layers.0.weight"),
    ("changed", "layers.1.weight"),
    ("added", "layers.9.weight"),
    ("removed", MARKUP),
    ("added", "fresh"),
]


def test_without_another_bundle_it_says_what_it_is_for(bench: InspectBench) -> None:
    assert tab(bench).empty.isVisible()
    assert not tab(bench).view.isVisible()
    assert not tab(bench).bar.compare.isEnabled()
    assert not bench.page.tabs.count.text()


def test_a_bundle_is_chosen_from_a_file(
    bench: InspectBench, other: Path, monkeypatch: pytest.MonkeyPatch, qtmodeltester: ModelTester
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(other), ""))
    bench.click(tab(bench).bar.sides.file)
    bench.settle()
    qtmodeltester.check(tab(bench).table)
    assert rows(bench) == EXPECTED
    assert tab(bench).bar.said.text().startswith("1 model changed, 1 added, 1 removed, 1 equal")
    assert "1 tensor changed, 1 added, 1 removed" in tab(bench).bar.said.text()
    assert bench.page.tabs.count.text() == "7 differences"
    assert bench.services.session.bundles[0].path.endswith("new.apbundle"), "it was not opened"
    assert len(bench.services.session.bundles) == 1


def test_a_bundle_is_chosen_among_the_open_ones_by_keys(qtbot: QtBot, bench: InspectBench, other: Path) -> None:
    here = bench.inspection.path
    bench.open(other)
    bench.services.session.select(here)
    bar = tab(bench).bar
    assert bar.sides.choice.currentText() == "old.apbundle"
    bar.compare.setFocus()
    QTest.keyClick(bar.compare, Qt.Key.Key_Space)
    assert bar.compare.text() == "Cancel"
    bench.settle()
    assert bar.compare.text() == "Compare"
    assert rows(bench) == EXPECTED
    bench.services.session.select(str(other))
    assert tab(bench).empty.isVisible()
    bench.services.session.select(here)
    assert rows(bench) == EXPECTED, "what was found is kept"
    bench.services.session.close(str(other))
    assert rows(bench) == EXPECTED


def test_the_numbers_of_a_changed_tensor(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    table = tab(bench).table
    shown = [table.index(3, column).data() for column in Column]
    assert shown[3:] == ["F32  8 × 8", "F32  8 × 8", "100 %", "32", "16.2", "1.000000"]
    assert [table.index(2, column).data() for column in Column][4:] == ["–", "", "", "", ""]


def test_every_column_sorts(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    for column in Column:
        tab(bench).view.sortByColumn(column, Qt.SortOrder.AscendingOrder)
        bench.settle()
        assert sorted(rows(bench)) == sorted(EXPECTED)
    tab(bench).view.sortByColumn(Column.LARGEST, Qt.SortOrder.DescendingOrder)
    bench.settle()
    assert rows(bench)[0] == ("changed", "layers.1.weight")


def test_the_search_field_filters(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    bench.search("added weight")
    assert rows(bench) == [("added", "layers.9.weight")]
    assert bench.page.tabs.count.text() == "1 of 7 differences"


def test_a_row_is_selected_everywhere(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    view = tab(bench).view
    view.selectRow(0)
    view.setFocus()
    for _ in range(3):
        QTest.keyClick(view, Qt.Key.Key_Down)
    bench.settle()
    place = bench.page.selection.place
    assert place.model == 0
    assert place.tensor is not None
    info = bench.inspection.contents.info(bench.inspection.contents.row_of(0, place.tensor))
    assert info.name == "layers.1.weight" == tab(bench).panel.title.text()
    view.selectRow(5)  # is not in this bundle: nothing else to select
    assert bench.page.selection.place == place
    assert tab(bench).panel.title.text() == MARKUP


def test_what_is_selected_elsewhere_is_selected_here(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    bench.page.selection.go(Place(2))
    assert tab(bench).panel.title.text() == "fresh"


def test_equal_bundles(bench: InspectBench, tmp_path: Path) -> None:
    compare(bench, build(tmp_path / "again.apbundle", new=True))
    assert rows(bench) == []
    assert tab(bench).bar.said.text() == "3 models equal"
    assert tab(bench).nothing == "Nothing differs."


def test_two_models_of_the_bundle(bench: InspectBench) -> None:
    bench.page.tabs.show_tab(bench.page.models_tab)
    bench.click_row(2)
    bench.click_row(0, Qt.KeyboardModifier.ControlModifier)
    (action,) = [a for a in bench.page.models_tab.menu().actions() if a.text() == "Co&mpare Both"]
    action.trigger()
    bench.settle()
    assert bench.page.tabs.current is tab(bench)
    assert tab(bench).bar.said.text().startswith("“first” → “fresh”: 1 model changed")
    assert ("removed", "layers.1.weight") in rows(bench)
    tab(bench).view.selectRow(rows(bench).index(("removed", "layers.1.weight")))
    place = bench.page.selection.place
    assert place.model == 0
    assert place.tensor is not None
    assert not tab(bench).panel.copy.isVisible()


@pytest.mark.parametrize("kind", ["nothing", "no bundle", "fifo"])
def test_what_is_no_bundle_is_said(bench: InspectBench, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "wrong.apbundle"
    if kind == "no bundle":
        path.write_bytes(b"hello")
    elif kind == "fifo":
        os.mkfifo(path)
    compare(bench, path)
    assert "wrong.apbundle" in tab(bench).bar.said.text()
    assert tab(bench).empty.isVisible()


def test_cancelling_and_closing_end_it(bench: InspectBench, other: Path) -> None:
    tab(bench).compare_with(str(other))
    bench.click(tab(bench).bar.compare)
    bench.settle()
    assert tab(bench).bar.compare.text() == "Compare"
    tab(bench).compare_with(str(other))
    bench.services.session.close(bench.inspection.path)
    bench.settle()
    assert not tab(bench).bar.said.text()


def test_what_was_closed_is_let_go(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    bench.page.tabs.show_tab(bench.page.tensors_tab)
    bench.page.selection.go(Place(0, "layers."))
    bench.settle()
    closed = weakref.ref(bench.inspection)
    bench.services.session.open(bench.inspection.path)
    bench.settle()
    bench.qtbot.waitUntil(lambda: not gc.collect() and closed() is None)
    closed = weakref.ref(bench.inspection)
    bench.services.session.close(bench.inspection.path)
    bench.qtbot.waitUntil(lambda: not gc.collect() and closed() is None)


def test_the_command_line_is_copied(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    tab(bench).view.selectRow(1)
    bench.click(tab(bench).panel.copy)
    assert QGuiApplication.clipboard().text() == f"apbundle diff -- {other} {bench.inspection.path}"


# -- what is chosen ----------------------------------------------------------------------------------------------


def test_swapping_shows_the_other_direction(bench: InspectBench, other: Path) -> None:
    sides = tab(bench).bar.sides
    bench.click(sides.swap)
    assert tab(bench)._comparison is not None
    assert tab(bench)._comparison.request is None, "nothing is compared yet"
    bench.click(sides.swap)
    compare(bench, other)
    bench.click(sides.swap)
    bench.settle()
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted(rows(bench)) == sorted((turned[status], name) for status, name in EXPECTED)
    view = tab(bench).view
    view.selectRow(rows(bench).index(("changed", "layers.1.weight")))
    place = bench.page.selection.place
    assert place.model == 0
    assert place.tensor is not None
    bench.click(tab(bench).panel.copy)
    assert QGuiApplication.clipboard().text() == f"apbundle diff -- {bench.inspection.path} {other}"
    bench.click(sides.swap)
    bench.settle()
    assert rows(bench) == EXPECTED


def test_models_of_two_open_bundles(bench: InspectBench, other: Path) -> None:
    here = bench.inspection.path
    bench.open(other)
    bench.services.session.select(here)
    sides = tab(bench).bar.sides
    assert sides.choice.currentText() == "old.apbundle"
    QTest.keyClicks(sides.other_model, "f")
    assert (sides.other_model.currentText(), sides.this_model.currentText()) == ("first", "first")
    bench.click(tab(bench).bar.compare)
    bench.settle()
    assert tab(bench).bar.said.text().startswith("“first” → “first”: 1 model changed")
    assert rows(bench) == EXPECTED[1:5]
    QTest.keyClick(sides.this_model, Qt.Key.Key_Home)
    assert sides.other_model.currentText() == "All models"
    QTest.keyClick(sides.other_model, Qt.Key.Key_End)  # there is none of this name here
    assert (sides.other_model.currentText(), sides.this_model.currentText()) == (MARKUP, "first")
    bench.click(tab(bench).bar.compare)
    bench.settle()
    assert ("removed", "a") in rows(bench)


def test_two_models_of_this_bundle_are_chosen_in_the_tab(bench: InspectBench) -> None:
    sides = tab(bench).bar.sides
    assert not sides.other_model.isEnabled()
    QTest.keyClick(sides.choice, Qt.Key.Key_Down)
    assert sides.choice.currentText().startswith("This bundle")
    assert (sides.other_model.currentText(), sides.this_model.currentText()) == ("same", "first")
    QTest.keyClick(sides.other_model, Qt.Key.Key_End)
    assert tab(bench).bar.compare.isEnabled()
    bench.click(tab(bench).bar.compare)
    bench.settle()
    assert tab(bench).bar.said.text().startswith("“fresh” → “first”")
    QTest.keyClicks(sides.other_model, "first")
    assert not tab(bench).bar.compare.isEnabled(), "a model is no other one than itself"


def test_a_difference_leads_to_values_bytes_and_more(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    page, view = bench.page, tab(bench).view

    def at(name: str) -> None:
        page.tabs.show_tab(tab(bench))
        view.selectRow(next(row for row, (_, found) in enumerate(rows(bench)) if found == name))

    at("layers.1.weight")
    bench.click(tab(bench).panel.show_values)
    bench.settle()
    assert page.tabs.current is page.values_tab
    assert page.values_tab._looked_at == (page.selection.place.model, page.selection.place.tensor)
    at("layers.1.weight")
    bench.click(tab(bench).panel.show_bytes)
    assert page.tabs.current is page.hex_tab
    assert page.hex_tab.view.selected == bench.inspection.span_of(0, page.selection.place.tensor)
    at("fresh")
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert page.tabs.current is page.models_tab


def test_what_only_the_other_bundle_has_is_shown_there(bench: InspectBench, other: Path) -> None:
    compare(bench, other)
    here, view, panel = bench.inspection.path, tab(bench).view, tab(bench).panel
    names = [name for _, name in rows(bench)]
    view.selectRow(names.index("layers.9.weight"))
    assert not panel.show_other.isVisible()
    view.selectRow(names.index("layers.0.weight"))
    assert not panel.show_bytes.isVisible(), "it is not in this bundle"
    bench.click(panel.show_other)
    bench.settle()
    assert bench.inspection.path == str(other)
    bench.qtbot.waitUntil(lambda: bench.page.tensors_tab.panel.title.text() == "layers.0.weight")
    assert bench.page.tabs.current is bench.page.tensors_tab
    bench.services.session.select(here)
    bench.page.tabs.show_tab(tab(bench))
    view.selectRow(names.index(MARKUP))
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert bench.page.tabs.current is bench.page.models_tab
    assert bench.page.selection.current == bench.inspection.names.index(MARKUP)
    bench.settle()


def test_the_menu_leads_to_it(bench: InspectBench, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(other), ""))
    bench.page.tabs.show_tab(bench.page.models_tab)
    bench.window.do("inspect.compare")
    bench.settle()
    assert bench.page.tabs.current is tab(bench)
    assert rows(bench) == EXPECTED
    here = bench.inspection.path
    bench.open(other)
    bench.services.session.select(here)
    bench.page.tabs.show_tab(bench.page.models_tab)
    bench.window.do("inspect.compare")
    assert tab(bench).bar.sides.choice.hasFocus()
