"""What can befall a recording: torn, cut, replaced, forged; writers killed, disks full. Readers and programs go on."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import BadRecording
from apbundle.fileio import NotRegularFile
from apbundle.trace import records
from apbundle.trace.decoding import decode
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, PAGE_SLOTS, SLOT, Kind
from apbundle.trace.storage import RecordingFile
from apbundle.trace.units import MAX_SIZE, UnitList
from support.children import fork, wait_for
from support.conditions import wait_until
from support.recordings import NAMES, SIZES, Row, Scribe, drain, header, rows

KILLS = int(os.environ.get("APBUNDLE_KILLS", "20"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.aptrace"


def test_a_torn_record_waits(path: Path, tmp_path: Path) -> None:
    """A reader of the file's first n bytes, for each n, has seen a prefix of the events, and later the rest."""
    scribe = Scribe(RecordingWriter.create(path, header()), seed=5)
    while len(scribe.rows) < 300:
        scribe.operation()
    scribe.writer.close()
    data = path.read_bytes()
    start = records.data_start(int.from_bytes(data[12:16], "little"))
    growing = tmp_path / "growing.aptrace"
    growing.write_bytes(data[:start])
    found: list[Row] = []
    with RecordingReader.open(growing) as reader, growing.open("ab", buffering=0) as file:
        step = 7 if len(data) < 20_000 else 1001
        for at in range(start, len(data), step):
            file.write(data[at : at + step])
            found += drain(reader)
            assert found == scribe.rows[: len(found)]
        assert found == scribe.rows


def test_a_header_that_is_not_complete(path: Path) -> None:
    data = header().to_bytes()
    for size in (*range(0, 300, 7), len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(BadRecording) as caught:
            RecordingReader.open(path)
        assert caught.value.code == "bad_recording"


@pytest.mark.parametrize(
    "change",
    [
        {"names": ["a"]},
        {"names": [1, 2]},
        {"sizes": [-1, 2]},
        {"sizes": [True, 2]},
        {"sizes": [2**63, 1]},
        {"sizes": "ab"},
        None,
    ],
)
def test_headers_that_make_no_sense(path: Path, change: dict[str, Any] | None) -> None:
    content = {
        "started": 0,
        "pid": 1,
        "bundle": {"path": "x"},
        "binding": None,
        "config": {},
        "units": {"names": ["a", "b"], "sizes": [1, 2]},
    }
    _write_header(path, json.dumps(content).encode())
    RecordingReader.open(path).close()
    content["units"] = None if change is None else {**content["units"], **change}  # type: ignore[dict-item]
    _write_header(path, json.dumps(content).encode())
    with pytest.raises(BadRecording):
        RecordingReader.open(path)


@pytest.mark.parametrize("text", [b"", b"[" * 200_000, b"{", b"\xff", b"null", b"[]", b'{"units": 3}', b"1" * 10_000])
def test_headers_that_are_not_even_that(path: Path, text: bytes) -> None:
    _write_header(path, text)
    with pytest.raises(BadRecording):
        RecordingReader.open(path)


def _write_header(path: Path, text: bytes, version: int = 1, length: int | None = None) -> None:
    prelude = records.PRELUDE.pack(records.MAGIC, version, len(text) if length is None else length)
    path.write_bytes((prelude + text).ljust(records.data_start(len(text)), b"\0"))


def test_other_files_are_not_recordings(path: Path, tmp_path: Path) -> None:
    for data in (b"", b"APBUNDLE" + bytes(100), b"APBTRAC"):
        path.write_bytes(data)
        with pytest.raises(BadRecording):
            RecordingReader.open(path)
    _write_header(path, b"{}", version=2)
    with pytest.raises(BadRecording, match="version 2"):
        RecordingReader.open(path)
    _write_header(path, b"{}", length=0xFFFFFFFF)
    with pytest.raises(BadRecording, match="the limit is"):
        RecordingReader.open(path)
    os.mkfifo(tmp_path / "fifo")
    for other in (tmp_path / "fifo", tmp_path):
        with pytest.raises(NotRegularFile):
            RecordingReader.open(other)
    with pytest.raises(FileNotFoundError):
        RecordingReader.open(tmp_path / "missing")


@given(data=st.binary(max_size=4000), first=st.integers(0, 2 * PAGE_SLOTS), earliest=st.integers(0, 2**62))
def test_no_bytes_lead_out_of_bounds(data: bytes, first: int, earliest: int) -> None:
    _check(data[: len(data) // SLOT * SLOT], first, earliest)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**64 - 1),
            st.one_of(st.integers(0, 60), st.just(NONE)),
            st.integers(0, 13),
            st.integers(0, 5),
            st.one_of(st.integers(0, 3), st.integers(0, 65535)),
            st.one_of(st.integers(0, 30), st.integers(0, 2**64 - 1)),
            st.integers(0, 2**32 - 1),
            st.floats(width=32),
        ),
        max_size=60,
    ),
    st.integers(PAGE_SLOTS - 70, PAGE_SLOTS),
)
def test_no_records_lead_out_of_bounds(fields: list[tuple[Any, ...]], first: int) -> None:
    _check(b"".join(records.RECORD.pack(*record) for record in fields), first, 0)


