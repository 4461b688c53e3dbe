"""Recordings by strangers: whatever their bytes are, readers raise nothing but what they say, and stay small."""

from __future__ import annotations

import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from apbundle.errors import BundleError
from apbundle.trace.decoding import EventArray
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, PAGE_SLOTS, PRELUDE, SLOT, RecordingHeader, data_start
from apbundle.trace.units import UnitList
from support.recordings import Scribe, header

FUZZ = int(os.environ.get("APBUNDLE_RECORDING_FUZZ", "100"))
BATCH = 100
BOUNDS = [0, 1, 2, 0x7F, 0xFF, 0xFFFF, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
MIB = 1 << 20

Mutation = Callable[[bytearray, random.Random], None]


def flip(data: bytearray, choose: random.Random) -> None:
    for _ in range(choose.choice((1, 3, 30))):
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)


def set_numbers(data: bytearray, choose: random.Random) -> None:
    for _ in range(choose.choice((1, 5, 50))):
        size = choose.choice((1, 2, 4, 8))
        at = choose.randrange(len(data) // size) * size
        data[at : at + size] = (choose.choice(BOUNDS) % (1 << 8 * size)).to_bytes(size, "little")


def cut(data: bytearray, choose: random.Random) -> None:
    del data[choose.randrange(len(data)) :]


def remove(data: bytearray, choose: random.Random) -> None:
    at = choose.randrange(len(data))
    del data[at : at + choose.choice((1, SLOT, 5000))]


def repeat(data: bytearray, choose: random.Random) -> None:
    at, size = choose.randrange(len(data)), choose.choice((1, SLOT, 100 * SLOT))
    data[at:at] = data[at : at + size] * choose.choice((1, 20))


def noise(data: bytearray, choose: random.Random) -> None:
    at = choose.randrange(len(data))
    size = min(choose.choice((16, 4 * SLOT, PAGE_SLOTS * SLOT)), len(data) - at)
    data[at : at + size] = choose.randbytes(size)


def zeros(data: bytearray, choose: random.Random) -> None:
    at = choose.randrange(len(data))
    size = min(choose.choice((SLOT, 4096, PAGE_SLOTS * SLOT)), len(data) - at)
    data[at : at + size] = bytes(size)


def rewrite_header(data: bytearray, choose: random.Random) -> None:
    """Change a number or a name in the JSON, and let all lengths be true."""
    text = bytes(data[PRELUDE.size : PRELUDE.size + PRELUDE.unpack_from(data)[2]])
    rest = data[data_start(len(text)) :]
    pieces = text.replace(b"[", b",[,").replace(b"]", b",],").replace(b":", b",:,").split(b",")
    new = choose.choice((b"-1", b"1e999", b"null", b'"x"', b"[]", b"{}", b"9" * 400, *map(b"%d".__mod__, BOUNDS)))
    old = choose.choice([piece for piece in pieces if piece])
    text = text.replace(old, new, 1)
    data[:] = (PRELUDE.pack(b"APBTRACE", 1, len(text)) + text).ljust(data_start(len(text)), b"\0") + rest


MUTATIONS: tuple[Mutation, ...] = (flip, set_numbers, cut, remove, repeat, noise, zeros, rewrite_header)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A short recording and one of several pages, of models, parts and pages, some of them announced."""

    def announced(known: int) -> list[tuple[int, int, int, int]]:
        return [(1, 500, known, 10)] if known < 50 else []

    folder = tmp_path_factory.mktemp("originals")
    units = UnitList(("a", "b"), (1000, 5000), ((0, 1), ("w", "x"), (900, 10)), [(1, 100), (0, 999)])
    contents = []
    for name, begin, events in (
        ("short", RecordingHeader.now(bundle="/models.apbundle", units=units, config={"max_memory": 4096}), 60),
        ("long", header(), 30_000),
    ):
        scribe = Scribe(RecordingWriter.create(folder / name, begin, announced), seed=events)
        while len(scribe.rows) < events:
            scribe.operation()
        scribe.writer.close()
        contents.append((folder / name).read_bytes())
    return contents


def mutants(originals: list[bytes], first: int) -> Iterator[tuple[str, bytes]]:
    for number in range(first, first + BATCH):
        choose = random.Random(number)
        data = bytearray(originals[choose.random() < 0.3])
        done = choose.choices(MUTATIONS, k=choose.choice((1, 1, 2, 5)))
        for mutate in done:
            if len(data) > PRELUDE.size:
                mutate(data, choose)
        yield f"{number}: {' '.join(mutate.__name__ for mutate in done)}", bytes(data)


@pytest.mark.parametrize("first", range(0, FUZZ, BATCH))
def test_mutants_are_read_or_refused(originals: list[bytes], tmp_path: Path, first: int) -> None:
    path = tmp_path / "run.aptrace"
    opened = 0
    for what, data in mutants(originals, first):
        path.write_bytes(data)
        tracemalloc.start()
        try:
            with RecordingReader.open(path) as reader:
                read_all(reader, len(data))
            opened += 1
        except (BundleError, OSError):
            pass
        except BaseException as error:
            error.add_note(f"mutant {what}")
            raise
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 48 * MIB, what
    assert BATCH // 2 < opened < BATCH


def read_all(reader: RecordingReader, size: int) -> None:
    """Everything a reader offers; what it gives may be wrong, but it is in bounds and there is an end of it."""
    units = reader.header.units
    for number in (0, len(units) - 1) if len(units) else ():
        assert isinstance(units.names[number], str)
    most = size // 4
    total = 0
    while len(events := reader.poll()):
        check(events, len(units))
        total += len(events)
        assert total <= most
    assert reader.status in ("live", "ended", "abandoned")
    count = reader.count
    for start in (0, count // 2, max(count - 100, 0), count, count + 1):
        check(reader.read(start, start + 100), len(units))
        assert reader.totals(start).events <= start
    events = reader.read(0)
    check(events, len(units))
    assert len(events) == count <= most + reader.damaged_pages + PAGE_SLOTS * 8
    for time in (0, 1, int(events["time"][-1]) if count else 5, 1 << 62):
        assert 0 <= reader.locate(time) <= count


def check(events: EventArray, units: int) -> None:
    assert ((events["unit"] < units) | (events["unit"] == NONE)).all()
    assert (events["bytes"] >= 0).all()
    assert (np.diff(events["time"]) >= 0).all()
    assert np.isfinite(events["latency"]).all()
