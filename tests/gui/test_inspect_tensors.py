"""The tab of the tensors: every model's in one table, found by a query, sorted, and selected everywhere."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle_gui.models.tensor_table import Column
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.pages.inspect.tensors_tab import TensorsTab
from apbundle_gui.services import Services
from support.inspecting import InspectBench


@pytest.fixture
def path(tmp_path: Path) -> Path:
    builder = BundleBuilder(tmp_path / "models.apbundle")
    encoder = {f"layers.{i}.attn.weight": np.zeros((4, 768 * (1 + i % 2)), np.float16) for i in (0, 1, 2, 10)}
    builder.add_model("encoder", {**encoder, "Ünicode.Bias": np.zeros(3, np.float32), "scale": np.ones((), np.float64)})
    builder.add_model("packed", {"head.bias": np.zeros(9000, np.int8)}, compress=True)
    builder.add_model("text", b"lists nothing")
    builder.build().close()
    return tmp_path / "models.apbundle"


@pytest.fixture
def bench(qtbot: QtBot, services: Services, path: Path) -> InspectBench:
    bench = InspectBench(qtbot, services)
    bench.open(path)
    bench.page.tabs.show_tab(bench.page.tensors_tab)
    bench.settle()
    return bench


def tab(bench: InspectBench) -> TensorsTab:
    return bench.page.tensors_tab


def shown(bench: InspectBench, column: Column = Column.NAME) -> list[str]:
    table = tab(bench).table
    return [str(table.index(row, column).data()) for row in range(table.rowCount())]


def search(bench: InspectBench, query: str) -> None:
    bench.page.tabs.search.setFocus()
    bench.page.tabs.search.selectAll()
    if query.isascii():
        QTest.keyClicks(bench.page.tabs.search, query)
    else:  # QTest has no keys for these
        bench.page.tabs.search.insert(query)
    bench.settle()


def test_the_tensors_of_all_models_are_listed(bench: InspectBench, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(tab(bench).table)
    assert len(shown(bench)) == 7
    assert set(shown(bench, Column.MODEL)) == {"encoder", "packed"}
    assert "4 × 768" in shown(bench, Column.SHAPE)
    assert "scalar" in shown(bench, Column.SHAPE)
    assert bench.page.tabs.count.text() == "7 tensors"


FOUND = [
    ("ATTN -layers.1", ["layers.0.attn.weight", "layers.2.attn.weight"]),
    ("bias", ["Ünicode.Bias", "head.bias"]),
    ("name:ünicode.bias", ["Ünicode.Bias"]),
    ("ünicode", ["Ünicode.Bias"]),
    ("dtype:i8", ["head.bias"]),
    ("dtype:f32,f64", ["Ünicode.Bias", "scale"]),
    ("shape:[4,1536]", ["layers.1.attn.weight"]),
    ("shape:[]", ["scale"]),
    ("rank:1 model:packed", ["head.bias"]),
    ("size>=12KiB", ["layers.1.attn.weight"]),
    ("params:1..3", ["Ünicode.Bias", "scale"]),
    ("biaslayers", []),
    ("t.weightlayers", []),
]


def test_a_query_finds(bench: InspectBench) -> None:
    for query, names in FOUND:
        search(bench, query)
        assert sorted(shown(bench)) == sorted(names), query


def test_a_mistake_stands_beside_the_query(bench: InspectBench) -> None:
    search(bench, "bias")
    bench.page.tabs.search.setText("foo:1")
    bench.settle()
    assert bench.page.tabs.count.text().startswith("There is no field “foo”")
    assert len(shown(bench)) == 2, "the rows stay as they were"
    search(bench, "scale")
    assert bench.page.tabs.count.text() == "1 of 7 tensors"


def test_every_column_sorts(bench: InspectBench) -> None:
    table, contents = tab(bench).table, bench.inspection.contents
    for column, order in product(Column, (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder)):
        tab(bench).view.sortByColumn(column, order)
        bench.settle()
        things = [table.index_of(row) for row in range(table.rowCount())]
        assert sorted(things) == list(range(7)), column
        infos = [contents.info(thing) for thing in things]
        if column is Column.SIZE:
            assert [info.size for info in infos] == sorted((i.size for i in infos), reverse=bool(order.value))
        if column is Column.NAME and order == Qt.SortOrder.AscendingOrder:
            layers = [info.name for info in infos if info.name.startswith("layers")]
            assert [name.split(".")[1] for name in layers] == ["0", "1", "2", "10"]


def test_a_selected_tensor_is_selected_everywhere(qtbot: QtBot, bench: InspectBench) -> None:
    search(bench, "scale")
    tab(bench).view.selectRow(0)
    assert bench.page.selection.place.model == 0
    number = bench.page.selection.place.tensor
    assert number is not None
    view = bench.page.navigation.view
    qtbot.waitUntil(lambda: view.item is not None and view.item.tensor == number)
    assert tab(bench).panel.title.text() == "scale"


def test_what_is_selected_elsewhere_is_selected_here(bench: InspectBench) -> None:
    bench.page.selection.go(Place(1, "", 0))
    assert tab(bench).panel.title.text() == "head.bias"


def test_a_group_is_selected_and_spans_its_bytes(bench: InspectBench) -> None:
    place = Place(0, "layers.1.")
    bench.page.selection.go(Place(0, "layers."))
    bench.page.selection.go(place)
    bench.settle()
    names = [tab(bench).table.record(thing).name for thing in tab(bench).selected_indices()]
    assert names == ["layers.1.attn.weight"]
    bench.page.selection.go(Place(0, "layers."))
    bench.settle()
    assert tab(bench).panel.title.text() == "4 tensors selected"
    assert bench.page.selection.place == Place(0, "layers.")
    search(bench, "layers.1")
    assert len(tab(bench).selected_indices()) == 2
    contents = bench.inspection.contents.of(0)
    assert contents is not None
    spans = [bench.inspection.span_of(0, i) for i, info in enumerate(contents.tensors) if info.name[:7] == "layers."]
    ends = [(span[0], sum(span)) for span in spans if span is not None]
    first, last = min(ends)[0], max(end for _, end in ends)
    assert bench.inspection.span_of_group(0, "layers.") == (first, last - first)
    bench.page.tabs.show_tab(bench.page.hex_tab)
    assert bench.page.hex_tab.view.selected == (first, last - first)
    assert bench.inspection.span_of_group(1, "head.") is None  # compressed: it has no bytes of its own
    bench.settle()


def test_several_are_added_up(bench: InspectBench) -> None:
    tab(bench).view.selectAll()
    found: list[tuple[int, int]] = []
    tab(bench).table.add_up(tab(bench).selected_indices(), lambda *sums: found.append(sums))
    [(elements, size)] = found
    assert elements == 4 * 768 * 5 + 3 + 1 + 9000
    assert size == 2 * 4 * 768 * 5 + 12 + 8 + 9000
    assert tab(bench).panel.title.text().endswith("tensors selected")
    assert tab(bench).panel._facts._values["Elements"].text() == f"{elements:,}"
    QTest.mouseClick(tab(bench).panel.copy_name, Qt.MouseButton.LeftButton)
    assert len(QGuiApplication.clipboard().text().split("\n")) == len(tab(bench).selected_indices())
    QTest.mouseClick(tab(bench).panel.copy_python, Qt.MouseButton.LeftButton)
    scope: dict[str, Any] = {}
    exec(QGuiApplication.clipboard().text(), scope)
    assert sum(tensor.size for tensor in scope["tensors"].values()) == elements


def test_a_tensor_is_copied_as_python_that_runs(bench: InspectBench) -> None:
    search(bench, "scale")
    tab(bench).view.selectRow(0)
    QTest.mouseClick(tab(bench).panel.copy_python, Qt.MouseButton.LeftButton)
    scope: dict[str, object] = {}
    exec(QGuiApplication.clipboard().text(), scope)
    assert scope["tensor"] == 1.0
