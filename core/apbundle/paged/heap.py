"""Memory that a paged bundle has outside the map: units that are read, and copies put together from several of them."""

from __future__ import annotations

import mmap
import weakref
from typing import Final

from apbundle.paged.freed import FreedMemory
from apbundle.paging.background import Request
from apbundle.paging.buffers import MAPPED, Buffer
from apbundle.paging.sources import HeapSource, Read
from apbundle.paging.units import Unit

BOOKKEEPING: Final = 1792
"""Bytes charged for a part besides its own: what the interpreter needs to know of it. Measured with a limit of 256 MiB
of small pages: 1,650, and 150 more where they are loaded ahead; tables that grow or shrink are not packed at once.

A limit of a gigabyte holds hundreds of thousands of pages; not counted, they would exceed it by a third.
"""

_MOST_LEFT: Final = 2 * 1024 * 1024
"""Most that is charged for the bookkeeping of parts that left: so much of it, a few arenas of the interpreter, stays
with the process for the next ones. The rest goes back to the system.
"""
_LEFT_SHARE: Final = 8  # and no more than one part of so many of the limit

_LEAST_TRIM: Final = 1024 * 1024
_TRIM_SHARE: Final = (
    32  # of the limit, one part of so many: so much is released before what is free is given back again
)

DECODER: Final = 512 * 1024
"""Bytes that decoding a chunk takes besides as many as it holds: what the decoder keeps of it, and pieces of it."""


class CountingHeap(HeapSource):
    """A heap that also charges what parts cost besides their bytes, and the copies that callers hold.

    Whole models are charged their bytes alone, as the reference does: with them its counters come out exactly.

    Parameters
    ----------
    read
        Reads one unit; called from several threads at once.
    """

    def __init__(self, read: Read) -> None:
        super().__init__(read)
        self._copies: Final[dict[int, tuple[weakref.ref[Buffer], int]]] = {}
        self._decoding: Final[dict[int, int]] = {}  # by unit, from its reservation on: what decoding it takes
        self._freed: Final = FreedMemory()
        self._had_parts = False
        self._parts = 0  # in memory
        self._left = 0  # bytes of bookkeeping that parts left behind
        self._released = 0  # bytes, since what was free was last given back

    @property
    def charged(self) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        charged = self._charged + self._left
        if self._copies:
            charged += self.copied
        if self._decoding:
            charged += sum(list(self._decoding.values()))
        return charged

    @property
    def resident(self) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return super().resident + self.copied

    @property
    def copied(self) -> int:
        """Bytes in copies that live."""
        return sum(size for _, size in list(self._copies.values()))

    def copy_buffer(self, size: int) -> Buffer:
        """A buffer for a copy, charged as long as a view of it lives. Called from any thread, without a lock."""
        buffer = self._pool.take(size)
        reference = weakref.ref(buffer, self._gone)
        self._copies[id(reference)] = reference, len(buffer)
        self._pool.trim(self._limit - self.charged)
        return buffer

    def resize(self, limit: int) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        super().resize(limit)
        self._cap_left()

    def cost(self, unit: Unit) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        if isinstance(unit.key, tuple):
            return super().cost(unit) + max(BOOKKEEPING - self._left, 0) + _rounding(unit) + _work(unit)
        return super().cost(unit)

    def cost_beside_pins(self, unit: Unit) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return super().cost_beside_pins(unit) + _bookkeeping(unit)

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        besides = _bookkeeping(unit)
        if besides and self._parts > 1:
            besides = max(besides - max(self._most_left - self._left, 0), 0)
        return super().relief(unit, wanted) + besides

    def reserve(self, unit: Unit) -> bool:
        """See :class:`~apbundle.paging.sources.Source`."""
        super().reserve(unit)
        if isinstance(unit.key, tuple):
            self._had_parts = True
            self._parts += 1
            self._charged += BOOKKEEPING + _rounding(unit)
            self._left = max(self._left - BOOKKEEPING, 0)
            if work := _work(unit):
                self._decoding[unit.id] = work
        self._cap_left()
        return True

    def load(self, unit: Unit, request: Request | None = None) -> memoryview:
        """See :class:`~apbundle.paging.sources.Source`."""
        if unit.id not in self._decoding:
            return super().load(unit, request)
        try:
            return super().load(unit, request)
        finally:
            del self._decoding[unit.id]
            self._freed.give_back(worth=0.0005)  # as much as decoding took

    def release(self, unit: Unit) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        if isinstance(unit.key, tuple):
            self._parts -= 1
            self._charged -= BOOKKEEPING + _rounding(unit)
            self._left = min(self._left + BOOKKEEPING, self._most_left) if self._parts else 0
        super().release(unit)
        self._cap_left()
        self._released += unit.size
        if self._released >= max(self._limit // _TRIM_SHARE, _LEAST_TRIM):
            self._released = 0
            self._freed.give_back(worth=0.01)

    def pin(self, unit: Unit) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        super().pin(unit)
        self._pinned += _bookkeeping(unit)

    def unpin(self, unit: Unit) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        super().unpin(unit)
        self._pinned -= _bookkeeping(unit)

    def shrink(self) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        super().shrink()
        self._left = 0
        self.give_back_freed()

    def give_back_freed(self) -> None:
        """Let the system have what parts that left have freed."""
        if self._had_parts:
            self._freed.give_back(worth=0.01)

    @property
    def _most_left(self) -> int:
        return max(min(_MOST_LEFT, self._limit // _LEFT_SHARE), 0)

    def _cap_left(self) -> None:
        """What is left behind is never a reason to exceed the limit once everything that may leave has left."""
        if self._left:
            self._left = max(min(self._left, self._left + self._limit - self.charged), 0)

    def _gone(self, reference: weakref.ref[Buffer]) -> None:
        self._copies.pop(id(reference), None)


def _bookkeeping(unit: Unit) -> int:
    """Bytes that a part takes besides its own."""
    return BOOKKEEPING + _rounding(unit) if isinstance(unit.key, tuple) else 0


def _rounding(unit: Unit) -> int:
    """Bytes by which a buffer of its own exceeds a unit: it is made of whole pages."""
    return -unit.size % mmap.PAGESIZE if unit.size >= MAPPED else 0


def _work(unit: Unit) -> int:
    """Bytes that are needed while a part is loaded, if it has to be decoded."""
    return unit.size + DECODER if isinstance(unit.key, tuple) and unit.offset is None else 0
