"""The blocks of a mapped file: how many units hold each, and what those that are held come to in bytes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import numpy as np

BLOCK = 2 * 1024 * 1024
"""Bytes of a block. The kernel maps whole large folios, up to this size, whichever of their bytes are asked for."""

_FEW = 32  # blocks up to which one after the other is faster than all at once


def blocks_of(offset: int, size: int) -> range:
    """The blocks that ``size`` bytes (at least one) from ``offset`` touch."""
    return range(offset // BLOCK, (offset + size - 1) // BLOCK + 1)


class BlockLedger:
    """Counts the holders of each block of a file; any number of them may hold the same one.

    Parameters
    ----------
    size
        Bytes of the file; its end cuts the last block off.
    """

    def __init__(self, size: int) -> None:
        self._count: Final = -(-size // BLOCK)
        self._missing: Final = self._count * BLOCK - size  # what the last block lacks of a whole one
        self._holders: Final = np.zeros(self._count, np.uint32)
        self._each: Final = self._holders.data  # faster than the array, one by one
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes of the blocks that anyone holds."""
        return self._held

    def size(self, span: range) -> int:
        """Bytes of the blocks of ``span``."""
        cut_off = self._missing if span.stop == self._count and len(span) else 0
        return len(span) * BLOCK - cut_off

    def hold(self, span: range) -> None:
        """Add a holder to each block of ``span``."""
        self._held += self.free(span)
        self._add(span, 1)

    def release(self, span: range) -> None:
        """Take a holder from each block of ``span``."""
        self._add(span, -1)
        self._held -= self.free(span)

    def free(self, span: range) -> int:
        """Bytes of the blocks of ``span`` that nobody holds."""
        return self._size_where(span, 0)

    def relief(self, span: range, wanted: range) -> int:
        """Bytes of the blocks of ``span``, and not of ``wanted``, that have one holder."""
        before = range(span.start, min(span.stop, max(span.start, wanted.start)))
        behind = range(max(span.start, min(span.stop, wanted.stop)), span.stop)
        return self._size_where(before, 1) + self._size_where(behind, 1)

    def free_runs(self, span: range) -> Iterator[range]:
        """The parts of ``span`` that nobody holds, each as long as can be."""
        if self.free(span) == self.size(span):
            yield span
            return
        for is_free, run in groupby(span, lambda block: not self._each[block]):
            if is_free:
                blocks = list(run)
                yield range(blocks[0], blocks[-1] + 1)

    def all_free_runs(self) -> Iterator[range]:
        """The parts of the whole file that nobody holds."""
        held = np.flatnonzero(self._holders)
        starts = [0, *(held + 1).tolist()]
        for start, stop in zip(starts, [*held.tolist(), self._count], strict=True):
            if start < stop:
                yield range(start, stop)

    def _size_where(self, span: range, holders: int) -> int:
        """Bytes of the blocks of ``span`` that have so many holders."""
        if not span:
            return 0
        if len(span) <= _FEW:
            count = self._each[span.start : span.stop].tolist().count(holders)
        else:
            count = int(np.count_nonzero(self._holders[span.start : span.stop] == holders))
        cut_off = span.stop == self._count and self._each[span.stop - 1] == holders
        return count * BLOCK - (self._missing if cut_off else 0)

    def _add(self, span: range, change: int) -> None:
        if len(span) <= _FEW:
            for block in span:
                self._each[block] += change
        elif change > 0:
            self._holders[span.start : span.stop] += 1
        else:
            self._holders[span.start : span.stop] -= 1
