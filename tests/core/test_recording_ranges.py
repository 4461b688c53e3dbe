"""Any part of a recording by number and by time: of very large ones, of growing ones, of damaged ones."""

from __future__ import annotations

import os
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from apbundle.trace import records
from apbundle.trace.decoding import EVENTS, EventArray
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, PAGE_SLOTS, SLOT, TOTALS_SLOTS, Kind, Totals
from support.recordings import NAMES, SIZES, Scribe, header, rows

EVENTS_OF_A_LARGE_ONE = int(os.environ.get("APBUNDLE_EVENTS", "200000"))
HITS, LOADS = 4096, 400
MIB = 1 << 20

Change = Callable[[bytearray], None]


def expected(start: int, stop: int) -> EventArray:
    """The events from ``start`` to before ``stop`` that :func:`write` writes, without their times."""
    numbers = np.arange(start, stop)
    within = numbers % (HITS + 2 * LOADS)
    events = np.zeros(len(numbers), EVENTS)
    events["unit"] = numbers * 48271 % len(NAMES)
    events["bytes"] = np.array(SIZES)[events["unit"]]
    events["kind"] = np.where(within < HITS, Kind.HIT, np.where(within % 2 == 0, Kind.EVICT, Kind.MISS))
    events["cause"] = within >= HITS
    events["other"] = NONE
    evictions = events["kind"] == Kind.EVICT
    events["other"][evictions] = (numbers[evictions] + 1) * 48271 % len(NAMES)
    return events


def write(writer: RecordingWriter, count: int) -> None:
    """Blocks of hits, and of evictions with the loads that needed the room; at least ``count`` events."""
    for first in range(0, count, HITS + 2 * LOADS):
        events = expected(first, first + HITS + 2 * LOADS)
        units, sizes, others = (events[column].tolist() for column in ("unit", "bytes", "other"))
        writer.hits(units[:HITS])
        for place in range(HITS, HITS + 2 * LOADS, 2):
            writer.evicted(units[place], sizes[place], "room", others[place])
            writer.loaded(units[place + 1], sizes[place + 1], "demand", 0)
            writer.flush()


def assert_as_written(events: EventArray, start: int) -> None:
    wanted = expected(start, start + len(events))
    for column in ("kind", "cause", "unit", "bytes", "other"):
        np.testing.assert_array_equal(events[column], wanted[column])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "run.aptrace"
    writer = RecordingWriter.create(path, header())
    write(writer, EVENTS_OF_A_LARGE_ONE)
    writer.close()
    return path


def test_a_large_recording_is_not_loaded(large: Path) -> None:
    choose = random.Random(1)
    with RecordingReader.open(large) as warm:
        warm.read(0, 1)
    tracemalloc.start()
    try:
        with RecordingReader.open(large) as reader:
            count = reader.count
            for _ in range(80):
                start = choose.randrange(count)
                events = reader.read(start, start + 1000)
                assert len(events) == min(1000, count - start)
                assert_as_written(events, start)
                first = reader.locate(int(events["time"][0]))
                assert first <= start
                assert reader.totals(start).events <= start
            assert reader.damaged_pages == 0
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()
    assert EVENTS_OF_A_LARGE_ONE <= count < EVENTS_OF_A_LARGE_ONE + HITS + 2 * LOADS


def test_pieces_of_a_large_recording_are_all_of_it(large: Path) -> None:
    with RecordingReader.open(large) as reader:
        for start in range(0, reader.count, 50_000):
            assert_as_written(reader.read(start, start + 50_000), start)


def test_a_growing_recording_by_range(tmp_path: Path) -> None:
    scribe = Scribe(RecordingWriter.create(tmp_path / "run.aptrace", header()), seed=11)
    with RecordingReader.open(tmp_path / "run.aptrace") as reader:
        while len(scribe.rows) < 70_000:
            for _ in range(7):
                scribe.operation()
            assert reader.count == len(scribe.rows)
            start = max(len(scribe.rows) - 10_000, 0)
            assert rows(reader.read(start)) == scribe.rows[start:]
    scribe.writer.close()


