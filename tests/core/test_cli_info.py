"""``apbundle info``: every golden bundle as its description says, every malformed file as expected."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from apbundle import ModelBundle
from apbundle.cli import main
from support.cli import Program
from support.hostile import HOSTILE_NAMES

HERE = Path(__file__).resolve().parent.parent
GOLDEN = sorted((HERE / "golden").glob("*.apbundle"))
MALFORMED: dict[str, dict[str, Any]] = json.loads((HERE / "malformed" / "expected.json").read_text(encoding="utf-8"))
EXTENSION_CODES = {"bad_extension", "extension_checksum", "bad_metadata", "unsupported_feature"}


def codes(findings: list[dict[str, Any]]) -> set[str]:
    assert all(set(finding) == {"code", "message", "offset"} for finding in findings)
    return {finding["code"] for finding in findings}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_bundle(program: Program, path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    result = program.json("info", path)
    assert result.status == 0
    found = result.document
    assert list(found) == [
        "path", "file_size", "format_version", "created_at", "description", "data_offset", "alignment", "models",
        "warnings", "extension_error",
    ]  # fmt: skip
    assert found["path"] == str(path)
    for key in ("file_size", "format_version", "created_at", "description", "data_offset"):
        assert found[key] == expected[key]
    assert found["alignment"] == expected.get("alignment", 1)
    assert found["extension_error"] is None
    assert codes(found["warnings"]) - {"no_checksums"} == set(expected.get("warnings", ()))
    described = (expected.get("metadata") or {}).get("models", {})
    for model, wanted in zip(found["models"], expected["models"], strict=True):
        assert list(model) == ["name", "size", "offset", "raw_size", "format", "digest", "metadata"]
        assert (model["name"], model["size"], model["offset"]) == (wanted["name"], wanted["size"], wanted["offset"])
        assert model["raw_size"] == wanted.get("raw_size", wanted["size"])
        assert model["metadata"] == described.get(model["name"], {})
        digest = wanted.get("digest")
        assert model["digest"] == (digest and {"algorithm": expected["digest_algorithm"], "hex": digest})


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file(program: Program, malformed: Path, case: str) -> None:
    expected = MALFORMED[case]
    path = malformed / expected["file"]
    result, shown = program.json("info", path), program("info", path)
    if not expected["opens"]:
        assert (result.status, shown.status) == (2, 2)
        assert result.error["code"] == expected["error"]
        assert shown.out == ""
        assert shown.err.startswith("apbundle: ")
        assert shown.err.count("\n") == 1
        assert path.name in shown.err
        return
    assert (result.status, shown.status, shown.err) == (0, 0, "")
    found = result.document
    assert (found["extension_error"] or {}).get("code") == expected["extension_error"]
    if expected["warnings"] is not None:
        assert codes(found["warnings"]) - {"no_checksums"} == set(expected["warnings"])
    for finding in [*found["warnings"], *filter(None, [found["extension_error"]])]:
        assert finding["code"] in shown.out


def test_offset_says_where_the_fault_is(program: Program, malformed: Path) -> None:
    assert program.json("info", malformed / "M15.apbundle").error["offset"] == 36
    assert "byte 36" in program("info", malformed / "M15.apbundle").err


def test_what_is_no_file_is_refused(program: Program, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero")):
        assert program.json("info", path).error["code"] == "not_a_bundle"
    for path, code in ((tmp_path / "missing", "ENOENT"), (tmp_path / "loop", "ELOOP")):
        result = program.json("info", path)
        assert (result.status, result.error["code"]) == (2, code)


def test_path_that_is_not_utf8(program: Program, golden: Path, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff\x1b.apbundle")
    path.write_bytes((golden / "empty.apbundle").read_bytes())
    assert os.fsencode(program.json("info", path).document["path"]) == os.fsencode(path)
    assert "\\udcff\\x1b.apbundle" in program("info", path).out


def test_format_is_stated_or_found(program: Program, tmp_path: Path) -> None:
    bundle = ModelBundle()
    bundle.add_model("npy", b"\x93NUMPY\x01\x00" + bytes(56))
    bundle.add_model("packed", b"\x93NUMPY\x01\x00" + bytes(5000), compress=True)
    bundle.add_model("noise", b"?" * 100)
    bundle.add_model("nothing", b"")
    path = bundle.write(tmp_path / "formats.apbundle")
    models = program.json("info", path).document["models"]
    assert [model["format"] for model in models] == ["npy", "npy", "unknown", "unknown"]


def test_models_that_may_not_be_read_have_no_format(program: Program, malformed: Path) -> None:
    models = program.json("info", malformed / "X06.apbundle").document["models"]
    assert {model["format"] for model in models} == {"unknown"}


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal(program: Program, golden: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for path in GOLDEN:
        result = program("info", path)
        assert max(map(len, result.out.splitlines())) <= width
        assert not any(line.endswith(" ") for line in result.out.splitlines())


def test_table_shows_what_there_is(program: Program, golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = program("info", golden / "ext_metadata.apbundle").out
    for text in (
        "with metadata", "2023-11-14 22:30:05 UTC", "18.2 KiB (18,629 bytes)", "alignment 64", "5,120", "xxh3-128",
        "vocab/en", "safetensors", "12.3 KiB", "947f8ac7bead…", "(the bundle)", "team=modèles", "layers=1  width=32",
        "author=a, b", "3: embed.weight, layers.0.b, layers.0.w",
    ):  # fmt: skip
        assert text in out
    assert "499814" not in out
    assert "488 KiB" in program("info", golden / "ext_compressed.apbundle").out


def test_long_lists_end_with_their_rest(program: Program, tmp_path: Path) -> None:
    bundle = ModelBundle()
    for index in range(1234):
        bundle.add_model(f"model {index}", b"", custom={"index": str(index)})
    path = bundle.write(tmp_path / "long.apbundle")
    out = program("info", path).out
    assert "… and 234 more; --json lists all" in out
    assert "model 999 " in out
    assert "model 1000 " not in out
    assert len(program.json("info", path).document["models"]) == 1234


def test_long_metadata_ends_with_its_rest(program: Program, tmp_path: Path) -> None:
    bundle = ModelBundle()
    many = {f"key {index:04}": "x" * 30 for index in range(2000)}
    bundle.add_model("a", b"", custom=many, hyperparameters={"long": "y" * 100_000})
    path = bundle.write(tmp_path / "long.apbundle")
    out = program("info", path).out
    assert "key 0049=" in out
    assert "key 0050=" not in out
    assert "… and 1,950 more" in out
    assert len(out) < 20_000
    assert program.json("info", path).document["models"][0]["metadata"]["custom"] == many


def test_nothing_a_bundle_says_reaches_the_terminal_raw(program: Program, tmp_path: Path) -> None:
    bundle = ModelBundle("[bold red]x[/] :smile: \x1b]0;owned\x07\r\n\u202e\u2028\x9b31m")
    bundle.metadata = {"\x1b[2J[link=x]": "\x1b[2J\u200f"}
    for index, name in enumerate(HOSTILE_NAMES):
        metadata = {name: name} if len(name) < 1000 else {}
        bundle.add_model(name, b"", version=name[:99], hyperparameters=metadata, custom={"n": str(index)})
    path = bundle.write(tmp_path / "hostile\x1b[31m.apbundle")
    out = program("info", path).out
    assert [c for c in set(out) if not c.isprintable() and c != "\n"] == []
    assert "[bold red]x[/] :smile: \\x1b]0;owned\\x07\\x0d\\x0a\\u202e\\u2028\\x9b31m" in out
    assert "[link=x]" in out
    assert [model["name"] for model in program.json("info", path).document["models"]] == list(HOSTILE_NAMES)


def test_name_that_a_terminal_cannot_encode(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert main(["info", str(golden / "unicode.apbundle")]) == 0
    assert b"\\u7de8\\u78bc\\u5668/\\u5c420" in raw.getvalue()


def test_bundle_that_changes_meanwhile(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(ModelBundle().add_model("a", b"x" * 100).write(tmp_path / "a.apbundle"))

    def detect(head: bytes, size: int, read: Any) -> str:
        path.write_bytes(path.read_bytes() + b"more")
        read(0, 1)
        return "unknown"

    monkeypatch.setattr("apbundle.cli.description.detect_format", detect)
    assert program.json("info", path).error["code"] == "changed_on_disk"
