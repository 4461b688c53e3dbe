"""Recordings run again: under the same settings everything is counted as it was, under others as it would have been."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apbundle.errors import Cancelled
from apbundle.paging.hollow import HollowSource
from apbundle.paging.pager import Pager
from apbundle.paging.policy import POLICIES
from apbundle.paging.units import Key, Unit
from apbundle.trace import pieces
from apbundle.trace.recording import RecordingReader
from apbundle.trace.rerun import Rerun, rerun
from support.paging import GOLDEN_TRACES, GoldenTrace, PagerAsBundle
from support.recorded import random_step, record_pager


def run_again(path: Path, limit: int, *, piece: int = pieces.PIECE, **options: Any) -> Rerun:
    source = HollowSource()
    settings_of_rerun = {key: options.pop(key) for key in ("resizes", "predictions") if key in options}
    with pytest.MonkeyPatch.context() as patch, RecordingReader.open(path) as reader:
        patch.setattr(pieces, "PIECE", piece)
        sizes = reader.header.sizes

        def find(key: Key) -> Unit:
            return Unit(int(key[1]), "", int(sizes[int(key[1])]), None, key)

        pager = Pager(find, source, max_memory=limit, **options)
        result = rerun(reader, pager, source, **settings_of_rerun)
        pager.clear()
        assert source.charged == source.pinned
        pager.close()
    return result


@pytest.mark.parametrize("name", GOLDEN_TRACES)
def test_golden_traces(root: Path, tmp_path: Path, name: str) -> None:
    trace = GoldenTrace.load(root / "tests" / "golden", name)
    given_settings = trace.settings
    options = {"eviction": given_settings["eviction"]}
    if given_settings["prefetch"]:
        options |= {"prefetch": "inline", "prefetch_count": given_settings["prefetch_count"]}
    pager = record_pager(tmp_path / "run", trace.sizes, given_settings["max_memory"], **options)
    paged = PagerAsBundle(pager)
    for operation in trace.operations:
        run = {"get": paged.get_model, "hint": paged.prefetch_hint, "evict": paged.evict}
        run[operation.op](operation.name) if operation.name else paged.clear_cache()
    stats = pager.stats()
    pager.close()
    result = run_again(tmp_path / "run", given_settings["max_memory"], **options)
    assert result.recorded == result.replayed
    assert result.refused == 0
    counts = result.replayed
    assert (counts.hits, counts.misses, counts.evictions) == (stats.hits, stats.misses, stats.evictions)
    assert (counts.prefetches, counts.bytes_loaded) == (stats.prefetches, stats.bytes_loaded)
    assert counts.hit_rate == stats.hit_rate


@given(
    st.integers(0, 10**6),
    st.integers(1, 100),
    st.sampled_from(sorted(POLICIES)),
    st.sampled_from(["off", "inline"]),
)
@settings(max_examples=40)
def test_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, seed: int, piece: int, eviction: str, prefetch: str
) -> None:
    path = tmp_path_factory.mktemp("run") / "run"
    dice = random.Random(seed)
    sizes = {f"unit {number}": dice.randrange(1, 400) for number in range(dice.randrange(1, 12))}
    limit = dice.randrange(100, 1200)
    pager = record_pager(path, sizes, limit, prefetch=prefetch, eviction=eviction)
    pinned: list[str] = []
    for _ in range(120):
        random_step(pager, dice, list(sizes), pinned, repeatable=prefetch == "inline")
    stats = pager.stats()
    pager.close()
    result = run_again(path, limit, piece=piece, eviction=eviction, prefetch=prefetch)
    assert result.replayed == result.recorded
    assert result.refused == 0
    assert (result.recorded.hits, result.recorded.misses) == (stats.hits, stats.misses)
    if prefetch == "inline":  # what was predicted, asked for by hints in its place
        assert run_again(path, limit, eviction=eviction, predictions=True).replayed.prefetches >= stats.prefetches


def test_under_other_settings(tmp_path: Path) -> None:
    sizes = dict.fromkeys("abcd", 100)
    pager = record_pager(tmp_path / "run", sizes, 250)
    for name in "abcabcdd":
        pager.get(name)
    pager.resize(100)
    pager.get("a")
    pager.close()
    recorded = run_again(tmp_path / "run", 250).recorded
    assert (recorded.hits, recorded.misses, recorded.evictions, recorded.most_used) == (1, 8, 7, 200)
    roomy = run_again(tmp_path / "run", 400, resizes=False)
    assert roomy.recorded == recorded
    assert (roomy.replayed.hits, roomy.replayed.misses, roomy.replayed.evictions) == (5, 4, 0)
    assert (roomy.replayed.bytes_loaded, roomy.replayed.most_used) == (400, 400)
    assert run_again(tmp_path / "run", 400).replayed.evictions == 4


def test_pins_that_do_not_fit_are_told(tmp_path: Path) -> None:
    sizes = dict.fromkeys("abcd", 100)
    pager = record_pager(tmp_path / "run", sizes, 400)
    pager.pin(["a", "b"])
    pager.pin(["a"])
    pager.get("c")
    pager.unpin(["a", "b"])
    pager.unpin(["a"])
    pager.pin(["d"])
    pager.unpin(["d"])
    pager.close()
    assert run_again(tmp_path / "run", 400).replayed == run_again(tmp_path / "run", 400).recorded
    tight = run_again(tmp_path / "run", 150)
    assert tight.refused == 2  # b has no room beside a, and neither has c
    assert (tight.replayed.hits, tight.replayed.misses) == (1, 2)
    assert run_again(tmp_path / "run", 50).refused == 3


def test_a_failed_load_fails_again_unless_there_is_none(tmp_path: Path) -> None:
    from support import recorded

    pager = record_pager(tmp_path / "run", {"a": 100, "b": 100}, 100)
    pager.get("a")
    pager.get("b")
    recorded.FAILING.add("a")
    for access in (pager.get, pager.hint):
        with pytest.raises(OSError, match="broken"):
            access("a")
    recorded.FAILING.clear()
    pager.get("b")
    pager.close()
    same = run_again(tmp_path / "run", 100)
    assert same.replayed == same.recorded
    roomy = run_again(tmp_path / "run", 200).replayed  # the load that failed would not have been needed
    assert (roomy.hits, roomy.misses) == (2, 2)


def test_stops_when_told(tmp_path: Path) -> None:
    pager = record_pager(tmp_path / "run", {"a": 100}, 100)
    pager.get("a")
    pager.close()
    source = HollowSource()
    unit = Unit(0, "a", 100, None, ("", 0))
    with RecordingReader.open(tmp_path / "run") as reader, pytest.raises(Cancelled):
        rerun(reader, Pager(lambda key: unit, source, max_memory=100), source, cancel=lambda: True)
