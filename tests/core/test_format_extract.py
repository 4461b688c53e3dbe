"""Extracting: whole models under safe names, or none; what was finished stays."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from apbundle.errors import BundleError, Cancelled
from apbundle.fileio import syscalls
from apbundle.format.extract import ExtractReport, copy_model, extract_models, target_names
from apbundle.format.reader import BundleReader
from apbundle.format.sources import BuffersSource, NewModel
from apbundle.format.writer import WriteOptions, write_bundle
from apbundle.progress import Reporter
from support.faults import Fault, failing, without_fsync
from support.forge import bundle, patched, sealed
from support.opened import opened

MODELS = (("a", bytes(range(256)) * 30), ("b", b"xyz"), ("none", b""))


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in os.listdir(folder)}


def failures(report: ExtractReport) -> dict[str, str]:
    return {
        failed.name: failed.error.code if isinstance(failed.error, BundleError) else type(failed.error).__name__
        for failed in report.failed
    }


def test_all_models(tmp_path: Path, out: Path) -> None:
    with opened(tmp_path, sealed(MODELS)) as reader:
        report = extract_models(reader, None, out)
    assert files(out) == dict(MODELS)
    assert [(done.name, done.path, done.size) for done in report.written] == [
        (name, str(out / name), len(data)) for name, data in MODELS
    ]
    assert report.failed == ()
    for name in files(out):
        assert stat.S_IMODE((out / name).stat().st_mode) & 0o111 == 0


def test_some_models_in_the_order_asked_for(tmp_path: Path, out: Path) -> None:
    with opened(tmp_path, bundle(MODELS)) as reader:
        report = extract_models(reader, ["none", "b", "none"], out)
    assert [done.name for done in report.written] == ["none", "b"]
    assert files(out) == {"none": b"", "b": b"xyz"}


def test_an_unknown_name_stops_before_anything_is_written(tmp_path: Path, out: Path) -> None:
    with opened(tmp_path, bundle(MODELS)) as reader, pytest.raises(BundleError) as caught:
        extract_models(reader, ["a", "c"], out)
    assert caught.value.code == "model_not_found"
    assert files(out) == {}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with opened(tmp_path, bundle(MODELS)) as reader:
        for folder in (tmp_path / "missing", tmp_path / "case.apbundle"):
            with pytest.raises(OSError, match="no such directory"):
                extract_models(reader, None, folder)


def test_raw_bytes_of_compressed_models(tmp_path: Path, out: Path) -> None:
    data = b"compress me " * 900_000
    models = [NewModel("z", BuffersSource([memoryview(data)]), compress=True)]
    write_bundle(tmp_path / "x", models, WriteOptions())
    seen: list[tuple[str, int, int]] = []
    with BundleReader.open(tmp_path / "x") as reader:
        report = extract_models(reader, None, out, progress=lambda *args: seen.append(args))
    assert files(out) == {"z": data}
    assert report.written[0].size == len(data)
    assert seen[-1] == ("extract", len(data), len(data))


def test_a_damaged_model_is_not_written_and_the_others_are(tmp_path: Path, out: Path) -> None:
    raw = sealed(MODELS)
    with opened(tmp_path, patched(raw, len(raw) - 1, b"!")) as reader:
        report = extract_models(reader, None, out)
    assert failures(report) == {"b": "checksum_mismatch"}
    assert files(out) == {"a": MODELS[0][1], "none": b""}


def test_what_exists_is_kept_unless_forced(tmp_path: Path, out: Path) -> None:
    (out / "b").write_bytes(b"mine")
    (out / "b").chmod(0o600)
    with opened(tmp_path, bundle(MODELS)) as reader:
        assert failures(extract_models(reader, None, out)) == {"b": "FileExistsError"}
        assert files(out)["b"] == b"mine"
        report = extract_models(reader, None, out, force=True)
        assert report.failed == ()
    assert files(out) == dict(MODELS)
    assert stat.S_IMODE((out / "b").stat().st_mode) == 0o600


@pytest.mark.parametrize("force", [False, True])
def test_links_and_devices_are_never_written_through(tmp_path: Path, out: Path, force: bool) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (out / "a").symlink_to(victim)
    (out / "b").hardlink_to(victim)
    os.mkfifo(out / "none")
    with opened(tmp_path, bundle(MODELS)) as reader:
        report = extract_models(reader, None, out, force=force)
    expected = "target_refused" if force else "FileExistsError"
    assert failures(report) == dict.fromkeys(("a", "b", "none"), expected)
    assert victim.read_bytes() == b"precious"
    assert (out / "a").is_symlink()


def test_the_bundle_itself_is_never_overwritten(tmp_path: Path) -> None:
    raw = bundle([("case.apbundle", b"evil")])
    with opened(tmp_path, raw) as reader:
        report = extract_models(reader, None, tmp_path, force=True)
    assert failures(report) == {"case.apbundle": "target_refused"}
    assert (tmp_path / "case.apbundle").read_bytes() == raw


HOSTILE = [
    *("../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "C:\\x", "\\\\host\\x", "con", "NUL.txt"),
    *("a:b", "~", "-rf", ".bashrc", "a\0b", "a\nb", "\u202etxt.exe", "x" * 3000, "é" * 200, "e\u0301", "\u00e9"),
    *("A", "a", " a", "a ", "a.", "$HOME", "%PATH%", "|sh", "*", "?", "<b>", "\x7f", "\ud7ff", "🎯" * 100),
]


def test_hostile_names_stay_in_the_folder(tmp_path: Path, out: Path) -> None:
    models = [(name, f"{number}".encode()) for number, name in enumerate(HOSTILE)]
    before = set(os.listdir(tmp_path))
    with opened(tmp_path, bundle(models)) as reader:
        names = target_names(reader)
        report = extract_models(reader, None, out)
    assert report.failed == ()
    assert files(out) == {names[name]: data for name, data in models}
    assert len(set(names.values())) == len(HOSTILE)
    assert set(os.listdir(tmp_path)) == before | {"case.apbundle"}
    for name in names.values():
        assert os.path.basename(name) == name
        assert name not in (".", "..", "")
        assert len(name.encode()) <= 200


def test_a_file_name_does_not_depend_on_what_else_is_extracted(tmp_path: Path, out: Path) -> None:
    models = [("a/b", b"1"), ("a\\b", b"2"), ("A_b", b"3"), ("x", b"4")]
    with opened(tmp_path, bundle(models)) as reader:
        names = target_names(reader)
        for name, data in reversed(models):
            [done] = extract_models(reader, [name], out).written
            assert os.path.basename(done.path) == names[name]
            assert Path(done.path).read_bytes() == data


def test_endings(tmp_path: Path, out: Path) -> None:
    with opened(tmp_path, bundle([("a", b"1"), ("b.bin", b"2"), ("c.BIN", b"3")])) as reader:
        extract_models(reader, None, out, suffix=lambda entry: ".bin")
    assert files(out) == {"a.bin": b"1", "b.bin": b"2", "c.BIN": b"3"}


def test_a_full_disk_ends_it_and_what_was_finished_stays(tmp_path: Path, out: Path) -> None:
    models = [(f"m{i}", bytes([i]) * 100) for i in range(5)]
    with opened(tmp_path, bundle(models)) as reader, failing(Fault("pwrite", 3, "ENOSPC", forever=True)):
        report = extract_models(reader, None, out)
    assert [done.name for done in report.written] == ["m0", "m1"]
    assert failures(report) == {"m2": "disk_full"}
    assert files(out) == dict(models[:2])


def test_an_io_error_is_one_models_failure(tmp_path: Path, out: Path) -> None:
    models = [(f"m{i}", bytes([i]) * 100) for i in range(3)]
    with opened(tmp_path, bundle(models)) as reader, failing(Fault("pwrite", 2, "EIO")):
        report = extract_models(reader, None, out)
    assert failures(report) == {"m1": "OSError"}
    assert set(files(out)) == {"m0", "m2"}


def test_cancelling_keeps_what_was_finished_and_nothing_else(tmp_path: Path, out: Path) -> None:
    models = [(f"m{i}", bytes([i]) * 100) for i in range(4)]
    for number in range(1, 60):
        asked = iter([False] * number + [True] * 9)
        with opened(tmp_path, bundle(models)) as reader:
            try:
                extract_models(reader, None, out, force=True, cancel=lambda asked=asked: next(asked))  # type: ignore[misc]
            except Cancelled as error:
                count = len(files(out))
                assert f"{count} of 4 files" in (error.hint or "")  # noqa: PT017
                assert files(out) == dict(models[:count])
            else:
                break
        for name in files(out):
            (out / name).unlink()
    assert 10 < number < 59


@pytest.mark.parametrize("raw", [bundle(MODELS), sealed(MODELS)])
def test_a_bundle_that_changes_meanwhile(tmp_path: Path, out: Path, raw: bytes) -> None:
    with opened(tmp_path, raw) as reader:
        os.truncate(reader.path, len(raw) - 2)
        report = extract_models(reader, None, out)
        assert set(failures(report).values()) == {"changed_on_disk"}
    assert set(files(out)) <= {"none"}


def test_a_race_for_the_name_is_lost_gracefully(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    pwrite = syscalls.pwrite

    def plant(descriptor: int, data: memoryview, offset: int) -> int:
        if not (out / "b").is_symlink():
            (out / "b").symlink_to(victim)
        return int(pwrite(descriptor, data, offset))

    monkeypatch.setattr(syscalls, "pwrite", plant)
    with opened(tmp_path, bundle(MODELS)) as reader:
        assert failures(extract_models(reader, ["b"], out)) == {"b": "FileExistsError"}
    assert victim.read_bytes() == b"precious"
    assert os.listdir(out) == ["b"]


def test_copying_to_anywhere(tmp_path: Path) -> None:
    with opened(tmp_path, sealed(MODELS)) as reader:
        for name, data in MODELS:
            pieces: list[tuple[int, bytes]] = []
            entry = reader.entry(name)
            copy_model(reader, entry, lambda at, piece, to=pieces: to.append((at, bytes(piece))), Reporter())  # type: ignore[misc]
            assert b"".join(piece for _, piece in pieces) == data
