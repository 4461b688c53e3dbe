"""Memory for units that are read: reused when nobody looks at it any more, and never before."""

from __future__ import annotations

import mmap
import threading
import weakref
from typing import Final, TypeAlias

MAPPED = 256 * 1024
"""Bytes from which a buffer is a map of its own: it goes back to the system whole, however long the process has run.

Only such buffers are kept for reuse. Below, allocating is cheaper than looking for one.
"""

_KEPT = 8


class SmallBuffer(bytearray):
    """A bytearray one can refer to weakly."""

    __slots__ = ("__weakref__",)


Buffer: TypeAlias = SmallBuffer | mmap.mmap


class BufferPool:
    """Buffers that wait to be used again, and the whereabouts of those that callers still look at. Thread-safe."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._idle: Final[list[mmap.mmap]] = []
        self._lingering: Final[dict[int, weakref.ref[Buffer]]] = {}

    def take(self, size: int) -> Buffer:
        """A buffer with room for ``size`` bytes, and not much more."""
        if size < MAPPED:
            return SmallBuffer(size)
        with self._lock:
            fitting = [i for i, buffer in enumerate(self._idle) if size <= len(buffer) <= size + size // 8]
            if fitting:
                return self._idle.pop(min(fitting, key=lambda i: len(self._idle[i])))
        return _map(size)

    def give(self, buffer: Buffer) -> None:
        """Take a buffer back; the caller has dropped its own view of it and drops it now."""
        if isinstance(buffer, mmap.mmap) and _is_free(buffer):
            with self._lock:
                self._idle.append(buffer)
                if len(self._idle) > _KEPT:
                    del self._idle[0]
        else:
            reference = weakref.ref(buffer, self._gone)  # it goes with the last view; until then it is known
            self._lingering[id(reference)] = reference

    def trim(self, spare: int) -> None:
        """Let idle buffers go until they take at most ``spare`` bytes."""
        if not self._idle:
            return
        with self._lock:
            idle = sum(map(len, self._idle))
            while self._idle and idle > spare:
                idle -= len(self._idle.pop(0))

    @property
    def held(self) -> int:
        """Bytes in idle buffers, and in those that only callers' views keep alive."""
        with self._lock:
            idle = sum(map(len, self._idle))
        alive = (reference() for reference in list(self._lingering.values()))
        return idle + sum(len(buffer) for buffer in alive if buffer is not None)

    def _gone(self, reference: weakref.ref[Buffer]) -> None:
        self._lingering.pop(id(reference), None)


def _map(size: int) -> Buffer:
    """Memory of its own; private, so that a forked child has its own copy."""
    try:
        if hasattr(mmap, "MAP_ANONYMOUS"):
            return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return mmap.mmap(-1, size)
    except OSError:  # too many maps, perhaps
        return SmallBuffer(size)


def _is_free(buffer: mmap.mmap) -> bool:
    """Whether no view of ``buffer`` lives and it may be filled anew: a map refuses to be resized while one does."""
    try:
        buffer.resize(len(buffer))
    except (BufferError, OSError, SystemError, TypeError, ValueError):  # some systems can resize no map
        return False
    return True
