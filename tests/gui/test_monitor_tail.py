"""Following a recording: in time, in pieces, only while somebody looks, and whatever becomes of the file."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from apbundle.trace.decoding import EventArray
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.records import MAGIC, PRELUDE, VERSION, RecordingHeader
from apbundle.trace.units import UnitList
from apbundle_gui.services import recording_tail
from apbundle_gui.services.recording_tail import MAX_UNITS, RecordingTail
from support.recordings import NAMES, header


class Listener:
    """Notes what a tail tells."""

    def __init__(self, tail: RecordingTail) -> None:
        self.headers: list[RecordingHeader] = []
        self.pieces: list[int] = []
        self.ends = 0
        self.errors: list[BaseException] = []
        tail.began.connect(self.headers.append)
        tail.arrived.connect(self.arrived)
        tail.ended.connect(self.ended)
        tail.failed.connect(self.errors.append)

    def arrived(self, events: EventArray) -> None:
        self.pieces.append(len(events))

    def ended(self) -> None:
        self.ends += 1

    @property
    def events(self) -> int:
        return sum(self.pieces)


@pytest.fixture
def tail(qapp: object) -> Iterator[RecordingTail]:
    made = RecordingTail()
    made.set_awake(True)
    yield made
    made.close()


@pytest.fixture
def listener(tail: RecordingTail) -> Listener:
    return Listener(tail)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RecordingWriter]:
    made = RecordingWriter.create(tmp_path / "r.aptrace", header())
    yield made
    made.abandon()


def write(writer: RecordingWriter, count: int = 1) -> None:
    for number in range(count):
        writer.loaded(number % len(NAMES), 100, "demand", 5)
    writer.flush()


def test_it_follows_what_is_written(
    tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot
) -> None:
    write(writer, 3)
    tail.follow(writer.path)
    qtbot.waitUntil(lambda: listener.events == 3)
    assert listener.headers[0].names == NAMES
    assert tail.now > 0
    writer.hits([1, 2, 3])
    write(writer)
    qtbot.waitUntil(lambda: listener.events == 7)
    assert tail.working
    writer.close()
    qtbot.waitUntil(lambda: listener.ends == 1)
    assert not tail.working
    assert tail.now == 0
    assert listener.events == 7


def test_it_waits_for_a_recording_that_is_only_expected(
    tail: RecordingTail, listener: Listener, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "r.aptrace"
    tail.follow(str(path))
    ticks: list[int] = []
    tail._timer.timeout.connect(lambda: ticks.append(1))
    qtbot.waitUntil(lambda: len(ticks) > 2)
    path.write_bytes(header().to_bytes()[:50])  # its header is on the way
    qtbot.waitUntil(lambda: len(ticks) > 5)
    assert not listener.errors
    path.unlink()
    made = RecordingWriter.create(path, header())
    write(made, 2)
    qtbot.waitUntil(lambda: listener.events == 2)
    made.close()


def test_a_recording_that_never_came_is_a_failure(
    tail: RecordingTail, listener: Listener, tmp_path: Path, qtbot: QtBot
) -> None:
    tail.follow(str(tmp_path / "never"))
    tail.set_growing(False)
    qtbot.waitUntil(lambda: bool(listener.errors))
    assert isinstance(listener.errors[0], FileNotFoundError)
    assert not tail.working


def test_nothing_is_read_while_nobody_looks(
    tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail.set_awake(False)
    tail.follow(writer.path)
    write(writer, 10)
    assert not tail.working
    tail.set_awake(True)
    qtbot.waitUntil(lambda: listener.events == 10)
    tail.set_awake(False)
    assert not tail.working
    write(writer, 10)
    tail.set_growing(True)
    tail.look()
    assert not tail.working
    tail.set_awake(True)
    qtbot.waitUntil(lambda: listener.events == 20)


def test_it_rests_when_nothing_is_to_come(
    tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot
) -> None:
    tail.follow(writer.path)
    write(writer, 4)
    tail.set_growing(False)
    qtbot.waitUntil(lambda: not tail.working)
    assert listener.events == 4
    write(writer)
    tail.look()
    qtbot.waitUntil(lambda: not tail.working)
    assert listener.events == 5


def test_much_is_read_in_pieces(
    tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_tail, "BUDGET_S", 0.0)
    for _ in range(50):
        writer.hits(list(range(len(NAMES))) * 80)
    write(writer)
    tail.follow(writer.path)
    qtbot.waitUntil(lambda: listener.events == 50 * 80 * len(NAMES) + 1)
    assert len(listener.pieces) > 5
    assert max(listener.pieces) < 40_000


def test_a_removed_recording_is_read_on(
    tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot
) -> None:
    tail.follow(writer.path)
    write(writer, 2)
    qtbot.waitUntil(lambda: listener.events == 2)
    os.unlink(writer.path)
    write(writer, 2)
    qtbot.waitUntil(lambda: listener.events == 4 or bool(listener.errors))
    assert listener.events == 4


def test_a_recording_that_was_cut_short(
    tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot
) -> None:
    tail.follow(writer.path)
    write(writer, 500)
    qtbot.waitUntil(lambda: listener.events == 500)
    os.truncate(writer.path, 10)
    qtbot.waitUntil(lambda: listener.ends == 1)
    assert listener.events == 500
    assert not listener.errors
    assert not tail.working


def test_another_recording_in_its_place_begins_anew(
    tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot
) -> None:
    tail.follow(writer.path)
    write(writer, 5)
    qtbot.waitUntil(lambda: listener.events == 5)
    path = writer.path
    writer.abandon()
    second = RecordingWriter.create(path, header(names=("only",), sizes=(7,)))
    second.loaded(0, 7, "demand", 1)
    second.flush()
    qtbot.waitUntil(lambda: listener.events == 6)
    assert [each.names for each in listener.headers] == [NAMES, ("only",)]
    second.close()


def test_a_writer_that_died_leaves_what_it_wrote(
    tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot
) -> None:
    tail.follow(writer.path)
    write(writer, 5)
    qtbot.waitUntil(lambda: listener.events == 5)
    writer.abandon()
    qtbot.waitUntil(lambda: listener.ends == 1)
    assert not listener.errors


def test_what_is_no_recording(tail: RecordingTail, listener: Listener, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "text").write_text("not a recording " * 10)
    tail.follow(str(tmp_path / "text"))
    tail.set_growing(False)
    qtbot.waitUntil(lambda: bool(listener.errors))
    assert getattr(listener.errors[0], "code", "") == "bad_recording"


@pytest.mark.parametrize("where", ["header", "pages of it", "announcement"])
def test_more_units_than_can_be_shown_are_refused(
    tail: RecordingTail, listener: Listener, tmp_path: Path, qtbot: QtBot, where: str
) -> None:
    """In no time and memory, whoever asks for it: with all of 33 million units it would be gigabytes."""
    pages = [(0, 1)] if where == "pages of it" else []
    units = UnitList(("large",), (MAX_UNITS,), pages=pages)
    path = tmp_path / "r.aptrace"
    if where == "header":
        path.write_bytes(PRELUDE.pack(MAGIC, VERSION, 100 << 20))
        os.truncate(path, 200 << 20)
    else:
        made = RecordingWriter.create(
            path, RecordingHeader.now(bundle="/b", units=units), lambda known: [(0, 1, known, MAX_UNITS)]
        )
        made.loaded(0, 1, "demand", 1)
        if where == "announcement":
            made.loaded(1, 1, "demand", 1)
        made.close()
    tracemalloc.start()
    try:
        tail.follow(str(path))
        qtbot.waitUntil(lambda: bool(listener.errors))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert getattr(listener.errors[0], "code", "") == "limit_exceeded"
    assert not tail.working
    assert listener.events == 0


def test_a_slot_may_let_it_go(tail: RecordingTail, listener: Listener, writer: RecordingWriter, qtbot: QtBot) -> None:
    tail.arrived.connect(lambda events: tail.close())
    tail.follow(writer.path)
    write(writer, 5)
    qtbot.waitUntil(lambda: listener.events == 5)
    assert not tail.working
    assert not listener.errors