def _check(data: bytes, first: int, earliest: int) -> None:
    units = UnitList(NAMES, SIZES)
    decoded = decode(data, first, units, earliest)
    events = decoded.events
    assert 0 <= decoded.slots <= len(data) // SLOT
    assert len(events) <= decoded.slots * 8
    assert ((events["unit"] < len(units)) | (events["unit"] == NONE)).all()
    evictions = events[events["kind"] == Kind.EVICT]
    assert ((evictions["other"] < len(units)) | (evictions["other"] == NONE)).all()
    assert (events["bytes"] >= 0).all()
    assert (np.diff(events["time"]) >= 0).all()
    assert not len(events) or events["time"][0] >= earliest
    assert np.isfinite(events["latency"]).all()


def test_damage_ends_with_its_page(path: Path) -> None:
    writer = RecordingWriter.create(path, header())
    for _ in range(3 * PAGE_SLOTS):
        writer.loaded(1, 101, "demand", 5)
    writer.close()
    data = bytearray(path.read_bytes())
    start = records.data_start(int.from_bytes(data[12:16], "little"))
    at = start + (PAGE_SLOTS + 100) * SLOT
    data[at : at + 500 * SLOT] = random.Random(2).randbytes(500 * SLOT)
    path.write_bytes(data)
    with RecordingReader.open(path) as reader:
        whole = PAGE_SLOTS - 1 - records.TOTALS_SLOTS
        assert rows(reader.read(0, whole)) == [(2, 1, 1, 101, NONE)] * whole
        assert rows(reader.read(2 * whole, 3 * whole)) == [(2, 1, 1, 101, NONE)] * whole
        assert len(drain(reader)) >= 2 * whole
        assert reader.status == "ended"


@pytest.mark.parametrize("zeros", [1000, 3 * PAGE_SLOTS * SLOT])
def test_zeros_at_the_end_are_nothing(path: Path, zeros: int) -> None:
    scribe = Scribe(RecordingWriter.create(path, header()))
    for _ in range(20):
        scribe.operation()
    scribe.writer.abandon()
    with path.open("ab") as file:
        file.write(bytes(zeros))
    with RecordingReader.open(path) as reader:
        assert drain(reader) == scribe.rows
        assert reader.damaged == 0
        assert reader.count == len(scribe.rows)
        assert rows(reader.read(0)) == scribe.rows
        assert reader.locate(MAX_SIZE) == len(scribe.rows)
        assert reader.totals(10**9).events <= len(scribe.rows)


def test_pages_whose_times_make_no_sense(path: Path) -> None:
    """Reading by range copes with a page that claims to begin at the end of time, and never goes back."""
    writer = RecordingWriter.create(path, header())
    for _ in range(3 * PAGE_SLOTS):
        writer.prefetch_used(1, SIZES[1])
    writer.close()
    data = bytearray(path.read_bytes())
    start = records.data_start(int.from_bytes(data[12:16], "little"))
    data[start + PAGE_SLOTS * SLOT : start + PAGE_SLOTS * SLOT + 8] = b"\xff" * 8
    path.write_bytes(data)
    with RecordingReader.open(path) as reader:
        assert reader.count == 3 * PAGE_SLOTS
        assert (np.diff(reader.read(0)["time"]) >= 0).all()


