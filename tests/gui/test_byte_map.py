"""The map of the file: what every byte is, and a view that goes down to the single one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle_gui.models.byte_map import ByteMap, Integers, Part
from apbundle_gui.services import Services
from apbundle_gui.widgets.byte_map_colors import Colouring, family, legend, tensor_color
from apbundle_gui.widgets.byte_map_view import LANE, LEAST_VISIBLE, ByteMapView
from support.inspecting import InspectBench


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path) -> InspectBench:
    path = tmp_path / "models.apbundle"
    builder = BundleBuilder(path)
    builder.add_model("encoder", {"a": np.zeros(1000, np.float32), "b": np.zeros(500, np.int8)}, version="1")
    builder.add_model("empty", b"")
    builder.add_model("text", b"x" * 777)
    builder.add_model("packed", {"c": np.zeros(50_000, np.float32)}, compress=True)
    builder.build().close()
    bench = InspectBench(qtbot, services)
    bench.open(path)
    bench.inspection.contents.want_all()
    bench.settle()
    return bench


def view(bench: InspectBench) -> ByteMapView:
    return bench.page.models_tab.map.view


def test_the_parts_tile_the_file(bench: InspectBench) -> None:
    shown = ByteMap(bench.inspection)
    offsets = np.arange(shown.size)
    _, parts, models = shown.parts_at(offsets)
    reader = bench.inspection.reader
    assert {Part(part) for part in np.unique(parts)} == set(Part)
    assert (parts[:20] == Part.HEADER).all()
    assert (parts[reader.data_offset :] >= Part.MODEL).all()
    for index, name in enumerate(bench.inspection.names):
        entry = reader.entry(name)
        begin = reader.data_offset + entry.offset
        assert np.flatnonzero(models == index).tolist() == list(range(begin, begin + entry.size))
    at = 0
    while at < shown.size:
        found = shown.stretch_at(at)
        assert found.start <= at < found.end
        at = found.end
    assert at == shown.size


def test_a_byte_of_a_tensor_is_told_with_the_tensor(bench: InspectBench) -> None:
    shown = ByteMap(bench.inspection)
    contents = bench.inspection.contents.of(0)
    assert contents is not None
    for tensor in range(2):
        span = bench.inspection.span_of(0, tensor)
        assert span is not None
        found = shown.stretch_at(span[0] + span[1] - 1)
        assert (found.start, found.end - found.start, found.tensor) == (*span, tensor)
        tensors, dtypes = shown.tensors_at(0, np.array([span[0], span[0] + span[1] - 1]))
        assert tensors.tolist() == [tensor, tensor]
        assert dtypes == [contents.tensors[tensor].dtype] * 2
    assert shown.tensors_at(2, np.arange(5))[0].tolist() == [-1] * 5
    assert shown.tensors_at(3, np.arange(5))[0].tolist() == [-1] * 5, "of a compressed model nothing is known"


def test_a_click_selects_what_is_there(bench: InspectBench) -> None:
    span = bench.inspection.span_of(2)
    assert span is not None
    middle = round(view(bench).x_of(span[0] + span[1] / 2))
    QTest.mouseClick(view(bench), Qt.MouseButton.LeftButton, pos=QPoint(middle, 10))
    assert bench.page.selection.place.model == 2
    assert bench.page.selection.place.span == span


def test_the_wheel_zooms_to_the_byte_and_keys_go_through_it(bench: InspectBench) -> None:
    shown = view(bench)
    around = shown.offset_at(300)
    for _ in range(60):
        turn = QWheelEvent(
            QPointF(300, 10),
            QPointF(shown.mapToGlobal(QPoint(300, 10))),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(shown, turn)
    begin, end = shown.visible
    assert end - begin <= LEAST_VISIBLE + 1
    assert begin <= around <= end
    QTest.keyClick(shown, Qt.Key.Key_0)
    assert shown.visible == (0, shown.file_size)
    QTest.keyClick(shown, Qt.Key.Key_Home)
    assert bench.page.selection.place.span == (0, 20)
    for part in (Part.ENTRIES, Part.EXTENSION, Part.SLACK):
        QTest.keyClick(shown, Qt.Key.Key_Right)
        assert part.name.title()[:5] in shown.accessibleDescription() or part is Part.ENTRIES
    QTest.keyClick(shown, Qt.Key.Key_End)
    assert bench.page.selection.place.model == 3


@pytest.mark.parametrize("colouring", list(Colouring))
def test_every_colouring_paints(bench: InspectBench, colouring: Colouring) -> None:
    bar = bench.page.models_tab.map
    bar.colouring.setCurrentIndex(bar.colouring.findData(colouring))
    assert bar.view.colouring is colouring
    picture = bar.view.grab().toImage()
    colours = {picture.pixel(x, 10) for x in range(picture.width())}
    assert len(colours) >= 3
    below = {picture.pixelColor(x, LANE + 10).name() for x in range(picture.width())}
    assert tensor_color(0, 0, "F32", colouring).name() in below
    explained = {color.name() for _, color in legend(colouring) if color is not None}
    bar.legend.resize(bar.legend.sizeHint())
    assert bar.legend.accessibleDescription()
    shown = bar.legend.grab().toImage()
    drawn = {shown.pixelColor(x, shown.height() // 2).name() for x in range(shown.width())}
    assert len(explained & drawn) >= 3


def test_what_is_marked_does_not_draw_the_rest_anew(bench: InspectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, drawn = view(bench), 0
    original = ByteMap.parts_at

    def counted(self: ByteMap, offsets: Integers) -> tuple[Integers, Integers, Integers]:
        nonlocal drawn
        drawn += 1
        return original(self, offsets)

    monkeypatch.setattr(ByteMap, "parts_at", counted)
    plain = shown.grab().toImage()
    before = drawn
    shown.mark((0, shown.file_size))
    assert shown.grab().toImage() != plain
    shown.mark((0, 4))
    shown.grab()
    assert drawn == before
    for change in (shown.redraw, lambda: shown.zoom(0.5), lambda: shown.colour_by(Colouring.MODEL)):
        before = drawn
        change()
        shown.grab()
        assert drawn == before + 1


def test_types_of_a_kind_share_a_colour() -> None:
    kinds = {
        "F32": 0, ">F32": 0, "BF16": 1, "F16": 1, "F64": 2, "F8_E4M3": 2, "F4": 2, "I8": 3, "U64": 3,
        "Q4_K": 4, "IQ4_NL": 4, "AprQ4": 4, "BOOL": 5, "C64": 5, "STRING": 5, "": 5,
    }  # fmt: skip
    assert {name: family(name) for name in kinds} == kinds


def test_without_a_bundle_there_is_nothing_to_map(qtbot: QtBot) -> None:
    empty = ByteMapView()
    qtbot.addWidget(empty)
    empty.resize(300, 80)
    empty.grab()
    QTest.mouseClick(empty, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    QTest.keyClick(empty, Qt.Key.Key_Right)
    assert empty.visible == (0, 1)
