"""One job: what its worker knows of it, and what the window sees."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from apbundle.progress import Cancel, Progress

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


class Work:
    """The part of a job its worker knows: plain Python, because a worker must never be the last to hold a QObject."""

    __slots__ = ("cancelled", "error", "function", "reported", "result")

    def __init__(self, function: Function) -> None:
        self.function = function
        self.cancelled = threading.Event()
        self.reported: tuple[str, int, int] = ("", 0, 0)
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do it, and keep the result or the exception."""
        try:
            self.result = self.function(self._report, self.cancelled.is_set)
        except BaseException as caught:  # whatever it is, it is delivered
            self.error = caught

    def _report(self, phase: str, done: int, total: int) -> None:
        self.reported = (phase, done, total)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Whom to tell how a job ended."""

    done: Callable[[Any], None] | None = None
    failed: Callable[[BaseException], None] | None = None
    cancelled: Callable[[], None] | None = None
    dropped: Callable[[Any], None] | None = None

    def tell(self, state: JobState, work: Work) -> None:
        """Tell the one whom this state concerns; a result nobody takes is dropped."""
        if state is JobState.CANCELLED:
            if self.cancelled is not None:
                self.cancelled()
        elif work.error is not None:
            if self.failed is not None:
                self.failed(work.error)
        elif self.done is not None:
            self.done(work.result)
        else:
            self.drop(work)

    def drop(self, work: Work) -> None:
        """Nobody waits for the result any more."""
        if self.dropped is not None and work.error is None:
            self.dropped(work.result)


class Job(QObject):
    """One piece of work. Made by :meth:`JobRunner.start`.

    Attributes
    ----------
    title, key, abandonable
        As given to :meth:`JobRunner.start`.
    state
        Where it is.
    phase, done, total
        What it last reported: the name of its phase, and how much of how much in it is done (bytes, as a rule).
    progressed
        Emitted at most twenty times a second while these change.
    finished
        Emitted once, when the state is final and after the callbacks ran.
    """

    progressed = Signal()
    finished = Signal()

    def __init__(
        self, title: str, function: Function, key: Hashable | None, abandonable: bool, final_phase: str = ""
    ) -> None:
        super().__init__()
        self.title = title
        self.key = key
        self.abandonable = abandonable
        self._final_phase = final_phase
        self.state = JobState.WAITING
        self.phase = ""
        self.done = 0
        self.total = 0
        self.work = Work(function)
        self._cancelled_at = 0.0
        self._marks: deque[tuple[float, int]] = deque()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in (JobState.WAITING, JobState.RUNNING)

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop and has not ended yet."""
        return self.running and self.work.cancelled.is_set()

    @property
    def rate(self) -> float:
        """Units of ``done`` a second in this phase over the last two seconds; 0 when unknown."""
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
        if self.running and not self.work.cancelled.is_set():
            self._cancelled_at = time.monotonic()
            self.work.cancelled.set()

    def overdue(self, now: float) -> bool:
        """Whether it need not be waited for any longer, at that monotonic time."""
        if not self.cancelling or now - self._cancelled_at <= ABANDON_S:
            return False
        return self.abandonable or (bool(self._final_phase) and self.work.reported[0] != self._final_phase)

    def sample(self, now: float) -> None:
        """Look at what the worker reported; ``now`` is the monotonic time."""
        before = (self.phase, self.done, self.total)
        phase, done, total = self.work.reported
        if phase != self.phase or done < self.done:
            self._marks.clear()
        self._marks.append((now, done))
        while now - self._marks[0][0] > RATE_WINDOW_S:
            self._marks.popleft()
        self.phase, self.done, self.total = phase, done, total
        if before != (phase, done, total):
            self.progressed.emit()
