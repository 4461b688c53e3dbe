"""Distances and the curve: equal to the plainest replay at any limit, whatever the accesses and however they come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apbundle.errors import BadRecording, Cancelled
from apbundle.trace import curve as curve_module
from apbundle.trace import distances, pieces, steps
from apbundle.trace.accesses import Accesses, read_accesses
from apbundle.trace.curve import Curve, CurveBuilder, curve_of, read_curve
from apbundle.trace.distances import NEVER, LruStack
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.simulate import simulate
from support.recordings import Scribe, header
from support.stacks import naive_distances, replay_lru, zipf_units


def accesses_of(units: list[int] | NDArray[np.int32], sizes: list[int]) -> Accesses:
    count = len(units)
    numbers = np.arange(count)
    return Accesses(np.array(units, np.int32), np.array(sizes, np.int64), numbers, numbers)


@st.composite
def traces(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Sizes of units, and accesses: many at random, some in runs and loops."""
    sizes = draw(st.lists(st.integers(0, 40), min_size=1, max_size=30))
    runs = st.lists(st.integers(0, len(sizes) - 1), max_size=12)
    units: list[int] = []
    for run, times in draw(st.lists(st.tuples(runs, st.integers(1, 4)), max_size=12)):
        units += run * times
    return units, sizes


@given(traces(), st.integers(1, 50), st.lists(st.integers(1, 60), max_size=8))
def test_distances_are_those_of_a_stack(trace: tuple[list[int], list[int]], block: int, cuts: list[int]) -> None:
    units, sizes = trace
    expected = [NEVER if needed is None else needed for needed in naive_distances(units, sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "_LEAST_BLOCK", block)
        stack = LruStack(np.array(sizes))
        found, at = [], 0
        for stop in [*np.cumsum(cuts, dtype=int).tolist(), len(units)]:
            fork = stack.copy()
            found += stack.access(np.array(units[at:stop], np.int32)).tolist()
            assert fork.access(np.array(units[at:stop], np.int32)).tolist() == found[len(found) - len(units[at:stop]) :]
            at = max(at, min(stop, len(units)))
    assert found == expected
    assert stack.units.tolist() == list(dict.fromkeys(reversed(units)))[::-1]


@given(traces(), st.integers(1, 40), st.data())
def test_curve_is_a_replay_at_every_limit(trace: tuple[list[int], list[int]], piece: int, data: st.DataObject) -> None:
    units, sizes = trace
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curve_module, "_PIECE", piece)
        patch.setattr(steps, "_SAMPLED", 2)
        patch.setattr(steps, "_ROWS", 4)
        curve = curve_of(accesses_of(units, sizes))
    largest = max((sizes[unit] for unit in units), default=0)
    footprint = sum(sizes[unit] for unit in set(units))
    assert (curve.smallest, curve.footprint, curve.accesses) == (largest, footprint, len(units))
    assert curve.accessed_bytes == sum(sizes[unit] for unit in units)
    for limit in range(largest, footprint + 2):
        counts = replay_lru(units, sizes, limit)
        assert curve.hits_at(limit) == counts.hits
        assert curve.hit_rate(limit) == (counts.hits / len(units) if units else 0)
        assert curve.byte_hit_rate(limit) == counts.hit_bytes / max(curve.accessed_bytes, 1)
    assert (np.diff(curve.limits) > 0).all()
    assert (np.diff(curve.hits) > 0).all()
    most = len(units) - len(set(units))
    if units:
        assert curve.hits_at(curve.working_set) == most
        assert curve.working_set == largest or curve.hits_at(curve.working_set - 1) < most
        assert curve.knee in curve.limits

    target = data.draw(st.floats(0, 1))
    limit_for = curve.limit_for(target)
    if limit_for is None:
        assert not units or most < target * len(units)
    else:
        assert curve.hits_at(limit_for) >= target * len(units)
        assert limit_for == largest or curve.hits_at(limit_for - 1) < target * len(units)


def test_below_the_largest_unit_there_is_no_curve() -> None:
    curve = curve_of(accesses_of([0, 1, 0], [10, 20]))
    for ask in (curve.hits_at, curve.hit_rate, curve.byte_hit_rate):
        with pytest.raises(ValueError, match="begins at 20 bytes"):
            ask(19)
    assert curve.limits.tolist() == [20, 30]
    assert curve.hits.tolist() == [0, 1]


def test_no_accesses() -> None:
    curve = curve_of(accesses_of([], [5]))
    assert (curve.smallest, curve.working_set, curve.knee, curve.footprint) == (0, 0, 0, 0)
    assert (curve.hits_at(0), curve.hit_rate(10), curve.byte_hit_rate(10), curve.limit_for(0.5)) == (0, 0, 0, None)


