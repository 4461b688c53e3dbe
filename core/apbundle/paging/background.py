"""The thread that loads ahead: what to load is decided where accesses happen, the waiting happens here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from apbundle.paging.units import Unit


@dataclass(frozen=True, slots=True)
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
    """

    unit: Unit
    after: int | None = None
    clock: int | None = None


class BackgroundLoader:
    """Loads what it is asked to, one unit after the other, in a thread that starts with the first request.

    The thread belongs to an executor: it never keeps the interpreter from exiting and ends with ``close``.

    Parameters
    ----------
    load
        Called in the thread for every request; must not raise.
    """

    def __init__(self, load: Callable[[Request], None]) -> None:
        self._load: Final = load
        self._lock: Final = threading.Lock()
        self._hints: Final[deque[Request]] = deque()
        self._expected: deque[Request] = deque()
        self._executor: ThreadPoolExecutor | None = None
        self._running = False
        self._closed = False

    def hint(self, request: Request) -> None:
        """Load this some time soon, whatever else is expected meanwhile."""
        with self._lock:
            self._hints.append(request)
            self._start()

    def expect(self, requests: Sequence[Request]) -> None:
        """Load these in turn; what was expected before and has not begun is given up."""
        with self._lock:
            self._expected = deque(requests)
            self._start()

    def close(self, *, wait: bool = True) -> None:
        """Give up what has not begun and ``wait`` for the load that has; later requests are ignored.

        Without ``wait`` nothing is waited for: the garbage collector may call this in the loading thread itself.
        """
        self._closed = True
        if not self._lock.acquire(blocking=wait):
            return  # whoever holds it finds this closed, and the thread ends when its executor is collected
        try:
            self._hints.clear()
            self._expected.clear()
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
            self._hints.clear()
            self._expected.clear()
        else:
            self._running = True

    def _run(self) -> None:
        while (request := self._next()) is not None:
            self._load(request)

    def _next(self) -> Request | None:
        with self._lock:
            waiting = self._hints or self._expected
            if waiting and not self._closed:
                return waiting.popleft()
            self._running = False
            return None
