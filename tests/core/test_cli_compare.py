"""``apbundle compare``: a recording replayed under other policies and limits, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from apbundle.trace.compare import LADDER, Share, compare
from apbundle.trace.limits import UNKNOWN, Limits
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.records import RecordingHeader
from apbundle.trace.simulate import SIMULATED
from apbundle.trace.units import UnitList
from support.accesses import accesses_of, mixed, spread_sizes
from support.cli import Program

UNITS = 60
SIZES = spread_sizes(UNITS, 1000, 10_000)
ACCESSES = mixed(2_000, UNITS)
CONFIG: dict[str, Any] = {"eviction": "lfu", "max_memory": 100_000}


def record(path: Path, units: list[int], sizes: list[int], config: dict[str, Any] = CONFIG) -> Path:
    """A recording of these accesses, misses and hits in turn."""
    names = [f"unit {number}" for number in range(len(sizes))]
    header = RecordingHeader.now(bundle="/models.apbundle", units=UnitList(names, sizes), config=config)
    writer = RecordingWriter.create(path, header)
    for place, unit in enumerate(units):
        if place % 2:
            writer.hits([unit])
        else:
            writer.loaded(unit, sizes[unit], "demand", 1000)
    writer.close()
    return path


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return record(tmp_path / "run.aptrace", ACCESSES.tolist(), SIZES.tolist())


def test_json(program: Program, trace: Path) -> None:
    expected = compare(accesses_of(ACCESSES, SIZES), [*LADDER, 100_000])
    document = program.json("compare", trace).document
    rows = document.pop("rows")
    policies = document.pop("policies")
    assert document == {
        "path": str(trace),
        "recorded": {"policy": "lfu", "limit": 100_000, "limits": asdict(Limits.of(100_000))},
        "accesses": 2_000,
        "units": UNITS,
        "footprint": int(SIZES.sum()),
        "one_size": False,
    }
    assert [policy["name"] for policy in policies] == list(SIMULATED)
    assert all(policy["title"] and policy["summary"] for policy in policies)
    assert len(rows) == 6 * 7
    for row, told in zip(rows, expected.rows, strict=True):
        outcome = told.outcome
        assert row == {
            "limit": outcome.limit,
            "policy": outcome.policy,
            "hits": outcome.hits,
            "misses": outcome.misses,
            "hit_rate": outcome.hit_rate,
            "byte_hit_rate": outcome.byte_hit_rate,
            "evictions": outcome.evictions,
            "bytes_loaded": outcome.miss_bytes,
            "refused": outcome.refused,
            "refused_units": told.refused_units,
            "is_bound": False,
        }


def test_limits_and_policies(program: Program, trace: Path) -> None:
    given = ["compare", trace, "--limits", "64KiB, 10%,50%,100000", "--policies", "sieve,LRU"]
    document = program.json(*given).document
    expected = compare(accesses_of(ACCESSES, SIZES), [65_536, Share(0.1), Share(0.5), 100_000], ["sieve", "lru"])
    assert [(row["limit"], row["policy"], row["hits"]) for row in document["rows"]] == [
        (row.outcome.limit, row.outcome.policy, row.outcome.hits) for row in expected.rows
    ]


def test_table(program: Program, trace: Path) -> None:
    result = program("compare", trace, "--limits", "100000,10%", "--policies", "lfu,s3fifo,belady")
    assert (result.status, result.err) == (0, "")
    headline, _, headings, _, *rows = result.out.splitlines()
    assert headline == (
        f"compared  {trace}: 2,000 accesses to 60 units, 242 KiB together; recorded with lfu under 97.7 KiB"
    )
    assert headings.split("  ")[-1].strip() == "Loaded"
    lines = [row.split(maxsplit=4) for row in rows if "KiB" in row]
    assert [line[:4] for line in lines] == [
        ["24.2", "KiB", "10%", "LFU"],
        ["24.2", "KiB", "10%", "S3-FIFO"],
        ["24.2", "KiB", "10%", "Belady"],
        ["97.7", "KiB", "40%", "LFU"],
        ["97.7", "KiB", "40%", "S3-FIFO"],
        ["97.7", "KiB", "40%", "Belady"],
    ]
    remarks = [line[4].partition("iB")[2].strip() for line in lines]
    assert remarks == ["most hits", "refuses 41 units", "", "as recorded", "most hits", ""]
    assert "No bound here, where units differ in size" in result.out
    assert "refuses those of a tenth of the limit" in result.out


def test_bound_for_units_of_one_size(program: Program, tmp_path: Path) -> None:
    path = record(tmp_path / "a.aptrace", [0, 1, 2, 0, 1, 2], [10, 10, 10, 99])
    result = program("compare", path, "--limits", "20", "--policies", "lru,belady")
    assert "6 accesses to 3 units, 30 B together" in result.out
    [row] = [line for line in result.out.splitlines() if line.split()[3:4] == ["Belady"]]
    assert row.endswith("bound: none can have more")
    assert "A bound here" in result.out
    rows = program.json("compare", path, "--limits", "20").document["rows"]
    assert [row["policy"] for row in rows if row["is_bound"]] == ["belady"]


def test_nothing_accessed(program: Program, tmp_path: Path) -> None:
    path = record(tmp_path / "a.aptrace", [], [10])
    assert program("compare", path).out == f"compared  {path}: nothing was accessed in this recording\n"
    document = program.json("compare", path).document
    assert document["accesses"] == 0
    assert all(row["hit_rate"] == 0 for row in document["rows"])


@pytest.mark.parametrize("config", [{}, {"eviction": ["\x1b[31m"], "max_memory": "much"}, {"max_memory": -1}])
def test_recording_that_does_not_say_its_settings(program: Program, tmp_path: Path, config: dict[str, Any]) -> None:
    path = record(tmp_path / "a.aptrace", [0, 1], [10, 20], config)
    document = program.json("compare", path, "--policies", "lru").document
    assert document["recorded"] == {"policy": None, "limit": None, "limits": asdict(UNKNOWN)}
    assert len(document["rows"]) == len(LADDER)
    assert "recorded with" not in program("compare", path).out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--limits", "10MB,much"], "'much' is not a limit: write bytes, a unit such as 64MiB, or a share such as 10%"),
        (["--limits", "10MB,"], "'' is not a limit"),
        (["--limits", "10%%"], "'10%%' is not a limit"),
        (["--limits=-5%"], "'-5%' is not a limit"),
        (
            ["--policies", "lru,best"],
            "'best' is not a policy: choose from lru, lfu, fifo, clock, sieve, s3fifo, belady",
        ),
        (["--policies", ""], "'' is not a policy"),
    ],
)
def test_options_that_cannot_be_read(program: Program, trace: Path, given: list[str], message: str) -> None:
    result = program.json("compare", trace, *given)
    assert (result.status, result.error["code"]) == (2, "usage")
    assert message in result.error["message"]


def test_file_that_is_no_recording(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.aptrace").write_bytes(b"nothing of the kind" * 10)
    assert program.json("compare", tmp_path / "a.aptrace").error["code"] == "bad_recording"
    assert program.json("compare", tmp_path / "missing").error["code"] == "ENOENT"


def test_small_recordings_of_very_large_units(program: Program, tmp_path: Path) -> None:
    path = record(tmp_path / "a.aptrace", [0, 1, 0], [2**61, 2**61])
    document = program.json("compare", path, "--limits", "100%", "--policies", "lru,belady").document
    assert [row["hits"] for row in document["rows"]] == [1, 1]
    assert program("compare", path).status == 0
