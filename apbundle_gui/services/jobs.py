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
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from apbundle.errors import BundleError, Cancelled
from apbundle_gui.services.job import ABANDON_S, Callbacks, Function, Job, JobState, Work
from apbundle_gui.services.messages import Messages

__all__ = ["MAX_RUNNING", "SAMPLE_MS", "Function", "Job", "JobRunner", "JobState"]

MAX_RUNNING: Final = 6
"""How many jobs run at once; further ones wait their turn."""
SAMPLE_MS: Final = 50
"""How often progress is looked at, in milliseconds."""


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
        self._known: dict[Work, Job] = {}
        self._callbacks: dict[Work, Callbacks] = {}
        self._ended: deque[Work] = deque()
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
        final_phase: str = "",
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
            The job only reads: once cancelled it ends at once, although its thread may still wait for a slow disk,
            and the window closes without asking about it.
        final_phase
            Of a job that writes: the phase that makes what it wrote count. Cancelled before it reports this phase, the
            job ends at once; its thread learns of it no later than when it reports, and takes back what it wrote.
        """
        if not self._open:
            raise RuntimeError("the job runner was shut down")
        if key is not None:
            for older in self.jobs:
                if older.key == key:
                    self._callbacks[older.work] = Callbacks(dropped=self._callbacks[older.work].dropped)
                    older.cancel()
        job = Job(title, function, key, abandonable, final_phase)
        self._known[job.work] = job
        self._callbacks[job.work] = Callbacks(on_done, on_failed or self._messages.error, on_cancelled, on_dropped)
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
        alive = any(thread.is_alive() for thread in self._running.values())
        for work in self._ended:
            self._callbacks[work].drop(work)
        for kept in (self._ended, self._running, self._known, self._callbacks):
            kept.clear()
        self._timer.stop()
        return not alive

    def _launch(self) -> None:
        while self._waiting and len(self._running) < MAX_RUNNING:
            job = self._waiting.popleft()
            job.state = JobState.RUNNING
            thread = threading.Thread(target=self._do, args=(job.work,), name=f"job: {job.title}", daemon=True)
            self._running[job] = thread
            thread.start()

    def _do(self, work: Work) -> None:
        work.run()
        with self._lock:
            if self._open:
                self._ended.append(work)
                self._arrived.emit()

    def _tick(self) -> None:
        now = time.monotonic()
        for job in list(self._running):
            job.sample(now)
            if job.overdue(now):
                self._end(job, JobState.CANCELLED)
        for job in [job for job in self._waiting if job.cancelling]:
            self._waiting.remove(job)
            self._end(job, JobState.CANCELLED)
            del self._known[job.work], self._callbacks[job.work]
        if not self.jobs:
            self._timer.stop()

    def _deliver(self) -> None:
        if not self._ended:
            return
        work = self._ended.popleft()
        job = self._known.pop(work)
        try:
            if not job.running:  # it was abandoned
                self._callbacks[work].drop(work)
                return
            job.sample(time.monotonic())
            if work.error is None:
                self._end(job, JobState.DONE)
            elif isinstance(work.error, Cancelled):
                self._end(job, JobState.CANCELLED)
            else:
                if not isinstance(work.error, (BundleError, OSError, MemoryError)):
                    sys.excepthook(type(work.error), work.error, work.error.__traceback__)
                self._end(job, JobState.FAILED)
        finally:
            del self._callbacks[work]

    def _end(self, job: Job, state: JobState) -> None:
        job.state = state
        self._running.pop(job, None)
        self._launch()
        try:
            self._callbacks[job.work].tell(state, job.work)
        finally:
            job.finished.emit()
            self.changed.emit()
