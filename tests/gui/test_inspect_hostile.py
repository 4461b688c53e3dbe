"""Names and texts of strangers on the Inspect page: plain, printable, bounded; nothing is opened, nothing hangs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QPoint, Qt
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QPlainTextEdit, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from apbundle.text import printable
from apbundle_gui.models import text as words
from apbundle_gui.models.model_table import Column
from apbundle_gui.pages.inspect.extracting import ListDialog
from apbundle_gui.services import Services
from support import forge
from support.hostile import HOSTILE_NAMES
from support.inspecting import InspectBench
from support.witness import Watch

ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)


@pytest.fixture
def bench(qtbot: QtBot, services: Services) -> InspectBench:
    return InspectBench(qtbot, services)


def hostile_bundle(names: list[str], description: str) -> bytes:
    """A bundle in which every text is one of these."""
    models = [(name, bytes([number])) for number, name in enumerate(names)]
    described = {
        name: {
            "version": name,
            "architecture": name,
            "format": name,
            "components": [name],
            "hyperparameters": {name: name},
            "custom": {name: name},
        }
        for name in names
    }
    document = {"bundle": {name: name for name in names}, "models": described}
    return forge.sealed(models, document=document, description=description.encode())


def texts(model: QAbstractItemModel) -> list[str]:
    """Everything a model says in its cells and their tooltips."""
    return [
        str(model.index(row, column).data(role) or "")
        for row in range(model.rowCount())
        for column in range(model.columnCount())
        for role in ROLES
    ]


def look_everywhere(bench: InspectBench) -> None:
    """Paint every part of the page and show every tooltip."""
    for tip in {child.toolTip() for child in bench.window.findChildren(QWidget)}:
        QToolTip.showText(QPoint(0, 0), tip, bench.window)
    for view in bench.page.findChildren(QAbstractItemView):
        if view.model() is None:
            continue
        for text in texts(view.model()):
            assert len(text) <= words.SHOWN_IN_DETAIL + 300 or text.startswith("<qt>")
            assert text.isprintable()
    for place in range(3):
        bench.show_tab(place)
        bench.page.grab()
    QToolTip.hideText()
    QApplication.processEvents()


@pytest.mark.skipif(sys.platform != "linux", reason="watches a folder with inotify")
def test_no_text_of_a_bundle_is_markup(bench: InspectBench, tmp_path: Path) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    watch = Watch(folder)
    try:
        names = [name.replace("{marker}", str(watch.marker)) for name in HOSTILE_NAMES]
        names = [name[:4000] for name in names]
        path = tmp_path / "hostile.apbundle"
        path.write_bytes(hostile_bundle(names, names[0] * 20))
        bench.open(path)
        assert bench.badge == "Not verified yet"
        look_everywhere(bench)
        bench.verify()
        for row in range(len(names)):
            bench.page.selection.select_one(row)
            look_everywhere(bench)
        bench.search("<img")
        bench.page.extracting.plan(bench.inspection, names, str(tmp_path))
        bench.settle()
        bench.page.extracting.plan(bench.inspection, names, str(tmp_path))
        bench.settle()
        dialog = bench.page.extracting.dialog
        assert isinstance(dialog, ListDialog)
        dialog.grab()
        dialog.reject()
        assert not watch.opened()
    finally:
        watch.close()


def test_labels_are_plain_and_printable(bench: InspectBench, malformed: Path) -> None:
    bench.open(malformed / "M35.apbundle")
    for row in range(len(bench.names)):
        bench.page.selection.select_one(row)
        for label in bench.page.findChildren(QLabel):
            assert label.textFormat() == Qt.TextFormat.PlainText or label.text() == ""
            assert all(line.isprintable() for line in label.text().split("\n"))
        for pane in bench.page.findChildren(QPlainTextEdit):
            assert all(line.isprintable() for line in pane.toPlainText().split("\n"))
    shown = bench.names
    assert '<img src="/etc/hostname">' in shown
    assert "x\\u202egpj.exe" in shown
    tip = bench.cell(shown.index('<img src="/etc/hostname">'), Column.NAME, Qt.ItemDataRole.ToolTipRole)
    assert tip == "<qt>&lt;img src=&quot;/etc/hostname&quot;&gt;</qt>"


def test_names_as_long_as_they_may_be(bench: InspectBench, tmp_path: Path) -> None:
    names = ["x" * 65_535, "e" + "\u0301" * 32_000, "\u202e" * 21_000, "<" * 65_535]
    path = tmp_path / "long.apbundle"
    path.write_bytes(forge.bundle([(name, b"x") for name in names], description=("\x1b" * 200_000).encode()))
    bench.open(path)
    assert bench.names == [printable(name, words.SHOWN) for name in names]
    look_everywhere(bench)
    for row in range(len(names)):
        bench.page.selection.select_one(row)
        bench.page.grab()


def test_much_metadata_of_one_model_is_cut_short_beside_it(bench: InspectBench, tmp_path: Path) -> None:
    document = {"models": {"a": {"custom": {f"key {number}": "v" * 9000 for number in range(400)}}}}
    path = tmp_path / "much.apbundle"
    path.write_bytes(forge.sealed([("a", b"x")], document=document))
    bench.open(path)
    assert bench.page.models_tab.panel._metadata.rowCount() == 200
    assert bench.page.models_tab.panel._note.isVisible()
    bench.show_tab(2)
    panel = bench.page.metadata_tab.panel
    assert bench.page.tabs.count.text() == "400 values"
    assert len(panel._value.toPlainText()) == words.SHOWN_IN_DETAIL
    assert panel._folded.isVisible()
    bench.click(panel._copy)
    assert QApplication.clipboard().text() == "v" * 9000
