"""Explanations: equal to those found by searching the whole recording for every event, piece by piece or at once."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apbundle.errors import Cancelled
from apbundle.paging.hollow import HollowSource
from apbundle.paging.pager import Pager
from apbundle.paging.units import Unit
from apbundle.trace import pieces
from apbundle.trace.accesses import read_accesses
from apbundle.trace.curve import read_curve
from apbundle.trace.explain import explain, find_stop
from apbundle.trace.history import History, Piece
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind
from apbundle.trace.rerun import rerun
from apbundle.trace.sentences import sentence
from apbundle.trace.stories import Miss, Story
from apbundle.trace.summarize import summarize
from apbundle.trace.workload import Operation
from support.paging import GOLDEN_TRACES, GoldenTrace, PagerAsBundle
from support.plain_stories import PlainStories
from support.recorded import random_step, record_pager
from support.recordings import NAMES, SIZES, Scribe, header


def plain(path: Path, *, hits: bool = True, limit: int | None) -> list[Story]:
    with RecordingReader.open(path) as reader:
        return PlainStories(reader.read(0), reader.header.sizes.tolist(), limit).all(hits=hits)


def check(path: Path, piece: int, limit: int) -> list[Story]:
    expected = plain(path, limit=limit)
    with pytest.MonkeyPatch.context() as patch, RecordingReader.open(path) as reader:
        patch.setattr(pieces, "PIECE", piece)
        found = explain(reader, hits=True)
    for story, told in zip(found, expected, strict=True):
        assert story == told
    return found


@pytest.mark.parametrize("name", GOLDEN_TRACES)
@pytest.mark.parametrize("piece", [7, pieces.PIECE])
def test_golden_traces(root: Path, tmp_path: Path, name: str, piece: int) -> None:
    trace = GoldenTrace.load(root / "tests" / "golden", name)
    given = trace.settings
    options = {"prefetch": "inline", "prefetch_count": given["prefetch_count"]} if given["prefetch"] else {}
    pager = record_pager(tmp_path / "run", trace.sizes, given["max_memory"], eviction=given["eviction"], **options)
    paged = PagerAsBundle(pager)
    for operation in trace.operations:
        _run(paged, operation)
    counters = paged.stats()
    pager.close()
    stories = check(tmp_path / "run", piece, given["max_memory"])
    assert sum(isinstance(story, Miss) for story in stories) == counters.misses
    expected = plain(tmp_path / "run", limit=given["max_memory"])
    names = list(trace.sizes)
    assert [sentence(story, names) for story in stories] == [sentence(story, names) for story in expected]


def _run(paged: PagerAsBundle, operation: Operation) -> None:
    run = {"get": paged.get_model, "hint": paged.prefetch_hint, "evict": paged.evict}
    run[operation.op](operation.name) if operation.name else paged.clear_cache()


@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from(["off", "inline"]), st.sampled_from(["lru", "sieve"]))
@settings(max_examples=20)
def test_anything_a_pager_does(
    tmp_path_factory: pytest.TempPathFactory, seed: int, piece: int, prefetch: str, eviction: str
) -> None:
    path = tmp_path_factory.mktemp("run") / "run"
    dice = random.Random(seed)
    sizes = {f"unit {number}": dice.randrange(1, 400) for number in range(dice.randrange(1, 12))}
    limit = dice.randrange(100, 1200)
    pager = record_pager(path, sizes, limit, prefetch=prefetch, eviction=eviction)
    pinned: list[str] = []
    for _ in range(120):
        random_step(pager, dice, list(sizes), pinned)
    pager.close()
    check(path, piece, limit)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limit", [None, 1000, "much", -1, True, 1 << 80])
def test_recordings_that_make_no_sense(tmp_path: Path, seed: int, limit: object) -> None:
    config = {} if limit is None else {"max_memory": limit}
    scribe = Scribe(RecordingWriter.create(tmp_path / "run", header(config=config)), seed=seed)
    scribe.random.choice = lambda options: options[0]  # small batches, one cause
    for _ in range(200):
        scribe.operation()
    scribe.writer.resized(2000)
    scribe.writer.evicted(3, SIZES[3], "limit", None)
    scribe.writer.hits([3, 999, 3])
    scribe.writer.loaded(888, 1, "demand", 0)
    scribe.writer.evicted(888, 1, "room", 999)
    scribe.writer.loaded(3, SIZES[3], "demand", 10**18)
    scribe.writer.close()
    expected = plain(tmp_path / "run", limit=1000 if limit == 1000 else None)
    with RecordingReader.open(tmp_path / "run") as reader:
        found = explain(reader, hits=True)
    assert found == expected
    assert all(sentence(story, NAMES, "lfu").endswith(".") for story in found)


def test_damaged_recordings(tmp_path: Path) -> None:
    scribe = Scribe(RecordingWriter.create(tmp_path / "run", header(config={"max_memory": 500})), seed=4)
    for _ in range(40):
        scribe.operation()
    scribe.writer.close()
    whole = (tmp_path / "run").read_bytes()
    dice = random.Random(1)
    for turn in range(8):
        broken = bytearray(whole)
        for _ in range(dice.randrange(1, 30)):
            broken[dice.randrange(4096, len(broken))] = dice.randrange(256)
        if turn % 3 == 0:
            del broken[dice.randrange(8192, len(broken)) :]
        (tmp_path / "run").write_bytes(broken)
        with RecordingReader.open(tmp_path / "run") as reader:
            stories = explain(reader)
            events = reader.read(0)
            assert [story.event for story in stories] == np.flatnonzero(events["kind"] != Kind.HIT).tolist()
            assert summarize(reader).events == len(events)
            assert read_curve(reader).accesses == len(read_accesses(reader))
            source = HollowSource()
            pager = Pager(lambda key: Unit(int(key[1]), "", SIZES[int(key[1])], None, key), source, max_memory=500)
            counts = rerun(reader, pager, source).recorded
            assert counts.hits + counts.misses == len(read_accesses(reader))
        for story in stories:
            sentence(story, NAMES)


def test_a_stretch_is_told_as_in_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 50)
    dice = random.Random(8)
    sizes = {f"unit {number}": dice.randrange(1, 400) for number in range(10)}
    pager = record_pager(tmp_path / "run", sizes, 900)
    for _ in range(400):
        random_step(pager, dice, list(sizes), [])
    pager.close()
    with RecordingReader.open(tmp_path / "run") as reader:
        whole = explain(reader, hits=True)
        assert [story.event for story in whole] == list(range(reader.count))
        history = History(reader.header.limit, len(reader.units))
        history.advance(Piece.of(reader.read(0, 60), history))
        for start, stop in ((0, 0), (0, 1), (59, 61), (100, 230), (reader.count - 1, None), (reader.count, None)):
            assert explain(reader, start, stop, hits=True) == whole[start:stop]
            if start >= 60:
                assert explain(reader, start, stop, hits=True, history=history) == whole[start:stop]
        assert history.event == 60
        with pytest.raises(ValueError, match="before event 60"):
            explain(reader, 59, history=history)
        with pytest.raises(Cancelled):
            explain(reader, cancel=lambda: True)

        others = [story.event for story in explain(reader)]
        assert find_stop(reader, 0, 5) == others[4] + 1
        assert find_stop(reader, others[7], 60) == others[66] + 1
        assert find_stop(reader, 0, 10**9) == reader.count
        assert (find_stop(reader, 3, 0), find_stop(reader, 10**9, 5)) == (3, 10**9)
