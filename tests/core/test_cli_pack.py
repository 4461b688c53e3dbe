"""``apbundle pack``: the bytes of the reference, the options, what is refused, and that nothing is lost then."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apbundle import BundleReader
from apbundle.errors import bundle_error
from apbundle.progress import Progress
from support.cli import Program

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a few files to pack in it."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("encoder.bin").write_bytes(b"e" * 700)
    Path("decoder.tar.gz").write_bytes(b"d" * 300)
    Path("empty").write_bytes(b"")
    Path("a=b.bin").write_bytes(b"ab")
    return folder


def taken_apart(program: Program, bundle: Path, folder: Path) -> list[str]:
    """The models of ``bundle`` as files, and as ``NAME=PATH`` arguments."""
    written = program.json("extract", bundle, "-o", folder).document["written"]
    return [f"{item['name']}={item['path']}" for item in written]


@pytest.mark.parametrize("name", ["empty", "three_models", "unicode", "many", "shell_segments"])
def test_reference_bundle_byte_for_byte(program: Program, tmp_path: Path, name: str) -> None:
    golden = GOLDEN / f"{name}.apbundle"
    expected = json.loads(golden.with_suffix(".json").read_text(encoding="utf-8"))
    models = taken_apart(program, golden, tmp_path / "models")
    options = ["--plain", "--created-at", str(expected["created_at"]), "--description", expected["description"]]
    result = program.json("pack", tmp_path / "again.apbundle", *models, *options)
    assert (result.status, result.document["file_size"]) == (0, expected["file_size"])
    assert (tmp_path / "again.apbundle").read_bytes() == golden.read_bytes()


@pytest.mark.parametrize("name", ["ext_placement", "ext_sha256"])
def test_extended_bundle_byte_for_byte(program: Program, tmp_path: Path, name: str) -> None:
    golden = GOLDEN / f"{name}.apbundle"
    expected = json.loads(golden.with_suffix(".json").read_text(encoding="utf-8"))
    models = taken_apart(program, golden, tmp_path / "models")
    options = ["--align", str(expected["alignment"]), "--digest", expected["digest_algorithm"]]
    options += ["--created-at", str(expected["created_at"]), "--description", expected["description"]]
    assert program("pack", *options, tmp_path / "again.apbundle", *models).status == 0
    assert (tmp_path / "again.apbundle").read_bytes() == golden.read_bytes()


def test_same_inputs_give_the_same_bytes(program: Program, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    given = ["encoder.bin", "empty", "--meta", "encoder.version=1", "--compress", "encoder"]
    assert program("pack", "one.apbundle", *given).status == 0
    assert program("pack", "two.apbundle", *given).status == 0
    assert Path("one.apbundle").read_bytes() == Path("two.apbundle").read_bytes()
    assert program.json("info", "one.apbundle").document["created_at"] == 1700000000
    assert program("pack", "three.apbundle", *given, "--created-at", "12").status == 0
    assert program.json("info", "three.apbundle").document["created_at"] == 12


@pytest.mark.parametrize("date", ["yesterday", str(2**64), "9" * 5000])
def test_source_date_that_is_none(program: Program, models: Path, monkeypatch: pytest.MonkeyPatch, date: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", date)
    assert program.json("pack", "one.apbundle", "encoder.bin").error["code"] == "usage"
    assert program("pack", "one.apbundle", "encoder.bin", "--created-at", "1").status == 0


def test_round_trip(program: Program, models: Path) -> None:
    given = ["pack", "all.apbundle", "--description", "Übung", "x/y\u0301=encoder.bin", "decoder.tar.gz", "empty"]
    given += ["--align", "4KiB", "--digest", "sha256", "--compress", "x/y\u0301"]
    given += ["--meta", "decoder.tar.version=1.2", "--meta", "decoder.tar.architecture=mlp"]
    given += ["--meta", "x/y\u0301.hyperparameters.a.b=c=d", "--meta", "x/y\u0301.custom.author=me"]
    packed = program.json(*given)
    assert packed.status == 0
    found = program.json("info", "all.apbundle").document
    assert packed.document == {**found, "path": str(models / "all.apbundle")}
    assert (found["description"], found["alignment"]) == ("Übung", 4096)
    assert [model["name"] for model in found["models"]] == ["x/y\u0301", "decoder.tar", "empty"]
    assert [model["raw_size"] for model in found["models"]] == [700, 300, 0]
    assert [model["metadata"] for model in found["models"]] == [
        {"custom": {"author": "me"}, "hyperparameters": {"a.b": "c=d"}},
        {"architecture": "mlp", "version": "1.2"},
        {},
    ]
    assert {model["digest"]["algorithm"] for model in found["models"]} == {"sha256"}
    assert found["models"][0]["size"] < 700
    assert program.json("verify", "all.apbundle").document["status"] == "verified"
    written = program.json("extract", "all.apbundle", "-o", "out").document["written"]
    contents = [Path(item["path"]).read_bytes() for item in written]
    assert contents == [b"e" * 700, b"d" * 300, b""]


def test_no_model_is_fine(program: Program, models: Path) -> None:
    assert program("pack", "none.apbundle").out.endswith("none.apbundle: 0 models, 192 B\n")
    assert program("pack", "none.apbundle", "--plain", "--digest", "none", "--align", "1").status == 0
    assert program.json("verify", "none.apbundle").document["status"] == "no_checksums"


def test_digest_none(program: Program, models: Path) -> None:
    document = program.json("pack", "a.apbundle", "encoder.bin", "--digest", "none").document
    assert [model["digest"] for model in document["models"]] == [None]
    assert {warning["code"] for warning in document["warnings"]} == {"no_checksums"}


def test_argument_that_is_a_path_is_a_path(program: Program, models: Path) -> None:
    def names(*arguments: str) -> list[str]:
        return [model["name"] for model in program.json("pack", "o.apbundle", *arguments).document["models"]]

    assert names("a=b.bin") == ["a=b"]
    assert names("c=a=b.bin") == ["c"]
    assert names("--", "-x=encoder.bin") == ["-x"]
    Path("-y.bin").write_bytes(b"")
    assert names("--plain", "--", "-y.bin") == ["-y"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["encoder.bin", "encoder=empty"], "duplicate_name"),
        (["encoder.bin", "encoder.bin"], "duplicate_name"),
        (["missing.bin"], "ENOENT"),
        (["x=missing.bin"], "ENOENT"),
        (["."], "EISDIR"),
        (["folder=."], "EISDIR"),
        (["=encoder.bin"], "usage"),
        (["x="], "usage"),
        (["fifo"], "EINVAL"),
        (["encoder.bin", "--align", "3"], "usage"),
        (["encoder.bin", "--align", "2MiB"], "usage"),
        (["encoder.bin", "--digest", "md5"], "usage"),
        (["encoder.bin", "--created-at", "now"], "usage"),
        (["encoder.bin", "--created-at", str(2**64)], "usage"),
        (["encoder.bin", "--compress", "decoder"], "usage"),
        (["encoder.bin", "--meta", "decoder.version=1"], "usage"),
        (["encoder.bin", "--meta", "encoder.size=1"], "usage"),
        (["encoder.bin", "--meta", "encoder.custom=1"], "usage"),
        (["encoder.bin", "--meta", "encoder.custom.=1"], "usage"),
        (["encoder.bin", "--meta", "encoder.version"], "usage"),
        (["encoder.bin", "--meta", "encoder"], "usage"),
        (["encoder.bin", "--description", "\udcff"], "usage"),
        (["encoder.bin", "--bogus"], "usage"),
        (["encoder.bin", "--plain", "--digest", "sha256"], "unsupported_feature"),
        (["encoder.bin", "--plain", "--align", "64"], "unsupported_feature"),
        (["encoder.bin", "--plain", "--compress", "encoder"], "unsupported_feature"),
        (["encoder.bin", "--plain", "--meta", "encoder.version=1"], "unsupported_feature"),
    ],
)
def test_refused(program: Program, models: Path, arguments: list[str], code: str) -> None:
    os.mkfifo("fifo")
    Path("out.apbundle").write_bytes(b"old")
    result = program.json("pack", "out.apbundle", *arguments)
    assert (result.status, result.error["code"]) == (2, code)
    assert Path("out.apbundle").read_bytes() == b"old"
    assert not list(models.glob(".*"))
    shown = program("pack", "out.apbundle", *arguments)
    assert (shown.status, shown.out, shown.err.count("\n")) == (2, "", 1)


def test_longest_name_takes_the_metadata(program: Program, models: Path) -> None:
    given = ["pack", "o.apbundle", "a=empty", "a.custom=empty", "--meta", "a.custom.version=2", "--meta", "a.version=1"]
    document = program.json(*given).document
    assert [model["metadata"] for model in document["models"]] == [{"version": "1"}, {"version": "2"}]
    assert program.json(*given, "--meta", "a.custom.x=1").error["code"] == "usage"


def test_input_is_never_written_over(program: Program, models: Path) -> None:
    os.link("encoder.bin", "link.apbundle")
    Path("soft.apbundle").symlink_to("encoder.bin")
    for out in ("encoder.bin", "link.apbundle", "soft.apbundle"):
        assert program.json("pack", out, "empty", "encoder.bin").error["code"] == "target_refused"
    assert Path("encoder.bin").read_bytes() == b"e" * 700


def test_forgotten_out_does_not_cost_a_model(program: Program, models: Path) -> None:
    model = b"\x93NUMPY\x01\x00" + bytes(100)
    Path("weights.npy").write_bytes(model)
    result = program.json("pack", "weights.npy", "encoder.bin")
    assert (result.status, result.error["code"]) == (2, "target_refused")
    assert Path("weights.npy").read_bytes() == model


def test_old_bundle_is_replaced(program: Program, models: Path) -> None:
    for names in (["encoder"], ["encoder", "empty"]):
        files = {"encoder": "encoder.bin", "empty": "empty"}
        assert program("pack", "o.apbundle", *(files[name] for name in names)).status == 0
        with BundleReader.open("o.apbundle") as reader:
            assert reader.manifest.model_names == names


def test_place_that_cannot_be_written_to(program: Program, models: Path) -> None:
    assert program.json("pack", "no/such/o.apbundle", "empty").error["code"] == "ENOENT"
    assert program.json("pack", ".", "empty").error["code"] == "target_refused"


def test_file_that_is_in_place_but_not_confirmed(
    program: Program, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: Any, **__: Any) -> str:
        raise bundle_error("durability_unknown", "The disk did not confirm it.")

    monkeypatch.setattr("apbundle.bundle.write_bundle", write)
    result = program.json("pack", "o.apbundle", "encoder.bin")
    assert (result.status, result.error["code"]) == (1, "durability_unknown")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("times", [1, 2])
def test_stopped_by_a_signal(
    program: Program, models: Path, monkeypatch: pytest.MonkeyPatch, name: str, times: int
) -> None:
    number = getattr(signal, name)

    @contextmanager
    def interrupting() -> Iterator[Progress]:
        def progress(phase: str, done: int, total: int) -> None:
            if phase == "copy":
                for _ in range(times):
                    signal.raise_signal(number)

        yield progress

    monkeypatch.setattr("apbundle.cli.working._progress_shown", interrupting)
    Path("o.apbundle").write_bytes(b"old")
    before = signal.getsignal(number)
    result = program.json("pack", "o.apbundle", "encoder.bin")
    assert result.status == 128 + (number if times == 1 else signal.SIGINT)
    assert result.error["code"] == "cancelled"
    assert Path("o.apbundle").read_bytes() == b"old"
    assert not list(models.glob(".*"))
    assert signal.getsignal(number) == before
