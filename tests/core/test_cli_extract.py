"""``apbundle extract``: right bytes under safe names, nothing overwritten, nothing outside the folder."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apbundle import ModelBundle
from apbundle.cli import main
from apbundle.progress import Progress
from support.cli import Program

MODELS = {"encoder": b"e" * 5000, "decoder": b"d" * 300, "empty": b""}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    bundle = ModelBundle()
    for name, data in MODELS.items():
        bundle.add_model(name, data, compress=name == "encoder")
    return Path(bundle.write(tmp_path / "models.apbundle"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_all_models(program: Program, bundle: Path, out: Path) -> None:
    result = program.json("extract", bundle, "-o", out / "deep" / "er")
    assert result.status == 0
    folder = out / "deep" / "er"
    assert result.document == {
        "written": [{"name": n, "path": str(folder / n), "size": len(data)} for n, data in MODELS.items()],
        "failed": [],
    }
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == MODELS
    assert not any(path.stat().st_mode & stat.S_IXUSR for path in folder.iterdir())


def test_named_models(program: Program, bundle: Path, out: Path) -> None:
    result = program("extract", "-o", out, bundle, "decoder", "decoder")
    assert (result.status, result.err) == (0, "")
    assert os.listdir(out) == ["decoder"]
    assert result.out.startswith(f"extracted  {out}: 1 file, 300 B\n")
    assert "decoder" in result.out.splitlines()[-1]


def test_unknown_name_makes_nothing(program: Program, bundle: Path, out: Path) -> None:
    result = program.json("extract", bundle, "decoder", "nobody", "-o", out)
    assert (result.status, result.error["code"]) == (2, "model_not_found")
    assert not out.exists()
    assert "apbundle info" in program("extract", bundle, "nobody", "-o", out).err


def test_files_that_are_there_stay(program: Program, bundle: Path, out: Path) -> None:
    out.mkdir()
    (out / "decoder").write_bytes(b"mine")
    result = program.json("extract", bundle, "-o", out)
    assert result.status == 1
    document = result.document
    assert [item["name"] for item in document["written"]] == ["encoder", "empty"]
    assert [(item["name"], item["error"]["code"]) for item in document["failed"]] == [("decoder", "EEXIST")]
    assert "error" not in document
    shown = program("extract", bundle, "decoder", "-o", out)
    assert (shown.status, shown.out) == (2, "")
    assert "'decoder' was not written: File exists" in shown.err
    assert "--force" in shown.err
    assert program.json("extract", bundle, "-o", out).error["code"] == "EEXIST"
    assert (out / "decoder").read_bytes() == b"mine"

    assert program("extract", bundle, "-o", out, "--force").status == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == MODELS


def test_force_follows_no_link_and_spares_other_names(
    program: Program, bundle: Path, out: Path, tmp_path: Path
) -> None:
    out.mkdir()
    (tmp_path / "precious").write_bytes(b"precious")
    (out / "encoder").symlink_to(tmp_path / "precious")
    os.link(tmp_path / "precious", out / "decoder")
    os.mkfifo(out / "empty")
    result = program.json("extract", bundle, "-o", out, "--force")
    assert result.status == 2
    assert {item["error"]["code"] for item in result.document["failed"]} == {"target_refused"}
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_hostile_names_cannot_leave_the_folder(program: Program, malformed: Path, tmp_path: Path) -> None:
    out = tmp_path / "sandbox" / "out"
    result = program.json("extract", malformed / "M35.apbundle", "-o", out)
    assert result.status == 0
    written = result.document["written"]
    assert len(written) == 22
    assert {Path(item["path"]).parent for item in written} == {out}
    assert sorted(item["path"] for item in written) == sorted(str(path) for path in out.iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert all(name.isprintable() and len(name.encode()) <= 200 for name in os.listdir(out))
    shown = program("extract", malformed / "M35.apbundle", "-o", out)
    assert shown.status == 2
    assert [c for c in set(shown.err) if not c.isprintable() and c != "\n"] == []
    assert shown.err.count("\n") == 22


def test_file_name_does_not_depend_on_what_else_is_extracted(program: Program, malformed: Path, tmp_path: Path) -> None:
    bundle = malformed / "M35.apbundle"
    everything = program.json("extract", bundle, "-o", tmp_path / "all").document["written"]
    for item in everything:
        if "\0" in item["name"]:
            continue
        result = program.json("extract", bundle, "-o", tmp_path / "one", "--force", "--", item["name"])
        [alone] = result.document["written"]
        assert Path(alone["path"]).name == Path(item["path"]).name


def test_damaged_model_is_not_written(program: Program, bundle: Path, out: Path) -> None:
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-1] + b"!")  # the last byte of the decoder
    result = program.json("extract", bundle, "-o", out)
    assert result.status == 1
    [failed] = result.document["failed"]
    assert (failed["name"], failed["error"]["code"]) == ("decoder", "checksum_mismatch")
    assert sorted(os.listdir(out)) == ["empty", "encoder"]
    assert program("extract", bundle, "decoder", "-o", out / "new").status == 2
    assert not (out / "new").exists()


def test_models_that_may_not_be_read(program: Program, malformed: Path, out: Path) -> None:
    result = program.json("extract", malformed / "X06.apbundle", "-o", out)
    assert result.status == 2
    assert result.document["error"]["code"] == "unsupported_feature"
    assert not out.exists()


def test_folder_that_is_a_file(program: Program, bundle: Path) -> None:
    assert program.json("extract", bundle, "-o", bundle).error["code"] == "ENOTDIR"
    assert program.json("extract", bundle, "-o", bundle / "below").error["code"] == "ENOTDIR"


def test_bundle_without_models(program: Program, golden: Path, out: Path) -> None:
    result = program.json("extract", golden / "empty.apbundle", "-o", out)
    assert (result.status, result.document) == (0, {"written": [], "failed": []})
    assert out.is_dir()


def test_standard_output(bundle: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for name, data in MODELS.items():
        assert main(["extract", str(bundle), name, "-o", "-"]) == 0
        assert capfdbinary.readouterr() == (data, b"")


def test_standard_output_takes_one_model(program: Program, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for names in ([], ["encoder", "decoder"]):
        result = program("extract", bundle, *names, "-o", "-")
        assert (result.status, result.out) == (2, "")
        assert "one model" in result.err
    assert program.json("extract", bundle, "decoder", "-o", "-").error["code"] == "usage"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    result = program("extract", bundle, "decoder", "-o", "-")
    assert (result.status, result.out) == (2, "")
    assert "terminal" in result.err


def test_damaged_model_to_standard_output(bundle: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"!")
    assert main(["extract", str(bundle), "decoder", "-o", "-"]) == 1
    written, said = capfdbinary.readouterr()
    assert len(written) == 300
    assert b"do not use it" in said


def test_stopped_by_a_signal(program: Program, bundle: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def interrupting() -> Iterator[Progress]:
        def progress(phase: str, done: int, total: int) -> None:
            if done > 5000:  # inside the second model
                signal.raise_signal(signal.SIGINT)

        yield progress

    monkeypatch.setattr("apbundle.cli.working._progress_shown", interrupting)
    result = program("extract", bundle, "-o", out)
    assert result.status == 130
    assert "1 of 3 files were written and stay" in result.err
    assert os.listdir(out) == ["encoder"]