def test_a_recording_that_was_cut_short_by_range(large: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.aptrace"
    data = large.read_bytes()
    path.write_bytes(data)
    with RecordingReader.open(path) as reader:
        whole = reader.count
        for size in (len(data) * 2 // 3, len(data) // 3 + 17, len(data) // 2, 0, len(data)):
            path.write_bytes(data[:size])
            count = reader.count
            assert (count == whole) == (size == len(data))
            assert_as_written(reader.read(0), 0)
            assert len(reader.read(0)) == count
            assert reader.locate(1 << 62) == count
            assert reader.totals(1 << 62).events <= count


def damaged(large: Path, path: Path, change: Change, pages: set[int]) -> None:
    """A copy of ``large``, of which ``change`` was let loose on the first slots of these pages."""
    data = bytearray(large.read_bytes())
    start = records.data_start(int.from_bytes(data[12:16], "little"))
    for page in pages:
        at = start + page * PAGE_SLOTS * SLOT
        totals = data[at : at + (1 + TOTALS_SLOTS) * SLOT]
        change(totals)
        data[at : at + len(totals)] = totals
    path.write_bytes(data)


def zero(totals: bytearray) -> None:
    totals[:] = bytes(len(totals))


def scramble(totals: bytearray) -> None:
    totals[:] = random.Random(3).randbytes(len(totals))


def become_a_miss(totals: bytearray) -> None:
    totals[12] = Kind.MISS


def become_hits(totals: bytearray) -> None:
    totals[12:24] = records.RECORD.pack(0, 0, Kind.HIT, 0, 0xFFFF, 1 << 62, 0, 0)[12:24]


def claim(events: int) -> Change:
    def change(totals: bytearray) -> None:
        totals[SLOT : SLOT + 8] = (events % (1 << 64)).to_bytes(8, "little")

    return change


CHANGES = {
    "zeros": zero,
    "noise": scramble,
    "a miss": become_a_miss,
    "hits without end": become_hits,
    "too much before": claim(-1),
    "more before than there is": claim(10 * EVENTS_OF_A_LARGE_ONE + 10**6),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("pages", [{0}, {1}, {3}, {3, 4, 5}, {1, 3, 5}, {-1}, {-2, -1}, None])
def test_totals_that_are_destroyed(large: Path, tmp_path: Path, name: str, pages: set[int] | None) -> None:
    """Nothing raises, every event keeps its number, and the damage is told."""
    with RecordingReader.open(large) as reader:
        count, total = reader.count, -(-large.stat().st_size // (PAGE_SLOTS * SLOT))
    gone = set(range(total)) if pages is None else {page % total for page in pages}
    damaged(large, tmp_path / "run.aptrace", CHANGES[name], gone)
    with RecordingReader.open(tmp_path / "run.aptrace") as reader:
        assert reader.count == count
        assert reader.damaged_pages == len(gone)
        for start in (0, 20_000, 50_000, 145_678, count - 12_345):
            events = reader.read(start, start + 12_345)
            assert len(events) == 12_345
            assert_as_written(events, start)
            assert (np.diff(events["time"]) >= 0).all()
            assert reader.locate(int(events["time"][0])) <= start
            totals = reader.totals(start)
            assert totals.events <= start
            assert totals == Totals() or totals.hits + totals.misses + totals.evictions == totals.events


def test_numbers_that_might_be_true(large: Path, tmp_path: Path) -> None:
    """A page may lie about itself so that nobody can tell; all but it and the one before keep their numbers."""
    with RecordingReader.open(large) as reader:
        count, firsts = reader.count, [reader.totals(number).events for number in range(0, reader.count, 1000)]
    _, before, at, after, *_ = sorted({*firsts})
    damaged(large, tmp_path / "run.aptrace", claim(at + 700), {2})
    with RecordingReader.open(tmp_path / "run.aptrace") as reader:
        assert reader.count == count
        assert len(reader.read(0)) == count
        assert_as_written(reader.read(0, before), 0)
        assert_as_written(reader.read(after), after)


def test_a_page_that_is_destroyed(large: Path, tmp_path: Path) -> None:
    """What is lost is told as such, and what comes after it keeps its numbers."""
    path = tmp_path / "run.aptrace"
    data = bytearray(large.read_bytes())
    start = records.data_start(int.from_bytes(data[12:16], "little")) + 2 * PAGE_SLOTS * SLOT
    with RecordingReader.open(large) as reader:
        count, firsts = reader.count, [reader.totals(number).events for number in range(0, reader.count, 1000)]
    first, after = sorted({*firsts})[2:4]
    for change in (bytes, lambda size: b"\xff" * size, random.Random(5).randbytes):
        data[start : start + PAGE_SLOTS * SLOT] = change(PAGE_SLOTS * SLOT)
        path.write_bytes(data)
        with RecordingReader.open(path) as reader:
            assert reader.count == count
            assert_as_written(reader.read(0, first), 0)
            assert_as_written(reader.read(after), after)
            assert len(reader.read(first, after)) == after - first
            assert_as_written(reader.read(after + 5, after + 10), after + 5)
    zeros = bytes(PAGE_SLOTS * SLOT)
    data[start : start + len(zeros)] = zeros
    path.write_bytes(data)
    with RecordingReader.open(path) as reader:
        assert set(reader.read(first, after)["kind"].tolist()) == {Kind.PAD}
        assert set(reader.read(first, after)["unit"].tolist()) == {NONE}


def test_a_page_whose_time_is_forged_leads_nobody_astray(large: Path, tmp_path: Path) -> None:
    def late(totals: bytearray) -> None:
        totals[:8] = b"\xff" * 8

    damaged(large, tmp_path / "run.aptrace", late, {3})
    with RecordingReader.open(large) as sound, RecordingReader.open(tmp_path / "run.aptrace") as reader:
        assert reader.damaged_pages == 0
        for number in range(0, sound.count, 9_999):
            time = int(sound.read(number, number + 1)["time"][0])
            assert reader.locate(time) == sound.locate(time)
