"""A payload walked forward in small steps: it is read in blocks, so that a step costs no system call."""

from __future__ import annotations

from apbundle.payload.byterange import ByteRange

SMALLEST = 4096
"""Bytes of the first block, and of one that is far from the last."""

LARGEST = 1 << 18
"""Bytes of a block after several in a row."""


class Window:
    """Bytes of a payload out of one block that moves along.

    A walk that jumps over tensor data reads small blocks and so little of that data; a walk over many small records
    reads ever larger ones.

    Parameters
    ----------
    data
        The payload.
    """

    def __init__(self, data: ByteRange) -> None:
        self.size = data.size
        self._data = data
        self._block = b""
        self._start = 0
        self._length = SMALLEST

    def at(self, offset: int, size: int) -> bytes:
        """The ``size`` bytes from ``offset``, fewer (or none) where the payload ends before."""
        place = offset - self._start
        if place < 0 or place + size > len(self._block):
            size = min(size, self.size - offset)
            if size <= 0:
                return b""
            if place < 0 or place + size > len(self._block):
                self._move(offset, size)
            place = offset - self._start
        return self._block[place : place + size]

    def around(self, offset: int, size: int) -> tuple[bytes, int]:
        """A block that holds the ``size`` bytes from ``offset``, or all up to the payload's end, and their place in it.

        For those who look at a few bytes very often: nothing is cut out for them.
        """
        place = offset - self._start
        if place < 0 or place + size > len(self._block) < self.size - self._start:
            self._move(offset, min(size, self.size - offset))
            place = 0
        return self._block, place

    def _move(self, offset: int, size: int) -> None:
        end = self._start + len(self._block)
        follows = self._start <= offset <= end and end > 0
        self._length = min(LARGEST, self._length * 2) if follows else SMALLEST
        self._block = self._data.at(offset, max(size, self._length))
        self._start = offset
