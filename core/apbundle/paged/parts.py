"""How a model is cut into the pieces that are paged: they follow each other and cover it from end to end."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import Any, Final, Protocol

import numpy as np

Integers = np.ndarray[Any, np.dtype[np.int64]]


class Parts(Protocol):
    """The pieces of one model. Offsets are raw bytes from the model's start, ends exclusive."""

    @property
    def first(self) -> int:
        """The unit number of the first; the others follow it."""

    @property
    def largest(self) -> int:
        """Bytes of the largest, 0 if there is none."""

    def __len__(self) -> int: ...

    def bounds(self, index: int) -> tuple[int, int]:
        """Begin and end of a piece."""

    def at(self, offset: int) -> int:
        """Which piece holds the byte at ``offset``."""


class EvenParts:
    """Pieces of one size; the last may be shorter.

    Parameters
    ----------
    first
        The unit number of the first.
    size
        Bytes of the model.
    step
        Bytes of a piece.
    """

    __slots__ = ("first", "size", "step")

    def __init__(self, first: int, size: int, step: int) -> None:
        self.first: Final = first
        self.size: Final = size
        self.step: Final = step

    @property
    def largest(self) -> int:
        """See :class:`Parts`."""
        return min(self.step, self.size)

    def __len__(self) -> int:
        return (self.size + self.step - 1) // self.step

    def bounds(self, index: int) -> tuple[int, int]:
        """See :class:`Parts`."""
        begin = index * self.step
        return begin, min(begin + self.step, self.size)

    def at(self, offset: int) -> int:
        """See :class:`Parts`."""
        return offset // self.step


class CutParts:
    """Pieces that end wherever they like.

    Parameters
    ----------
    first
        The unit number of the first.
    ends
        Where each ends, ascending.
    """

    __slots__ = ("_ends", "first", "largest")

    def __init__(self, first: int, ends: Integers) -> None:
        self.first: Final = first
        self.largest: Final = int(np.diff(ends, prepend=0).max(initial=0))
        self._ends: Final = array("q", ends.tobytes())  # looked through faster than an ndarray, one number at a time

    def __len__(self) -> int:
        return len(self._ends)

    def bounds(self, index: int) -> tuple[int, int]:
        """See :class:`Parts`."""
        return self._ends[index - 1] if index else 0, self._ends[index]

    def at(self, offset: int) -> int:
        """See :class:`Parts`."""
        return bisect_right(self._ends, offset)


def cut_at_tensors(size: int, offsets: Integers, sizes: Integers, longest_rest: int) -> tuple[Integers, Integers]:
    """Where the pieces of a model end so that each of its tensors lies in one of them.

    A tensor is a piece; tensors that share bytes are one together. What lies between (headers, padding) is cut into
    pieces of its own. Tensors that are empty or reach outside the model do not count.

    Parameters
    ----------
    size
        Bytes of the model.
    offsets, sizes
        Of the tensors, in bytes, in any order.
    longest_rest
        Most bytes of a piece without a tensor.

    Returns
    -------
    ends, rows
        The ends, and for each piece the tensor that begins it, or -1 where there is none.
    """
    inside = np.flatnonzero((sizes > 0) & (offsets >= 0) & (offsets <= size - sizes))
    if not len(inside):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = inside[np.argsort(offsets[inside], kind="stable")]
    begins = offsets[order]
    reach = np.maximum.accumulate(begins + sizes[order])
    fresh = np.flatnonzero(np.concatenate(([True], begins[1:] >= reach[:-1])))
    edges = np.zeros(2 * len(fresh) + 2, np.int64)  # 0, then begin and end of each group, then the model's end
    edges[1:-1:2] = begins[fresh]
    edges[2:-1:2] = reach[np.append(fresh[1:], len(order)) - 1]
    edges[-1] = size
    rows = np.full(2 * len(fresh) + 1, -1, np.int64)
    rows[1::2] = order[fresh]
    lengths = np.diff(edges)
    counts = np.where(rows < 0, -(-lengths // longest_rest), 1)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)  # of a piece within its stretch
    step = np.repeat(np.where(rows < 0, longest_rest, lengths), counts)
    ends = np.minimum(np.repeat(edges[:-1], counts) + (number + 1) * step, np.repeat(edges[1:], counts))
    return ends, np.repeat(rows, counts)
