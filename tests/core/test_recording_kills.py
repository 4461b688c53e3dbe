"""One process pages and records, another follows: killed at any moment, the recording is a prefix of what happened."""

from __future__ import annotations

import itertools
import os
import random
import signal
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import pytest

from apbundle import ModelBundle
from apbundle.errors import BadRecording
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.trace.decoding import EventArray
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, Kind
from support.children import fork, wait_for
from support.recordings import Row, header, rows

KILLS = int(os.environ.get("APBUNDLE_KILLS", "20"))
BATCH = 20
SIZES = [100 * number for number in range(1, 13)]
LIMITS = (2000, 3000, 5000)

Operation = tuple[str, int]


def operations(seed: int) -> Iterator[Operation]:
    """What a program does, without end: mostly accesses, and of those mostly hits."""
    choose = random.Random(seed)
    while True:
        op = choose.choices(("get", "again", "evict", "hint", "pin", "clear", "resize"), (57, 20, 5, 10, 3, 1, 4))[0]
        unit = choose.randrange(len(SIZES))
        if op == "again":
            yield from [("get", unit)] * choose.choice((2, 10, 300, 9000))
        else:
            yield op, choose.choice(LIMITS) if op == "resize" else unit


class Naive:
    """A cache as the pager must be, worked out with a dictionary: least recently used first, LRU."""

    def __init__(self) -> None:
        self.limit = LIMITS[0]
        self.cached: OrderedDict[int, bool] = OrderedDict()  # unit → whether it was loaded ahead and not used yet
        self.events: list[Row] = []

    def apply(self, op: str, what: int) -> list[Row]:
        """The events that an operation must be recorded as."""
        self.events = []
        if op == "resize":
            self.limit = what
            self._tell(Kind.RESIZE, 0, NONE, what)
            self._make_room(0, 3, NONE)
        elif op == "clear":
            if self.cached:
                self._tell(Kind.CLEAR, 0, NONE, self.used)
            self.cached.clear()
        elif op == "evict":
            if what in self.cached:
                self._evict(what, 2, NONE)
        elif what not in self.cached:
            self._make_room(SIZES[what], 1, what)
            self.cached[what] = op == "hint"
            self._tell(*((Kind.PREFETCH, 2) if op == "hint" else (Kind.MISS, 1)), what, SIZES[what])
            if op == "pin":
                self._tell(Kind.PIN, 1, what, SIZES[what])
        elif op != "hint":
            if op == "pin":
                self._tell(Kind.PIN, 1, what, SIZES[what])
            self._tell(Kind.HIT, 0, what, SIZES[what])
            if self.cached[what]:
                self._tell(Kind.PREFETCH_USED, 0, what, SIZES[what])
            self.cached[what] = False
            self.cached.move_to_end(what)
        if op == "pin":
            self._tell(Kind.PIN, 2, what, SIZES[what])
        return self.events

    @property
    def used(self) -> int:
        return sum(SIZES[unit] for unit in self.cached)

    def _make_room(self, needed: int, cause: int, by: int) -> None:
        while self.used + needed > self.limit:
            self._evict(next(iter(self.cached)), cause, by)

    def _evict(self, unit: int, cause: int, by: int) -> None:
        del self.cached[unit]
        self._tell(Kind.EVICT, cause, unit, SIZES[unit], by)

    def _tell(self, kind: Kind, cause: int, unit: int, size: int, other: int = NONE) -> None:
        self.events.append((kind, cause, unit, size, other))


def truth(seed: int) -> Iterator[list[Row]]:
    """For each of the operations, its events."""
    return itertools.starmap(Naive().apply, operations(seed))


def work(bundle: Path, recording: Path, seed: int, reading: int, done: int) -> None:
    """The program: does the operations, and says one byte for each on the pipe ``done``."""
    os.close(reading)
    config = PagingConfig(max_memory=LIMITS[0], prefetch="off")
    with PagedBundle.open(bundle, config, record=recording) as paged:
        for op, what in operations(seed):
            if op == "get":
                paged.get_model(f"m{what}")
            elif op == "hint":
                paged.prefetch_hint(f"m{what}")
            elif op == "evict":
                paged.evict(f"m{what}")
            elif op == "pin":
                with paged.pinned(f"m{what}"):
                    pass
            elif op == "clear":
                paged.clear_cache()
            else:
                paged.resize(what)
            os.write(done, b".")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    builder = ModelBundle.builder(tmp_path / "models.apbundle")
    for number, size in enumerate(SIZES):
        builder.add_model(f"m{number}", bytes(size))
    builder.build().close()
    return tmp_path / "models.apbundle"


