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
from apbundle.paging.blocks import BLOCK, BlockLedger, blocks_of
from apbundle.paging.buffers import Buffer, BufferPool
from apbundle.paging.residency import address_of, resident_bytes
from apbundle.paging.units import Unit

__all__ = ["BLOCK", "HeapSource", "MappedSource", "Read", "Region", "Source"]

_PIECE = 8 * BLOCK  # bytes loaded ahead between two looks at whether they are still wanted
_WINDOW = 64 * 1024  # addresses around a missing page of which the kernel maps all that it has

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
        self._pool.trim(limit - self._charged)

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
        The map of the file that units' offsets count in. Units may overlap.
    heap
        For units that are small, do not lie in the file as they are, or fit under the limit while the blocks they touch
        do not.
    """

    def __init__(self, region: Region, heap: HeapSource) -> None:
        self._region: Final = region
        self._heap: Final = heap
        self._view = region.view
        self._charged: Final = BlockLedger(len(region.view))
        self._pinned: Final = BlockLedger(len(region.view))
        # Of large units, where each is, so that it stays there whatever the limit becomes: its blocks, or the heap.
        self._held: Final[dict[int, range | None]] = {}
        self._kept: Final[dict[int, range | None]] = {}  # the pinned ones, also before they are loaded
        self._uncharged: Final[dict[int, range]] = {}  # units larger than the limit: handed out, not brought in
        self._limit = 0
        self._strays: Final = address_of(self._view) % _WINDOW != 0  # windows lie across the ends of blocks

    @property
    def charged(self) -> int:
        """See :class:`Source`."""
        return self._charged.held + self._heap.charged

    @property
    def pinned(self) -> int:
        """See :class:`Source`."""
        return self._pinned.held + self._heap.pinned

    @property
    def resident(self) -> int:
        """See :class:`Source`. More than is charged when callers touch views of units evicted since, or not charged."""
        mapped = resident_bytes(self._view)
        return self._heap.resident + (self._charged.held if mapped is None else mapped)

    def resize(self, limit: int) -> None:
        """See :class:`Source`."""
        self._limit = limit
        self._heap.resize(limit - self._charged.held)

    def cost(self, unit: Unit) -> int | None:
        """See :class:`Source`."""
        span = self._place(unit)
        if span is None:
            return self._heap.cost(unit)
        return self._charged.free(span) if self._charged.size(span) <= self._limit else None

    def cost_beside_pins(self, unit: Unit) -> int:
        """See :class:`Source`."""
        span = self._place(unit)
        return self._heap.cost(unit) if span is None else self._pinned.free(span)

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """See :class:`Source`."""
        span = self._held.get(unit.id)
        if span is None:
            return self._heap.relief(unit, wanted)
        return self._charged.relief(span, self._place(wanted) or range(0))

    def reserve(self, unit: Unit) -> bool:
        """See :class:`Source`."""
        if not _is_large(unit):
            return self._heap.reserve(unit)
        span = self._place(unit)
        if span is None:
            self._heap.reserve(unit)
        elif self._charged.size(span) > self._limit:
            self._uncharged[unit.id] = span
            return False
        else:
            self._charged.hold(span)
            self._heap.resize(self._limit - self._charged.held)
        self._held[unit.id] = span
        return True

    def load(self, unit: Unit, request: Request | None = None) -> memoryview:
        """See :class:`Source`."""
        span = self._held.get(unit.id)
        if unit.offset is None or not (span or unit.id in self._uncharged):
            return self._heap.load(unit)
        end = unit.offset + unit.size
        if span is None:
            self._region.populate(unit.offset, 0)  # the file is still the same; the rest comes when it is touched
        elif request is None:
            self._region.populate(unit.offset, unit.size)
        else:
            for start in range(unit.offset, end, _PIECE):
                if not request.is_wanted:
                    raise bundle_error("cancelled", "Something else is needed by now.")
                self._region.populate(start, min(_PIECE, end - start))
        if span is not None:
            self._drop_strays(span)
        return self._view[unit.offset : end]

    def release(self, unit: Unit) -> None:
        """See :class:`Source`."""
        span = self._uncharged.pop(unit.id, None)
        if span is None:
            span = self._held.pop(unit.id, None)
            if span is None:
                self._heap.release(unit)
                return
            self._charged.release(span)
            self._heap.resize(self._limit - self._charged.held)
        for unused in self._charged.free_runs(span):
            self._region.release(unused.start * BLOCK, self._charged.size(unused))
        self._drop_strays(span)

    def pin(self, unit: Unit) -> None:
        """See :class:`Source`."""
        if not _is_large(unit):
            self._heap.pin(unit)
            return
        span = self._kept[unit.id] = self._place(unit)
        if span is None:
            self._heap.pin(unit)
        else:
            self._pinned.hold(span)

    def unpin(self, unit: Unit) -> None:
        """See :class:`Source`."""
        span = self._kept.pop(unit.id, None)
        if span is None:
            self._heap.unpin(unit)
        else:
            self._pinned.release(span)

    def shrink(self) -> None:
        """See :class:`Source`."""
        self._heap.shrink()

    def close(self) -> None:
        """See :class:`Source`."""
        self._heap.close()
        self._view = memoryview(b"")
        self._region.close()

    def _drop_strays(self, span: range) -> None:
        """Let go what came in with ``span`` around it, in blocks that nobody holds."""
        if not self._strays:
            return
        begin, end = span.start * BLOCK, span.start * BLOCK + self._charged.size(span)
        if span.start and self._charged.free(range(span.start - 1, span.start)):
            self._region.release(begin - _WINDOW, _WINDOW)
        if end < len(self._view) and self._charged.free(range(span.stop, span.stop + 1)):
            self._region.release(end, min(_WINDOW, len(self._view) - end))

    def _place(self, unit: Unit) -> range | None:
        """The blocks a unit is or would be mapped from; ``None`` for one on the heap."""
        if unit.offset is None or not _is_large(unit):
            return None
        for known in (self._held, self._kept):
            if unit.id in known:
                return known[unit.id]
        span = blocks_of(unit.offset, unit.size)
        # One that fits under the limit would not as a part of the map, for what its blocks hold besides.
        must_be_read = unit.size <= self._limit < self._charged.size(span)
        return None if must_be_read else span


def _is_large(unit: Unit) -> bool:
    """Whether a unit is worth mapping."""
    return unit.offset is not None and unit.size >= BLOCK