def test_knee_is_where_more_memory_stops_paying() -> None:
    loop = list(range(10)) * 20  # nothing until all ten fit
    assert curve_of(accesses_of(loop, [100] * 10)).knee == 1000
    both = [unit for turn in range(300) for unit in (0, 1, 2 + turn % 30)]  # two hot ones among thirty others
    assert curve_of(accesses_of(both, [100] * 32)).knee == 300


@pytest.mark.parametrize("sizes", ["one", "many"])
def test_equal_to_libcachesim_at_twenty_limits(tmp_path: Path, sizes: str) -> None:
    lcs = pytest.importorskip("libcachesim")
    units = zipf_units(7, 30_000, 1000)
    each = np.random.default_rng(1).integers(4096, 1 << 22, 1000) if sizes == "many" else np.ones(1000, np.int64)
    curve = curve_of(accesses_of(units, each.tolist()))
    requests = np.zeros(len(units), [("time", "<u4"), ("id", "<u8"), ("size", "<u4"), ("next", "<i8")])
    requests["id"], requests["size"], requests["next"] = units + 1, each[units], -1
    requests.tofile(tmp_path / "trace")
    for limit in np.linspace(curve.smallest, curve.footprint, 20).astype(int).tolist():
        reader = lcs.TraceReader(str(tmp_path / "trace"), lcs.TraceType.ORACLE_GENERAL_TRACE)
        missed, missed_bytes = lcs.LRU(limit).process_trace(reader)
        assert curve.hits_at(limit) == round((1 - missed) * len(units))
        assert curve.byte_hit_rate(limit) == pytest.approx(1 - missed_bytes, abs=1e-9)


def test_equal_to_the_simulation_at_twenty_limits() -> None:
    units = zipf_units(3, 20_000, 300)
    accesses = accesses_of(units, np.random.default_rng(2).integers(1, 1 << 22, 300).tolist())
    curve = curve_of(accesses)
    for limit in np.linspace(curve.smallest, curve.footprint, 20).astype(int).tolist():
        outcome = simulate(accesses, "lru", limit)
        assert (curve.hits_at(limit), curve.byte_hit_rate(limit)) == (outcome.hits, outcome.byte_hit_rate)


def test_a_sample_for_drawing() -> None:
    curve = curve_of(accesses_of(zipf_units(3, 5000, 300), list(range(1, 301))))
    for count in (2, 7, 100):
        sample = curve.sample(count)
        assert 2 <= len(sample) <= count
        assert (sample[0], sample[-1]) == (curve.smallest, curve.working_set)
        assert set(sample.tolist()) <= set(curve.limits.tolist())
    assert curve.sample(10**6).tolist() == curve.limits.tolist()


@pytest.mark.parametrize("piece", [pieces.PIECE, 3001])
def test_from_any_stretch_of_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(pieces, "PIECE", piece)
    scribe = Scribe(RecordingWriter.create(tmp_path / "run.aptrace", header()), seed=2)
    for _ in range(60):
        scribe.operation()
    scribe.writer.close()
    told: list[tuple[str, int, int]] = []
    with RecordingReader.open(tmp_path / "run.aptrace") as reader:
        for start, stop in ((0, None), (500, 9000)):
            expected = curve_of(read_accesses(reader, start, stop))
            curve = read_curve(reader, start, stop, lambda *report: told.append(report))
            assert _columns(curve) == _columns(expected)
        assert told[-1][1] == told[-1][2] > 0
        with pytest.raises(Cancelled):
            read_curve(reader, cancel=lambda: True)
        with pytest.raises(Cancelled):
            curve_of(read_accesses(reader), cancel=lambda: True)


def _columns(curve: Curve) -> list[object]:
    return [curve.limits.tolist(), curve.hits.tolist(), curve.hit_bytes.tolist(), curve.accesses, curve.footprint]


def test_sizes_that_no_memory_has() -> None:
    with pytest.raises(BadRecording, match="add up"):
        LruStack(np.array([1 << 62, 1 << 62]))
    builder = CurveBuilder(np.array([1 << 61]))
    builder.add(np.zeros(3, np.int32))
    with pytest.raises(BadRecording, match="add up"):
        builder.add(np.zeros(2, np.int32))
    curve = curve_of(accesses_of([0, 1, 0], [1 << 60, 1 << 61]))
    assert curve.limits.tolist() == [1 << 61, 3 << 60]
