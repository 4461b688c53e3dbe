"""``apbundle curve``: the table, the JSON, targets within and out of reach, and files that are no recordings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from apbundle.cli.drawing import bar
from apbundle.trace.limits import Limits
from support.cli import Program
from support.recorded import record_pager

SIZES = {"encoder": 1000, "decoder": 2000, "classifier": 500}
ACCESSES = ("encoder", "decoder", "encoder", "classifier", "decoder", "encoder", "encoder", "classifier")
# What each needs:  -          -         3000       -            3500       3500       1000       3500


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    pager = record_pager(tmp_path / "run.aptrace", SIZES, 3000, eviction="lfu")
    for name in ACCESSES:
        pager.get(name)
    pager.close()
    return tmp_path / "run.aptrace"


def test_table(program: Program, trace: Path) -> None:
    result = program("curve", trace, "--target", "60%")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == f"curve  {trace}: 8 accesses; the units accessed have 3.42 KiB together, the largest 1.95 KiB"
    rows = [line.split() for line in lines if "KiB " in line and "%" in line and "█" in line]
    assert rows[0][:4] == ["1.95", "KiB", "12.5%", "11.1%"]
    assert rows[-1][:4] == ["3.42", "KiB", "62.5%", "61.1%"]
    [recorded] = [line for line in lines if "as recorded" in line]
    assert recorded.split()[:4] == ["2.93", "KiB", "25.0%", "22.2%"]
    assert lines[-1] == "A hit rate of 60.0% takes 3.42 KiB (3,500 bytes)."
    assert "enough for 60.0%, knee: from here on memory gains less, working set: only first accesses miss" in result.out


def test_json(program: Program, trace: Path) -> None:
    result = program.json("curve", trace, "--target", "0.2")
    assert result.status == 0
    assert result.document == {
        "path": str(trace),
        "recorded": {
            "policy": "lfu",
            "limit": 3000,
            "limits": asdict(Limits.of(3000)),
            "hits": 2,
            "hit_rate": 0.25,
            "byte_hit_rate": 2000 / 9000,
        },
        "accesses": 8,
        "accessed_bytes": 9000,
        "footprint": 3500,
        "smallest": 2000,
        "knee": 3500,
        "working_set": 3500,
        "limits": 3,
        "points": [
            {"limit": 2000, "hits": 1, "hit_rate": 0.125, "byte_hit_rate": 1000 / 9000},
            {"limit": 3000, "hits": 2, "hit_rate": 0.25, "byte_hit_rate": 2000 / 9000},
            {"limit": 3500, "hits": 5, "hit_rate": 0.625, "byte_hit_rate": 5500 / 9000},
        ],
        "target": {"hit_rate": 0.2, "limit": 3000},
    }


def test_target_out_of_reach(program: Program, trace: Path) -> None:
    result = program("curve", trace, "--target", "99%")
    assert result.status == 1
    assert result.out.splitlines()[-1] == "No limit gives a hit rate of 99.0%: 3 units had to be loaded once."
    result = program.json("curve", trace, "--target", "99%")
    assert (result.status, result.document["target"]) == (1, {"hit_rate": 0.99, "limit": None})


@pytest.mark.parametrize("target", ["much", "-1", "101%", "1.5", "95 percent", ""])
def test_targets_that_make_no_sense(program: Program, trace: Path, target: str) -> None:
    result = program.json("curve", trace, f"--target={target}")
    assert (result.status, result.error["code"]) == (2, "usage")


def test_limit_below_the_largest_unit(program: Program, tmp_path: Path) -> None:
    pager = record_pager(tmp_path / "run", {"large": 4000, "small": 1000}, 2000)
    for name in ("large", "small", "large"):
        pager.get(name)
    pager.close()
    assert "The recorded limit, 1.95 KiB, is below the largest unit" in program("curve", tmp_path / "run").out
    recorded = program.json("curve", tmp_path / "run").document["recorded"]
    assert recorded == {"policy": None, "limit": 2000, "limits": asdict(Limits.of(2000))}


def test_several_limits_are_told_as_such(program: Program, tmp_path: Path) -> None:
    """The same by every command: no one of them was the limit of the recording."""
    pager = record_pager(tmp_path / "run", {"large": 4000, "small": 1000}, 5000)
    for limit in (5000, 2048, 8192, 4096):
        pager.resize(limit)
        pager.get("small")
        pager.get("large")
    pager.close()
    limits = {"first": 5000, "last": 4096, "least": 2048, "most": 8192, "changes": 3}
    for command in ("curve", "compare", "explain", "replay"):
        document = program.json(command, tmp_path / "run", *["--eviction=lru"] * (command == "replay")).document
        told = document if command == "explain" else document["recorded"]
        assert told["limits"] == limits, command
        assert "hits" not in told or command in ("replay", "explain")
        output = program(command, tmp_path / "run", *["--eviction=lru"] * (command == "replay")).out
        said = "limits from 2.00 KiB to 8.00 KiB, at last 4.00 KiB"
        assert said in output or command == "compare", command
    lines = program("curve", tmp_path / "run").out.splitlines()
    marks = {line.split("  ")[-1].split(",")[0].strip() for line in lines if "recorded" in line and "%" in line}
    assert marks == {"as recorded at first", "as recorded at last", "the highest recorded"}
    assert "The lowest recorded limit, 2.00 KiB, is below the largest unit" in lines[-1]


def test_nothing_recorded(program: Program, tmp_path: Path) -> None:
    record_pager(tmp_path / "run", {"a": 1}, 10).close()
    out = program("curve", tmp_path / "run", "--target", "0").out
    assert out == f"curve  {tmp_path / 'run'}: nothing was accessed in this recording\n"
    assert program.json("curve", tmp_path / "run").document["points"] == []


def test_no_recording(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"APBUNDLE")
    assert program.json("curve", tmp_path / "a").error["code"] == "bad_recording"
    assert program.json("curve", tmp_path / "b").error["code"] == "ENOENT"
    assert program("curve", tmp_path / "a").status == 2


def test_bars() -> None:
    assert [bar(share, 2) for share in (0, 1 / 16, 0.5, 0.75, 1)] == ["", "▏", "█", "█▌", "██"]
