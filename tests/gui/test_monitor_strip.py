"""The residency strip: where cells are, what they say, how they are reached."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from apbundle.trace.records import Kind
from apbundle_gui import theme
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.models.monitor_strip import Grid, Row, lay_out
from apbundle_gui.pages.monitor.strip import ResidencyStrip
from apbundle_gui.theme import Tone
from support.monitoring import event, events_of


def sizes_of(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(1, count + 1, dtype=np.int64) * 1000


def run_of(count: int) -> Run:
    return Run.of_models(tuple(f"model <b>{i}</b>" for i in range(count)), sizes_of(count))


@pytest.fixture
def strip(qtbot: QtBot) -> ResidencyStrip:
    made = ResidencyStrip()
    qtbot.addWidget(made)
    made.resize(900, made.sizeHint().height())
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.mark.parametrize("count", [1, 3, 16, 50])
def test_few_models_stand_in_a_row_by_size(count: int) -> None:
    row = lay_out(sizes_of(count), 1000, 40, by_size=True)
    assert isinstance(row, Row)
    widths = np.diff(row.edges)
    assert row.edges[-1] == 1000
    assert widths.min() >= 17
    assert (np.diff(widths) >= -1).all()
    assert np.ptp(np.diff(lay_out(sizes_of(count), 1000, 40, by_size=False).edges)) <= 1  # type: ignore[union-attr]


@pytest.mark.parametrize("count", [60, 1000, 1500, 100_000])
def test_many_models_stand_in_a_grid_that_fits(count: int) -> None:
    grid = lay_out(sizes_of(count), 1000, 40, by_size=True)
    assert isinstance(grid, Grid)
    assert grid.columns * grid.side <= 1000
    assert grid.rows * grid.side <= 40
    assert grid.cells * grid.share >= count
    found = [m for y in range(0, 40, grid.side) for x in range(0, 1000, grid.side) for m in grid.models_at(x, y)]
    assert found == list(range(count))


@pytest.mark.parametrize("count", [0, 5, 500])
def test_outside_of_all_cells_is_no_model(count: int) -> None:
    layout = lay_out(sizes_of(count), 1000, 40, by_size=True)
    for x, y in ((-5, 5), (5, -50), (1005, 5), (5, 500)):
        if isinstance(layout, Grid) or not 0 <= x <= 1000:
            assert not layout.models_at(x, y)


def test_all_models_without_bytes() -> None:
    assert isinstance(lay_out(np.zeros(4, np.int64), 1000, 40, by_size=True), Row)


def colors_in(strip: ResidencyStrip) -> set[str]:
    image = strip.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(0, image.height(), 3)}


@pytest.mark.parametrize("count", [3, 1000])
@pytest.mark.parametrize("choice", [theme.Choice.LIGHT, theme.Choice.DARK])
def test_states_are_told_apart(strip: ResidencyStrip, count: int, choice: theme.Choice) -> None:
    theme.manager().choose(choice)
    run = run_of(count)
    strip.show_models(run.names, run.sizes)
    untouched = colors_in(strip)
    run.add(events_of(event(Kind.MISS, 0, 5), event(Kind.MISS, 1, 6), event(Kind.EVICT, 1, 7)))
    strip.show_run(run, 10)
    assert theme.tone_color(Tone.HIT).name() not in untouched
    assert theme.tone_color(Tone.HIT).name() in colors_in(strip)
    assert len(colors_in(strip)) > len(untouched)


def test_the_tooltip_says_what_is_known_as_plain_text(strip: ResidencyStrip, qtbot: QtBot) -> None:
    run = run_of(3)
    run.add(events_of(event(Kind.MISS, 0, 0)))
    strip.show_run(run, 2_000_000_000)
    assert strip.text_of(0) == "model <b>0</b>\n1000 B  ·  in memory  ·  used 2.0 s ago".replace("1000 B", "1000 B")
    assert strip.text_of(1).endswith("never loaded")
    place = QPoint(5, 10)
    QApplication.sendEvent(strip, QHelpEvent(QHelpEvent.Type.ToolTip, place, strip.mapToGlobal(place)))
    assert "model &lt;b&gt;0&lt;/b&gt;" in QToolTip.text()
    QToolTip.hideText()


def test_the_tooltip_of_a_cell_of_many_is_short(strip: ResidencyStrip) -> None:
    run = run_of(50_000)
    strip.show_models(run.names, run.sizes)
    place = QPoint(2, 2)
    QApplication.sendEvent(strip, QHelpEvent(QHelpEvent.Type.ToolTip, place, strip.mapToGlobal(place)))
    assert "more models" in QToolTip.text()
    assert QToolTip.text().count("<br>") < 20
    QToolTip.hideText()


def test_clicks_and_arrow_keys_select(strip: ResidencyStrip, qtbot: QtBot) -> None:
    strip.show_models(run_of(3).names, sizes_of(3))
    with qtbot.waitSignal(strip.selected) as selected:
        QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(strip.width() - 20, 10))
    assert selected.args == [2]
    assert strip.marked == (2,)
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Right)
    assert strip.marked == (2,)
    QTest.keyClick(strip, Qt.Key.Key_Left)
    assert strip.marked == (1,)
    assert "model <b>1</b>" in strip.accessibleDescription()


def test_marks_end_with_their_models(strip: ResidencyStrip) -> None:
    strip.show_models(run_of(3).names, sizes_of(3))
    strip.mark((1, 99))
    assert strip.marked == (1,)
    strip.show_run(run_of(2), 0)
    assert strip.marked == ()


def test_nothing_to_show(strip: ResidencyStrip) -> None:
    strip.show_models((), np.zeros(0, np.int64))
    strip.grab()
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton)
    QTest.keyClick(strip, Qt.Key.Key_Right)
    assert strip.marked == ()
