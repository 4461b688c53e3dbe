"""Where the bytes of units come from, and what holding them costs.

Two kinds of memory are charged. A unit on the heap costs its size. A unit in a map costs the 2 MiB blocks of the file
it touches, each counted once however many units share it: the kernel maps whole large folios, so bytes alone would let
a process grow to several times its limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from apbundle.errors import bundle_error
from apbundle.paging.background import Request
from apbundle.paging.buffers import Buffer, BufferPool
from apbundle.paging.units import Unit

Read = Callable[[Unit, memoryview], None]
"""Fills a buffer of exactly the unit's size with its raw bytes, or raises."""


class Source(Protocol):
    """What a pager asks for memory. All but ``load`` and ``resident`` are called with the pager's lock held."""

    @property
    def charged(self) -> int:
        """Bytes counted against the limit, units being loaded included."""

    @property
    def pinned(self) -> int:
        """Bytes that are charged for the pinned units, or will be once they are all loaded."""

    @property
    def resident(self) -> int:
        """Bytes of memory really held, whether charged or not. Called from any thread, without a lock."""

    def resize(self, limit: int) -> None:
        """The limit is ``limit`` bytes from now on: memory is kept for reuse only as far as it leaves room."""

    def cost(self, unit: Unit) -> int | None:
        """By how much reserving ``unit`` would raise ``charged``; ``None`` for one that is never charged."""

    def cost_beside_pins(self, unit: Unit) -> int:
        """By how much pinning ``unit``, which is charged and not pinned, would raise ``pinned``."""

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """By how much releasing ``unit``, which is charged, would bring ``wanted`` closer to fitting.

        Of several units that share memory, releasing all brings more than the sum of what each would alone.
        """

    def reserve(self, unit: Unit) -> bool:
        """Charge ``unit``, which is about to be loaded; whether it is charged at all."""

    def load(self, unit: Unit, request: Request | None = None) -> memoryview:
        """The raw bytes of a reserved unit, read-only. Called from any thread, without a lock.

        Raises ``Cancelled`` if the ``request`` for it is found to be not wanted any more.
        """

    def release(self, unit: Unit) -> None:
        """Give a reserved unit's memory back, whether or not it was loaded. Views of it stay valid."""

    def pin(self, unit: Unit) -> None:
        """Count ``unit``, which is charged or will be, as pinned."""

    def unpin(self, unit: Unit) -> None:
        """Count ``unit`` as pinned no more."""

    def shrink(self) -> None:
        """Give back memory that is only kept to be used again."""

    def close(self) -> None:
        """Give everything back. Views stay valid."""


class HeapSource:
    """Units read into buffers.

    Parameters
    ----------
    read
        Reads one unit; called from several threads at once.
    """

    def __init__(self, read: Read) -> None:
        self._read: Final = read
        self._pool: Final = BufferPool()
        self._buffers: Final[dict[int, Buffer]] = {}
        self._charged = 0
        self._pinned = 0
        self._limit = 0

    @property
    def charged(self) -> int:
        """See :class:`Source`."""
        return self._charged

    @property
    def pinned(self) -> int:
        """See :class:`Source`."""
        return self._pinned

    @property
    def resident(self) -> int:
        """See :class:`Source`."""
        return self._charged + self._pool.held

    def resize(self, limit: int) -> None:
        """See :class:`Source`."""
        self._limit = limit
        self._pool.resize(limit)
        self._pool.trim(limit - self.charged)

    def cost(self, unit: Unit) -> int:
        """See :class:`Source`."""
        return unit.size

    def cost_beside_pins(self, unit: Unit) -> int:
        """See :class:`Source`."""
        return unit.size

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """See :class:`Source`."""
        return unit.size

    def reserve(self, unit: Unit) -> bool:
        """See :class:`Source`."""
        self._charged += unit.size
        return True

    def load(self, unit: Unit, request: Request | None = None) -> memoryview:
        """See :class:`Source`."""
        try:
            buffer = self._pool.take(unit.size)
        except (MemoryError, OverflowError) as error:  # a size is only what the file declares
            message = f"There is no memory for the {unit.size} bytes of {unit.name!r}."
            raise bundle_error("limit_exceeded", message, hint="Extract it to a file, or read a part of it.") from error
        self._pool.trim(self._limit - self.charged)
        with memoryview(buffer) as whole, whole[: unit.size] as view:
            self._read(unit, view)
            self._buffers[unit.id] = buffer
            return view.toreadonly()

    def release(self, unit: Unit) -> None:
        """See :class:`Source`."""
        self._charged -= unit.size
        buffer = self._buffers.pop(unit.id, None)
        if buffer is not None:
            self._pool.give(buffer)
            self._pool.trim(self._limit - self.charged)

    def pin(self, unit: Unit) -> None:
        """See :class:`Source`."""
        self._pinned += unit.size

    def unpin(self, unit: Unit) -> None:
        """See :class:`Source`."""
        self._pinned -= unit.size

    def shrink(self) -> None:
        """See :class:`Source`."""
        self._pool.trim(0)

    def close(self) -> None:
        """See :class:`Source`."""
        self._buffers.clear()
        self.shrink()
