"""The thread that loads ahead: what to load is decided where accesses happen, the waiting happens here."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Final

from apbundle.paging.units import Unit

MAX_HINTS = 1024
"""Hints that may wait; further ones are ignored."""

MAX_THREADS = 64
"""Threads whose latest accesses are told apart; the one longest without news is forgotten first."""

_TURN: Final = 0.02  # seconds of loads between two looks at whether the interpreter is exiting


@dataclass(slots=True, eq=False)
class Request:
    """One unit to load ahead.

    Parameters
    ----------
    unit
        What to load.
    after
        The unit whose access made us expect it; ``None`` for a hint.
    clock
        When it was expected: only units last used before that may be evicted for it. ``None``: any, as at a miss.
    thread
        Whose access made us expect it.
    given_up
        The thread went on to something else.
    awaited
        Someone waits for it by now.
    """

    unit: Unit
    after: int | None = None
    clock: int | None = None
    thread: int = 0
    given_up: bool = False
    awaited: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether the load shall go on."""
        return self.awaited or not self.given_up


class BackgroundLoader:
    """Loads what it is asked to, one unit after the other, in a thread that starts with the first request.

    The thread belongs to an executor and ends with ``close``. It works in turns, each of which the executor is asked
    for: when the interpreter exits, none begins any more, and only the load under way is waited for.

    Parameters
    ----------
    load
        Called in the thread for every request; must not raise.
    """

    def __init__(self, load: Callable[[Request], None]) -> None:
        self._load: Final = load
        self._lock: Final = threading.Lock()
        self._hints: Final[OrderedDict[int, Request]] = OrderedDict()  # by unit
        self._expected: Final[OrderedDict[int, deque[Request]]] = OrderedDict()  # by thread; they take turns
        self._current: Request | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._running = False
        self._closed = False

    def hint(self, request: Request) -> None:
        """Load this some time soon, whatever else is expected meanwhile; ignored if too many hints wait already."""
        with self._lock:
            if len(self._hints) < MAX_HINTS:
                self._hints.setdefault(request.unit.id, request)
            self._start()

    def expect(self, thread: int, requests: Sequence[Request], expected: Container[int]) -> None:
        """Load these in turn for ``thread``, and give up all else that was expected for it, begun or not.

        What is loading already goes on if its unit is one of those still ``expected``.
        """
        with self._lock:
            current = self._current
            if current is not None and current.thread == thread and current.unit.id not in expected:
                current.given_up = current.clock is not None
            self._expected.pop(thread, None)
            if requests:
                self._expected[thread] = deque(requests)
            if len(self._expected) > MAX_THREADS:
                self._expected.popitem(last=False)
            self._start()

    def close(self, *, wait: bool = True) -> None:
        """Give up what has not begun and ``wait`` for the load that has; later requests are ignored.

        Without ``wait`` nothing is waited for: the garbage collector may call this in the loading thread itself.
        """
        self._closed = True
        if not self._lock.acquire(blocking=wait):
            return  # whoever holds it finds this closed, and the thread ends when its executor is collected
        try:
            self._forget_all()
            executor, self._executor = self._executor, None
        finally:
            self._lock.release()
        if executor is not None:
            executor.shutdown(wait=wait)

    def _start(self) -> None:
        if self._running or self._closed or not (self._hints or self._expected):
            return
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "apbundle-prefetch")
        try:
            self._executor.submit(self._run)
        except RuntimeError:  # no more threads, or the interpreter is exiting: loading ahead is only an offer
            self._forget_all()
        else:
            self._running = True

    def _forget_all(self) -> None:
        self._hints.clear()
        self._expected.clear()
        if self._current is not None:
            self._current.given_up = self._current.clock is not None

    def _run(self) -> None:
        end = monotonic() + _TURN
        try:
            while (request := self._next()) is not None:
                self._load(request)
                if monotonic() >= end:
                    self._end_turn()
                    break
        except BaseException:  # the program is out of memory, or stops its threads: the next request starts anew
            with self._lock:
                self._current = None
                self._running = False
            raise

    def _end_turn(self) -> None:
        with self._lock:
            self._current = None
            self._running = False
            self._start()

    def _next(self) -> Request | None:
        with self._lock:
            self._current = None
            if self._closed or not (self._hints or self._expected):
                self._running = False
            elif self._hints:
                self._current = self._hints.popitem(last=False)[1]
            else:
                thread, requests = self._expected.popitem(last=False)
                self._current = requests.popleft()
                if requests:
                    self._expected[thread] = requests
            return self._current
