"""What is dropped: folders and bundles are previewed before the draft changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtTest import QTest
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from apbundle_gui.models.build_table import Column
from apbundle_gui.models.preview_table import Candidate, PreviewTable
from apbundle_gui.services import Services
from apbundle_gui.services.sources import SourceFacts
from support.drafting import Bench, hub_folder, safetensors
from support.dragging import mime_of_files
from support.hostile import HOSTILE_NAMES


@pytest.fixture
def bench(qtbot: QtBot, services: Services) -> Bench:
    return Bench(qtbot, services)


def test_a_folder_is_previewed(bench: Bench, tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "tiny-bert")
    assert bench.drop(bench.page, mime_of_files([folder]), QPoint(200, 200))
    bench.settle()
    preview = bench.preview
    assert preview is not None
    assert bench.names == []
    assert preview.windowTitle() == "Add from tiny-bert"
    assert "2 model files" in preview.said.text()
    assert "config.json of tiny-bert" in preview.said.text()
    table = preview.table
    lines = {table.index(row, 0).data(): table.index(row, 4).data() for row in range(table.rowCount())}
    assert lines["tokenizer"] == "tokenizer"
    assert lines["model-00003-of-00003.safetensors"] == "a shard that is missing"
    assert preview.add_button.text().startswith("Add 2 Models")
    tokenizer = next(row for row in range(table.rowCount()) if table.index(row, 0).data() == "tokenizer")
    preview.view.selectRow(tokenizer)
    QTest.keyClick(preview.view, Qt.Key.Key_Space)
    assert preview.add_button.text().startswith("Add 3 Models")
    preview.none.click()
    assert not preview.add_button.isEnabled()
    preview.all.click()
    assert len(preview.table.chosen) == 6
    preview.view.selectRow(0)
    QTest.keyClick(preview.view, Qt.Key.Key_Space)
    preview.grab()
    QTest.keyClick(preview, Qt.Key.Key_Return)
    bench.settle()
    assert bench.names[0] == "tiny-bert-00002-of-00003"
    assert "tokenizer" in bench.names
    assert bench.cell(0, Column.ARCHITECTURE) == "BertModel"
    bench.page.undo()
    assert bench.names == []


def test_a_preview_is_a_sound_model(qtmodeltester: ModelTester, tmp_path: Path) -> None:
    facts = SourceFacts(format="gguf")
    candidates = [
        Candidate("/x/a", facts),
        Candidate("/x/b/c", facts, "tokenizer"),
        Candidate("/y", facts, "gone", False),
    ]
    table = PreviewTable(candidates, 1)
    qtmodeltester.check(table, force_py=True)
    table.choose(range(3), True)
    assert [each.source for each in table.chosen] == ["/x/a", "/x/b/c"]


def test_a_folder_without_models_says_so(bench: Bench, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    bench.add([inner])
    preview = bench.preview
    assert preview is not None
    assert preview.said.text() == "No models were found."
    QTest.keyClick(preview, Qt.Key.Key_Escape)
    assert bench.page.empty.isVisible()


@pytest.mark.parametrize("choice", ["models", "whole", "open"])
def test_a_bundle_is_taken_apart_packed_whole_or_opened(bench: Bench, golden: Path, choice: str) -> None:
    path = str(golden / "three_models.apbundle")
    bench.page.file_dropped([path])
    bench.settle()
    preview = bench.preview
    assert preview is not None
    if choice == "open":
        preview.open_button.click()
    else:
        if choice == "whole":
            preview.none.click()
            preview.table.choose((3,), True)
        preview.add_button.click()
    bench.settle()
    inside = {"models": 3, "whole": 1, "open": 0}[choice]
    assert len(bench.names) == inside
    assert bench.opened == ([path] if choice == "open" else [])
    if choice == "models":
        assert str(bench.cell(0, Column.SOURCE)).endswith("of " + path)
        assert bench.page.can_build()


def test_urls_of_files_are_taken_as_text_too(bench: Bench, tmp_path: Path) -> None:
    path = safetensors(tmp_path / "a b.safetensors", "x")
    mime = QMimeData()
    mime.setText(f"{QUrl.fromLocalFile(str(path)).toString(QUrl.ComponentFormattingOption.FullyEncoded)}\n")
    assert bench.drop(bench.page, mime, QPoint(200, 200))
    bench.settle()
    assert bench.names == ["a b"]
    for text in ("https://example.org/x.bin", "words", f"file://{tmp_path} words"):
        mime = QMimeData()
        mime.setText(text)
        assert not bench.drag(bench.page, mime, QPoint(200, 200))


def test_hostile_files_are_previewed_as_text(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "<img src=x>"
    folder.mkdir()
    for number, name in enumerate(HOSTILE_NAMES):
        file = name.replace("{marker}", "m").replace("/", "-").replace("\0", "")[:80]
        if file not in ("", ".", "..") and len(os.fsencode(file)) < 255:
            safetensors(folder / f"{number}{file}", "x")
    assert bench.drop(bench.page, mime_of_files([folder]), QPoint(200, 200))
    bench.settle()
    preview = bench.preview
    assert preview is not None
    preview.grab()
    table = preview.table
    for row in range(table.rowCount()):
        for column in range(table.columnCount()):
            tip = table.index(row, column).data(Qt.ItemDataRole.ToolTipRole)
            assert not tip or (tip.startswith("<qt>") and "<img" not in tip)
            assert str(table.index(row, column).data()).isprintable()
    preview.add_button.click()
    bench.settle()
    assert len(bench.names) == table.rowCount()
    bench.page.grab()
