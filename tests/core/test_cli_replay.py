"""``apbundle replay``: every golden trace byte for byte, the counters at the end, and operations that cannot be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apbundle import ModelBundle
from support.cli import Program

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
TRACES = sorted(path.stem for path in GOLDEN.glob("*.ops"))


def arguments(trace: str) -> list[str]:
    settings = json.loads((GOLDEN / f"{trace}.json").read_text(encoding="utf-8"))
    given = ["replay", str(GOLDEN / settings["bundle"]), "--ops", str(GOLDEN / settings["ops"])]
    given += ["--max-memory", str(settings["max_memory"]), "--eviction", settings["eviction"]]
    return [*given, "--prefetch", str(settings["prefetch_count"])] if settings["prefetch"] else given


@pytest.mark.parametrize("trace", TRACES)
def test_golden_trace(program: Program, trace: str) -> None:
    expected = (GOLDEN / f"{trace}.expected.tsv").read_bytes().decode()
    every = program(*arguments(trace), "--every")
    assert (every.status, every.err) == (0, "")
    assert every.out == expected

    header, *rows = (line.split("\t") for line in expected.splitlines())
    last = dict(zip(header, rows[-1], strict=True))
    counters = program.json(*arguments(trace)).document
    assert counters["operations"] == len(rows)
    for key in ("hits", "misses", "evictions", "bytes_loaded", "memory_used", "prefetches"):
        assert counters[key] == int(last[key])
    assert counters["cached"] == [name for name in last["cached"].split(",") if name]
    assert counters["hit_rate"] == counters["hits"] / (counters["hits"] + counters["misses"])

    steps = program.json(*arguments(trace), "--every").document
    assert {key: value for key, value in steps.items() if key != "every"} == counters
    assert [step["result"] for step in steps["every"]] == [row[2] for row in rows]
    assert [step["cached"] for step in steps["every"]] == [[n for n in row[-1].split(",") if n] for row in rows]


def test_table(program: Program) -> None:
    assert program(*arguments("lru_case_study")).out.splitlines() == [
        "operations    6",
        "hits          1",
        "misses        5",
        "hit rate      16.7%",
        "evictions     3",
        "prefetches    0",
        "bytes loaded  2.25 KiB (2,300 bytes)",
        "memory used   1000 B of 1.00 KiB (1,024 bytes)",
        "cached        decoder, encoder",
    ]


def test_sizes_and_policies(program: Program, tmp_path: Path) -> None:
    (tmp_path / "ops").write_text("get encoder\nget encoder\nget decoder\nget classifier\n", encoding="utf-8")
    given = ["replay", GOLDEN / "three_models.apbundle", "--ops", tmp_path / "ops"]
    assert program.json(*given, "--max-memory", "1KiB").document["max_memory"] == 1024
    assert program.json(*given, "--max-memory", "auto").document["max_memory"] > 1024
    cached = {
        policy: program.json(*given, "--max-memory", "1024", "--eviction", policy).document["cached"]
        for policy in ("lru", "lfu")
    }
    assert cached == {"lru": ["classifier", "decoder"], "lfu": ["classifier", "encoder"]}
    for prefetch in ([], ["--prefetch", "0"]):
        assert program.json(*given, "--max-memory", "1024", *prefetch).document["prefetches"] == 0


@pytest.mark.parametrize(
    ("ops", "message"),
    [
        (b"get encoder\nload decoder\n", "line 2"),
        (b"get\n", "line 1"),
        (b"get \xff\n", "not UTF-8"),
    ],
)
def test_operations_that_are_none(program: Program, tmp_path: Path, ops: bytes, message: str) -> None:
    (tmp_path / "ops").write_bytes(ops)
    given = ["replay", GOLDEN / "three_models.apbundle", "--ops", tmp_path / "ops", "--max-memory", "1024"]
    result = program.json(*given)
    assert (result.status, result.error["code"]) == (2, "usage")
    assert message in result.error["message"]
    assert program(*given, "--every").out == ""


def test_model_that_is_not_there(program: Program, tmp_path: Path) -> None:
    (tmp_path / "ops").write_text("hint nobody\nevict nobody\nget nobody\n", encoding="utf-8")
    given = ["replay", GOLDEN / "three_models.apbundle", "--ops", tmp_path / "ops", "--max-memory", "1024"]
    result = program.json(*given)
    assert (result.status, result.error["code"]) == (2, "model_not_found")
    assert "'nobody'" in program(*given).err


def test_files_that_are_not_there(program: Program, tmp_path: Path) -> None:
    for given in ([], ["--max-memory", "1MiB"]):
        assert program.json("replay", tmp_path / "none.aptrace", *given).error["code"] == "ENOENT"
    assert "not a regular file" in program("replay", tmp_path).err.lower()


def test_settings_that_make_no_sense(program: Program, tmp_path: Path) -> None:
    (tmp_path / "ops").write_text("clear\n", encoding="utf-8")
    given = ["replay", GOLDEN / "three_models.apbundle", "--ops", tmp_path / "ops"]
    for wrong in (
        [],
        ["--max-memory", "much"],
        ["--max-memory=-1"],
        ["--max-memory", "1024", "--prefetch", "-1"],
        ["--max-memory", "1024", "--prefetch", "1.5"],
        ["--max-memory", "1024", "--eviction", "random"],
    ):
        result = program.json(*given, *wrong)
        assert (result.status, result.error["code"]) == (2, "usage")


def test_hostile_names_stay_in_their_column(program: Program, tmp_path: Path) -> None:
    path = ModelBundle().add_model("a\tb\x1b[2J", b"x").write(tmp_path / "a.apbundle")
    (tmp_path / "ops").write_text("get a\tb\x1b[2J\n", encoding="utf-8")
    given = ["replay", path, "--ops", tmp_path / "ops", "--max-memory", "1024"]
    _, row = program(*given, "--every").out.splitlines()
    assert row.split("\t") == ["get", "a\\x09b\\x1b[2J", "ok:1", "0", "1", "0", "1", "1", "0", "a\\x09b\\x1b[2J"]
    assert "\x1b" not in program(*given).out
    assert program.json(*given).document["cached"] == ["a\tb\x1b[2J"]


def test_reading_counts_bytes_where_mapping_counts_blocks(program: Program, tmp_path: Path) -> None:
    mib = 1 << 20
    bundle, ops = tmp_path / "large.apbundle", tmp_path / "ops"
    each = 3 * mib + 1
    ModelBundle.builder(bundle).add_model("a", bytes(each)).add_model("b", bytes(each)).build().close()
    ops.write_text("get a\nget b\n")
    given = ["replay", str(bundle), "--ops", str(ops), "--max-memory", str(2 * each), "--source"]
    read = program.json(*given, "read").document
    assert (read["evictions"], read["memory_used"], read["resident"]) == (0, 2 * each, 2 * each)
    mapped = program.json(*given, "map").document  # the blocks of both, with the head of the file, exceed the limit
    assert (mapped["evictions"], mapped["memory_used"]) == (1, each)
