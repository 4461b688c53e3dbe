"""A file's map that takes addresses but no memory, and notes which of its blocks would be in."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable

from apbundle.paging.blocks import BLOCK
from apbundle.paging.residency import address_of

WINDOW = 64 * 1024


class SparseRegion:
    """A :class:`apbundle.paging.mapped_source.Region`; a load brings in every block it touches.

    Parameters
    ----------
    size
        Bytes of the file.
    check
        Called with the bytes of each load, after its blocks are in: it may raise.
    straddling
        Whether the map begins at an address where, as the kernel does, a load also brings in a window before the blocks
        and one behind them.
    """

    def __init__(self, size: int, check: Callable[[int], None] = lambda length: None, *, straddling: bool = False):
        memory = memoryview(mmap.mmap(-1, size + 2 * WINDOW)).toreadonly()
        begin = -address_of(memory) % WINDOW + (4096 if straddling else 0)
        self.view = memory[begin : begin + size]
        self.closed = False
        self._check = check
        self._straddling = straddling
        self._lock = threading.Lock()  # the kernel has one, too
        self._blocks: set[int] = set()
        self._strays: set[int] = set()  # windows

    def populate(self, offset: int, length: int) -> None:
        assert 0 <= offset <= offset + length <= len(self.view)
        if length:
            first, last = offset // BLOCK, (offset + length - 1) // BLOCK
            around = {first * BLOCK // WINDOW - 1, (last + 1) * BLOCK // WINDOW} if self._straddling else set()
            with self._lock:
                self._blocks |= set(range(first, last + 1))
                self._strays |= {window for window in around if 0 <= window * WINDOW < len(self.view)}
        self._check(length)

    def release(self, offset: int, length: int) -> None:
        end = offset + length
        assert 0 <= offset < end <= len(self.view)
        assert offset % WINDOW == 0
        assert end % WINDOW == 0 or end == len(self.view)
        with self._lock:
            self._blocks -= {block for block in self._blocks if offset <= block * BLOCK and self._end(block) <= end}
            self._strays -= set(range(offset // WINDOW, -(-end // WINDOW)))

    def close(self) -> None:
        self.closed = True

    @property
    def inside(self) -> set[int]:
        """The blocks of which anything is in memory."""
        return self._blocks | {window * WINDOW // BLOCK for window in self._strays}

    @property
    def bytes_inside(self) -> int:
        return sum(self._end(block) - block * BLOCK for block in self.inside)

    def _end(self, block: int) -> int:
        return min((block + 1) * BLOCK, len(self.view))
