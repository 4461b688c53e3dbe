"""``apbundle explain``: the summary, a page of events, one event, and what cannot be asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from apbundle.trace.explain import explain
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.sentences import sentence
from support.cli import Program
from support.recorded import record_pager
from support.recordings import header

SIZES = {"encoder": 1000, "decoder": 2000, "a\x1b[2Jb": 500}


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A little of everything: 18 events."""
    pager = record_pager(tmp_path / "run.aptrace", SIZES, 3000, eviction="lru")
    for name in ("encoder", "decoder", "encoder", "a\x1b[2Jb", "decoder"):
        pager.get(name)
    pager.evict("decoder")
    pager.get("decoder")
    pager.get("encoder")
    pager.resize(1200)
    pager.hint("decoder")
    pager.get("encoder")
    pager.close()
    return tmp_path / "run.aptrace"


def without_times(text: str) -> str:
    return re.sub(r"[0-9.,]+ (ns|µs|ms|s)\b( to [0-9.]+ (ns|µs|ms|s))?", "T", text)


def test_summary(program: Program, trace: Path) -> None:
    result = program("explain", trace)
    assert (result.status, result.err) == (0, "")
    lines = [" ".join(without_times(line).split()) for line in result.out.splitlines()]
    limits = "limits from 1.17 KiB to 2.93 KiB, at last 1.17 KiB"
    assert lines[0] == f"explained {trace}: 18 events: 8 accesses, 12.5% of them hits; lru under {limits}"
    assert "cold 3 42.9% 3.42 KiB T never in memory before" in lines
    assert "evictions 7: 5 for another unit, 1 on request, 1 for a lower limit" in lines
    assert "500 B 3 100.0% a limit of 3.42 KiB is enough for all" in lines
    victims = [
        line.split()[0]
        for line in lines[lines.index("Worst victims Evicted Needed again Loaded again Time lost") + 2 :]
    ]
    assert sorted(victims) == ["decoder", "encoder"], "the third cost nothing"


def test_summary_as_json(program: Program, trace: Path) -> None:
    document = program.json("explain", trace).document
    assert {cause: cost["misses"] for cause, cost in document["misses"].items()} == {
        "cold": 3, "capacity": 3, "limit": 0, "request": 1, "unknown": 0,
    }  # fmt: skip
    assert (document["within_limit"], document["gains"]) == (1, [{"more": 500, "misses": 3}])
    assert (document["hits"], document["prefetches"], document["lost"], document["limit"]) == (1, 1, 0, 1200)
    assert {victim["name"] for victim in document["victims"]} == set(SIZES)
    assert document["enough"] == 3500


def test_pages_of_events(program: Program, trace: Path) -> None:
    with RecordingReader.open(trace) as reader:
        stories = explain(reader)
        expected = [sentence(story, reader.header.names) for story in stories]
        events = reader.count
    told: list[str] = []
    following: int | None = 0
    while following is not None:
        page = program.json("explain", trace, "--from", str(following), "--count", "4").document
        assert page["events"] == events
        assert len(page["stories"]) <= 4
        told += [story["sentence"] for story in page["stories"]]
        following = page["next"]
    assert told == expected

    shown = program("explain", trace, "--count", "3").out
    assert shown.startswith(f"explained  {trace}: 3 of 18 events, hits left out\n")
    assert all(line in shown for line in expected[:3])
    assert expected[3] not in shown
    assert shown.endswith("more from 4 on: --from 4\n")
    everything = program("explain", trace, "--from", "0").out
    assert all(line in everything for line in expected)
    assert "--from" not in everything
    assert "\x1b" not in everything
    assert program.json("explain", trace, "--from", "100000").document["stories"] == []


def test_one_event(program: Program, trace: Path) -> None:
    with RecordingReader.open(trace) as reader:
        for story in explain(reader, hits=True):
            told = program.json("explain", trace, "--at", str(story.event)).document["story"]
            assert told["sentence"] == sentence(story, reader.header.names)
            assert told["event"] == story.event
            shown = program("explain", trace, "--at", str(story.event)).out
            assert told["sentence"] in shown
            assert "\x1b" not in shown


def test_one_event_in_full(program: Program, trace: Path) -> None:
    told: dict[str, Any] = program.json("explain", trace, "--at", "3").document["story"]
    told = {key: value for key, value in told.items() if key not in ("time", "idle", "again_after", "sentence")}
    assert told == {
        "kind": "eviction",
        "event": 3,
        "unit": 1,
        "name": "decoder",
        "size": 2000,
        "cause": "room",
        "needed_by": 2,
        "wanted": 500,
        "free": 0,
        "limit": 3000,
        "used": True,
        "again": 6,
    }
    shown = [without_times(line) for line in program("explain", trace, "--at", "6").out.splitlines()]
    assert shown[4:] == [
        "  unit       `decoder`, number 1, 1.95 KiB (2,000 bytes)",
        "  last use   event 1, T before",
        "  LRU needs  3.42 KiB (3,500 bytes)",
        "  cause      capacity: evicted since, for another unit",
        "  left       event 3, T before it was asked for",
        "  load       T",
        "  limit      2.93 KiB (3,000 bytes)",
    ]


def test_what_cannot_be_asked(program: Program, trace: Path, tmp_path: Path) -> None:
    for wrong in (["--at", "18"], ["--at", "-1"], ["--at", "1", "--from", "0"], ["--at", "1", "--count", "2"]):
        result = program.json("explain", trace, *wrong)
        assert (result.status, result.error["code"]) == (2, "usage")
    assert "there is no event 18: the recording has 18" in program("explain", trace, "--at", "18").err
    (tmp_path / "a").write_bytes(b"APBTRACE")
    assert program.json("explain", tmp_path / "a").error["code"] == "bad_recording"
    assert program.json("explain", tmp_path / "none").error["code"] == "ENOENT"


def test_recordings_of_next_to_nothing(program: Program, tmp_path: Path) -> None:
    RecordingWriter.create(tmp_path / "run", header()).close()
    assert program("explain", tmp_path / "run").out.endswith("nothing happened in this recording\n")
    assert program.json("explain", tmp_path / "run").document["victims"] == []
    assert program.json("explain", tmp_path / "run", "--count", "5").document["stories"] == []

    writer = RecordingWriter.create(tmp_path / "odd", header(config={"eviction": ["\x1b"]}))
    writer.hits([999])
    writer.loaded(3, 103, "background", 5)
    writer.load_failed(4, "demand", OSError(5, "broken"), 5)
    writer.close()
    result = program("explain", tmp_path / "odd")
    assert result.status == 0
    assert "failed loads  1" in result.out
    assert "loaded ahead  1, of which 0 were used" in result.out
    for number in range(3):
        assert program("explain", tmp_path / "odd", "--at", str(number)).status == 0
    assert program.json("explain", tmp_path / "odd", "--at", "0").document["story"]["kind"] == "hit"
