"""What is folded from a recording: counters, bins, the state of the models, rows, against a naive reading."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.trace.decoding import EVENTS, EventArray
from apbundle.trace.explain import explain
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, PIN_CAUSES, Kind, RecordingHeader
from apbundle.trace.sentences import sentence
from apbundle.trace.stories import Eviction, Miss, Prefetch, Remark
from apbundle.trace.units import UnitList
from apbundle.trace.workload import zipf
from apbundle_gui.models import monitor_text as wording
from apbundle_gui.models.monitor_counters import memory_changes, settled_memory
from apbundle_gui.models.monitor_residency import HALF_LIFE_NS, RECENT_NS, Presence
from apbundle_gui.models.monitor_rows import ROWS
from apbundle_gui.models.monitor_run import Run
from support.monitoring import Naive, event, events_of, make_bundle, record
from support.recorded import random_step, record_pager

SECOND = 1_000_000_000
SIZES = [3000, 5000, 800, 9000, 40, 7000, 2000, 6500]


def new_run(limit: int = 16_000, sizes: list[int] = SIZES) -> Run:
    return Run(UnitList(tuple(f"model_{i}" for i in range(len(sizes))), sizes), limit)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_bundle(tmp_path_factory.mktemp("run") / "paged.apbundle", SIZES)


@pytest.mark.parametrize("eviction", ["lru", "lfu"])
@pytest.mark.parametrize("prefetch", ["off", "inline"])
@pytest.mark.parametrize("pieces", [(1, 2, 60), (10_000,)])
def test_counters_are_those_of_the_engine(
    bundle: str, tmp_path: Path, eviction: str, prefetch: str, pieces: tuple[int, ...]
) -> None:
    names = zipf([f"model_{i}" for i in range(len(SIZES))], seed=3)
    events, stats = record(bundle, tmp_path / "r", names, 400, max_memory=16_000, eviction=eviction, prefetch=prefetch)
    run = new_run()
    start, sizes = 0, itertools.cycle(pieces)
    while start < len(events):
        size = next(sizes)
        run.add(events[start : start + size])
        start += size
    counters = run.counters
    for name in ("hits", "misses", "evictions", "prefetches", "bytes_loaded", "memory_used", "hit_rate"):
        assert getattr(counters, name) == getattr(stats, name), name
    assert counters.accesses == 400
    assert run.residency.sizes[run.residency.resident].sum() == stats.memory_used
    assert run.residency.uses.sum() == 400


@st.composite
def recordings(draw: st.DrawFn) -> EventArray:
    """Events of any order and kind; times never fall."""
    kinds = (Kind.HIT, Kind.HIT, Kind.MISS, Kind.EVICT, Kind.PREFETCH, Kind.CLEAR, Kind.PREFETCH_USED)
    parts = draw(st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 7), st.integers(0, SECOND)), max_size=60))
    time = 0
    events = []
    for kind, unit, step in parts:
        time += step
        unit = NONE if kind == Kind.CLEAR else unit
        size = 0 if kind == Kind.CLEAR else SIZES[unit]
        events.append(event(kind, unit, time, bytes=size, other=(unit + 1) % 8 if kind == Kind.EVICT else NONE))
    return events_of(*events) if events else np.zeros(0, EVENTS)


@given(recordings(), st.lists(st.integers(0, 60), max_size=5))
def test_folding_in_pieces_says_what_reading_one_by_one_says(events: EventArray, cuts: list[int]) -> None:
    run, naive = new_run(), Naive(SIZES, 16_000)
    expected = [(kind, unit, free) for kind, unit, _, free in naive.read(events)]
    whole = new_run().add(events)
    parts = [run.add(part) for part in np.split(events, sorted(cuts))]
    rows = np.concatenate([np.zeros(0, ROWS), *parts])
    told = rows[rows["kind"] != Kind.HIT]
    assert [(int(r["kind"]), int(r["unit"]), int(r["free"])) for r in told] == expected
    assert np.array_equal(told, whole[whole["kind"] != Kind.HIT])
    assert rows["count"].sum() == np.count_nonzero(events["kind"] != Kind.PREFETCH_USED)
    assert set(np.flatnonzero(run.residency.resident)) == naive.resident
    assert {u: n for u, n in enumerate(run.residency.uses.tolist()) if n} == {u: n for u, n in naive.uses.items() if n}
    assert run.counters.memory_used == naive.used
    assert run.time == (events["time"][-1] if len(events) else 0)


def test_hits_in_a_row_are_one_row(bundle: str) -> None:
    run = new_run()
    hits = [event(Kind.HIT, unit, 5) for unit in (1, 2, 1, 3, 1)]
    rows = run.add(events_of(*hits, event(Kind.MISS, 4, 6, bytes=40), event(Kind.HIT, 4, 7)))
    assert [(int(r["count"]), int(r["distinct"]), int(r["top"]), int(r["unit"])) for r in rows] == [
        (5, 3, 3, 1),
        (1, 1, 1, 4),
        (1, 1, 1, 4),
    ]


def test_hits_on_a_model_the_header_does_not_list() -> None:
    rows = new_run().add(events_of(event(Kind.HIT, NONE, 5), event(Kind.HIT, NONE, 5), event(Kind.HIT, 2, 6)))
    assert (rows["count"][0], rows["distinct"][0], rows["top"][0], rows["unit"][0]) == (3, 2, 2, NONE)


@pytest.mark.parametrize("seed", range(4))
def test_the_window_says_what_the_commands_say(tmp_path: Path, seed: int) -> None:
    """But for what memory LRU would have needed, and for what is still to come."""
    dice = random.Random(seed)
    sizes = {f"unit <b>{number}</b>": dice.randrange(1, 400) for number in range(9)}
    pager = record_pager(tmp_path / "r", sizes, 1000, eviction="lru", prefetch=["off", "inline"][seed % 2])
    pinned: list[str] = []
    for _ in range(400):
        random_step(pager, dice, list(sizes), pinned)
    pager.close()
    with RecordingReader.open(tmp_path / "r") as reader:
        events, names = reader.read(0), reader.header.names
        stories = explain(reader, hits=True)
        run = Run.of(reader.header)
    rows = np.concatenate([run.add(part) for part in np.split(events, sorted(dice.choices(range(len(events)), k=20)))])
    expected = []
    for story in stories:
        if isinstance(story, Miss):
            expected.append(replace(story, needed=None))
        elif isinstance(story, Eviction):
            expected.append(replace(story, again=None, again_after=None))
        elif isinstance(story, Prefetch):
            expected.append(replace(story, used=None, used_after=None, left=None, left_after=None))
        elif isinstance(story, Remark) and story.kind != Kind.PREFETCH_USED:
            expected.append(story)
    told = [wording.sentence(row, run.names, run.policy) for row in rows if row["kind"] != Kind.HIT]
    assert told == [sentence(story, names, ended=False) for story in expected]
    assert len({line.split(":")[0].split("`")[-1] for line in told}) > 8


def test_pieces_that_are_announced_are_units_from_there_on() -> None:
    run = Run(UnitList(("a", "b"), (5000, 30)), 4000)
    sizes = run.sizes
    rows = run.add(
        events_of(
            event(Kind.MISS, 1, 1, bytes=30),
            event(Kind.PAGES, 0, 2, bytes=2000, other=2),
            event(Kind.MISS, 4, 3, bytes=1000),
            event(Kind.EVICT, 4, 4, bytes=1000, other=2),
        )
    )
    assert (len(sizes), len(run.sizes), len(run.names), len(run.residency)) == (2, 5, 5, 5)
    assert [wording.sentence(row, run.names) for row in rows][1:3] == [
        "`a` is read in pieces of 1.95 KiB from now on, where it does not fit under the limit.",
        "`a[2]` missed: it had never been in memory; loading 1000 B took 0 ns.",
    ]
    assert rows["needed"][3] == 2000
    assert run.residency.uses.tolist() == [0, 1, 0, 0, 1]
    assert run.counters.misses == 2


def test_where_models_are() -> None:
    run = new_run()
    run.add(
        events_of(event(Kind.MISS, 1, 0), event(Kind.MISS, 2, 10), event(Kind.EVICT, 1, 20), event(Kind.HIT, 2, 30))
    )
    state = run.residency.presence(40).tolist()
    assert state[:3] == [Presence.NEVER_LOADED, Presence.RECENTLY_EVICTED, Presence.IN_MEMORY]
    assert run.residency.presence(20 + RECENT_NS + 1)[1] == Presence.NOT_IN_MEMORY
    heat = run.residency.heat(30)
    assert heat[0] == 0
    assert heat[2] == 1
    assert heat[1] == pytest.approx(0.5, rel=1e-3)
    run.add(events_of(*(event(Kind.HIT, 1, 30 + HALF_LIFE_NS) for _ in range(3))))
    assert run.residency.heat(30 + HALF_LIFE_NS)[1] == 1


def test_a_clear_empties_and_is_an_end_of_use() -> None:
    run = new_run()
    run.add(events_of(event(Kind.MISS, 1, 5, bytes=5000), event(Kind.CLEAR, NONE, 9, bytes=5000)))
    assert not run.residency.resident.any()
    assert run.counters.memory_used == 0
    rows = run.add(events_of(event(Kind.MISS, 1, 12, bytes=5000)))
    assert rows["idle"][0] == 3


def test_a_clear_leaves_what_is_pinned_but_for_the_last_one() -> None:
    run = new_run()
    size, other = SIZES[1], SIZES[2]
    run.add(
        events_of(
            event(Kind.MISS, 1, 1, bytes=size),
            event(Kind.PIN, 1, 2, bytes=size, cause=PIN_CAUSES["pin"]),
            event(Kind.MISS, 2, 3, bytes=other),
            event(Kind.CLEAR, NONE, 4, bytes=other),
        )
    )
    assert np.flatnonzero(run.residency.resident).tolist() == [1]
    assert run.counters.memory_used == size
    rows = run.add(events_of(event(Kind.MISS, 2, 7, bytes=other), event(Kind.CLEAR, NONE, 9, bytes=size + other)))
    assert rows["idle"][0] == 3
    assert not run.residency.resident.any()
    run.add(events_of(event(Kind.PIN, 1, 10, cause=PIN_CAUSES["unpin"])))
    assert not run.residency.pinned.any()


def test_a_new_limit_holds_from_there_on() -> None:
    run = new_run()
    rows = run.add(
        events_of(
            event(Kind.MISS, 0, 1, bytes=3000),
            event(Kind.RESIZE, NONE, 2, bytes=4000),
            event(Kind.EVICT, 0, 3, bytes=3000),
        )
    )
    assert rows["free"].tolist() == [16_000, 13_000, 1000]
    assert run.limit == 4000


def test_the_memory_line_does_not_drop_between_an_eviction_and_its_load() -> None:
    events = events_of(
        event(Kind.MISS, 0, 1, bytes=3000),
        event(Kind.EVICT, 0, 2, bytes=3000),
        event(Kind.EVICT, 2, 2, bytes=800),
        event(Kind.MISS, 1, 3, bytes=5000),
        event(Kind.EVICT, 1, 4, bytes=5000, cause=2),
    )
    shown = settled_memory(events, memory_changes(events), 1000, 1000)
    assert shown.tolist() == [4000, 4000, 4000, 5200, 200]
    assert settled_memory(events[1:2], memory_changes(events[1:2]), 4000, 4000).tolist() == [4000]


def test_the_limit_comes_from_the_header() -> None:
    header = RecordingHeader("b", UnitList(("a", "b"), (10, 20)), config={"max_memory": 4096})
    assert Run.of(header).limit == 4096
    assert Run.of(RecordingHeader("b", UnitList(("a", "b"), (10, 20)))).limit == 30