def test_another_recording_takes_the_place(path: Path) -> None:
    first = Scribe(RecordingWriter.create(path, header()), seed=1)
    for _ in range(20):
        first.operation()
    with RecordingReader.open(path) as reader:
        found = drain(reader)
        first.operation()
        first.writer.close()
        second = Scribe(RecordingWriter.create(path, header(names=("x",) * 50)), seed=2)
        second.operation()
        while not reader.generation:  # first the rest of the old one
            new = rows(reader.poll())
            assert not (new and reader.generation)
            found += new
        assert found == first.rows
        assert reader.header.names == ("x",) * 50
        assert drain(reader) == second.rows
        assert reader.status == "live"
        second.writer.close()


def test_a_writer_that_writes_and_dies_in_the_same_moment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it wrote between two looks of the reader is read before it is called gone."""
    scribe = Scribe(RecordingWriter.create(path, header()))
    lives = RecordingFile.writer_lives

    def die(file: RecordingFile) -> bool:
        if not scribe.writer.failed:
            scribe.operation()
            scribe.writer.abandon()
        return lives(file)

    monkeypatch.setattr(RecordingFile, "writer_lives", die)
    with RecordingReader.open(path) as reader:
        found = rows(reader.poll())
        while reader.status == "live":
            found += rows(reader.poll())
        assert found == scribe.rows
        assert reader.status == "abandoned"


def test_cut_short_and_written_anew(path: Path) -> None:
    scribe = Scribe(RecordingWriter.create(path, header(started=1)), seed=1)
    for _ in range(20):
        scribe.operation()
    scribe.writer.close()
    longer = path.read_bytes()
    other = path.with_name("other")
    shorter_scribe = Scribe(RecordingWriter.create(other, header(started=2)), seed=2)
    shorter_scribe.operation()
    shorter_scribe.writer.close()
    with RecordingReader.open(path) as reader:
        assert drain(reader) == scribe.rows
        path.write_bytes(b"")
        assert len(reader.poll()) == 0
        assert reader.generation == 0
        path.write_bytes(other.read_bytes()[:100])
        assert len(reader.poll()) == 0
        path.write_bytes(other.read_bytes())
        assert drain(reader) == shorter_scribe.rows
        assert reader.generation == 1
        path.write_bytes(longer)  # now larger than what was read, but not the same
        assert drain(reader) == scribe.rows
        assert reader.generation == 2
        path.unlink()
        assert len(reader.poll()) == 0
        assert rows(reader.read(0)) == scribe.rows


def test_writers_that_are_killed(path: Path) -> None:
    """Whenever it dies, all complete operations are there, and the reader says that it is gone."""
    scribe_rows = _rows_of(path.with_name("model"), 2000)
    for number in range(KILLS):
        path.unlink(missing_ok=True)
        child = fork(lambda: _write_for_ever(path))
        wait_until(path.exists)
        reader = _open_soon(path)
        wait_until(lambda reader=reader, least=number * 20: reader.count > least)
        os.kill(child, signal.SIGKILL)
        assert wait_for(child) == -signal.SIGKILL
        found = drain(reader)
        assert found == scribe_rows[: len(found)]
        assert len(found) > number * 20
        assert reader.status == "abandoned"
        reader.close()


def _rows_of(path: Path, operations: int) -> list[Row]:
    scribe = Scribe(RecordingWriter.create(path, header()))
    for _ in range(operations):
        scribe.operation()
    scribe.writer.close()
    return scribe.rows


def _write_for_ever(path: Path) -> None:
    scribe = Scribe(RecordingWriter.create(path, header()))
    for _ in range(2000):
        scribe.operation()
    signal.pause()


def _open_soon(path: Path) -> RecordingReader:
    opened: list[RecordingReader] = []

    def attempt() -> bool:
        try:
            opened.append(RecordingReader.open(path))
        except BadRecording:
            return False
        return True

    wait_until(attempt)
    return opened[0]
