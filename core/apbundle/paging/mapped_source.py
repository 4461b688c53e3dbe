"""Units as views of a map of the file: nothing is copied, and the process holds the blocks that are charged."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from apbundle.errors import bundle_error
from apbundle.paging.background import Request
from apbundle.paging.blocks import BLOCK, BlockLedger, blocks_of
from apbundle.paging.residency import address_of, resident_bytes
from apbundle.paging.sources import HeapSource
from apbundle.paging.units import Unit

_PIECE = 8 * BLOCK  # bytes loaded ahead between two looks at whether they are still wanted
_SWEEPS = 32  # of what callers touched behind the back of the accounts, while as much as the limit is loaded
_WINDOW = 64 * 1024  # addresses around a missing page of which the kernel maps all that it has


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
        self._loans: Final[dict[int, tuple[weakref.ref[Any], range]]] = {}  # of ranges that are no units
        self._returned: Final[list[range]] = []  # their blocks that nobody looks at any more, but that are still held
        self._limit = 0
        self._unswept = 0  # bytes mapped since the last sweep
        self._strays: Final = address_of(self._view) % _WINDOW != 0  # windows lie across the ends of blocks

    @property
    def charged(self) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        self._take_back()
        return self._charged.held + self._heap.charged

    @property
    def pinned(self) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        return self._pinned.held + self._heap.pinned

    @property
    def resident(self) -> int:
        """See :class:`~apbundle.paging.sources.Source`.

        More than is charged when callers touch views of units that were evicted since, or that are not charged.
        """
        mapped = resident_bytes(self._view)
        return self._heap.resident + (self._charged.held if mapped is None else mapped)

    def resize(self, limit: int) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        self._limit = limit
        self._heap.resize(limit - self._charged.held)

    def lend(self, offset: int, size: int) -> memoryview:
        """Any range of the map, whose blocks are charged as long as a view of it lives."""
        self._take_back()
        lent = np.frombuffer(self._view[offset : offset + size], np.uint8)  # one can refer to it weakly
        reference = weakref.ref(lent, partial(_return, self._loans, self._returned))
        span = blocks_of(offset, size)
        self._loans[id(reference)] = reference, span
        self._charged.hold(span)
        self._heap.resize(self._limit - self._charged.held)
        return lent.data

    def cost(self, unit: Unit) -> int | None:
        """See :class:`~apbundle.paging.sources.Source`."""
        self._take_back()
        span = self._place(unit)
        if span is None:
            return self._heap.cost(unit)
        return self._charged.free(span) if self._charged.size(span) <= self._limit else None

    def cost_beside_pins(self, unit: Unit) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        span = self._place(unit)
        return self._heap.cost_beside_pins(unit) if span is None else self._pinned.free(span)

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """See :class:`~apbundle.paging.sources.Source`."""
        span = self._held.get(unit.id)
        if span is None:
            return self._heap.relief(unit, wanted)
        return self._charged.relief(span, self._place(wanted) or range(0))

    def reserve(self, unit: Unit) -> bool:
        """See :class:`~apbundle.paging.sources.Source`."""
        if not _is_large(unit):
            return self._heap.reserve(unit)
        span = self._place(unit)
        if span is None:
            self._heap.reserve(unit)
        elif self._charged.size(span) > self._limit:
            self._uncharged[unit.id] = span
            self._sweep()
            return False
        else:
            self._charged.hold(span)
            self._unswept += self._charged.size(span)
            if self._unswept * _SWEEPS > self._limit:
                self._sweep()
            self._heap.resize(self._limit - self._charged.held)
        self._held[unit.id] = span
        return True

    def load(self, unit: Unit, request: Request | None = None) -> memoryview:
        """See :class:`~apbundle.paging.sources.Source`."""
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
        """See :class:`~apbundle.paging.sources.Source`."""
        span = self._uncharged.pop(unit.id, None)
        if span is None:
            span = self._held.pop(unit.id, None)
            if span is None:
                self._heap.release(unit)
                return
            self._give_up(span)
            return
        self._let_go(span)

    def pin(self, unit: Unit) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        if not _is_large(unit):
            self._heap.pin(unit)
            return
        span = self._kept[unit.id] = self._place(unit)
        if span is None:
            self._heap.pin(unit)
        else:
            self._pinned.hold(span)

    def unpin(self, unit: Unit) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        span = self._kept.pop(unit.id, None)
        if span is None:
            self._heap.unpin(unit)
        else:
            self._pinned.release(span)

    def shrink(self) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        self._take_back()
        self._heap.shrink()
        self._sweep()

    def close(self) -> None:
        """See :class:`~apbundle.paging.sources.Source`."""
        self._heap.close()
        self._sweep()
        self._view = memoryview(b"")
        self._region.close()

    def _take_back(self) -> None:
        """Hold no longer what was lent and is not looked at any more."""
        while self._returned:
            self._give_up(self._returned.pop())

    def _give_up(self, span: range) -> None:
        """Take a holder from each block of ``span``, and let go those that have none left."""
        self._charged.release(span)
        self._heap.resize(self._limit - self._charged.held)
        self._let_go(span)

    def _let_go(self, span: range) -> None:
        """Give the system back those blocks of ``span`` that nobody holds."""
        for unused in self._charged.free_runs(span):
            self._region.release(unused.start * BLOCK, self._charged.size(unused))
        self._drop_strays(span)

    def _sweep(self) -> None:
        """Let go what callers brought back by touching views of units that are not in memory any more.

        Nobody is told of such touches. Their pages come back the same when they are touched again.
        """
        self._unswept = 0
        for unused in self._charged.all_free_runs():
            self._region.release(unused.start * BLOCK, self._charged.size(unused))

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


def _return(loans: dict[int, tuple[weakref.ref[Any], range]], returned: list[range], loan: weakref.ref[Any]) -> None:
    """The last view of a loan is gone. From any thread, whatever it holds or waits for."""
    _, span = loans.pop(id(loan))
    returned.append(span)


def _is_large(unit: Unit) -> bool:
    """Whether a unit is worth mapping."""
    return unit.offset is not None and unit.size >= BLOCK
