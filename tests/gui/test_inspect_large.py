"""A hundred thousand models: only what is on the screen is made, and everything else is a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from apbundle_gui.models.model_table import Column, ModelTable
from apbundle_gui.services import Services
from support import forge
from support.inspecting import InspectBench

COUNT = 100_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entries = [forge.entry(f"layers.{number // 7}.block{number % 7}", 8, 8 * number) for number in range(COUNT)]
    head = forge.manifest(entries)
    path = tmp_path_factory.mktemp("large") / "large.apbundle"
    path.write_bytes(forge.header(len(head)) + head + b"GGUF\3\0\0\0" * COUNT)
    return path


class Calls:
    """How often the table was asked, by role."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: set[int] = set()
        self.count = 0
        data = ModelTable.data

        def counted(table: ModelTable, index: object, role: int = Qt.ItemDataRole.DisplayRole) -> object:
            self.count += 1
            self.rows.add(index.row())
            return data(table, index, role)

        monkeypatch.setattr(ModelTable, "data", counted)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


def test_only_visible_rows_are_asked_for(qtbot: QtBot, services: Services, large: Path, calls: Calls) -> None:
    bench = InspectBench(qtbot, services)
    bench.window.open_bundles([str(large)])
    qtbot.waitUntil(lambda: bench.page.inspection is not None and bench.inspection.fields is not None, timeout=30_000)
    QApplication.processEvents()
    visible = bench.page.models_tab.view.viewport().height() // 26 + 2
    assert len(calls.rows) <= visible
    assert bench.page.tabs.count.text() == "100,000 models"

    calls.rows.clear()
    bar = bench.page.models_tab.view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    QApplication.processEvents()
    assert len(calls.rows) <= visible
    assert min(calls.rows) > COUNT // 3
    row = min(calls.rows)
    qtbot.waitUntil(lambda: bench.cell(row, Column.FORMAT) == "GGUF")  # what is seen is looked at first
    assert not bench.inspection.formats.complete or bench.inspection.formats[COUNT - 1] is not None

    bench.search("layers.14000.")
    assert bench.names == [f"layers.14000.block{number}" for number in range(7)]
    bench.search("")
    calls.rows.clear()
    bench.page.models_tab.view.sortByColumn(Column.OFFSET, Qt.SortOrder.DescendingOrder)
    bench.settle()
    QApplication.processEvents()
    assert bench.cell(0, Column.NAME) == f"layers.{(COUNT - 1) // 7}.block{(COUNT - 1) % 7}"
    assert len(calls.rows) <= 2 * visible

    calls.count = 0
    bench.page.models_tab.view.selectAll()
    QApplication.processEvents()
    assert len(bench.page.selection.models) == COUNT
    assert bench.page.models_tab.panel.title.text() == "100,000 models selected"
    assert calls.count < 20 * visible * len(Column)
    bench.show_tab(1)
    assert bench.page.tabs.count.text() == "400,008 fields"
