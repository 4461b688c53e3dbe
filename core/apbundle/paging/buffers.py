"""Memory for units that are read: reused when nobody looks at it any more, and never before."""

from __future__ import annotations

import mmap
import threading
import weakref
from typing import Final, TypeAlias

MAPPED = 32 * 1024
"""Bytes from which a buffer is a map of its own: it goes back to the system whole, however long the process has run.

Smaller ones come from the interpreter's allocator, which is faster. But what it frees stays between what is in use: of
units of mixed sizes up to 256 KiB, it kept a seventh more than they had. Of small ones only those that fill pages of
memory are maps: among bytes of other things each would leave two halves of a page behind.
"""

_MOST_MAPS = 32_768  # half of what Linux lets a process have, by default
_KEPT = 8
_RATIO = 4  # how much longer or shorter a kept buffer may be than what is wanted


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
        self._least_map = 0

    def resize(self, limit: int) -> None:
        """Buffers of ``limit`` bytes will be in use at the same time: the more, the fewer of them can be maps."""
        self._least_map = limit // _MOST_MAPS

    def take(self, size: int) -> Buffer:
        """A buffer of ``size`` bytes, with anything in it."""
        if size < self._least_map or (size < MAPPED and (size % mmap.PAGESIZE or not size)):
            return SmallBuffer(size)
        with self._lock:
            for place, buffer in enumerate(self._idle):
                if len(buffer) == size:
                    return self._idle.pop(place)
            best = min(self._idle, key=lambda buffer: abs(len(buffer) - size), default=None)
            if best is not None and size // _RATIO <= len(best) <= size * _RATIO:
                self._idle.remove(best)
                if _resized(best, size):
                    return best
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


def _resized(buffer: mmap.mmap, size: int) -> bool:
    """Make a free buffer shorter or longer: the pages it keeps need not be made anew, which is most of the work."""
    try:
        buffer.resize(size)
    except (OSError, SystemError, ValueError):
        return False
    return True


def _is_free(buffer: mmap.mmap) -> bool:
    """Whether no view of ``buffer`` lives and it may be filled anew: a map refuses to be resized while one does."""
    try:
        buffer.resize(len(buffer))
    except (BufferError, OSError, SystemError, TypeError, ValueError):  # some systems can resize no map
        return False
    return True
