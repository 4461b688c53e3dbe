"""The workload in its own process: real accesses, obeyed commands, and every way it can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from apbundle import ModelBundle
from apbundle.errors import BundleError
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind
from apbundle.trace.workload import zipf
from apbundle_gui.services import workload as workload_module
from apbundle_gui.services import workload_worker
from apbundle_gui.services.workload import Workload, WorkloadState, list_models
from apbundle_gui.services.workload_worker import Pacer, WorkloadSettings, to_line
from support.monitoring import make_bundle

SIZES = [3000, 5000, 800, 9000, 40, 7000, 2000, 6500]
LIMIT = 16_000


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    return make_bundle(tmp_path / "paged.apbundle", SIZES)


@pytest.fixture
def workload(qapp: object) -> Iterator[Workload]:
    made = Workload()
    yield made
    made.shutdown()


def settings(bundle: str, **changes: Any) -> WorkloadSettings:
    return WorkloadSettings(**{"bundle": bundle, "recording": "", "max_memory": LIMIT, "pace": None} | changes)


def in_state(workload: Workload, state: WorkloadState) -> Callable[[], bool]:
    return lambda: workload.state is state


def recorded_kinds(path: str) -> list[int]:
    with RecordingReader.open(path) as reader:
        return reader.read(0)["kind"].tolist()


def test_it_runs_pauses_steps_and_goes_on(workload: Workload, bundle: str, qtbot: QtBot) -> None:
    workload.start(settings(bundle, pace=500.0))
    assert workload.state is WorkloadState.STARTING
    qtbot.waitUntil(lambda: workload.state is WorkloadState.RUNNING and workload.accesses > 10)
    assert workload.resident > 0
    workload.pause()
    qtbot.waitUntil(in_state(workload, WorkloadState.HELD))
    with qtbot.waitSignal(workload.progressed):
        workload.step()
    before = workload.accesses
    workload.step(3)
    qtbot.waitUntil(lambda: workload.accesses == before + 3)
    assert (
        recorded_kinds(workload.recording or "").count(Kind.HIT)
        + recorded_kinds(workload.recording or "").count(Kind.MISS)
        == workload.accesses
    )
    workload.set_pace(None)
    workload.resume()
    qtbot.waitUntil(lambda: workload.accesses > before + 1000)


def test_the_first_accesses_are_those_of_the_library(
    workload: Workload, bundle: str, qtbot: QtBot, tmp_path: Path
) -> None:
    workload.start(settings(bundle, held=True, seed=5, exponent=1.1))
    workload.step(300)
    qtbot.waitUntil(lambda: workload.accesses == 300)
    assert workload.state is WorkloadState.HELD
    with PagedBundle.open(bundle, PagingConfig(max_memory=LIMIT, prefetch="off")) as paged:
        names = zipf(paged.model_names, 5, 1.1)
        for _ in range(300):
            paged.get_model(next(names))
        stats = paged.stats()
    kinds = recorded_kinds(workload.recording or "")
    assert (kinds.count(Kind.HIT), kinds.count(Kind.MISS), kinds.count(Kind.EVICT)) == (
        stats.hits,
        stats.misses,
        stats.evictions,
    )


def test_a_workload_that_is_over_stays_as_it_is(workload: Workload, bundle: str, qtbot: QtBot) -> None:
    workload.start(settings(bundle, workload="sequential"))
    qtbot.waitUntil(lambda: workload.state is WorkloadState.ENDED and workload.accesses == len(SIZES))
    assert Kind.CLEAR not in recorded_kinds(workload.recording or "")
    workload.resume()
    workload.step()
    qtbot.waitUntil(in_state(workload, WorkloadState.ENDED))
    assert workload.alive


def test_loops_never_end_and_prefetch_is_passed_on(workload: Workload, bundle: str, qtbot: QtBot) -> None:
    workload.start(settings(bundle, workload="loop", eviction="lfu", prefetch="background"))
    qtbot.waitUntil(lambda: workload.accesses > 100)
    with RecordingReader.open(workload.recording or "") as reader:
        config = reader.header.config
    assert (config["eviction"], config["prefetch"], config["max_memory"]) == ("lfu", "background", LIMIT)


def test_a_full_recording_holds_it(workload: Workload, bundle: str, qtbot: QtBot) -> None:
    workload.start(settings(bundle, max_recording=200_000))
    qtbot.waitUntil(in_state(workload, WorkloadState.FULL))
    reached = workload.accesses
    workload.step()
    workload.resume()
    assert workload.accesses == reached


def test_a_killed_process_is_a_message(workload: Workload, bundle: str, qtbot: QtBot) -> None:
    workload.start(settings(bundle))
    qtbot.waitUntil(lambda: workload.accesses > 0)
    with qtbot.waitSignal(workload.failed) as failed:
        os.kill(workload.process_id, signal.SIGKILL)
    assert workload.state is WorkloadState.FAILED
    assert "killed" in str(failed.args[0])
    assert not workload.alive
    assert workload.process_id == 0
    assert len(recorded_kinds(workload.recording or "")) > 0
    workload.start(settings(bundle))
    qtbot.waitUntil(lambda: workload.accesses > 0)


def test_a_bundle_that_cannot_be_opened(workload: Workload, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "bad").write_bytes(b"no bundle at all")
    with qtbot.waitSignal(workload.failed) as failed:
        workload.start(settings(str(tmp_path / "bad")))
    error = failed.args[0]
    assert isinstance(error, BundleError)
    assert error.code == "not_a_bundle"
    with qtbot.waitSignal(workload.failed) as failed:
        workload.start(settings(str(tmp_path / "missing")))
    assert isinstance(failed.args[0], FileNotFoundError)
    assert failed.args[0].filename == str(tmp_path / "missing")


def test_a_bundle_that_changes_while_it_is_paged(workload: Workload, bundle: str, qtbot: QtBot) -> None:
    workload.start(settings(bundle))
    qtbot.waitUntil(lambda: workload.accesses > 0)
    with qtbot.waitSignal(workload.failed) as failed:
        os.truncate(bundle, 1000)
    assert failed.args[0].code == "changed_on_disk"


def test_a_program_that_cannot_be_started(
    workload: Workload, bundle: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with qtbot.waitSignal(workload.failed) as failed:
        workload.start(settings(bundle))
    assert "cannot be started" in str(failed.args[0])


def test_a_worker_with_a_fault_says_its_last_words(
    workload: Workload, bundle: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "faulty.py"
    program.write_text("raise RuntimeError('out of cheese')")
    monkeypatch.setattr(workload_module.workload_worker, "__file__", str(program))
    with qtbot.waitSignal(workload.failed) as failed:
        workload.start(settings(bundle))
    assert str(failed.args[0]).endswith("RuntimeError: out of cheese")


def test_a_worker_that_does_not_listen_is_killed(
    workload: Workload, bundle: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "deaf.py"
    program.write_text('import os, signal\nos.write(1, b\'{"state": "running"}\\n\')\nsignal.pause()')
    monkeypatch.setattr(workload_module.workload_worker, "__file__", str(program))
    monkeypatch.setattr(workload_module, "PATIENCE_MS", 50)
    workload.start(settings(bundle))
    qtbot.waitUntil(in_state(workload, WorkloadState.RUNNING))
    pid = workload.process_id
    workload.reset()
    assert workload.state is WorkloadState.IDLE
    qtbot.waitUntil(lambda: not Path(f"/proc/{pid}").exists())
    workload.start(settings(bundle))
    qtbot.waitUntil(in_state(workload, WorkloadState.RUNNING))
    workload.shutdown()


def test_a_reset_forgets_the_recording(workload: Workload, bundle: str, qtbot: QtBot) -> None:
    workload.start(settings(bundle))
    qtbot.waitUntil(lambda: workload.accesses > 0)
    recording = workload.recording
    workload.reset()
    assert recording is not None
    assert not Path(recording).exists()
    assert (workload.state, workload.accesses, workload.recording) == (WorkloadState.IDLE, 0, None)


def test_commands_without_a_workload_do_nothing(workload: Workload) -> None:
    workload.pause()
    workload.resume()
    workload.step()
    workload.set_pace(3.0)
    workload.reset()
    assert workload.state is WorkloadState.IDLE


def test_models_are_listed(bundle: str) -> None:
    with ModelBundle.load(bundle) as loaded:
        names, sizes = list_models(loaded)
    assert names == tuple(f"model_{i}" for i in range(len(SIZES)))
    assert sizes.tolist() == SIZES


# -- the program by itself -------------------------------------------------------------------------------------------


def run_worker(lines: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *options, "-P", workload_worker.__file__]
    return subprocess.run(command, input=lines, capture_output=True, timeout=30, check=False)


def test_it_loads_nothing_of_qt(bundle: str, tmp_path: Path) -> None:
    line = settings(bundle, recording=str(tmp_path / "r"), pace=5.0).to_line()
    done = run_worker(line, "-v")
    assert done.returncode == 0
    assert b"apbundle.paged" in done.stderr
    assert b"PySide6" not in done.stderr
    assert b"apbundle_gui" not in done.stderr.replace(workload_worker.__file__.encode(), b"")


def test_it_ends_with_its_input(bundle: str, tmp_path: Path) -> None:
    done = run_worker(settings(bundle, recording=str(tmp_path / "r")).to_line() + to_line({"step": 2}))
    assert done.returncode == 0
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[0] == {"state": "running"}
    assert run_worker(b"").returncode == 0


def test_a_recording_that_cannot_be_written_ends_it(bundle: str, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("something else")
    done = run_worker(settings(bundle, recording=str(tmp_path / "r")).to_line() + to_line({"hold": True}))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert "Not recording" in told[-1]["failed"]["message"]
    assert done.returncode == 1


def test_a_path_that_is_not_text_survives(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.apbundle")
    make_bundle(Path(path), [100])
    assert WorkloadSettings.from_line(settings(path).to_line()).bundle == path
    done = run_worker(settings(path, recording=str(tmp_path / "r"), workload="sequential").to_line())
    assert done.returncode == 0


def test_what_a_stall_kept_from_being_done_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(workload_worker.time, "monotonic", lambda: now[0])
    pacer = Pacer(10.0)
    assert pacer.due() == 0
    assert pacer.wait() == pytest.approx(0.1)
    now[0] += 0.25
    assert pacer.due() == pytest.approx(2.5)
    assert pacer.wait() == 0
    pacer.did(2)
    now[0] += 60
    assert pacer.due() == 1
    pacer.did(1)
    assert pacer.wait() == pytest.approx(0.1)
    assert Pacer(None).due() == float("inf")
    assert Pacer(None).wait() == 0
