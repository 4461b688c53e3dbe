"""The accesses of a recording: hits and misses in order, whatever lies between, from any stretch of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apbundle.errors import Cancelled
from apbundle.trace import pieces
from apbundle.trace.accesses import read_accesses
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, Kind
from support.recordings import SIZES, Scribe, header


@pytest.fixture
def scribe(tmp_path: Path) -> Scribe:
    scribe = Scribe(RecordingWriter.create(tmp_path / "run.aptrace", header()), seed=5)
    for _ in range(150):
        scribe.operation()
    scribe.writer.close()
    return scribe


@pytest.mark.parametrize("piece", [pieces.PIECE, 3001])
@pytest.mark.parametrize(("start", "stop"), [(0, None), (0, 0), (1234, 20_321), (20_000, 10**12), (10**12, None)])
def test_hits_and_misses_of_any_stretch(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, piece: int, start: int, stop: int | None
) -> None:
    monkeypatch.setattr(pieces, "PIECE", piece)
    expected = [
        (number, row[2])
        for number, row in enumerate(scribe.rows)
        if row[0] in (Kind.HIT, Kind.MISS) and start <= number < (len(scribe.rows) if stop is None else stop)
    ]
    told: list[tuple[str, int, int]] = []
    with RecordingReader.open(scribe.writer.path) as reader:
        accesses = read_accesses(reader, start, stop, lambda *report: told.append(report))
        everything = reader.read(0)
    assert list(zip(accesses.events.tolist(), accesses.units.tolist(), strict=True)) == expected
    assert accesses.sizes.tolist() == list(SIZES)
    assert (accesses.times == everything["time"][accesses.events]).all()
    assert {column.dtype.str for column in (accesses.events, accesses.times, accesses.sizes)} == {"<i8"}
    assert accesses.units.dtype == np.int32
    assert told[-1][1] == told[-1][2]


def test_accesses_of_unknown_units_are_left_out(tmp_path: Path) -> None:
    writer = RecordingWriter.create(tmp_path / "run.aptrace", header())
    writer.hits([1, 50, NONE, 2])
    writer.loaded(7000, 1, "demand", 0)
    writer.close()
    with RecordingReader.open(tmp_path / "run.aptrace") as reader:
        accesses = read_accesses(reader)
    assert (accesses.units.tolist(), accesses.events.tolist()) == ([1, 2], [0, 3])


def test_stops_when_told_and_refuses_what_makes_no_sense(scribe: Scribe) -> None:
    with RecordingReader.open(scribe.writer.path) as reader:
        with pytest.raises(Cancelled):
            read_accesses(reader, cancel=lambda: True)
        with pytest.raises(ValueError, match="from 0"):
            read_accesses(reader, -1)
