"""Units that a recording announces while it goes on: found from anywhere, believed with care."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, PAGE_SLOTS, RECORD, SLOT, Kind
from apbundle.trace.units import MAX_UNITS, UnitList
from support.recordings import drain, header

SIZES = (1000, 5000, 0)
GROUPS = [(1, 100, 3, 50), (0, 999, 53, 2), (1, 4000, 55, 2), (0, 10, 57, 100)]


def new_units(known: int) -> list[tuple[int, int, int, int]]:
    return [group for group in GROUPS if group[2] == known]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Several pages; the groups are announced one in each of some of them."""
    path = tmp_path / "run.aptrace"
    writer = RecordingWriter.create(path, header(names=("a", "b", "empty"), sizes=SIZES), new_units)
    for number, (_, _, first, count) in enumerate(GROUPS):
        writer.loaded(number % 2, SIZES[number % 2], "demand", 5)
        writer.evicted(number % 2, SIZES[number % 2], "room", first + count - 1)
        writer.loaded(first + count - 1, 5, "demand", 5)
        writer.hits([first, first + count - 1, 0] * (PAGE_SLOTS * 3))
    writer.close()
    return path


def expected_units() -> UnitList:
    return UnitList(("a", "b", "empty"), SIZES, pages=[group[:2] for group in GROUPS])


def test_they_are_known_wherever_one_begins_to_read(path: Path) -> None:
    with RecordingReader.open(path) as reader:
        followed = reader.poll(1 << 30)
        assert reader.damaged == 0
        assert (followed["unit"] != NONE).all()
        assert followed["other"][followed["kind"] == Kind.EVICT].tolist() == [52, 54, 56, 156]
        assert followed["other"][followed["kind"] == Kind.PAGES].tolist() == [3, 53, 55, 57]
        assert np.array_equal(reader.read(0), followed)
        assert reader.units == expected_units()
        assert len(reader.header.units) == 3
    for start in range(0, len(followed), len(followed) // 7):
        with RecordingReader.open(path) as reader:
            assert np.array_equal(reader.read(start, start + 10), followed[start : start + 10])
            assert reader.units == expected_units()
            assert reader.totals(len(followed)).announced == 154


def test_a_list_that_grows_while_it_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "run.aptrace"
    writer = RecordingWriter.create(path, header(names=("a", "b", "empty"), sizes=SIZES), new_units)
    with RecordingReader.open(path) as reader:
        units = reader.units
        names, sizes = units.names, units.sizes
        assert (names, len(sizes)) == (("a", "b", "empty"), 3)
        for number, (_, _, first, count) in enumerate(GROUPS):
            writer.loaded(first, 5, "demand", 5)
            writer.hits([first + count - 1] * (40_000 * (number == 1)))
            writer.flush()
            assert len(reader.units) == first + count
            assert reader.units is units
        assert units.names[-1] == "a[99]"
        assert len(units.sizes) == len(units.names) == 157
    writer.close()


@pytest.mark.parametrize("page", range(6))
def test_a_damaged_page_start_hides_none(path: Path, page: int) -> None:
    with RecordingReader.open(path) as reader:
        whole = reader.read(0)
    data = bytearray(path.read_bytes())
    start = header(names=("a", "b", "empty"), sizes=SIZES).to_bytes()
    at = len(start) + page * PAGE_SLOTS * SLOT
    data[at : at + 3 * SLOT] = b"\xa5" * (3 * SLOT)
    path.write_bytes(data)
    with RecordingReader.open(path) as reader:
        assert reader.units == expected_units()
        assert np.array_equal(reader.read(0)[["unit", "kind"]], whole[["unit", "kind"]])
        assert len(drain(reader)) == len(whole)


@pytest.mark.parametrize(
    ("model", "size", "first"),
    [(3, 10, 3), (NONE, 10, 3), (0, 0, 3), (2, 10, 3), (0, 10, 2), (0, 10, 4), (0, 10, NONE), (1, 1, 3)],
)
def test_announcements_that_make_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: int, size: int, first: int
) -> None:
    monkeypatch.setattr("apbundle.trace.units.MAX_UNITS", 4000)
    path = tmp_path / "run.aptrace"
    writer = RecordingWriter.create(path, header(names=("a", "b", "empty"), sizes=SIZES))
    writer.loaded(3, 5, "demand", 5)
    writer.close()
    data = bytearray(path.read_bytes())
    at = data.rindex(RECORD.pack(0, 3, 2, 1, 0, 5, NONE, 5.0)[8:]) - 8
    time = int.from_bytes(data[at : at + 8], "little")
    data[at:at] = RECORD.pack(time, model, Kind.PAGES, 0, 0, size, first, 0.0)
    path.write_bytes(data)
    with RecordingReader.open(path) as reader:
        events = reader.poll()
        assert reader.damaged == 2
        assert events["unit"].tolist() == [NONE, NONE]
        assert np.array_equal(reader.read(0), events)
        assert len(reader.units) == 3


def test_more_units_than_a_reader_takes_end_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.aptrace"
    writer = RecordingWriter.create(path, header(), lambda known: [(0, 1, known, MAX_UNITS)])
    writer.loaded(1, 101, "demand", 5)
    writer.loaded(50, 1, "demand", 5)
    with pytest.warns(RuntimeWarning, match="more than 33,554,432 units"):
        writer.announce()
    assert writer.failed
