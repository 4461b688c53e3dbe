"""The byte ruler: what it shows before is what the file has after; models are dragged and stepped in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from apbundle import ModelBundle
from apbundle_gui.models.build_draft import Options
from apbundle_gui.models.byte_map import ByteMap, Part
from apbundle_gui.models.draft_outlook import reader_text, stretch_text
from apbundle_gui.pages.build.ruler import DraftRuler
from apbundle_gui.services import Services
from apbundle_gui.services.details import Detail, Group, Origin
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.session import OpenBundle
from support.drafting import Bench, safetensors
from support.pointer import move

Alt = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path) -> Bench:
    made = Bench(qtbot, services)
    (tmp_path / "raw.bin").write_bytes(os.urandom(50_000))
    (tmp_path / "small.bin").write_bytes(b"x" * 700)
    (tmp_path / "empty").touch()
    paths = [safetensors(tmp_path / "st.safetensors", "a"), tmp_path / "raw.bin", tmp_path / "empty"]
    made.add([*paths, tmp_path / "small.bin"])
    made.page.store.put(str(tmp_path / "made.apbundle"))
    made.settle()
    return made


def ruler(bench: Bench) -> DraftRuler:
    return bench.page.bench.ruler.ruler


def middle(bench: Bench, model: int) -> QPoint:
    view = ruler(bench)
    assert view.map is not None
    found = view.map.stretch_of(model)
    assert found is not None
    return QPoint(round(view.x_of((found.start + found.end) / 2)), 10)


@pytest.mark.parametrize("options", [Options(), Options(4096, "sha256"), Options(1, None), Options(plain=True)])
def test_what_the_ruler_shows_is_what_is_written(
    bench: Bench, services: Services, tmp_path: Path, options: Options
) -> None:
    store = bench.page.store
    ids = [row.id for row in store.draft.rows]
    store.set_options(options)
    store.describe("words of some length")
    store.tell(ids[:2], Detail(Group.CUSTOM, "author", "me", Origin.YOU))
    store.switch(ids[3:], False)
    bench.settle()
    shown = ruler(bench).map
    assert shown is not None
    planned = [(each.start, each.end, each.part, each.name) for each in shown.stretches()]
    bench.page.build()
    bench.qtbot.waitUntil(lambda: bool(bench.opened), timeout=20_000)
    bench.settle()
    with ModelBundle.load(bench.opened[0]) as bundle:
        inspection = Inspection(services, OpenBundle(bench.opened[0], bundle))
        written = ByteMap(inspection)
        assert [(each.start, each.end, each.part, each.name) for each in written.stretches()] == planned
        assert shown.size == bundle.reader.file_size
        inspection.close()
    data = Path(bench.opened[0]).read_bytes()
    for start, end, part, name in planned:
        if part is Part.MODEL:
            row = next(row for row in store.draft.rows if row.name == name)
            assert data[start:end] == Path(row.path).read_bytes()
        elif part in (Part.SLACK, Part.PADDING):
            assert not data[start:end].strip(b"\0")


def test_it_follows_the_draft_and_says_itself_in_words(bench: Bench) -> None:
    view, card = ruler(bench), bench.page.bench.ruler
    assert view.map is not None
    before = view.map.size
    assert "4 models" in view.accessibleDescription()
    bench.page.store.set_options(Options(1 << 20))
    bench.settle()
    assert view.map.size > before
    assert "MiB of padding" in view.accessibleDescription()
    card.menu().actions()[0].trigger()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "first\tend\tbytes\tpart"
    assert lines[1] == "0\t20\t20\tHeader"
    assert sum(int(line.split("\t")[2]) for line in lines[1:]) == view.map.size
    bench.page.store.rename(dict.fromkeys((row.id for row in bench.page.store.draft.rows), "same"))
    bench.settle()
    assert view.map is None
    assert "Two models are named 'same'" in view.accessibleDescription()
    view.grab()


def test_a_model_is_dragged_to_another_place(bench: Bench) -> None:
    view = ruler(bench)
    start = middle(bench, 1)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for x in (start.x() - 20, 4):
        move(view, QPoint(x, 10))
        bench.qtbot.waitUntil(lambda: view.drop_at is not None)
    assert view.drop_at == 0
    view.grab()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(4, 10))
    bench.settle()
    assert bench.names == ["raw", "st", "empty", "small"]
    assert bench.page.view.selected_rows() == [0]
    assert bench.page.store.undo_stack.undoText() == "Move raw"
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=middle(bench, 0))
    move(view, QPoint(view.width() - 2, 10))
    bench.qtbot.waitUntil(lambda: view.drop_at is not None)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(view.width() - 2, 10))
    assert bench.names == ["raw", "st", "empty", "small"]


def test_keys_walk_it_and_move_models(bench: Bench) -> None:
    view, card = ruler(bench), bench.page.bench.ruler
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert view.accessibleDescription().startswith("Header, 0x0 – 0x13, 20 B")
    QTest.keyClick(view, Qt.Key.Key_End)
    assert card.said.text().startswith("small  ·  0x")
    assert "700 bytes" in card.said.text()
    assert bench.page.view.selected_rows() == [3]
    QTest.keyClick(view, Qt.Key.Key_Left, Alt)
    bench.settle()
    assert bench.names == ["st", "raw", "small", "empty"]
    QTest.keyClick(view, Qt.Key.Key_Right, Alt)
    bench.settle()
    assert bench.names == ["st", "raw", "empty", "small"]
    QTest.keyClick(view, Qt.Key.Key_Plus)
    visible = view.visible
    assert visible != (0, view.file_size)
    bench.page.store.describe("longer")
    bench.settle()
    assert view.visible == visible


def test_a_row_that_is_selected_is_marked_in_it(bench: Bench) -> None:
    bench.select(1)
    assert view_said(bench).startswith("raw  ·  ")
    point = middle(bench, 0)
    move(ruler(bench), point)
    bench.qtbot.waitUntil(lambda: view_said(bench).startswith("st  ·  "))
    QTest.mouseClick(ruler(bench), Qt.MouseButton.LeftButton, pos=point)
    assert bench.page.view.selected_rows() == [0]


def view_said(bench: Bench) -> str:
    return bench.page.bench.ruler.said.text()


def test_the_plan_is_said_beside_it(bench: Bench) -> None:
    panel, store = bench.page.panel, bench.page.store
    assert "%" in panel.facts._values["Padding"].text()
    assert "every model" in panel.readers.text()
    store.compress([store.draft.rows[1].id], True)
    bench.settle()
    assert panel.facts._values["File size"].text().startswith("at most ")
    assert "3 models of 4" in panel.readers.text()
    store.compress([row.id for row in store.draft.rows], True)
    assert "none of the models" in reader_text(store.draft)
    store.set_options(Options(plain=True))
    assert "own writer" in reader_text(store.draft)
    assert ruler(bench).map is not None
    header = ruler(bench).map.stretch_at(0)
    assert stretch_text(header) == "Header  ·  0x0 – 0x13  ·  20 bytes"
