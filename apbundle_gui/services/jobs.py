"""Work that would keep the window waiting, done in threads beside it.

A job is a function of ``progress`` and ``cancel``, the plain callables of :mod:`apbundle.progress`. It ends exactly one
of done, failed or cancelled, and says so in the GUI thread. The workers only leave numbers behind; a timer in the GUI
thread reads them, so a busy job costs the window nothing.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from apbundle.errors import BundleError, Cancelled
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.messages import Messages

MAX_RUNNING: Final = 6
"""How many jobs run at once; further ones wait their turn."""
SAMPLE_MS: Final = 50
"""How often progress is looked at, in milliseconds."""
ABANDON_S: Final = 0.4
"""How long an abandonable job may take to notice its cancellation, in seconds."""
RATE_WINDOW_S: Final = 2.0
"""The time over which a rate is measured, in seconds."""

Function = Callable[[Progress, Cancel], Any]


class JobState(Enum):
    """Where a job is; the last three are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(QObject):
    """One piece of work. Made by :meth:`JobRunner.start`.

    Attributes
    ----------
    progressed
        Emitted at most twenty times a second while ``phase``, ``done`` or ``total`` change.
    finished
        Emitted once, when the state is final and after the callbacks ran.
    """

    progressed = Signal()
    finished = Signal()

    def __init__(self, title: str, function: Function, key: Hashable | None, abandonable: bool) -> None:
        super().__init__()
        self.title = title
        self.key = key
        self.state = JobState.WAITING
        self.phase = ""
        self.done = 0
        self.total = 0
        self._function = function
        self.abandonable = abandonable
        self._cancel = threading.Event()
        self._cancelled_at = 0.0
        self._reported: tuple[str, int, int] = ("", 0, 0)
        self._marks: deque[tuple[float, int]] = deque()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in (JobState.WAITING, JobState.RUNNING)

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop and has not ended yet."""
        return self.running and self._cancel.is_set()

    @property
    def rate(self) -> float:
        """Units of ``done`` (bytes, as a rule) a second in this phase over the last two seconds; 0 when unknown."""
        if len(self._marks) < 2:
            return 0.0
        (begin, first), (end, last) = self._marks[0], self._marks[-1]
        return (last - first) / (end - begin) if end > begin else 0.0

    @property
    def seconds_left(self) -> float | None:
        """The time the phase still takes at this rate, or ``None`` when there is nothing to tell it by."""
        rate = self.rate
        return (self.total - self.done) / rate if rate > 0 and self.total >= self.done else None

    def cancel(self) -> None:
        """Ask the job to stop. It may still end done, when it was past the point of no return."""
        if self.running and not self._cancel.is_set():
            self._cancelled_at = time.monotonic()
            self._cancel.set()

    def _report(self, phase: str, done: int, total: int) -> None:
        self._reported = (phase, done, total)  # in the worker: one assignment, nothing else

    def _sample(self, now: float) -> bool:
        phase, done, total = self._reported
        if phase != self.phase or done < self.done:
            self._marks.clear()
        self._marks.append((now, done))
        while now - self._marks[0][0] > RATE_WINDOW_S:
            self._marks.popleft()
        changed = (phase, done, total) != (self.phase, self.done, self.total)
        self.phase, self.done, self.total = phase, done, total
        return changed


class _Outcome:
    """What a worker left: a result or an exception."""

    __slots__ = ("error", "job", "result")

    def __init__(self, job: Job, result: Any, error: BaseException | None) -> None:
        self.job = job
        self.result = result
        self.error = error


class JobRunner(QObject):
    """Runs jobs and delivers how they ended.

    Attributes
    ----------
    changed
        Emitted when a job starts or ends.
    """

    changed = Signal()
    _arrived = Signal()

    def __init__(self, messages: Messages, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._messages = messages
        self._waiting: deque[Job] = deque()
        self._running: dict[Job, threading.Thread] = {}
        self._abandoned: set[Job] = set()
        self._callbacks: dict[Job, _Callbacks] = {}
        self._outcomes: deque[_Outcome] = deque()
        self._lock = threading.Lock()
        self._open = True
        self._arrived.connect(self._deliver)
        self._timer = QTimer(self, interval=SAMPLE_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that have not ended, oldest first."""
        return (*self._running, *self._waiting)

    def start(
        self,
        title: str,
        function: Function,
        *,
        on_done: Callable[[Any], None] | None = None,
        on_failed: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        on_dropped: Callable[[Any], None] | None = None,
        key: Hashable | None = None,
        abandonable: bool = False,
    ) -> Job:
        """Run ``function(progress, cancel)`` in a thread. Call it, and be called back, in the GUI thread.

        Parameters
        ----------
        title
            What it does, as the status bar says it: "Verifying", "Building demo.apbundle".
        function
            Must not touch a QObject. Raises :class:`~apbundle.errors.BundleError` or ``OSError`` for what can go
            wrong; anything else is taken for a bug and reported as one, besides being a failure of the job.
        on_done, on_failed, on_cancelled
            Called with the result, with the exception, or with nothing. Without ``on_failed`` the user is told.
        on_dropped
            Called with a result nobody waits for any more, so that it can be closed.
        key
            A newer job of the same key supersedes this one: it is cancelled and none of its callbacks is called,
            except ``on_dropped``.
        abandonable
            The job only reads: once cancelled it ends at once, although its thread may still wait for a slow disk.
        """
        if not self._open:
            raise RuntimeError("the job runner was shut down")
        if key is not None:
            for older in self.jobs:
                if older.key == key:
                    self._callbacks[older] = _Callbacks(dropped=self._callbacks[older].dropped)
                    older.cancel()
        job = Job(title, function, key, abandonable)
        self._callbacks[job] = _Callbacks(on_done, on_failed or self._messages.error, on_cancelled, on_dropped)
        self._waiting.append(job)
        self._timer.start()
        self._launch()
        self.changed.emit()
        return job

    def shutdown(self, timeout: float = 10.0) -> bool:
        """Cancel everything and wait, calling nobody back.

        ``False`` when a thread did not end within ``timeout`` seconds.
        """
        for job in self.jobs:
            job.cancel()
        self._waiting.clear()
        deadline = time.monotonic() + timeout
        for job, thread in self._running.items():
            thread.join(ABANDON_S if job.abandonable else max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._open = False
        ended = not any(thread.is_alive() for thread in self._running.values())
        for outcome in self._outcomes:
            self._drop(outcome)
        self._outcomes.clear()
        self._running.clear()
        self._timer.stop()
        return ended

    def _launch(self) -> None:
        while self._waiting and len(self._running) < MAX_RUNNING:
            job = self._waiting.popleft()
            job.state = JobState.RUNNING
            thread = threading.Thread(target=self._work, args=(job,), name=f"job: {job.title}", daemon=True)
            self._running[job] = thread
            thread.start()

    def _work(self, job: Job) -> None:
        result, error = None, None
        try:
            result = job._function(job._report, job._cancel.is_set)
        except BaseException as caught:  # whatever it is, it is delivered
            error = caught
        with self._lock:
            if self._open:
                self._outcomes.append(_Outcome(job, result, error))
                self._arrived.emit()

    def _tick(self) -> None:
        now = time.monotonic()
        for job in list(self._running):
            if job._sample(now):
                job.progressed.emit()
            if job.abandonable and job.cancelling and now - job._cancelled_at > ABANDON_S:
                self._abandoned.add(job)
                self._end(job, JobState.CANCELLED)
        for job in [job for job in self._waiting if job.cancelling]:
            self._waiting.remove(job)
            self._end(job, JobState.CANCELLED)
        if not self.jobs:
            self._timer.stop()

    def _deliver(self) -> None:
        if not self._outcomes:
            return
        outcome = self._outcomes.popleft()
        job, error = outcome.job, outcome.error
        if job in self._abandoned:
            self._abandoned.discard(job)
            self._drop(outcome)
            del self._callbacks[job]
            return
        job._sample(time.monotonic())
        if error is None:
            if not self._callbacks[job].wanted:
                self._drop(outcome)
            self._end(job, JobState.DONE, outcome.result)
        elif isinstance(error, Cancelled):
            self._end(job, JobState.CANCELLED)
        else:
            if not isinstance(error, (BundleError, OSError, MemoryError)):
                sys.excepthook(type(error), error, error.__traceback__)
            self._end(job, JobState.FAILED, error)

    def _end(self, job: Job, state: JobState, value: Any = None) -> None:
        job.state = state
        self._running.pop(job, None)
        callbacks = self._callbacks[job]
        self._launch()
        try:
            callbacks.call(state, value)
        finally:
            job.finished.emit()
            self.changed.emit()
            if job not in self._abandoned:
                del self._callbacks[job]

    def _drop(self, outcome: _Outcome) -> None:
        dropped = self._callbacks[outcome.job].dropped
        if dropped is not None and outcome.error is None:
            dropped(outcome.result)


class _Callbacks:
    """Whom to tell how a job ended."""

    __slots__ = ("cancelled", "done", "dropped", "failed")

    def __init__(
        self,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        cancelled: Callable[[], None] | None = None,
        dropped: Callable[[Any], None] | None = None,
    ) -> None:
        self.done = done
        self.failed = failed
        self.cancelled = cancelled
        self.dropped = dropped

    @property
    def wanted(self) -> bool:
        """Whether anybody takes the result."""
        return self.done is not None

    def call(self, state: JobState, value: Any) -> None:
        """Tell the one whom this state concerns."""
        if state is JobState.DONE and self.done is not None:
            self.done(value)
        elif state is JobState.FAILED and self.failed is not None:
            self.failed(value)
        elif state is JobState.CANCELLED and self.cancelled is not None:
            self.cancelled()
