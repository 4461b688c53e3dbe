"""Slices, geometry, ticks and words of the map of values: pure, so for any shape and any number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle_gui.models import value_axes as axes
from apbundle_gui.models import value_text
from apbundle_gui.models.value_geometry import NUMBER_HEIGHT, NUMBER_WIDTH, POINT_WIDTH, CellGeometry
from apbundle_gui.models.value_slice import Slicing
from apbundle_gui.services.value_histogram import Tally, histogram_edges
from apbundle_gui.services.value_range import ValueRange
from apbundle_gui.services.value_statistics import Counter, Statistics

SIDES = st.integers(1, 2**40)
HUGE = float(np.finfo(np.float64).max)


def counted(*values: float, clip: ValueRange | None = None) -> Statistics:
    array = np.array(values)
    counter = Counter(None if clip is None else Tally(histogram_edges(clip, whole=False)))
    counter.add(array)
    return counter.statistics(len(array), clip)


# -- slices ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "rows", "columns", "fixed"),
    [
        ((), None, None, ()),
        ((1, 1), None, None, ()),
        ((7,), None, 0, ()),
        ((1, 9, 1), None, 1, ()),
        ((4, 6), 0, 1, ()),
        ((64, 32, 3, 3), 0, 1, (2, 3)),
        ((2, 1, 80, 500), 2, 3, (0,)),
        ((5, 5, 5), 0, 1, (2,)),
    ],
)
def test_the_longest_dimensions_are_seen_first(
    shape: tuple[int, ...], rows: int | None, columns: int | None, fixed: tuple[int, ...]
) -> None:
    slicing = Slicing.of(shape)
    assert (slicing.row_axis, slicing.column_axis, slicing.fixed_axes) == (rows, columns, fixed)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=6), st.data())
def test_two_different_dimensions_are_seen_whatever_is_chosen(shape: list[int], data: st.DataObject) -> None:
    slicing = Slicing.of(shape)
    long = [axis for axis, length in enumerate(shape) if length > 1]
    if len(long) < 2:
        return
    for _ in range(4):
        if data.draw(st.booleans()):
            slicing = slicing.with_rows(data.draw(st.sampled_from([*long, None])))
        else:
            slicing = slicing.with_columns(data.draw(st.sampled_from(long)))
        assert slicing.column_axis is not None
        assert slicing.row_axis != slicing.column_axis
        assert set(slicing.fixed_axes) == set(long) - {slicing.row_axis, slicing.column_axis}


def test_the_cursor_is_an_index() -> None:
    slicing = Slicing.of((4, 1, 6, 3)).at_axis(3, 2).at_cell(1, 5)
    assert slicing.index == (1, 0, 5, 2)
    assert slicing.cell == (1, 5)
    assert slicing.with_rows(2).cell == (5, 1)


# -- geometry ----------------------------------------------------------------------------------------------------


@given(SIDES, SIDES, st.integers(1, 4000), st.integers(1, 4000), st.lists(st.floats(-4, 8), max_size=12), st.data())
def test_what_is_seen_is_inside_however_one_zooms(
    rows: int, columns: int, width: int, height: int, zooms: list[float], data: st.DataObject
) -> None:
    cells = CellGeometry(rows, columns)
    cells.resize(width, height)
    assert (cells.region.top, cells.region.left, cells.region.bottom, cells.region.right) == (0, 0, rows, columns)
    for power in zooms:
        cells.zoom_by(2**power, data.draw(st.floats(0, width)), data.draw(st.floats(0, height)))
        cells.move_by(data.draw(st.floats(-1e6, 1e6)), data.draw(st.floats(-1e6, 1e6)))
        region = cells.region
        assert 0 <= region.top < region.bottom <= rows
        assert 0 <= region.left < region.right <= columns
        assert cells.cell_width <= NUMBER_WIDTH
        assert cells.cell_height <= NUMBER_HEIGHT
        row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
        cells.make_visible(row, column)
        assert cells.region.top <= row < cells.region.bottom
        assert cells.region.left <= column < cells.region.right
    cells.fit()
    assert cells.fits


def test_what_is_under_the_mouse_stays_there_while_zooming() -> None:
    cells = CellGeometry(1000, 1000)
    cells.resize(500, 500)
    cells.zoom_by(8, 250, 125)
    assert cells.cell_at(250, 125) == (250, 500)
    cells.zoom_by(1000, 250, 125)
    assert cells.has_room_for_numbers
    assert cells.cell_at(250, 125) == (250, 500)
    assert not cells.zoom_by(2, 0, 0)


def test_a_line_fills_its_room() -> None:
    line = CellGeometry(1, 5, line=True)
    line.resize(500, 200)
    assert (line.cell_width, line.cell_height) == (100, 200)
    line = CellGeometry(1, 100_000, line=True)
    line.resize(500, 200)
    line.zoom_by(1e9, 0, 0)
    assert line.cell_width == POINT_WIDTH
    assert not line.has_room_for_numbers
    assert CellGeometry().cell_at(0, 0) is None


# -- ticks -------------------------------------------------------------------------------------------------------

ENDS = st.floats(allow_nan=False, allow_infinity=False)


@given(ENDS, ENDS, st.integers(0, 30), st.booleans())
def test_ticks_are_few_and_inside(one: float, other: float, most: int, whole: bool) -> None:
    low, high = min(one, other), max(one, other)
    ticks = axes.value_ticks(low, high, most, whole=whole)
    assert len(ticks) <= most + 2
    slack = max(abs(low), abs(high)) * 1e-6
    assert all(low - slack <= value <= high + slack for value, _ in ticks)
    assert all(text for _, text in ticks)


def test_ticks_are_round() -> None:
    assert axes.value_ticks(-4.3, 4.3, 6) == [(-4, "-4"), (-2, "-2"), (0, "0"), (2, "2"), (4, "4")]
    assert [text for _, text in axes.value_ticks(0.9381, 1.059, 3)] == ["0.95", "1", "1.05"]
    assert [text for _, text in axes.value_ticks(-0.5, 1.5, 9, whole=True)] == ["0", "1"]
    assert axes.value_ticks(-HUGE, HUGE, 5)[0][0] == -HUGE
    assert axes.whole_ticks(3, 30, 3) == [(10, "10"), (20, "20")]
    assert [text for _, text in axes.count_ticks(400_000, log=False)] == ["0", "200 k", "400 k"]
    assert [text for _, text in axes.count_ticks(4_000_000, log=True)] == ["1", "100", "10 k", "1 M"]


@given(st.integers(1, 10**12), st.booleans())
def test_bars_of_more_are_higher(top: int, log: bool) -> None:
    heights = [axes.height(count, top, log=log) for count in (0, 1, top)]
    assert heights[0] == 0 < heights[1] <= heights[2] == 1


# -- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (np.float32(0.1), "0.1"),
        (np.float16(0.1), "0.1"),
        (0.1, "0.1"),
        (np.int64(-1234567), "-1,234,567"),
        (np.uint64(2**64 - 1), "18,446,744,073,709,551,615"),
        (np.bool_(True), "true"),
        (np.complex64(1 - 2j), "1.0 − 2.0i"),
        (np.float32(np.nan), "NaN"),
        (np.float64(-np.inf), "−∞"),
    ],
)
def test_numbers_to_the_last_digit(number: object, text: str) -> None:
    assert value_text.exact(number) == text


def test_statistics_in_words() -> None:
    found = counted(0.0, 0.0, 3.0, math.nan, math.inf, -math.inf, -math.inf, 1.0)
    said = {row.caption: row.value for row in value_text.rows(found)}
    assert tuple(said) == value_text.CAPTIONS
    assert said["Elements"] == "8"
    assert (said["Lowest"], said["Highest"], said["Mean"]) == ("0", "3", "1")
    assert said["Zeros"] == "2  (25 %)"
    assert (said["NaN"], said["+Inf"], said["−Inf"]) == ("1  (12.5 %)", "1  (12.5 %)", "2  (25 %)")
    assert value_text.odd_values(found) == "Besides: 1 NaN, 1 +Inf, 2 −Inf."
    nothing = {row.caption: row.value for row in value_text.rows(counted(math.nan))}
    assert (nothing["Lowest"], nothing["Mean"], nothing["Std. deviation"]) == ("–", "–", "–")


def test_what_a_sample_says_is_about_right() -> None:
    array = np.zeros(1000)
    counter = Counter()
    counter.add(array)
    found = counter.statistics(10_000_000, None)
    assert value_text.basis(found) == "Of a sample of 1 k of 10 M elements"
    said = {row.caption: row.value for row in value_text.rows(found)}
    assert said["Elements"] == "10,000,000"
    assert said["Zeros"] == "≈ 100 %"
    assert said["NaN"] == "none seen"


def test_what_a_histogram_leaves_out_is_said() -> None:
    found = counted(-9.0, 0.0, 0.5, 1.0, 7.0, 8.0, clip=ValueRange(0.0, 1.0))
    assert found.histogram is not None
    assert value_text.outliers(found.histogram, found) == "Not drawn: 1 below 0 and 2 above 1."
    assert "Histogram from 0 to 1." in value_text.histogram_summary(found.histogram, found)
    assert value_text.outliers(found.histogram, counted(1.0)).startswith("Not drawn")
