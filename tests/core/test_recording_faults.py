"""What a recording does to the program it is made of when it cannot be written: nothing, but say so once."""

from __future__ import annotations

import fcntl
import os
import re
import resource
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from apbundle.errors import BadRecording, BundleError
from apbundle.paging.stats import PagingStats
from apbundle.trace import destination, start
from apbundle.trace.destination import recording_path_from_environment
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import SLOT, Kind, RecordingHeader
from apbundle.trace.start import start_recording
from support.children import run_forked
from support.faults import Fault, failing, faults_of, recorded
from support.paging import make_pager, units_of
from support.recordings import Row, drain, header, rows

UNITS = units_of({"a": 600, "b": 500, "c": 300})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.aptrace"


def begin() -> RecordingHeader:
    return header(names=tuple(UNITS), sizes=[unit.size for unit in UNITS.values()])


def run(path: Path | None) -> PagingStats:
    """A program that pages and is recorded: at ``path``, or where the environment says."""
    pager = make_pager(UNITS.values(), 1024, observer=start_recording(path, "/models.apbundle", begin))
    for name in ("a", "b", "a", "c", "c"):
        pager.get(name)
    pager.evict("c")
    for _ in range(9000):
        pager.get("b")
    pager.resize(800)
    pager.pin(["b"])
    pager.unpin(["b"])
    pager.hint("c")
    pager.close()
    return pager.stats()


def told(path: Path) -> tuple[list[Row], str]:
    """What a recording says, and its status; nothing and ``none`` if there is none that this test made."""
    try:
        with RecordingReader.open(path) as reader:
            return (drain(reader), reader.status) if len(reader.header.units) == len(UNITS) else ([], "none")
    except (FileNotFoundError, BadRecording):
        return [], "none"


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_every_call_may_fail_in_turn(path: Path) -> None:
    """The program's own results never change; what is in the recording is true, and complete unless it was said."""
    expected = run(path)
    truth, _ = told(path)
    RecordingWriter.create(path, header()).close()
    with recorded() as calls:
        run(path)
    assert {*calls} == {"open", "fstat", "pread", "flock", "stat", "unlink", "close", "pwrite"}
    for fault in faults_of(calls, ("EIO", "ENOSPC", "EINTR", "EACCES", "short")):
        path.unlink(missing_ok=True)
        RecordingWriter.create(path, header()).close()
        descriptors = open_descriptors()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with failing(fault):
                assert run(path) == expected, fault
        found, status = told(path)
        assert found == truth[: len(found)], fault
        assert len(caught) == (found != truth or status != "ended"), (fault, status)
        assert all(warning.category is RuntimeWarning for warning in caught), fault
        assert open_descriptors() == descriptors, fault


def test_every_call_of_a_reader_may_fail_in_turn(path: Path) -> None:
    """It raises what the system said, or goes without; it lets go of the file, and what it returned before is true."""
    run(path)
    truth, _ = told(path)

    def read() -> list[Row]:
        with RecordingReader.open(path) as reader:
            found = drain(reader)
            assert rows(reader.read(0)) == truth[: reader.count]
            return found

    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - SLOT)  # without its end it has to ask for the writer
    with recorded() as calls:
        assert read() == truth
    assert {*calls} == {"open", "fstat", "pread", "flock", "stat", "close"}
    for fault in faults_of(calls, ("EIO", "EINTR", "EACCES")):
        descriptors = open_descriptors()
        with failing(fault), suppress(OSError, BadRecording):
            assert read() == truth, fault
        assert open_descriptors() == descriptors, fault


def test_every_call_may_fail_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run(None)
    folder = tmp_path / "not" / "there yet"
    monkeypatch.setenv("APBUNDLE_RECORD", str(folder))
    with recorded() as calls:
        run(None)
    assert {*calls} == {"makedirs", "open", "flock", "fstat", "pwrite", "close"}
    for fault in faults_of(calls, ("EIO", "EACCES"), only=("makedirs", "open", "fstat", "pwrite")):
        start._refused.clear()
        with failing(fault), pytest.warns(RuntimeWarning, match=f"[Rr]ecording to {re.escape(str(folder))}") as caught:
            assert run(None) == expected
        assert len(caught) == 1


def test_an_interruption_loses_nothing(path: Path) -> None:
    """Ctrl+C in the middle of a write reaches the program, and what was not written yet is written next time."""
    run(path)
    truth, _ = told(path)
    pager = make_pager(UNITS.values(), 1024, observer=start_recording(path, "/models.apbundle", begin))
    with failing(Fault("pwrite", 1, "interrupt")), pytest.raises(KeyboardInterrupt):
        pager.get("a")
    pager.get("b")
    pager.close()
    found, status = told(path)
    assert (found[:3], status) == (truth[:3], "ended")


