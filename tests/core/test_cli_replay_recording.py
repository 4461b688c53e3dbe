"""``apbundle replay`` of a recording: the counters of then and now, and what a recording must say for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apbundle.trace.recorder import RecordingWriter
from support.cli import Program
from support.paging import GOLDEN_TRACES, GoldenTrace, PagerAsBundle
from support.recorded import record_pager
from support.recordings import header

SIZES = dict.fromkeys("abcd", 1000)


def record(path: Path, **options: Any) -> Path:
    pager = record_pager(path, SIZES, 2500, **options)
    for name in "abcabcddab":
        pager.get(name)
    pager.resize(1500)
    pager.get("d")
    pager.close()
    return path


@pytest.mark.parametrize("name", GOLDEN_TRACES)
def test_golden_traces_again(program: Program, root: Path, tmp_path: Path, name: str) -> None:
    trace = GoldenTrace.load(root / "tests" / "golden", name)
    given = trace.settings
    options = {"prefetch": "inline", "prefetch_count": given["prefetch_count"]} if given["prefetch"] else {}
    pager = record_pager(tmp_path / "run", trace.sizes, given["max_memory"], eviction=given["eviction"], **options)
    paged = PagerAsBundle(pager)
    for operation in trace.operations:
        run = {"get": paged.get_model, "hint": paged.prefetch_hint, "evict": paged.evict}
        run[operation.op](operation.name) if operation.name else paged.clear_cache()
    pager.close()
    document = program.json("replay", tmp_path / "run").document
    assert document["refused"] == 0
    assert document["recorded"] | {"prefetch": None} == document["replayed"] | {"prefetch": None}
    last = dict(zip(trace.expected[0].split("\t"), trace.expected[-1].split("\t"), strict=True))
    for key in ("hits", "misses", "evictions", "bytes_loaded", "prefetches"):
        assert document["replayed"][key] == int(last[key])


def test_side_by_side(program: Program, tmp_path: Path) -> None:
    trace = record(tmp_path / "run", eviction="lru")
    result = program("replay", trace, "--max-memory", "4000", "--eviction", "sieve", "--prefetch", "1")
    assert (result.status, result.err) == (0, "")
    assert result.out.splitlines()[0] == f"replayed  {trace}: what the program did, run again over the sizes alone"
    rows = [line.split("  ") for line in result.out.splitlines()[4:]]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["limit", "limits from 1.46 KiB to 2.44 KiB, at last 1.46 KiB", "3.91 KiB"],
        ["policy", "lru", "sieve"],
        ["prefetch", "inline 1"],
        ["hits", "1", "7"],
        ["misses", "10", "4"],
        ["hit rate", "9.1%", "63.6%"],
        ["evictions", "9", "0"],
        ["prefetches", "0", "0"],
        ["bytes loaded", "9.77 KiB", "3.91 KiB"],
        ["most in memory", "1.95 KiB", "3.91 KiB"],
    ]


def test_recorded_settings_are_taken_unless_others_are_given(program: Program, tmp_path: Path) -> None:
    trace = record(tmp_path / "run", eviction="lfu", prefetch="inline", prefetch_count=1)
    same = program.json("replay", trace).document
    assert same["recorded"] == same["replayed"]
    assert (same["replayed"]["limit"], same["replayed"]["policy"]) == (2500, "lfu")
    other = program.json("replay", trace, "--prefetch", "0").document["replayed"]
    assert (other["prefetch"], other["prefetches"]) == ("off", 0)
    for policy in ("lru", "fifo", "clock", "sieve", "s3fifo"):
        replayed = program.json("replay", trace, "--eviction", policy).document["replayed"]
        assert replayed["policy"] == policy
        assert replayed["hits"] + replayed["misses"] == 11
    roomy = program.json("replay", trace, "--max-memory", "1MiB").document["replayed"]
    assert (roomy["limit"], roomy["evictions"]) == (1 << 20, 0)  # the program's change of the limit is left out too


def test_predictions_of_a_thread_are_repeated(program: Program, tmp_path: Path) -> None:
    config = {"max_memory": 300, "eviction": "lru", "prefetch": "background", "prefetch_count": 2}
    writer = RecordingWriter.create(tmp_path / "run", header(config=config))
    writer.loaded(1, 101, "demand", 5)
    writer.loaded(2, 102, "background", 5)
    writer.hits([2])
    writer.prefetch_used(2, 102)
    writer.close()
    document = program.json("replay", tmp_path / "run").document
    assert document["replayed"] == document["recorded"] | {"prefetch": "recorded"}
    assert "as recorded" in program("replay", tmp_path / "run").out
    other = program.json("replay", tmp_path / "run", "--prefetch", "0").document["replayed"]
    assert (other["hits"], other["misses"], other["prefetches"]) == (0, 2, 0)


@pytest.mark.parametrize(
    ("config", "missing"),
    [
        ({}, "--max-memory"),
        ({"max_memory": "much", "eviction": "lru"}, "--max-memory"),
        ({"max_memory": -1, "eviction": "lru"}, "--max-memory"),
        ({"max_memory": True, "eviction": "lru"}, "--max-memory"),
        ({"max_memory": 300}, "--eviction"),
        ({"max_memory": 300, "eviction": "guess"}, "--eviction"),
        ({"max_memory": 300, "eviction": ["lru"]}, "--eviction"),
    ],
)
def test_what_a_recording_does_not_say(program: Program, tmp_path: Path, config: dict[str, Any], missing: str) -> None:
    writer = RecordingWriter.create(tmp_path / "run", header(config={**config, "prefetch": 7, "prefetch_count": "x"}))
    writer.loaded(1, 101, "demand", 5)
    writer.close()
    result = program("replay", tmp_path / "run")
    assert result.status == 2
    assert f"Give {missing}." in result.err
    given = program.json("replay", tmp_path / "run", "--max-memory", "2000", "--eviction", "lru")
    assert given.document["replayed"]["misses"] == 1


def test_options_for_a_bundle_alone(program: Program, tmp_path: Path) -> None:
    trace = record(tmp_path / "run", eviction="lru")
    (tmp_path / "ops").write_text("clear\n")
    for wrong in (["--ops", tmp_path / "ops"], ["--every"], ["--source", "read"]):
        result = program.json("replay", trace, *wrong)
        assert (result.status, result.error["code"]) == (2, "usage")
        assert "is for a bundle" in result.error["message"]


def test_pins_without_room(program: Program, tmp_path: Path) -> None:
    pager = record_pager(tmp_path / "run", SIZES, 4000, eviction="lru")
    pager.pin(["a", "b"])
    pager.close()
    out = program("replay", tmp_path / "run", "--max-memory", "1500").out
    assert "Refused, for what is pinned leaves too little room: 1 " in out
