"""Where the bytes of units come from, and what holding them costs.

Two kinds of memory are charged. A unit on the heap costs its size. A unit in a map costs the 2 MiB blocks of the file
it touches, each counted once however many units share it: the kernel maps whole large folios, so bytes alone would let
a process grow to several times its limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from apbundle.errors import bundle_error
from apbundle.paging.buffers import Buffer, BufferPool
from apbundle.paging.residency import resident_bytes
from apbundle.paging.units import Unit

BLOCK = 2 * 1024 * 1024
"""Bytes of a block of a map; units from this size are mapped, smaller ones live on the heap."""

Read = Callable[[Unit, memoryview], None]
"""Fills a buffer of exactly the unit's size with its raw bytes, or raises."""


class Source(Protocol):
    """What a pager asks for memory. All but ``load`` and ``resident`` are called with the pager's lock held."""

    @property
    def charged(self) -> int:
        """Bytes counted against the limit, units being loaded included."""

    @property
    def resident(self) -> int:
        """Bytes of memory really held, whether charged or not. Called from any thread, without a lock."""

    def cost(self, unit: Unit, limit: int) -> int | None:
        """By how much reserving ``unit`` would raise ``charged``; ``None`` for one that is never charged."""

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """By how much releasing ``unit`` would bring ``wanted`` closer to fitting, if all others stay."""

    def reserve(self, unit: Unit, limit: int) -> None:
        """Charge ``unit``, which is about to be loaded."""

    def load(self, unit: Unit) -> memoryview:
        """The raw bytes of a reserved unit, read-only. Called from any thread, without a lock."""

    def release(self, unit: Unit) -> None:
        """Give a reserved unit's memory back, whether or not it was loaded. Views of it stay valid."""

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
        self._limit = 0

    @property
    def charged(self) -> int:
        """See :class:`Source`."""
        return self._charged

    @property
    def resident(self) -> int:
        """See :class:`Source`."""
        return self._charged + self._pool.held

    def cost(self, unit: Unit, limit: int) -> int | None:
        """See :class:`Source`."""
        return unit.size

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """See :class:`Source`."""
        return unit.size

    def reserve(self, unit: Unit, limit: int) -> None:
        """See :class:`Source`."""
        self._charged += unit.size
        self._limit = limit

    def leave_room(self, limit: int) -> None:
        """Keep no more memory for reuse than what is charged leaves of ``limit``, from now on."""
        self._limit = limit
        self._pool.trim(limit - self._charged)

    def load(self, unit: Unit) -> memoryview:
        """See :class:`Source`."""
        try:
            buffer = self._pool.take(unit.size)
        except (MemoryError, OverflowError) as error:  # a size is only what the file declares
            message = f"There is no memory for the {unit.size} bytes of {unit.name!r}."
            raise bundle_error("limit_exceeded", message, hint="Extract it to a file, or read a part of it.") from error
        self._pool.trim(self._limit - self._charged)
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
            self._pool.trim(self._limit - self._charged)

    def shrink(self) -> None:
        """See :class:`Source`."""
        self._pool.trim(0)

    def close(self) -> None:
        """See :class:`Source`."""
        self._buffers.clear()
        self.shrink()


class Region(Protocol):
    """A read-only map of a whole file."""

    @property
    def view(self) -> memoryview:
        """All its bytes."""

    def populate(self, offset: int, length: int) -> None:
        """Bring a range into memory; raises when the file changed."""

    def release(self, offset: int, length: int) -> None:
        """Let the process's pages of a range go; reading them again brings the same bytes back."""

    def close(self) -> None:
        """Unmap, as soon as no view lives."""


