"""The tab of the bytes: any part of a file of any size, what it belongs to, and what is looked for."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle.errors import Cancelled
from apbundle.fileio import PIECE, InputFile
from apbundle_gui.models.hex_grid import NARROW, WIDE, WIDTH, HexGrid
from apbundle_gui.models.readings import readings
from apbundle_gui.pages.inspect.hex_tab import HexTab
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.services import Services
from apbundle_gui.services.byte_search import find_bytes, parse_wanted
from support.inspecting import InspectBench
from support.pointer import move

Key, Control, Shift = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def path(tmp_path: Path) -> Path:
    builder = BundleBuilder(tmp_path / "models.apbundle")
    builder.add_model("encoder", {"first": np.arange(64, dtype=np.float32), "second": np.ones(9, np.int8)})
    builder.add_model("text", b"needle" + bytes(100_000) + b"needle")
    builder.build().close()
    return tmp_path / "models.apbundle"


@pytest.fixture
def bench(qtbot: QtBot, services: Services, path: Path) -> InspectBench:
    bench = InspectBench(qtbot, services)
    bench.open(path)
    bench.page.tabs.show_tab(bench.page.hex_tab)
    bench.settle()
    return bench


def tab(bench: InspectBench) -> HexTab:
    return bench.page.hex_tab


def facts(bench: InspectBench) -> list[str]:
    return [label.text() for label in tab(bench).panel._facts._values.values()]


# -- geometry and readings ---------------------------------------------------------------------------------------


@given(st.integers(0, 2**62), st.integers(1, 100))
def test_every_row_of_any_file_can_be_scrolled_to(size: int, visible: int) -> None:
    grid = HexGrid(size)
    hidden = max(grid.rows - visible, 0)
    steps = grid.steps(visible)
    assert 0 <= steps < 2**31
    assert grid.row_of_step(0, visible) == 0
    assert grid.row_of_step(steps, visible) == hidden
    for row in (0, hidden // 3, hidden):
        step = grid.step_of_row(row, visible)
        assert 0 <= step <= steps
        if steps == hidden:
            assert grid.row_of_step(step, visible) == row


@pytest.mark.parametrize("width", [WIDTH, WIDE])
def test_every_byte_is_found_where_it_stands(width: int) -> None:
    grid = HexGrid(10**12, width)
    for place in range(width):
        for column in (grid.column_of(place), grid.column_of(place) + 1, grid.text_column + place):
            assert grid.place_at(column) == place


def test_readings_are_those_of_struct() -> None:
    data = bytes(range(200, 216))
    little, big = readings(data), readings(data, big_endian=True)
    assert little["int16"] == f"{struct.unpack_from('<h', data)[0]:,}"
    assert big["uint64"] == f"{struct.unpack_from('>Q', data)[0]:,}"
    assert little["float32"] == repr(struct.unpack_from("<f", data)[0])
    assert readings(b"\x80\x3f")["bfloat16"] == "1.0"
    assert readings(b"\x3f\x80", big_endian=True)["bfloat16"] == "1.0"
    assert set(readings(b"A")) == {"int8", "uint8", "float8 e4m3", "float8 e5m2", "bits", "text"}
    assert readings(b"") == {}


# -- searching ---------------------------------------------------------------------------------------------------


def test_bytes_are_found_across_pieces_and_round_the_end(tmp_path: Path) -> None:
    path = tmp_path / "data"
    data = bytearray(PIECE + 1000)
    data[PIECE - 2 : PIECE + 3] = b"whale"
    data[10:15] = b"whale"
    path.write_bytes(data)
    with InputFile.open(path) as file:
        assert find_bytes(file, b"whale", 11) == PIECE - 2
        assert find_bytes(file, b"whale", PIECE - 1) == 10
        assert find_bytes(file, b"whale", 0) == 10
        assert find_bytes(file, b"shark", 5) is None
        with pytest.raises(Cancelled):
            find_bytes(file, b"shark", 0, cancel=lambda: True)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("GGUF", b"GGUF"),
        ("0x47475546", b"GGUF"),
        ("47 47 55 46", b"GGUF"),
        ("abc def", b"abc def"),
        ("é", "é".encode()),
    ],
)
def test_a_search_is_text_or_bytes(text: str, wanted: bytes) -> None:
    assert parse_wanted(text) == wanted


@pytest.mark.parametrize("text", ["", "0x", "0xZZ", "x" * 5000])
def test_nonsense_is_not_looked_for(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_wanted(text)


# -- the tab -----------------------------------------------------------------------------------------------------


def test_keys_move_the_cursor_and_everything_follows(bench: InspectBench, qtbot: QtBot) -> None:
    view = tab(bench).view
    view.setFocus()
    QTest.keyClick(view, Key.Key_Home, Control)
    assert view.selected == (0, 1)
    QTest.keyClick(view, Key.Key_Right)
    QTest.keyClick(view, Key.Key_Down)
    assert view.cursor_offset == 17
    QTest.keyClick(view, Key.Key_Right, Shift)
    QTest.keyClick(view, Key.Key_Right, Shift)
    assert view.selected == (17, 3)
    assert bench.page.selection.place == Place(None, "", None, (17, 3))
    QTest.keyClick(view, Key.Key_End, Control)
    assert view.cursor_offset == bench.inspection.reader.file.size - 1
    bench.settle()
    assert "text" in facts(bench)


def test_rows_are_as_long_as_there_is_room(bench: InspectBench) -> None:
    lengths = []
    for width in (1000, 1280, 1920):
        bench.window.resize(width, 680)
        QApplication.processEvents()
        lengths.append(tab(bench).view._grid.width)
        assert not tab(bench).view.horizontalScrollBar().maximum()
    assert lengths == [NARROW, WIDTH, WIDE]


def test_the_field_under_the_cursor_is_named(bench: InspectBench) -> None:
    tab(bench).go_to.setText("0xC")
    QTest.keyClick(tab(bench).go_to, Key.Key_Return)
    bench.settle()
    assert facts(bench)[3:] == ["manifest length", "+0x0"]


def test_the_tensor_under_the_cursor_is_selected(bench: InspectBench, qtbot: QtBot) -> None:
    bench.inspection.contents.want(0)
    qtbot.waitUntil(lambda: bench.inspection.contents.of(0) is not None)
    contents = bench.inspection.contents.of(0)
    assert contents is not None
    number = contents.tensors.find("first")
    assert number is not None
    span = bench.inspection.span_of(0, number)
    assert span is not None
    tab(bench).go_to.setText(str(span[0] + 4))
    QTest.keyClick(tab(bench).go_to, Key.Key_Return)
    bench.settle()
    assert bench.page.selection.place == Place(0, "", number, (span[0] + 4, 1))
    assert facts(bench)[3:] == ["first of encoder", "+0x4"]
    table = tab(bench).panel.readings
    values = {str(table.record(row)[0]): table.record(row)[1] for row in range(table.rowCount())}
    assert values["float32"] == "1.0"


def test_what_is_selected_elsewhere_is_shown(bench: InspectBench) -> None:
    bench.page.selection.go(Place(1))
    assert tab(bench).view.selected == bench.inspection.span_of(1)


def test_text_is_found_and_found_again(bench: InspectBench) -> None:
    span = bench.inspection.span_of(1)
    assert span is not None
    tab(bench).view.select(0, 1)
    QTest.keyClicks(tab(bench).wanted, "needle")
    QTest.keyClick(tab(bench).wanted, Key.Key_Return)
    bench.settle()
    assert tab(bench).view.selected == (span[0], 6)
    QTest.mouseClick(tab(bench).next, Qt.MouseButton.LeftButton)
    bench.settle()
    assert tab(bench).view.selected == (span[0] + span[1] - 6, 6)
    tab(bench).wanted.setText("0x1122334455667788")
    QTest.keyClick(tab(bench).wanted, Key.Key_Return)
    bench.settle()
    assert tab(bench).said.text() == "It is not in this file."


@pytest.mark.parametrize("text", ["abc", "0xG", "-1", "999999999999999999999"])
def test_an_offset_that_is_none_is_refused(bench: InspectBench, text: str) -> None:
    before = tab(bench).view.selected
    tab(bench).go_to.setText(text)
    QTest.keyClick(tab(bench).go_to, Key.Key_Return)
    assert tab(bench).said.text()
    assert tab(bench).view.selected == before


def test_bytes_are_selected_by_mouse_and_copied(bench: InspectBench) -> None:
    view = tab(bench).view
    QTest.keyClick(view, Key.Key_Home, Control)
    bench.settle()
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=view.rect_of(0).center())
    move(view.viewport(), view.rect_of(7).center(), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=view.rect_of(7).center())
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, Shift, view.rect_of(7).center())
    view.copy()
    assert bytes.fromhex(QGuiApplication.clipboard().text()) == b"APBUNDLE"
