"""Sums of explanations: those of the stories, however the recording is cut."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apbundle.errors import Cancelled
from apbundle.trace import pieces
from apbundle.trace import summarize as module
from apbundle.trace.explain import explain
from apbundle.trace.limits import Limits
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind
from apbundle.trace.stories import Eviction, EvictionCause, Hit, Miss, MissCause, Prefetch, Remark, Story
from apbundle.trace.summarize import summarize
from apbundle.trace.summary import Cost, Summary, Victim
from support.recorded import random_step, record_pager

AVOIDABLE = (MissCause.CAPACITY, MissCause.LIMIT)


def sums(stories: list[Story], in_force: Limits, stop: int) -> Summary:
    """The same, added up from stories of all events before ``stop``."""
    misses = [story for story in stories if isinstance(story, Miss)]
    evictions = [story for story in stories if isinstance(story, Eviction)]
    remarks = Counter(story.kind for story in stories if isinstance(story, Remark))
    again = [story for story in evictions if story.again is not None and story.again < stop]
    avoidable = [story for story in misses if story.cause in AVOIDABLE]
    more = [story.more for story in avoidable if story.more is not None]
    steps = sorted({min(1 << (value - 1).bit_length(), max(more)) for value in more if value})
    by_unit = {unit: [miss for miss in avoidable if miss.unit == unit] for unit in {story.unit for story in evictions}}
    victims = [
        Victim(
            unit,
            sum(story.unit == unit and story.cause != EvictionCause.REQUEST for story in evictions),
            sum(story.unit == unit and story.cause != EvictionCause.REQUEST for story in again),
            cost(missed),
        )
        for unit, missed in by_unit.items()
    ]
    return Summary(
        events=len(stories),
        hits=sum(isinstance(story, Hit) for story in stories),
        misses={cause: cost([miss for miss in misses if miss.cause == cause]) for cause in MissCause},
        evictions={cause: sum(story.cause == cause for story in evictions) for cause in EvictionCause},
        again=sum(story.cause != EvictionCause.REQUEST for story in again),
        prefetches=sum(isinstance(story, Prefetch) for story in stories),
        prefetches_used=remarks[Kind.PREFETCH_USED],
        failures=remarks[Kind.ERROR],
        lost=0,
        in_force=in_force,
        within=more.count(0),
        gains=tuple((step, sum(value <= step for value in more)) for step in steps),
        enough=max((story.needed for story in avoidable if story.needed is not None), default=None),
        victims=tuple(
            sorted(
                (victim for victim in victims if victim.evictions),
                key=lambda victim: (-victim.cost.latency, -victim.cost.loaded, victim.unit),
            )
        ),
    )


def cost(misses: list[Miss]) -> Cost:
    return Cost(len(misses), sum(miss.size for miss in misses), sum(miss.latency for miss in misses))


@given(st.integers(0, 10**6), st.integers(1, 60))
@settings(max_examples=12)
def test_sums_are_those_of_the_stories(tmp_path_factory: pytest.TempPathFactory, seed: int, piece: int) -> None:
    path = tmp_path_factory.mktemp("run") / "run"
    dice = random.Random(seed)
    sizes = {f"unit {number}": dice.randrange(1, 400) for number in range(dice.randrange(1, 12))}
    pager = record_pager(path, sizes, dice.randrange(100, 1200), prefetch=dice.choice(["off", "inline"]))
    pinned: list[str] = []
    for _ in range(150):
        random_step(pager, dice, list(sizes), pinned)
    limit = pager.max_memory
    stats = pager.stats()
    pager.close()
    with pytest.MonkeyPatch.context() as patch, RecordingReader.open(path) as reader:
        patch.setattr(pieces, "PIECE", piece)
        stories = explain(reader, hits=True)
        summary = summarize(reader)
        assert summary.in_force.last == limit
        assert summary == sums(stories, summary.in_force, reader.count)
        start = dice.randrange(len(stories) + 1)
        some = summarize(reader, start)
        # What was evicted before counts only there.
        assert some.misses == sums(stories[start:], summary.in_force, reader.count).misses
        stop = dice.randrange(start, len(stories) + 1)
        stretch = sums(stories[start:stop], summarize(reader, start, stop).in_force, stop)
        assert summarize(reader, start, stop) == stretch
    assert summary.hits == stats.hits
    assert sum(kind.misses for kind in summary.misses.values()) == stats.misses
    assert sum(summary.evictions.values()) == stats.evictions
    assert summary.prefetches == stats.prefetches


def test_as_many_victims_as_one_wants_to_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VICTIMS", 2)
    pager = record_pager(tmp_path / "run", dict.fromkeys("abcd", 100), 200)
    for _ in range(3):
        for name in "abcd":
            pager.get(name)
    pager.close()
    with RecordingReader.open(tmp_path / "run") as reader:
        summary = summarize(reader)
        assert len(summary.victims) == 2
        assert (summary.enough, summary.gains) == (400, ((200, 8),))
        with pytest.raises(Cancelled):
            summarize(reader, cancel=lambda: True)
        with pytest.raises(ValueError, match="from 0"):
            summarize(reader, -1)