class MappedSource:
    """Large units as views of a map, all others on the heap.

    Parameters
    ----------
    region
        The map of the file that units' offsets count in. Units do not overlap, so only the first and the last block
        of one can be shared.
    heap
        For units that are small, do not lie in the file as they are, or fit under the limit while the blocks they touch
        do not.
    """

    def __init__(self, region: Region, heap: HeapSource) -> None:
        self._region: Final = region
        self._heap: Final = heap
        self._view = region.view
        self._size: Final = len(region.view)
        self._users: Final[dict[int, int]] = {}  # block: the units that hold it
        self._uncharged: Final[set[int]] = set()  # units larger than the limit: handed out, not brought in
        self._read: Final[set[int]] = set()  # large units that are on the heap all the same
        self._charged = 0

    @property
    def charged(self) -> int:
        """See :class:`Source`."""
        return self._charged + self._heap.charged

    @property
    def resident(self) -> int:
        """See :class:`Source`. More than is charged when callers touch views of units evicted since, or not charged."""
        mapped = resident_bytes(self._view)
        return self._heap.resident + (self._charged if mapped is None else mapped)

    def cost(self, unit: Unit, limit: int) -> int | None:
        """See :class:`Source`."""
        span = self._span(unit)
        if span is None or self._must_be_read(unit, span, limit):
            return self._heap.cost(unit, limit)
        whole = self._bytes(span.start, span.stop)
        if whole > limit:
            return None
        shared = {block for block in (span.start, span.stop - 1) if block in self._users}
        return whole - sum(self._bytes(block, block + 1) for block in shared)

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """See :class:`Source`."""
        span = self._span(unit)
        if span is None or unit.id in self._read:
            return unit.size
        needed = self._span(wanted) or ()
        kept = {block for block in (span.start, span.stop - 1) if self._users[block] > 1 or block in needed}
        return self._bytes(span.start, span.stop) - sum(self._bytes(block, block + 1) for block in kept)

    def reserve(self, unit: Unit, limit: int) -> None:
        """See :class:`Source`."""
        span = self._span(unit)
        if span is None:
            self._heap.reserve(unit, limit - self._charged)
        elif self._must_be_read(unit, span, limit):
            self._read.add(unit.id)
            self._heap.reserve(unit, limit - self._charged)
        elif self.cost(unit, limit) is None:
            self._uncharged.add(unit.id)
        else:
            for block in span:
                users = self._users.get(block, 0)
                self._users[block] = users + 1
                if not users:
                    self._charged += self._bytes(block, block + 1)
            self._heap.leave_room(limit - self._charged)

    def load(self, unit: Unit) -> memoryview:
        """See :class:`Source`."""
        if unit.offset is None or self._span(unit) is None or unit.id in self._read:
            return self._heap.load(unit)
        if unit.id in self._uncharged:
            self._region.populate(unit.offset, 0)  # the file is still the same; the rest comes when it is touched
        else:
            self._region.populate(unit.offset, unit.size)
        return self._view[unit.offset : unit.offset + unit.size]

    def release(self, unit: Unit) -> None:
        """See :class:`Source`."""
        span = self._span(unit)
        if span is None or unit.id in self._read:
            self._read.discard(unit.id)
            self._heap.release(unit)
            return
        if unit.id in self._uncharged:
            self._uncharged.remove(unit.id)
        else:
            for block in span:
                self._users[block] -= 1
                if not self._users[block]:
                    del self._users[block]
                    self._charged -= self._bytes(block, block + 1)
        unused = self._unused(span)
        if unused:
            self._region.release(unused.start * BLOCK, self._bytes(unused.start, unused.stop))

    def shrink(self) -> None:
        """See :class:`Source`."""
        self._heap.shrink()

    def close(self) -> None:
        """See :class:`Source`."""
        self._heap.close()
        self._view = memoryview(b"")
        self._region.close()

    def _span(self, unit: Unit) -> range | None:
        """The blocks a unit touches, or ``None`` for one on the heap."""
        if unit.offset is None or unit.size < BLOCK:
            return None
        return range(unit.offset // BLOCK, (unit.offset + unit.size - 1) // BLOCK + 1)

    def _must_be_read(self, unit: Unit, span: range, limit: int) -> bool:
        """Whether a unit that fits under the limit would not as a part of the map, for what its blocks hold besides."""
        return unit.size <= limit < self._bytes(span.start, span.stop)

    def _bytes(self, start: int, stop: int) -> int:
        """Bytes of the blocks from ``start`` to before ``stop``, of which the last may be cut off by the file's end."""
        return min(stop * BLOCK, self._size) - start * BLOCK

    def _unused(self, span: range) -> range:
        """The part of ``span`` nobody holds: its ends may be a neighbour's too, what lies between is not."""
        start = span.start + (span.start in self._users)
        stop = span.stop - (span.stop - 1 in self._users)
        return range(start, max(start, stop))
