"""Memory for units that are read: kept for reuse, and reused only when nobody looks at it any more."""

from __future__ import annotations

import threading
from typing import Final

REUSED = 64 * 1024
"""Bytes from which a buffer is worth keeping: below, allocating is cheaper than looking for one."""

_KEPT = 8


def _is_free(buffer: bytearray) -> bool:
    """Whether no view of ``buffer`` lives: a bytearray refuses to change its length while one does."""
    try:
        last = buffer.pop()
    except BufferError:
        return False
    buffer.append(last)
    return True


class BufferPool:
    """Buffers in use elsewhere, kept for reuse, or lingering because a caller still has a view.

    Every buffer is one byte longer than the largest unit it can hold: that byte is what tells whether it is free.
    Thread-safe.
    """

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._idle: Final[list[bytearray]] = []
        self._lingering: list[bytearray] = []
        self._sweep_at = _KEPT

    def take(self, size: int) -> bytearray:
        """A buffer with room for ``size`` bytes, and not much more."""
        if size >= REUSED:
            with self._lock:
                self._sweep()
                fitting = [i for i, buffer in enumerate(self._idle) if size < len(buffer) <= size + size // 8 + 1]
                if fitting:
                    return self._idle.pop(min(fitting, key=lambda i: len(self._idle[i])))
        return bytearray(size + 1)

    def give(self, buffer: bytearray) -> None:
        """Take a buffer back; the caller has dropped its own view of it."""
        with self._lock:
            if not _is_free(buffer):
                self._lingering.append(buffer)
                if len(self._lingering) >= self._sweep_at:
                    self._sweep()
            else:
                self._keep(buffer)

    def trim(self, spare: int) -> None:
        """Let idle buffers go until they take at most ``spare`` bytes."""
        with self._lock:
            idle = sum(map(len, self._idle))
            while self._idle and idle > spare:
                idle -= len(self._idle.pop(0))

    @property
    def held(self) -> int:
        """Bytes in idle and lingering buffers."""
        with self._lock:
            self._sweep()
            return sum(map(len, self._idle)) + sum(map(len, self._lingering))

    def _keep(self, buffer: bytearray) -> None:
        if len(buffer) > REUSED:
            self._idle.append(buffer)
            if len(self._idle) > _KEPT:
                del self._idle[0]

    def _sweep(self) -> None:
        """Find the lingering buffers that have become free."""
        lingering, self._lingering = self._lingering, []
        for buffer in lingering:
            if _is_free(buffer):
                self._keep(buffer)
            else:
                self._lingering.append(buffer)
        self._sweep_at = max(_KEPT, 2 * len(self._lingering))  # so that sweeping costs O(1) a buffer
