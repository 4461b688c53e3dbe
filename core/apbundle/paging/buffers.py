"""Memory for units that are read: reused when nobody looks at it any more, and never before."""

from __future__ import annotations

import threading
import weakref
from typing import Final

REUSED = 64 * 1024
"""Bytes from which a buffer is worth keeping: below, allocating is cheaper than looking for one."""

_KEPT = 8


class Buffer(bytearray):
    """A bytearray one can refer to weakly, with a spare byte at the end."""

    __slots__ = ("__weakref__",)

    @property
    def capacity(self) -> int:
        """Bytes of the largest unit it can hold."""
        return len(self) - 1

    def is_free(self) -> bool:
        """Whether no view of it lives: a bytearray refuses to change its length while one does."""
        try:
            last = self.pop()  # the spare byte, so that the length can change without a copy
        except BufferError:
            return False
        self.append(last)
        return True


class BufferPool:
    """Buffers that wait to be used again, and the whereabouts of those that callers still look at. Thread-safe."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._idle: Final[list[Buffer]] = []
        self._lingering: Final[dict[int, weakref.ref[Buffer]]] = {}

    def take(self, size: int) -> Buffer:
        """A buffer with room for ``size`` bytes, and not much more."""
        if size >= REUSED:
            with self._lock:
                fitting = [i for i, buffer in enumerate(self._idle) if size <= buffer.capacity <= size + size // 8]
                if fitting:
                    return self._idle.pop(min(fitting, key=lambda i: self._idle[i].capacity))
        return Buffer(size + 1)

    def give(self, buffer: Buffer) -> None:
        """Take a buffer back; the caller has dropped its own view of it and drops it now."""
        if not buffer.is_free():
            reference = weakref.ref(buffer, self._gone)  # it goes with the last view; until then it is known
            self._lingering[id(reference)] = reference
        elif buffer.capacity >= REUSED:
            with self._lock:
                self._idle.append(buffer)
                if len(self._idle) > _KEPT:
                    del self._idle[0]

    def trim(self, spare: int) -> None:
        """Let idle buffers go until they take at most ``spare`` bytes."""
        if not self._idle:
            return
        with self._lock:
            idle = sum(buffer.capacity for buffer in self._idle)
            while self._idle and idle > spare:
                idle -= self._idle.pop(0).capacity

    @property
    def held(self) -> int:
        """Bytes in idle buffers, and in those that only callers' views keep alive."""
        with self._lock:
            idle = sum(buffer.capacity for buffer in self._idle)
        alive = (reference() for reference in list(self._lingering.values()))
        return idle + sum(buffer.capacity for buffer in alive if buffer is not None)

    def _gone(self, reference: weakref.ref[Buffer]) -> None:
        self._lingering.pop(id(reference), None)
