"""Memory that a paged bundle has outside the map: units that are read, and copies put together from several of them."""

from __future__ import annotations

import ctypes
import functools
import weakref
from typing import Any, Final

from apbundle.paging.buffers import Buffer
from apbundle.paging.sources import HeapSource, Read
from apbundle.paging.units import Unit

BOOKKEEPING: Final = 1536
"""Bytes charged for a part besides its own: what the interpreter needs to know of it. Measured: 1,100, and up to 1,400
where units come and go, for tables that shrink are not packed at once.

A limit of a gigabyte holds hundreds of thousands of pages; not counted, they would exceed it by a third. Whole models
are charged what the reference charges.
"""


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
        self._had_parts = False

    @property
    def charged(self) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return super().charged + self.copied

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
        return super().cost(unit) + _bookkeeping(unit)

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
        """Let the system have what parts that left have freed; their many small buffers stay with the process else."""
        if self._had_parts and (trim := _malloc_trim()) is not None:
            trim(0)  # about 0.1 ms

    def _trim(self) -> None:
        self._pool.trim(self._limit - self.charged)

    def _gone(self, reference: weakref.ref[Buffer]) -> None:
        self._copies.pop(id(reference), None)


@functools.cache
def _malloc_trim() -> Any:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not the GNU library
        return None
    trim.argtypes = (ctypes.c_size_t,)
    return trim


def _bookkeeping(unit: Unit) -> int:
    return BOOKKEEPING if isinstance(unit.key, tuple) else 0
