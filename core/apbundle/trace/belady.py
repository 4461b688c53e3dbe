"""Belady's policy, which knows what comes: the unit whose next use is farthest leaves first.

Belady, "A study of replacement algorithms for a virtual-storage computer" (IBM Systems Journal 5, 1966). For units of
one size nothing can have more hits, if whatever is asked for has to be loaded and kept at least until the next load.
With units of several sizes it is no bound: keeping several small ones instead of a large one may do better.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.progress import Reporter
from apbundle.trace.outcome import Tally, numbers

NEVER: Final = -1
"""In place of a next use: there is none."""

_BLOCK_BITS = 12
_BLOCK = 1 << _BLOCK_BITS


def next_uses(units: NDArray[np.int32]) -> NDArray[np.int64]:
    """For each access, the place of the next one of the same unit, or :data:`NEVER`."""
    following = np.full(len(units), NEVER, np.int64)
    order = np.argsort(units, kind="stable")
    again = units[order[1:]] == units[order[:-1]]
    following[order[:-1][again]] = order[1:][again]
    return following


def belady(
    units: NDArray[np.int32],
    sizes: Sequence[int],
    limit: int,
    following: NDArray[np.int64],
    reporter: Reporter | None = None,
) -> Tally:
    """Replay Belady's policy; a unit larger than the limit is never kept, and nothing leaves for it.

    The next uses of the units kept lie in blocks of 4096 places. One is put into its block as it is learned, and a
    block is sorted when the farthest next use lies in it and room is needed: close to O(1) an access.

    Parameters
    ----------
    units
        The unit of each access.
    sizes
        Bytes of each unit.
    limit
        In bytes.
    following
        The :func:`next_uses` of the accesses.
    reporter
        Is told the bytes of ``units`` gone through, and may raise ``Cancelled``.
    """
    unit_at = units.data
    resident = bytearray(len(sizes))
    blocks: list[list[int]] = [[] for _ in range(0, len(units), _BLOCK)]
    is_sorted = bytearray(len(blocks))
    farthest: list[int] = []  # a heap of the blocks that hold something, negated: the farthest comes first
    done_with: list[int] = []  # never used again: they leave before all others
    used = misses = miss_bytes = evictions = refused = 0
    for unit, next_use in zip(numbers(units, reporter), chain.from_iterable(_passing(following, blocks)), strict=True):
        if not resident[unit]:
            size = sizes[unit]
            misses += 1
            miss_bytes += size
            if size > limit:
                refused += 1
                continue
            used += size
            while used > limit:
                if done_with:
                    leaving = done_with.pop()
                else:
                    number = -farthest[0]
                    block = blocks[number]
                    if not is_sorted[number]:
                        block.sort()
                        is_sorted[number] = True
                    leaving = unit_at[block.pop()]
                    if not block:
                        heappop(farthest)
                resident[leaving] = 0
                used -= sizes[leaving]
                evictions += 1
            resident[unit] = 1
        if next_use == NEVER:
            done_with.append(unit)
            continue
        number = next_use >> _BLOCK_BITS
        block = blocks[number]
        if not block:
            heappush(farthest, -number)
        if is_sorted[number]:
            insort(block, next_use)
        else:
            block.append(next_use)
    return Tally(misses, miss_bytes, evictions, refused)


def _passing(following: NDArray[np.int64], blocks: list[list[int]]) -> Iterator[list[int]]:
    """``following`` in pieces, one for each of ``blocks``; those gone by are emptied."""
    for number, start in enumerate(range(0, len(following), _BLOCK)):
        if number:
            blocks[number - 1] = []
        yield following[start : start + _BLOCK].tolist()
