"""The tab of values: statistics, charts and the map of a tensor, by hand and by key, for tensors of every kind."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle_gui import theme
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.pages.inspect.values.map_view import PART, WHOLE, MapView
from apbundle_gui.pages.inspect.values.tab import ValuesTab
from apbundle_gui.services import Services, tensor_values, value_statistics
from support.inspecting import InspectBench
from support.pointer import move
from support.tensors import safetensors

Key, Control, Left = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.MouseButton.LeftButton
HOSTILE = "<img src='/tmp/x'>\u202e"

_chance = np.random.default_rng(7)
ARRAYS = {
    "matrix": _chance.normal(size=(300, 200)).astype(np.float32),
    "conv": _chance.normal(size=(8, 6, 3, 2, 1, 4)).astype(np.float16),
    "line": _chance.normal(size=900).astype(np.float64),
    "scalar": np.array(3.25, np.float32),
    "empty": np.zeros((0, 4), np.float32),
    "mask": _chance.random((5, 4)) < 0.5,
    "phases": (_chance.normal(size=(4, 4)) + 1j).astype(np.complex64),
    "nothing": np.full((20, 30), np.nan, np.float32),
    "ends": np.array([[np.finfo(np.float64).max, -np.finfo(np.float64).max], [5e-324, np.inf]]),
    HOSTILE: np.arange(6, dtype=np.int64).reshape(2, 3),
}
ARRAYS["matrix"][2, 3:9] = np.nan
ARRAYS["matrix"][5, 5] = -np.inf
ARRAYS["matrix"][9, 9] = 1000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("values") / "models.apbundle"
    builder = BundleBuilder(path)
    builder.add_model("model", safetensors(ARRAYS))
    builder.add_model("packed", safetensors({"matrix": ARRAYS["matrix"]}), compress=True)
    builder.add_model("text", b"lists nothing")
    builder.build().close()
    return path


@pytest.fixture
def bench(qtbot: QtBot, services: Services, path: Path) -> InspectBench:
    bench = InspectBench(qtbot, services)
    bench.open(path)
    bench.page.tabs.show_tab(bench.page.values_tab)
    bench.inspection.contents.want_all()
    bench.settle()
    return bench


def tab(bench: InspectBench) -> ValuesTab:
    return bench.page.values_tab


def show(bench: InspectBench, name: str, model: int = 0) -> None:
    """Select a tensor and wait until all is known of it."""
    contents = bench.inspection.contents.of(model)
    assert contents is not None
    bench.page.selection.go(Place(model, "", contents.tensors.find(name)))
    settle(bench)


def settle(bench: InspectBench) -> None:
    plane = tab(bench).plane
    timers = (plane._part, plane._whole, plane._tell, tab(bench).values._soon)
    bench.qtbot.waitUntil(
        lambda: not bench.services.jobs.jobs and not any(timer.isActive() for timer in timers), timeout=20_000
    )


def said(bench: InspectBench) -> dict[str, str]:
    return {caption: label.text() for caption, label in tab(bench).panel.facts._values.items()}


def message(bench: InspectBench) -> str:
    shown = tab(bench).stack.currentWidget() is tab(bench).message
    return tab(bench).message.sentence.text() if shown else ""


def view(bench: InspectBench) -> MapView:
    return tab(bench).plane.current


def press(bench: InspectBench, *keys: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    for key in keys:
        QTest.keyClick(view(bench), key, modifier)
    settle(bench)


# -- what is shown -----------------------------------------------------------------------------------------------


def test_without_a_tensor_it_says_what_it_is_for_and_of_one_value_the_number(bench: InspectBench) -> None:
    assert message(bench).startswith("Choose a tensor")
    show(bench, "scalar")
    assert not message(bench)
    assert tab(bench).plane.number.value.text() == "3.25"
    QTest.keyClick(tab(bench).focus_widget, Key.Key_Return)
    span = bench.page.selection.place.span
    assert span is not None
    assert np.frombuffer(bench.inspection.reader.file.read(*span), "<f4") == 3.25
    bench.page.selection.go(Place(2))
    assert message(bench).startswith("Choose a tensor")


def test_every_tensor_is_shown(bench: InspectBench) -> None:
    for name, array in ARRAYS.items():
        show(bench, name)
        check(bench, name, array)


def check(bench: InspectBench, name: str, array: np.ndarray) -> None:
    if not array.size:
        assert message(bench) == "This tensor has no elements: one of its dimensions is 0."
        return
    assert tab(bench).panel.title.text().startswith(name[:5])
    found = tab(bench).values.statistics
    assert found is not None
    assert found.exact
    values = np.abs(array) if array.dtype.kind == "c" else array.astype(np.float64)
    finite = values[np.isfinite(values)]
    assert found.finite == finite.size
    if finite.size:
        assert (found.low, found.high) == (pytest.approx(finite.min()), pytest.approx(finite.max()))
    if array.size > 1:
        picture = view(bench).pictures[WHOLE]
        assert picture.grid.complete
        if picture.grid.single and array.ndim == 2:
            np.testing.assert_allclose(picture.grid.mean, np.where(np.isfinite(values), values, np.nan))
    bench.window.grab()
    tab(bench).panel.log.click()
    tab(bench).panel.clip.click()
    settle(bench)
    bench.window.grab()
    tab(bench).panel.log.click()
    tab(bench).panel.clip.click()


def test_statistics_are_in_words(bench: InspectBench) -> None:
    show(bench, "matrix")
    assert said(bench)["Elements"] == "60,000"
    assert said(bench)["Highest"] == "1,000"
    assert said(bench)["NaN"] == "6  (0.01 %)"
    assert said(bench)["−Inf"] == "1  (0.00167 %)"
    assert tab(bench).panel.basis.text() == "Of all 60,000 elements"
    assert "Besides: 6 NaN, 1 −Inf." in tab(bench).panel.outliers.text()
    assert "Not drawn" in tab(bench).panel.outliers.text()
    tab(bench).panel.clip.click()
    settle(bench)
    histogram = tab(bench).panel.histogram.histogram
    assert histogram is not None
    assert (histogram.below, histogram.above, histogram.range.high) == (0, 0, 1000)
    assert tab(bench).panel.outliers.text() == "Besides: 6 NaN, 1 −Inf."
    tab(bench).panel.clip.click()
    show(bench, "mask")
    chart = tab(bench).panel.histogram
    zeros = int((~ARRAYS["mask"]).sum())
    QTest.keyClick(chart, Key.Key_Right)
    assert chart.marked_text.startswith(f"0: {zeros} ")
    assert f"At the cursor 0: {zeros}" in chart.accessibleDescription()
    QTest.keyClick(chart, Key.Key_Right)
    assert chart.marked_text.startswith(f"1: {20 - zeros} ")
    move(chart, QPoint(60, chart.height() // 2))
    assert chart.marked_text.startswith("0: ")


def test_without_numbers_it_says_why(bench: InspectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apbundle_gui.services.number_types.dtype_of", lambda name: None)
    show(bench, "line")
    assert message(bench).startswith("Numbers of type F64 cannot be shown")
    monkeypatch.undo()
    show(bench, "matrix")
    assert not message(bench)


# -- the cursor --------------------------------------------------------------------------------------------------


def test_keys_move_the_cursor_and_choose_its_bytes(bench: InspectBench) -> None:
    show(bench, "matrix")
    press(bench, Key.Key_Down, Key.Key_Down, Key.Key_Right, Key.Key_Left, Key.Key_Right)
    array = ARRAYS["matrix"]
    assert tab(bench).plane.line.text() == f"[2, 1]   {array[2, 1]!s}"
    assert f"[2, 1]: {array[2, 1]!s}" in view(bench).accessibleDescription()
    press(bench, Key.Key_End, modifier=Control)
    assert tab(bench).plane.slicing.index == (299, 199)
    press(bench, Key.Key_Right, Key.Key_Down, Key.Key_Home, Key.Key_Return)
    span = bench.page.selection.place.span
    assert span is not None
    assert np.frombuffer(bench.inspection.reader.file.read(*span), "<f4") == array[299, 0]
    assert tab(bench).plane.slicing.index == (299, 0)
    view(bench).setFocus()
    QTest.keyClick(view(bench), Key.Key_Tab)
    after = QApplication.focusWidget()
    assert after is not None
    assert after is not view(bench)
    QTest.keyClick(after, Key.Key_Backtab)
    assert QApplication.focusWidget() is view(bench)


def test_bytes_selected_elsewhere_move_the_cursor(bench: InspectBench) -> None:
    show(bench, "conv")
    index = (3, 5, 1, 1, 0, 2)
    span = tab(bench).values.span_at(index)
    assert span is not None
    bench.page.selection.go(Place(0, "", bench.page.selection.place.tensor, (span[0] + 1, 1)))
    settle(bench)
    assert tab(bench).plane.slicing.index == index
    assert {axis: field.value() for axis, field in tab(bench).plane.bar.fields.items()} == {2: 1, 3: 1, 5: 2}
    assert tab(bench).plane.line.text() == f"[3, 5, 1, 1, 0, 2]   {ARRAYS['conv'][index]!s}"


def test_the_mouse_points_chooses_drags_and_zooms(bench: InspectBench) -> None:
    show(bench, "matrix")
    heat = tab(bench).plane.map
    port = heat.viewport()
    place = heat.room.topLeft() + QPointF(heat.cells.x(100.5), heat.cells.y(50.5))
    move(port, place.toPoint())
    bench.qtbot.waitUntil(lambda: tab(bench).plane.line.text().startswith("[50, 100]"))
    QTest.mouseDClick(port, Left, pos=place.toPoint())
    settle(bench)
    assert heat.cursor_cell == (50, 100)
    span = bench.page.selection.place.span
    assert span is not None
    assert np.frombuffer(bench.inspection.reader.file.read(*span), "<f4") == ARRAYS["matrix"][50, 100]
    bench.click(tab(bench).plane.zooms[1])
    bench.click(tab(bench).plane.zooms[1])
    settle(bench)
    before = heat.region
    assert not heat.cells.fits
    QTest.mousePress(port, Left, pos=place.toPoint())
    move(port, place.toPoint() - QPoint(40, 40), Qt.MouseButton.LeftButton)
    move(port, place.toPoint() - QPoint(80, 60), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(port, Left, pos=place.toPoint() - QPoint(80, 60))
    settle(bench)
    assert heat.region.top > before.top
    assert heat.cursor_cell == (50, 100)
    bench.click(tab(bench).plane.zooms[2])
    assert heat.cells.fits


def test_zooming_ends_at_the_numbers(bench: InspectBench) -> None:
    show(bench, "matrix")
    press(bench, *[Key.Key_Plus] * 20)
    assert view(bench).cells.has_room_for_numbers
    picture = view(bench).pictures[PART]
    region = picture.grid.region
    assert region == view(bench).region
    shown = ARRAYS["matrix"][region.top : region.bottom, region.left : region.right].astype(np.float64)
    np.testing.assert_array_equal(picture.grid.mean, np.where(np.isfinite(shown), shown, np.nan))
    before = bench.window.grab().toImage()
    press(bench, Key.Key_PageDown)
    assert bench.window.grab().toImage() != before
    press(bench, *[Key.Key_Minus] * 20)
    assert view(bench).cells.fits
    press(bench, Key.Key_Plus, Key.Key_0)
    assert view(bench).cells.fits


# -- slices ------------------------------------------------------------------------------------------------------


def test_any_two_dimensions_are_seen_at_any_index(bench: InspectBench) -> None:
    show(bench, "conv")
    bar, array = tab(bench).plane.bar, ARRAYS["conv"].astype(np.float64)
    np.testing.assert_array_equal(view(bench).pictures[WHOLE].grid.mean, array[:, :, 0, 0, 0, 0])
    bar.fields[5].setValue(3)
    bar.fields[2].setValue(1)
    settle(bench)
    np.testing.assert_array_equal(view(bench).pictures[WHOLE].grid.mean, array[:, :, 1, 0, 0, 3])
    bar.rows.setCurrentIndex(bar.rows.findData(5))
    settle(bench)
    assert set(bar.fields) == {0, 2, 3}
    np.testing.assert_array_equal(view(bench).pictures[WHOLE].grid.mean, array[0, :, 1, 0, 0, :].T)
    bar.columns.setCurrentIndex(bar.columns.findData(5))
    settle(bench)
    np.testing.assert_array_equal(view(bench).pictures[WHOLE].grid.mean, array[0, :, 1, 0, 0, :])
    bar.rows.setCurrentIndex(bar.rows.findData(None))
    settle(bench)
    assert view(bench) is tab(bench).plane.curve
    np.testing.assert_array_equal(view(bench).pictures[WHOLE].grid.mean[0], array[0, 0, 1, 0, 0, :])
    bench.window.grab()


def test_a_line_is_a_plot(bench: InspectBench) -> None:
    show(bench, "line")
    assert view(bench) is tab(bench).plane.curve
    assert not tab(bench).plane.bar.isVisible()
    press(bench, Key.Key_Right, Key.Key_PageDown, Key.Key_Home, Key.Key_Right, Key.Key_Right)
    assert tab(bench).plane.line.text() == f"[2]   {ARRAYS['line'][2]!s}"
    press(bench, *[Key.Key_Plus] * 30)
    grid = view(bench).pictures[PART].grid
    assert grid.single
    np.testing.assert_array_equal(grid.mean[0], ARRAYS["line"][grid.region.left : grid.region.right])
    bench.window.grab()


# -- colours -----------------------------------------------------------------------------------------------------


def test_colours_follow_theme_scale_and_clipping(bench: InspectBench) -> None:
    show(bench, "matrix")
    plane = tab(bench).plane
    clipped = plane.legend.texts
    assert clipped[0] == f"-{clipped[1]}"
    assert clipped[2] == "NaN, Inf"
    tab(bench).panel.clip.click()
    settle(bench)
    assert plane.legend.texts[:2] == ("-1,000", "1,000")
    tab(bench).panel.clip.click()
    plane.scale.setCurrentIndex(1)
    settle(bench)
    assert plane.legend.texts[0] != f"-{plane.legend.texts[1]}"
    before = plane.map.pictures[WHOLE].coloring
    plane.shown.setCurrentIndex(1)
    settle(bench)
    assert plane.map.pictures[WHOLE].coloring != before
    light = plane.map.grab().toImage()
    theme.manager().choose(theme.Choice.DARK)
    QApplication.processEvents()
    assert plane.map.grab().toImage() != light


# -- large ones --------------------------------------------------------------------------------------------------


def test_a_sample_comes_first_and_the_rest_can_be_stopped(
    bench: InspectBench, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_statistics, "SAMPLE", 6400)
    monkeypatch.setattr(tensor_values, "FEW", 1000)
    reading = threading.Event()
    exact = tensor_values.exact_statistics

    def slowly(elements, sample, progress, cancel):  # type: ignore[no-untyped-def]
        reading.set()
        while not cancel():
            threading.Event().wait(0.001)
        return exact(elements, sample, progress, cancel)

    monkeypatch.setattr(tensor_values, "exact_statistics", slowly)
    contents = bench.inspection.contents.of(0)
    assert contents is not None
    bench.page.selection.go(Place(0, "", contents.tensors.find("matrix")))
    qtbot.waitUntil(reading.is_set)
    panel = tab(bench).panel
    qtbot.waitUntil(panel.stop.isVisible)
    assert panel.basis.text().startswith("Of a sample of 6.4 k of 60 k elements")
    assert said(bench)["Mean"].startswith("≈")
    qtbot.waitUntil(lambda: WHOLE in view(bench).pictures)
    assert not view(bench).pictures[WHOLE].grid.complete
    bench.click(panel.stop)
    settle(bench)
    assert panel.more.isVisible()
    assert not panel.stop.isVisible()
    monkeypatch.setattr(tensor_values, "exact_statistics", exact)
    bench.click(panel.more)
    settle(bench)
    assert panel.basis.text() == "Of all 60,000 elements"
    assert view(bench).pictures[WHOLE].grid.complete


def test_the_newest_tensor_wins(bench: InspectBench) -> None:
    contents = bench.inspection.contents.of(0)
    assert contents is not None
    for name in [*ARRAYS, "matrix", "line", "conv"] * 3:
        bench.page.selection.go(Place(0, "", contents.tensors.find(name)))
        QApplication.processEvents()
    settle(bench)
    assert tab(bench).panel.title.text() == "conv"
    assert view(bench).pictures[WHOLE].grid.mean.shape == (8, 6)
    assert all(message.error is None for message in bench.services.messages.kept)


def test_a_hidden_tab_reads_nothing(bench: InspectBench) -> None:
    bench.page.tabs.show_tab(bench.page.hex_tab)
    show(bench, "matrix")
    assert tab(bench).values.info is None
    bench.page.tabs.show_tab(tab(bench))
    settle(bench)
    assert tab(bench).panel.title.text() == "matrix"


def test_closing_the_bundle_ends_everything_quietly(bench: InspectBench, services: Services) -> None:
    contents = bench.inspection.contents.of(0)
    assert contents is not None
    bench.page.selection.go(Place(0, "", contents.tensors.find("matrix")))
    services.session.close(bench.inspection.path)
    bench.qtbot.waitUntil(lambda: not services.jobs.jobs)
    assert tab(bench).values.info is None
    assert all(message.error is None for message in services.messages.kept)


def test_a_compressed_model_has_values_but_no_bytes(bench: InspectBench, services: Services) -> None:
    show(bench, "matrix", model=1)
    press(bench, Key.Key_Down, Key.Key_Return)
    assert tab(bench).plane.line.text() == f"[1, 0]   {ARRAYS['matrix'][1, 0]!s}"
    assert bench.page.selection.place.span is None
    assert "compressed" in services.messages.kept[-1].text
