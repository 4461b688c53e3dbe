"""The job runner: threads beside the window, one end for each job, delivered where the window lives."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from apbundle.errors import bundle_error
from apbundle.progress import Cancel, Progress, Reporter
from apbundle_gui.services import Job, JobRunner, JobState, Level, Messages
from apbundle_gui.services.jobs import MAX_RUNNING

FAR = 5_000_000_000
"""A byte count above what a 32-bit signal carries."""


@pytest.fixture
def messages(qtbot: QtBot) -> Messages:
    return Messages()


@pytest.fixture
def jobs(messages: Messages) -> Iterator[JobRunner]:
    runner = JobRunner(messages)
    yield runner
    assert runner.shutdown()


class Gate:
    """A job that reports, then waits until it is let through or cancelled."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, progress: Progress, cancel: Cancel) -> str:
        reporter = Reporter(progress, cancel)
        reporter.phase("copy", FAR)
        reporter.advance(FAR - 1)
        self.entered.set()
        while not self.open.wait(0.005):
            reporter.check()
        return "done"


class Ends:
    """What a job's callbacks were told, and in which thread."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []
        self.threads: set[threading.Thread] = set()

    def _note(self, kind: str, value: object = None) -> None:
        self.told.append((kind, value))
        self.threads.add(threading.current_thread())

    def done(self, value: object) -> None:
        self._note("done", value)

    def failed(self, error: BaseException) -> None:
        self._note("failed", error)

    def cancelled(self) -> None:
        self._note("cancelled")

    def dropped(self, value: object) -> None:
        self._note("dropped", value)


def start(jobs: JobRunner, function: object, ends: Ends, **more: object) -> Job:
    return jobs.start(
        "Working",
        function,
        on_done=ends.done,
        on_failed=ends.failed,
        on_cancelled=ends.cancelled,
        on_dropped=ends.dropped,
        **more,
    )


def wait_end(qtbot: QtBot, job: Job) -> None:
    if job.running:
        with qtbot.waitSignal(job.finished):
            pass


def test_done_is_told_once_in_the_gui_thread(qtbot: QtBot, jobs: JobRunner) -> None:
    ends = Ends()
    worker: list[threading.Thread] = []
    job = start(jobs, lambda progress, cancel: worker.append(threading.current_thread()) or 42, ends)
    wait_end(qtbot, job)
    assert ends.told == [("done", 42)]
    assert ends.threads == {threading.main_thread()} != set(worker)
    assert job.state is JobState.DONE
    assert not jobs.jobs


def test_progress_is_exact_above_four_gibibytes(qtbot: QtBot, jobs: JobRunner) -> None:
    gate, ends = Gate(), Ends()
    job = start(jobs, gate, ends)
    qtbot.waitUntil(lambda: job.done == FAR - 1)
    assert (job.phase, job.total) == ("copy", FAR)
    gate.open.set()
    wait_end(qtbot, job)
    assert ends.told == [("done", "done")]


def test_rate_and_time_left(qtbot: QtBot, jobs: JobRunner) -> None:
    stop = threading.Event()

    def work(progress: Progress, cancel: Cancel) -> None:
        done = 0
        while not stop.wait(0.005):
            done += 1000
            progress("copy", done, 1_000_000_000)

    job = start(jobs, work, Ends())
    qtbot.waitUntil(lambda: job.rate > 0)
    assert job.seconds_left is not None
    assert job.seconds_left > 0
    stop.set()
    wait_end(qtbot, job)


def test_failure_is_told_with_its_exception(qtbot: QtBot, jobs: JobRunner) -> None:
    error = bundle_error("disk_full", "No room.")

    def fail(progress: Progress, cancel: Cancel) -> None:
        raise error

    ends = Ends()
    job = start(jobs, fail, ends)
    wait_end(qtbot, job)
    assert ends.told == [("failed", error)]
    assert job.state is JobState.FAILED


def test_a_failure_nobody_takes_reaches_the_user(
    qtbot: QtBot, jobs: JobRunner, messages: Messages, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(progress: Progress, cancel: Cancel) -> None:
        raise MemoryError

    wait_end(qtbot, jobs.start("Working", fail))
    (message,) = messages.kept
    assert message.level is Level.ERROR
    assert isinstance(message.error, MemoryError)
    caplog.clear()


def test_a_bug_in_a_job_is_reported_and_is_a_failure(qtbot: QtBot, jobs: JobRunner) -> None:
    def broken(progress: Progress, cancel: Cancel) -> None:
        raise ZeroDivisionError

    ends = Ends()
    with capture_exceptions() as caught:
        job = start(jobs, broken, ends)
        wait_end(qtbot, job)
    assert [kind for kind, _, _ in caught] == [ZeroDivisionError]
    assert [kind for kind, _ in ends.told] == ["failed"]


def test_cancel(qtbot: QtBot, jobs: JobRunner) -> None:
    gate, ends = Gate(), Ends()
    job = start(jobs, gate, ends)
    assert gate.entered.wait(5)
    job.cancel()
    assert job.cancelling
    wait_end(qtbot, job)
    assert ends.told == [("cancelled", None)]
    assert job.state is JobState.CANCELLED
    assert not job.cancelling


def test_a_job_past_the_point_of_no_return_ends_done(qtbot: QtBot, jobs: JobRunner) -> None:
    inside, go = threading.Event(), threading.Event()

    def publish(progress: Progress, cancel: Cancel) -> str:
        inside.set()
        go.wait(5)
        return "published"

    ends = Ends()
    job = start(jobs, publish, ends)
    assert inside.wait(5)
    job.cancel()
    go.set()
    wait_end(qtbot, job)
    assert ends.told == [("done", "published")]


def test_a_reader_stuck_on_a_slow_disk_is_abandoned_and_its_result_closed(qtbot: QtBot, jobs: JobRunner) -> None:
    inside, go = threading.Event(), threading.Event()

    def stuck(progress: Progress, cancel: Cancel) -> str:
        inside.set()
        go.wait(10)
        return "late"

    ends = Ends()
    job = start(jobs, stuck, ends, abandonable=True)
    assert inside.wait(5)
    job.cancel()
    wait_end(qtbot, job)
    assert ends.told == [("cancelled", None)]
    go.set()
    qtbot.waitUntil(lambda: ("dropped", "late") in ends.told)
    assert len(ends.told) == 2


def test_a_newer_job_of_the_same_key_supersedes_the_older(qtbot: QtBot, jobs: JobRunner) -> None:
    first, second = Gate(), Gate()
    older_ends, newer_ends = Ends(), Ends()
    older = start(jobs, first, older_ends, key="key")
    assert first.entered.wait(5)
    newer = start(jobs, second, newer_ends, key="key")
    other = start(jobs, lambda progress, cancel: None, Ends(), key="another")
    wait_end(qtbot, older)
    second.open.set()
    wait_end(qtbot, newer)
    wait_end(qtbot, other)
    assert older.state is JobState.CANCELLED
    assert older_ends.told == []
    assert newer_ends.told == [("done", "done")]


def test_the_result_of_a_superseded_job_is_dropped(qtbot: QtBot, jobs: JobRunner) -> None:
    inside, go = threading.Event(), threading.Event()

    def uncancellable(progress: Progress, cancel: Cancel) -> str:
        inside.set()
        go.wait(5)
        return "old"

    ends = Ends()
    older = start(jobs, uncancellable, ends, key="key")
    assert inside.wait(5)
    newer = start(jobs, lambda progress, cancel: "new", Ends(), key="key")
    go.set()
    wait_end(qtbot, older)
    wait_end(qtbot, newer)
    assert ends.told == [("dropped", "old")]


def test_more_jobs_than_threads_wait_their_turn(qtbot: QtBot, jobs: JobRunner) -> None:
    gates = [Gate() for _ in range(MAX_RUNNING + 2)]
    ends = [Ends() for _ in gates]
    started = [start(jobs, gate, end) for gate, end in zip(gates, ends, strict=True)]
    assert [job.state for job in started[MAX_RUNNING:]] == [JobState.WAITING] * 2
    started[-1].cancel()
    wait_end(qtbot, started[-1])
    assert ends[-1].told == [("cancelled", None)]
    for gate in gates:
        gate.open.set()
    qtbot.waitUntil(lambda: not jobs.jobs)
    assert [end.told for end in ends[:-1]] == [[("done", "done")]] * (MAX_RUNNING + 1)


def test_an_exception_in_a_callback_harms_no_other_job(qtbot: QtBot, jobs: JobRunner) -> None:
    def raising(value: object) -> None:
        raise LookupError

    ends = Ends()
    with capture_exceptions() as caught:
        jobs.start("Working", lambda progress, cancel: None, on_done=raising)
        job = start(jobs, lambda progress, cancel: 1, ends)
        wait_end(qtbot, job)
        qtbot.waitUntil(lambda: not jobs.jobs)
    assert [kind for kind, _, _ in caught] == [LookupError]
    assert ends.told == [("done", 1)]


def test_shutdown_cancels_and_calls_nobody_back(qtbot: QtBot, messages: Messages) -> None:
    runner = JobRunner(messages)
    gate, ends = Gate(), Ends()
    start(runner, gate, ends)
    assert gate.entered.wait(5)
    assert runner.shutdown()
    assert not runner.jobs
    assert ends.told == []
    with pytest.raises(RuntimeError):
        runner.start("Working", gate)


def test_shutdown_closes_what_had_already_arrived(qtbot: QtBot, messages: Messages) -> None:
    runner = JobRunner(messages)
    ends, left = Ends(), threading.Event()

    def work(progress: Progress, cancel: Cancel) -> str:
        left.set()
        return "file"

    start(runner, work, ends)
    assert left.wait(5)
    assert runner.shutdown()
    assert ends.told == [("dropped", "file")]
