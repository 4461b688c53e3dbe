"""Recordings: what is written is what is read, as a whole, in part, and as it grows."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from apbundle.errors import BundleClosed
from apbundle.fileio import syscalls
from apbundle.paging import observer
from apbundle.paging.store import BATCH
from apbundle.paging.units import Unit
from apbundle.trace import records
from apbundle.trace.decoding import EVENTS, SLOTS
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, PAGE_SLOTS, SLOT, Kind, Totals
from support.faults import recorded
from support.paging import make_pager, units_of
from support.recordings import NAMES, Row, Scribe, drain, header, rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.aptrace"


def test_records_have_their_size() -> None:
    assert records.PRELUDE.size == 16
    assert records.RECORD.size == SLOTS.itemsize == SLOT == 32
    assert records.TOTALS.size == 64


def test_every_cause_of_the_pager_can_be_recorded() -> None:
    assert set(observer.LoadCause.__args__) == set(records.LOAD_CAUSES)  # type: ignore[attr-defined]
    assert set(observer.EvictCause.__args__) <= set(records.EVICT_CAUSES)  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [1, 200_000, 4 << 20])
def test_all_that_is_written_is_read(path: Path, limit: int) -> None:
    with RecordingReader.open(_begun(path)) as reader:
        assert reader.header.names == NAMES
        assert reader.status == "live"
    scribe = Scribe(RecordingWriter.create(path, header()))
    with RecordingReader.open(path) as reader:
        found: list[Row] = []
        for number in range(300):
            scribe.operation()
            if number % 7 == 0:
                found += drain(reader, limit)
                assert reader.status == "live"
        scribe.writer.close()
        found += drain(reader, limit)
        assert found == scribe.rows
        assert reader.status == "ended"
        assert reader.backlog == reader.damaged == reader.generation == 0
        assert reader.count == len(scribe.rows)


def _begun(path: Path) -> Path:
    writer = RecordingWriter.create(path, header())
    writer.flush()
    writer.abandon()
    return path


def test_events_are_reached_by_number_and_by_time(path: Path) -> None:
    scribe = Scribe(RecordingWriter.create(path, header()), seed=3)
    while len(scribe.rows) < 150_000:
        scribe.operation()
    with RecordingReader.open(path) as reader:
        assert reader.count == len(scribe.rows)
        choose = random.Random(4)
        for _ in range(40):
            start = choose.randrange(len(scribe.rows))
            stop = start + choose.choice((0, 1, 50, 40_000))
            events = reader.read(start, stop)
            assert rows(events) == scribe.rows[start:stop]
            if len(events):
                time = int(events["time"][0])
                first = reader.locate(time)
                assert first <= start
                assert int(reader.read(first, first + 1)["time"][0]) == time
                assert first == 0 or int(reader.read(first - 1, first)["time"][0]) < time
                totals = reader.totals(start)
                kinds = [row[0] for row in scribe.rows[: totals.events]]
                assert start - 32_800 < totals.events <= start
                assert (totals.hits, totals.misses) == (kinds.count(Kind.HIT), kinds.count(Kind.MISS))
        assert reader.locate(0) == 0
        assert reader.locate(1 << 62) == len(scribe.rows)
        assert len(reader.read(len(scribe.rows))) == 0
        with pytest.raises(ValueError, match="counted from 0"):
            reader.read(-1)
    scribe.writer.close()


def test_a_range_is_reached_without_reading_the_rest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RecordingWriter.create(path, header())
    for _ in range(3_000):
        writer.hits([1, 2] * 512)
    writer.close()
    read = [0]

    def pread(descriptor: int, size: int, offset: int, pread: Callable[..., bytes] = syscalls.pread) -> bytes:
        data = pread(descriptor, size, offset)
        read[0] += len(data)
        return data

    monkeypatch.setattr(syscalls, "pread", pread)
    with RecordingReader.open(path) as reader:
        assert reader.count == 3_000 * 1024
        assert rows(reader.read(2_000_001, 2_000_003)) == [(1, 0, 2, 102, NONE), (1, 0, 1, 101, NONE)]
        assert 0 < read[0] < 3 * PAGE_SLOTS * SLOT + 10_000 < path.stat().st_size // 10


def test_empty_recording(path: Path) -> None:
    with RecordingReader.open(_begun(path)) as reader:
        assert reader.count == 0
        assert len(reader.poll()) == len(reader.read(0)) == reader.locate(5) == 0
        assert reader.totals(0) == Totals()
        assert reader.status == "abandoned"
    assert "closed" in repr(reader)
    with pytest.raises(BundleClosed):
        reader.poll()


def test_time_never_goes_back(path: Path) -> None:
    scribe = Scribe(RecordingWriter.create(path, header()))
    for _ in range(100):
        scribe.operation()
    scribe.writer.close()
    with RecordingReader.open(path) as reader:
        events = reader.poll()
        assert events.dtype == EVENTS
        assert (np.diff(events["time"]) >= 0).all()
        loads = np.isin(events["kind"], (Kind.MISS, Kind.PREFETCH))
        assert (events["latency"][loads] == 1500).all()


def test_header_survives_the_way(path: Path) -> None:
    full = header(
        bundle="/tmp/\udcff\u202e.apbundle",
        names=("", "ä", "\n", *NAMES[3:]),
        identity={"device": 1, "inode": 2, "size": 3, "mtime_ns": 4},
        binding="ab" * 32,
        config={"max_memory": 1024, "eviction": "lru"},
    )
    RecordingWriter.create(path, full).close()
    with RecordingReader.open(path) as reader:
        assert reader.header == full


def test_a_pager_as_it_is_recorded(path: Path) -> None:
    """The events of a run, in order, tell every counter of the pager."""
    units = units_of({"a": 400, "b": 500, "c": 300})
    recorder = RecordingWriter.create(path, header(names=tuple(units), sizes=(400, 500, 300)))
    pager = make_pager(units.values(), 1024, observer=recorder)
    for name in ("a", "b", "a", "a"):
        pager.get(name)
    pager.get("c")
    pager.evict("a")
    pager.hint("b")
    pager.get("b")
    pager.clear()
    pager.clear()
    pager.close()
    with RecordingReader.open(path) as reader:
        assert rows(reader.poll()) == [
            (Kind.MISS, 1, 0, 400, NONE),
            (Kind.MISS, 1, 1, 500, NONE),
            (Kind.HIT, 0, 0, 400, NONE),
            (Kind.HIT, 0, 0, 400, NONE),
            (Kind.EVICT, 1, 1, 500, 2),
            (Kind.MISS, 1, 2, 300, NONE),
            (Kind.EVICT, 2, 0, 400, NONE),
            (Kind.PREFETCH, 2, 1, 500, NONE),
            (Kind.HIT, 0, 1, 500, NONE),
            (Kind.PREFETCH_USED, 0, 1, 500, NONE),
            (Kind.CLEAR, 0, NONE, 800, NONE),
        ]


def test_a_full_batch_of_hits_is_one_call(path: Path) -> None:
    """It is in the file at once, and costs a hit next to nothing."""
    units = units_of({"a": 400})
    pager = make_pager(units.values(), 1024, observer=RecordingWriter.create(path, header(names=("a",), sizes=(400,))))
    pager.get("a")
    for batch in range(1, 20):
        with recorded() as calls:
            for _ in range(BATCH):
                pager.get("a")
        assert calls == ["pwrite"]
        with RecordingReader.open(path) as reader:
            assert reader.count == 1 + batch * BATCH
    pager.close()


def test_empty_units_leave_in_the_recording_too(path: Path) -> None:
    units = units_of({"empty": 0})
    pager = make_pager(
        units.values(), 1024, observer=RecordingWriter.create(path, header(names=("empty",), sizes=(0,)))
    )
    pager.get("empty")
    pager.clear()
    pager.get("empty")
    pager.close()
    with RecordingReader.open(path) as reader:
        assert reader.poll()["kind"].tolist() == [Kind.MISS, Kind.CLEAR, Kind.MISS, Kind.CLEAR]


def test_a_failing_load_as_it_is_recorded(path: Path) -> None:
    def read(unit: Unit, into: memoryview) -> None:
        raise OSError(5, "broken disk")

    units = units_of({"a": 400})
    recorder = RecordingWriter.create(path, header(names=("a",), sizes=(400,)))
    pager = make_pager(units.values(), 1024, observer=recorder, read=read)
    with pytest.raises(OSError, match="broken disk"):
        pager.get("a")
    with RecordingReader.open(path) as reader:
        assert rows(reader.poll()) == [(Kind.ERROR, 1, 0, 0, 65541)]
        assert reader.status == "live"
    pager.close()
