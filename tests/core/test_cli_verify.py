"""``apbundle verify``: what it says of golden, malformed and damaged bundles, and with which exit status."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from apbundle import ModelBundle
from support.cli import Program

HERE = Path(__file__).resolve().parent.parent
GOLDEN = sorted((HERE / "golden").glob("*.apbundle"))
MALFORMED: dict[str, dict[str, Any]] = json.loads((HERE / "malformed" / "expected.json").read_text(encoding="utf-8"))
STATUS = {"verified": 0, "no_checksums": 0, "failed": 1}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(ModelBundle("small").add_model("a", b"x" * 1000, version="1").write(tmp_path / "a.apbundle"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_bundle(program: Program, path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    status = expected.get("verify", "no_checksums")
    result = program.json("verify", path, "--expect", expected["file_sha256"])
    assert result.status == 0
    assert result.document == {"path": str(path), "status": status, "findings": []}
    shown = program("verify", path, "--expect", f"sha256:{expected['file_sha256'].upper()}")
    assert shown.status == 0
    assert shown.out.startswith(status.replace("_", " "))
    assert "SHA-256 expected" in shown.out
    assert program("verify", path, "--require-checksums").status == (0 if status == "verified" else 1)


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_file(program: Program, malformed: Path, case: str) -> None:
    expected = MALFORMED[case]
    result = program.json("verify", malformed / expected["file"])
    if not expected["opens"]:
        assert result.status == 2
        assert result.error["code"] == expected["error"]
        return
    found = result.document
    assert result.status == STATUS[found["status"]]
    assert (found["status"] == "failed") == bool(found["findings"])
    if expected["extension_error"]:
        assert expected["extension_error"] in {finding["code"] for finding in found["findings"]}
    if "verify" in expected:
        assert found["status"] == expected["verify"]
    if not expected["extension_error"] and case in ("M30", "M38", "X21", "X22"):
        assert found["status"] == "failed"
    if case == "Y00":
        assert found["status"] == "verified"


def test_damage_is_named_with_its_place(program: Program, bundle: Path) -> None:
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    result = program.json("verify", bundle)
    assert (result.status, result.document["status"]) == (1, "failed")
    [finding] = result.document["findings"]
    assert (finding["code"], finding["offset"]) == ("checksum_mismatch", len(data) - 1000)
    shown = program("verify", bundle)
    assert shown.status == 1
    assert shown.out.startswith(f"failed  {bundle}: 1 finding\n")
    assert "checksum_mismatch" in shown.out
    assert f"byte {len(data) - 1000:,}" in shown.out
    assert shown.err == ""


def test_any_flipped_bit_is_seen(program: Program, bundle: Path) -> None:
    data = bundle.read_bytes()
    for position in range(0, len(data), 37):
        bundle.write_bytes(data[:position] + bytes([data[position] ^ 1 << position % 8]) + data[position + 1 :])
        result = program.json("verify", bundle, "--require-checksums")
        assert result.status in (1, 2), position


def test_whole_file_against_a_digest_from_elsewhere(program: Program, bundle: Path) -> None:
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    wrong = f"{int(digest[0], 16) ^ 1:x}{digest[1:]}"
    result = program.json("verify", bundle, "--expect", wrong)
    assert (result.status, result.document["status"]) == (1, "failed")
    [finding] = result.document["findings"]
    assert finding["code"] == "checksum_mismatch"
    assert digest in finding["message"]
    assert program("verify", bundle, "--expect", wrong[1:]).status == 2
    assert program.json("verify", bundle, "--expect", "").error["code"] == "usage"


def test_expected_digest_does_not_stand_for_checksums(program: Program, golden: Path) -> None:
    path = golden / "three_models.apbundle"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    result = program.json("verify", path, "--expect", digest, "--require-checksums")
    assert (result.status, result.document["status"]) == (1, "no_checksums")


def test_hostile_name_in_a_finding(program: Program, tmp_path: Path) -> None:
    path = Path(ModelBundle().add_model("\x1b[31m\nred[/]", b"x" * 10).write(tmp_path / "a.apbundle"))
    path.write_bytes(path.read_bytes()[:-1] + b"y")
    out = program("verify", path).out
    assert [c for c in set(out) if not c.isprintable() and c != "\n"] == []
    assert "\\x1b[31m\\nred[/]" in out
