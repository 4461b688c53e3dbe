"""A file's map of any size that takes no memory, and notes which of its blocks would be in."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from apbundle.paging.blocks import BLOCK


class _Length:
    """As a view: that long, and nothing to see."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice) -> memoryview:
        return memoryview(b"")


class SparseRegion:
    """A :class:`apbundle.paging.sources.Region`; a load brings in every block it touches.

    Parameters
    ----------
    size
        Bytes of the file.
    check
        Called with the bytes of each load, after its blocks are in: it may raise.
    """

    def __init__(self, size: int, check: Callable[[int], None] = lambda length: None) -> None:
        self.view = cast(memoryview, _Length(size))
        self.inside: set[int] = set()
        self.closed = False
        self._check = check

    def populate(self, offset: int, length: int) -> None:
        assert 0 <= offset <= offset + length <= len(self.view)
        if length:
            self.inside |= set(range(offset // BLOCK, (offset + length - 1) // BLOCK + 1))
        self._check(length)

    def release(self, offset: int, length: int) -> None:
        assert offset % BLOCK == 0
        assert (offset + length) % BLOCK == 0 or offset + length == len(self.view)
        self.inside -= set(range(offset // BLOCK, -(-(offset + length) // BLOCK)))

    def close(self) -> None:
        self.closed = True

    @property
    def bytes_inside(self) -> int:
        return sum(min(BLOCK, len(self.view) - block * BLOCK) for block in self.inside)
