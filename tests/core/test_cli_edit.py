"""``apbundle edit`` and ``apbundle merge``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cli import Program
from support.faults import without_fsync


@pytest.fixture(autouse=True)
def folder(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder: two bundles, one of them plain, and a few files."""
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        Path(f"{name}.bin").write_bytes(name.encode() * 500)
    with without_fsync():
        assert program("pack", "m.apbundle", "a.bin", "b.bin", "--meta", "a.version=1").status == 0
        assert program("pack", "old.apbundle", "c.bin", "--plain").status == 0
        yield tmp_path


def models(program: Program, path: str) -> dict[str, Any]:
    return {model["name"]: model for model in program.json("info", path).document["models"]}


def test_metadata(program: Program) -> None:
    given = ["--meta", "a.version=2", "--meta", "a.custom.author=me", "--meta", "b.hyperparameters.n=3"]
    done = program.json("edit", "m.apbundle", *given, "--bundle-meta", "owner=us", "--description", "new")
    assert done.status == 0
    assert done.document["edit"]["in_place"]
    assert done.document["description"] == "new"
    found = models(program, "m.apbundle")
    assert found["a"]["metadata"] == {"custom": {"author": "me"}, "version": "2"}
    assert found["b"]["metadata"] == {"hyperparameters": {"n": "3"}}
    assert program("edit", "m.apbundle", "--meta", "a.version=", "--meta", "a.custom.author=").status == 0
    assert models(program, "m.apbundle")["a"]["metadata"] == {}
    assert program("verify", "m.apbundle").status == 0


def test_plan_changes_nothing(program: Program) -> None:
    before = Path("m.apbundle").read_bytes()
    planned = program.json("edit", "m.apbundle", "--meta", "a.version=2", "--plan").document
    assert (planned["changes"], planned["in_place"], planned["reasons"]) == (True, True, [])
    assert planned["bytes_written"] < 200
    anew = program.json("edit", "m.apbundle", "--remove", "b", "--align", "4KiB", "--plan").document
    assert (anew["in_place"], anew["reasons"]) == (False, ["models are taken out", "models move to other places"])
    shown = program("edit", "m.apbundle", "--remove", "b", "--plan")
    assert "m.apbundle: Rewrites" in shown.out
    assert "models are taken out" in shown.out
    assert Path("m.apbundle").read_bytes() == before


def test_models(program: Program) -> None:
    given = ["--add", "c.bin", "--add", "d=c.bin", "--replace", "a=c.bin", "--rename", "a=first", "--rename", "c=a"]
    assert program("edit", "m.apbundle", *given, "--first", "b", "--meta", "d.version=7", "--compress", "d").status == 0
    found = models(program, "m.apbundle")
    assert list(found) == ["b", "first", "a", "d"]
    assert found["first"]["metadata"] == {"version": "1"}
    assert found["d"]["metadata"] == {"version": "7"}
    assert found["d"]["size"] < found["d"]["raw_size"] == 500
    assert program("edit", "m.apbundle", "--remove", "b", "--add", "b=a.bin", "--decompress", "d").status == 0
    found = models(program, "m.apbundle")
    assert list(found) == ["first", "a", "d", "b"]
    assert found["d"]["size"] == 500
    assert program("verify", "m.apbundle").status == 0


def test_an_old_bundle_gains_alignment_and_digests(program: Program) -> None:
    assert program("edit", "old.apbundle", "--align", "4KiB", "--digest", "sha256").out.startswith("edited")
    document = program.json("info", "old.apbundle").document
    assert document["alignment"] == 4096
    assert document["models"][0]["digest"]["algorithm"] == "sha256"
    assert program.json("verify", "old.apbundle").document["status"] == "verified"
    assert program("edit", "old.apbundle", "--digest", "none").status == 0
    assert program.json("verify", "old.apbundle").document["status"] == "no_checksums"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "usage"),
        (["--meta", "x.version=1"], "usage"),
        (["--meta", "a.version"], "usage"),
        (["--meta", "a.colour=red"], "usage"),
        (["--meta", "a.custom.=red"], "usage"),
        (["--bundle-meta", "owner"], "usage"),
        (["--rename", "x=y"], "usage"),
        (["--rename", "a="], "usage"),
        (["--replace", "a"], "usage"),
        (["--first", "x"], "usage"),
        (["--remove", "a", "--meta", "a.version=2"], "usage"),
        (["--digest", "md5"], "usage"),
        (["--remove", "x"], "model_not_found"),
        (["--rename", "a=b"], "duplicate_name"),
        (["--add", "a.bin"], "duplicate_name"),
        (["--add", "missing.bin"], "ENOENT"),
        (["--replace", "a=m.apbundle"], "target_refused"),
    ],
)
def test_refused(program: Program, folder: Path, arguments: list[str], code: str) -> None:
    before = Path("m.apbundle").read_bytes()
    result = program.json("edit", "m.apbundle", *arguments)
    assert (result.status, result.error["code"]) == (2, code)
    assert Path("m.apbundle").read_bytes() == before
    assert not list(folder.glob(".*"))
    shown = program("edit", "m.apbundle", *arguments)
    assert (shown.status, shown.out, shown.err.count("\n")) == (2, "", 1)


def test_merge(program: Program) -> None:
    merged = program.json("merge", "m.apbundle", "old.apbundle", "-o", "all.apbundle", "--created-at", "4")
    assert merged.status == 0
    assert list(models(program, "all.apbundle")) == ["a", "b", "c"]
    assert merged.document["created_at"] == 4
    clash = program.json("merge", "m.apbundle", "all.apbundle", "-o", "x.apbundle")
    assert (clash.status, clash.error["code"]) == (2, "duplicate_name")
    shown = program("merge", "m.apbundle", "all.apbundle", "-o", "x.apbundle", "--prefix")
    assert shown.out.startswith("merged")
    assert list(models(program, "x.apbundle"))[::2] == ["m/a", "all/a", "all/c"]
    assert program.json("merge", "m.apbundle", "-o", "m.apbundle").error["code"] == "target_refused"
    assert program.json("merge", "m.apbundle").error["code"] == "usage"
    assert program.json("merge", "a.bin", "-o", "x.apbundle").error["code"] == "not_a_bundle"