def test_a_warning_may_lead_back_to_the_pager(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that shows warnings may use what is recorded: nothing is held while it runs."""
    pager = make_pager(UNITS.values(), 1024, observer=RecordingWriter.create(path, begin()))
    seen: list[str] = []

    def show(message: Warning, *arguments: object, **options: object) -> None:
        pager.get("c")
        seen.append(str(message))

    monkeypatch.setattr(warnings, "showwarning", show)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with failing(Fault("pwrite", 1, "EIO", forever=True)):
            pager.get("a")
            pager.get("b")
    assert len(seen) == 1
    assert "stopped" in seen[0]
    assert pager.is_cached("c")
    pager.close()


def test_names_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for environment in ({}, {"APBUNDLE_RECORD": ""}):
        monkeypatch.setattr(os, "environ", environment)
        assert recording_path_from_environment("/models/encoder.apbundle") is None
        assert start_recording(None, "/models/encoder.apbundle", header) is None
    monkeypatch.setenv("APBUNDLE_RECORD", str(tmp_path))
    monkeypatch.setattr(destination.time, "time_ns", lambda: 1_769_903_999_000_000_042)
    bundle = os.fsdecode(b"/models/enc.od\xffer.apbundle")
    paths = [recording_path_from_environment(bundle) for _ in range(100)]
    assert len(set(paths)) == 100
    pattern = rb"/enc\.od\xffer-20260131-235959\.000000042-%d-\d+\.aptrace" % os.getpid()
    assert all(re.fullmatch(re.escape(os.fsencode(tmp_path)) + pattern, os.fsencode(path or "")) for path in paths)
    for name in ("x" * 251, "ä" * 120, ".apbundle", "no suffix"):
        writer = start_recording(None, f"/models/{name}", header)
        assert writer is not None
        assert os.path.dirname(writer.path) == str(tmp_path)
        writer.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APBUNDLE_RECORD", "below")
    writer = start_recording(None, "b", header)
    assert writer is not None
    assert os.path.dirname(writer.path) == str(tmp_path / "below")
    writer.close()


def test_a_folder_that_does_not_work_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "file"
    folder.write_bytes(b"")
    monkeypatch.setenv("APBUNDLE_RECORD", str(folder))
    with pytest.warns(RuntimeWarning, match="Not recording to .*file: ") as caught:
        found = [run(None) for _ in range(3)]
    assert len(caught) == 1
    assert found == [run(tmp_path / "run.aptrace")] * 3
    folder.unlink()
    run(None)
    assert len(os.listdir(folder)) == 1


def test_units_that_no_file_can_have(path: Path) -> None:
    with pytest.warns(RuntimeWarning, match="Not recording to .*: the sizes add up"):
        assert start_recording(path, "b", lambda: header(sizes=[2**62] * 50)) is None


def test_a_full_disk_warns_once_and_stops(path: Path) -> None:
    def child() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        pager = make_pager(
            units_of({"a": 600, "b": 600}).values(), 1024, observer=RecordingWriter.create(path, header())
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(3000):
                pager.get("a")
                pager.get("b")
        (warning,) = caught
        assert warning.category is RuntimeWarning
        assert re.match(r"Recording to .* stopped", str(warning.message))
        assert pager.stats().misses == 6000
        pager.close()

    assert run_forked(child) == 0
    with RecordingReader.open(path) as reader:
        assert len(drain(reader)) > 100
        assert reader.status == "abandoned"


def test_warnings_as_errors_do_not_reach_the_program(path: Path) -> None:
    writer = RecordingWriter.create(path, header())
    with failing(Fault("pwrite", 1, "EIO")):
        writer.loaded(1, 101, "demand", 5)
        writer.flush()
    writer.announce()
    assert writer.failed
    writer.hits([1] * 100_000)
    writer.close()


def test_warnings_that_cannot_be_shown_do_not_reach_the_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def show(*arguments: object, **options: object) -> None:
        raise OSError(32, "broken pipe")

    monkeypatch.setattr(warnings, "showwarning", show)
    path.write_bytes(b"APBUNDLE and a lot of work")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert start_recording(path, "b", header) is None


@pytest.mark.parametrize("number", [-1, -70_000, 2**40, "no number", None])
def test_errors_with_any_number_are_recorded(path: Path, number: object) -> None:
    writer = RecordingWriter.create(path, header())
    writer.load_failed(1, "demand", OSError(number, "strange"), 10)
    writer.close()
    with RecordingReader.open(path) as reader:
        assert rows(reader.poll()) == [(Kind.ERROR, 1, 1, 0, 0)]


def test_what_is_not_a_recording_is_not_replaced(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"APBUNDLE and a lot of work")
    with pytest.raises(BundleError) as caught:
        RecordingWriter.create(path, header())
    assert caught.value.code == "target_refused"
    with pytest.warns(RuntimeWarning, match="Not recording to"):
        assert start_recording(path, "b", header) is None
    assert path.read_bytes() == b"APBUNDLE and a lot of work"
    with pytest.warns(RuntimeWarning, match="No such file"):
        assert start_recording(tmp_path / "no" / "folder", "b", header) is None
    os.mkfifo(tmp_path / "fifo")
    with pytest.warns(RuntimeWarning, match="not a recording"):
        assert start_recording(tmp_path / "fifo", "b", header) is None


def test_writers_that_begin_in_the_same_moment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One finds the other's file before that is locked, and replaces it: the other must not write on unseen."""

    def flock(descriptor: int, operation: int, flock: Callable[[int, int], None] = fcntl.flock) -> None:
        path.unlink()
        flock(descriptor, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        with pytest.raises(BundleError) as caught:
            RecordingWriter.create(path, header())
    assert caught.value.code == "destination_busy"
    RecordingWriter.create(path, header()).close()


def test_who_holds_a_shared_lock_does_not_hold_up_the_program(path: Path) -> None:
    RecordingWriter.create(path, header()).close()
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.warns(RuntimeWarning, match="Another process"):
            assert start_recording(path, "b", header) is None
    RecordingWriter.create(path, header()).close()


def test_a_recording_in_progress_is_not_replaced(path: Path) -> None:
    writer = RecordingWriter.create(path, header())
    with pytest.raises(BundleError) as caught:
        RecordingWriter.create(path, header())
    assert caught.value.code == "destination_busy"
    assert str(caught.value).startswith("This process is recording here already.")

    def child() -> None:  # whose copy of the writer records nothing
        writer.abandon()
        with pytest.raises(BundleError, match="Another process is recording here"):
            RecordingWriter.create(path, header())

    assert run_forked(child) == 0
    writer.close()
    RecordingWriter.create(path, header()).close()
