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

BOOKKEEPING: Final = 1536
"""Bytes charged for a part besides its own: what the interpreter needs to know of it. Measured: 1,100, and up to 1,400
where units come and go, for tables that shrink are not packed at once.

A limit of a gigabyte holds hundreds of thousands of pages; not counted, they would exceed it by a third. Whole models
are charged what the reference charges.
"""


DECODER: Final = 512 * 1024
"""Bytes that decoding a chunk takes besides as many as it holds: what the decoder keeps of it, and pieces of it."""


class CountingHeap(HeapSource):
    """A heap that also charges what parts cost besides their bytes, and the copies that callers hold.

    Parameters
    ----------
    read
        Reads one unit; called from several threads at once.
    """

    def __init__(self, read: Read) -> None:
        super().__init__(read)
        self._copies: Final[dict[int, tuple[weakref.ref[Buffer], int]]] = {}
        self._decoding: Final[dict[int, int]] = {}
        self._freed: Final = FreedMemory()
        self._had_parts = False

    @property
    def charged(self) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return super().charged + self.copied + sum(list(self._decoding.values()))

    @property
    def resident(self) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return super().resident + self.copied

    @property
    def copied(self) -> int:
        """Bytes in copies that live."""
        return sum(size for _, size in list(self._copies.values())) if self._copies else 0

    def copy_buffer(self, size: int) -> Buffer:
        """A buffer for a copy, charged as long as a view of it lives. Called from any thread, without a lock."""
        buffer = self._pool.take(size)
        reference = weakref.ref(buffer, self._gone)
        self._copies[id(reference)] = reference, len(buffer)
        self._trim()
        return buffer

    def cost(self, unit: Unit) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return super().cost(unit) + _bookkeeping(unit) + _work(unit)

    def cost_beside_pins(self, unit: Unit) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return super().cost_beside_pins(unit) + _bookkeeping(unit)

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return super().relief(unit, wanted) + _bookkeeping(unit)

    def reserve(self, unit: Unit) -> bool:
        """See :class:`~apbundle.paging.sources.Source`."""
        bookkeeping = _bookkeeping(unit)
        self._charged += bookkeeping
        self._had_parts |= bookkeeping > 0
        return super().reserve(unit)

    def load(self, unit: Unit, request: Request | None = None) -> memoryview:
        """See :class:`~apbundle.paging.sources.Source`."""
        work = _work(unit)
        if not work:
            return super().load(unit, request)
        self._decoding[unit.id] = work
        try:
            return super().load(unit, request)
        finally:
            del self._decoding[unit.id]
            self._freed.give_back(worth=0.0005)  # as much as decoding took

    def release(self, unit: Unit) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        self._charged -= _bookkeeping(unit)
        super().release(unit)
        self._trim()

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
        self.give_back_freed()

    def give_back_freed(self) -> None:
        """Let the system have what parts that left have freed."""
        if self._had_parts:
            self._freed.give_back(worth=0.01)

    def _trim(self) -> None:
        self._pool.trim(self._limit - self.charged)

    def _gone(self, reference: weakref.ref[Buffer]) -> None:
        self._copies.pop(id(reference), None)


def _bookkeeping(unit: Unit) -> int:
    """Bytes that a part takes besides its own; a large one fills pages up."""
    if not isinstance(unit.key, tuple):
        return 0
    return BOOKKEEPING + (-unit.size % mmap.PAGESIZE if unit.size >= MAPPED else 0)


def _work(unit: Unit) -> int:
    """Bytes that are needed while a part is loaded, if it has to be decoded."""
    return unit.size + DECODER if isinstance(unit.key, tuple) and unit.offset is None else 0