class Program:
    """A process that pages, and is recorded until it is killed."""

    def __init__(self, bundle: Path, recording: Path, seed: int) -> None:
        self._pipe, writing = os.pipe()
        os.set_blocking(self._pipe, False)
        self.pid = fork(lambda: work(bundle, recording, seed, self._pipe, writing))
        os.close(writing)
        self.done = 0

    def look(self) -> None:
        """Find out how many operations it has done."""
        try:
            said = os.read(self._pipe, 1 << 20)
        except BlockingIOError:
            return
        assert said, "the program has ended"
        self.done += len(said)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert wait_for(self.pid) == -signal.SIGKILL
        self.done += len(os.read(self._pipe, 1 << 20))
        os.close(self._pipe)


class Witness:
    """Holds the events that are followed against the truth as they come."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._truth = itertools.chain.from_iterable(truth(seed))
        self.seen = 0

    def take(self, events: EventArray) -> None:
        new = rows(events)
        assert new == [*itertools.islice(self._truth, len(new))]
        self.seen += len(new)

    def lacks_hits_alone(self, done: int) -> bool:
        """Whether, of so many operations, nothing is missing but hits at the end, and not many of these."""
        needed = count = 0
        for events in itertools.islice(truth(self._seed), done):
            count += len(events)
            needed = count if events and events[-1][0] != Kind.HIT else needed
        return max(needed, count - 4096) <= self.seen


def some_time(choose: random.Random) -> float:
    """After how many operations a program is killed; below 0: at once."""
    return choose.choice((-1, 1, 10, 1000, 10_000)) * choose.random()


@pytest.mark.parametrize("first", range(0, KILLS, BATCH))
def test_programs_that_are_killed(bundle: Path, tmp_path: Path, first: int) -> None:
    """What is followed is a prefix of the truth at all times, and in the end lacks nothing but the last hits."""
    recording, choose = tmp_path / "run.aptrace", random.Random(first)
    for seed in range(first, first + BATCH):
        recording.unlink(missing_ok=True)
        program, witness, until = Program(bundle, recording, seed), Witness(seed), some_time(choose)
        reader = None
        while program.done <= until:
            program.look()
            reader = reader or opened(recording)
            if reader is not None:
                witness.take(reader.poll())
        program.kill()
        reader = reader or opened(recording)
        if reader is None:
            assert program.done == 0
            continue
        while len(events := reader.poll()):
            witness.take(events)
        assert reader.status == "abandoned"
        assert reader.damaged == reader.generation == reader.damaged_pages == 0
        assert reader.count == witness.seen
        assert witness.lacks_hits_alone(program.done)
        reader.close()


def opened(recording: Path) -> RecordingReader | None:
    try:
        return RecordingReader.open(recording)
    except (FileNotFoundError, BadRecording):
        return None


@pytest.mark.parametrize("first", range(0, KILLS, BATCH))
def test_one_reader_follows_many_programs(bundle: Path, tmp_path: Path, first: int) -> None:
    """Each of them takes the place of the one that was killed before; nothing of two is ever mixed."""
    recording, choose = tmp_path / "run.aptrace", random.Random(first)
    RecordingWriter.create(recording, header(pid=0)).close()
    witnesses: dict[int, Witness] = {}
    with RecordingReader.open(recording) as reader:
        for seed in range(first, first + BATCH // 2):
            program, until = Program(bundle, recording, seed), some_time(choose)
            witness = witnesses[program.pid] = Witness(seed)
            while program.done <= until:
                program.look()
                take(reader, witnesses)
            program.kill()
            while take(reader, witnesses):
                pass
            assert reader.status == "abandoned" or reader.header.pid == 0
            assert reader.header.pid == program.pid or program.done == 0
            assert witness.lacks_hits_alone(program.done)
        assert reader.damaged == 0


def take(reader: RecordingReader, witnesses: dict[int, Witness]) -> bool:
    events = reader.poll()
    if len(events):
        witnesses[reader.header.pid].take(events)
    return bool(len(events))
