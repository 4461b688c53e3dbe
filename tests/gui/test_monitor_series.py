"""A recording in bins, and its axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.trace.decoding import EVENTS, EventArray
from apbundle.trace.records import Kind
from apbundle_gui.models import monitor_axes as axes
from apbundle_gui.models.monitor_series import FIRST_BIN_NS, MAX_BINS, Series
from support.monitoring import event, events_of

SECOND = 1_000_000_000


def of_kinds(*moments: tuple[float, Kind]) -> EventArray:
    return events_of(*(event(kind, 0, round(time * SECOND)) for time, kind in moments))


def flat(events: EventArray, memory: int = 0) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.full(len(events), memory, np.int64)


def test_events_a_second_by_kind() -> None:
    series = Series()
    events = of_kinds((0.1, Kind.MISS), (0.2, Kind.HIT), (0.3, Kind.HIT), (1.2, Kind.EVICT), (1.2, Kind.PREFETCH))
    series.add(events, flat(events))
    rates = series.rates(0, 2, 2)
    assert rates.edges.tolist() == [0, 1, 2]
    assert rates.per_second.tolist() == [[2, 0], [1, 0], [0, 1], [0, 1]]
    assert rates.overall.tolist() == [pytest.approx(2 / 3)] * 2


def test_an_interval_that_is_not_over_is_not_shown() -> None:
    series = Series()
    events = of_kinds((0.1, Kind.HIT))
    series.add(events, flat(events))
    assert series.rates(0, 0.9, 1).per_second.shape == (4, 0)
    assert series.rates(0, 0.95, 2).per_second.shape == (4, 1)


def test_the_hit_rate_of_the_window_forgets_and_that_since_the_start_does_not() -> None:
    series = Series()
    events = of_kinds((0.1, Kind.MISS), (5.1, Kind.HIT))
    series.add(events, flat(events))
    rates = series.rates(0, 10, 10)
    assert rates.window[0] == 0
    assert np.isnan(rates.window[3])
    assert rates.window[5] == 1
    assert np.isnan(rates.window[9])
    assert rates.overall[-1] == 0.5


def test_the_last_two_seconds() -> None:
    series = Series()
    events = of_kinds((0.5, Kind.HIT), (2.6, Kind.HIT), (3.0, Kind.MISS))
    series.add(events, flat(events))
    assert series.recent(3.01).tolist() == [1, 1, 0, 0]
    assert series.recent(30).tolist() == [0, 0, 0, 0]
    assert Series().recent(0).tolist() == [0, 0, 0, 0]


def test_no_peak_of_memory_is_lost() -> None:
    series = Series()
    events = of_kinds((1.0, Kind.MISS), (1.01, Kind.MISS), (1.02, Kind.EVICT), (9.0, Kind.EVICT))
    series.add(events, np.array([100, 900, 300, 200], np.int64))
    x, y = series.memory(0, 10, 2)
    assert x.tolist() == sorted(x.tolist())
    assert (x[0], x[-1]) == (0, 10)
    assert y.max() == 900
    assert y[-1] == 200
    x, y = series.memory(2, 8, 1000)
    assert set(y.tolist()) == {300}


def test_memory_before_anything_happened() -> None:
    x, y = Series().memory(0, 5, 100)
    assert x.tolist() == [0, 5]
    assert y.tolist() == [0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(0, 1000)), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), max_size=4),
    st.integers(1, 300),
)
def test_memory_in_pieces_says_what_it_was(moments: list[tuple[int, int]], cuts: list[int], columns: int) -> None:
    moments = sorted(moments, key=lambda moment: moment[0])
    times, memory = np.array([time for time, _ in moments]), np.array([value for _, value in moments], np.int64)
    series = Series()
    for part in np.split(np.arange(len(moments)), sorted(cuts)):
        events = np.zeros(len(part), EVENTS)
        events["time"], events["kind"] = times[part], Kind.MISS
        series.add(events, memory[part])
    x, y = series.memory(0, 4, columns)
    assert y[-1] == memory[-1]
    assert y.max() == memory.max()
    step = max(series.bin_seconds, 4 / columns * 5)  # the next of 1, 2, 5, … is less than five times as long
    seconds = times / SECOND
    for at in (0.0, 1.0, 2.5, 3.9):
        shown = y[np.searchsorted(x, at, side="right") - 1]
        before = memory[seconds <= at - step]
        assert shown in {*memory[np.abs(seconds - at) <= step], before[-1] if len(before) else 0}
    assert series.rates(0, 4, 40).per_second.sum() * np.diff(series.rates(0, 4, 40).edges)[0] == pytest.approx(
        len(moments)
    )


def test_a_long_recording_takes_longer_bins_and_loses_no_event() -> None:
    series = Series()
    span = MAX_BINS * FIRST_BIN_NS * 5
    events = np.zeros(10_000, EVENTS)
    events["time"] = np.linspace(0, span, len(events))
    events["kind"] = Kind.HIT
    for part in np.array_split(events, 7):
        series.add(part, flat(part, 77))
    assert series.bin_seconds == pytest.approx(8 * FIRST_BIN_NS / 1e9)
    rates = series.rates(0, span / 1e9 + 10, 100)
    assert (rates.per_second[0] * np.diff(rates.edges)).sum() == pytest.approx(len(events), abs=200)
    assert series.memory(1000, span / 1e9, 100)[1].min() == 77


def test_nice_numbers() -> None:
    assert [axes.nice(value) for value in (0, 0.3, 1, 1.1, 2.0, 3, 7, 10, 49, 501, float("nan"))] == [
        1, 0.5, 1, 2, 2, 5, 10, 10, 50, 1000, 1,
    ]  # fmt: skip


@pytest.mark.parametrize("ticks", [axes.count_ticks, axes.size_ticks])
@pytest.mark.parametrize("top", [1, 2, 5, 10, 50, 1000, 300_000, 5e9])
def test_ticks_rise_from_zero_within_the_range(ticks: Callable[[float], axes.Ticks], top: float) -> None:
    values = [value for value, _ in ticks(top)]
    assert values[0] == 0
    assert values == sorted(values)
    assert 2 <= len(values) <= 4
    assert values[-1] <= top


def test_size_ticks_are_powers_of_two() -> None:
    assert axes.size_ticks(1.2 * 1024 * 1024) == [(0, "0"), (524288.0, "512 KiB"), (1048576.0, "1.00 MiB")]


def test_times_on_the_axis() -> None:
    assert axes.time_ticks(0, 5, 5) == [(0, "0 s"), (1, "1 s"), (2, "2 s"), (3, "3 s"), (4, "4 s"), (5, "5 s")]
    assert [text for _, text in axes.time_ticks(55, 130, 5)] == ["1:00", "1:15", "1:30", "1:45", "2:00"]
    assert axes.moment(3725) == "1:02:05"
    assert len(axes.time_ticks(0, 30 * 86_400, 6)) <= 7
