"""How much memory each access would have needed: byte-weighted LRU stack distances, exact, in numpy.

A least-recently-used cache of any size holds the units used last, as many as fit. So an access is a hit exactly if its
unit and all units used since its last use fit together (Mattson et al., "Evaluation techniques for storage
hierarchies", 1970, with bytes for counts): one pass tells it for every limit. It holds for limits from the largest unit
on; below, a unit that does not fit at all changes nothing, and no such order exists.

With ``p`` the place of the access before to the same unit, what was used since is what was accessed after ``p``, but
each unit once: without the accesses whose own predecessor is after ``p`` too. Those nested pairs are counted by
splitting the places in halves, again and again: O(n log n), a few passes over arrays a level.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from apbundle.errors import bundle_error

NEVER: Final = (1 << 63) - 1
"""In place of a limit: none would do, it is the first access to its unit."""

_LEAST_BLOCK = 1 << 16  # accesses worked on at once: what that takes stays in a processor's cache
_SMALL = 16  # places from which on pairs are compared one by one
_PLACE_BITS = 32
_Number = TypeVar("_Number", np.int32, np.int64)


class LruStack:
    """All units accessed so far, in the order of their last use.

    Parameters
    ----------
    sizes
        Raw bytes of every unit, by number.

    Raises
    ------
    BadRecording
        The sizes add up to more than can be counted.
    """

    def __init__(self, sizes: NDArray[np.int64]) -> None:
        total_bytes(sizes)
        self._sizes: Final = sizes
        self._stack = np.zeros(0, np.int64)  # the one used last comes last

    @property
    def units(self) -> NDArray[np.int64]:
        """The units accessed so far, the least recently used first."""
        return self._stack

    def copy(self) -> LruStack:
        """Another one that goes on from here by itself."""
        other = LruStack(self._sizes)
        other._stack = self._stack
        return other

    def access(self, units: NDArray[np.integer]) -> NDArray[np.int64]:
        """Access ``units``, one after the other.

        Needs memory for some blocks of 65,536 accesses, or of twice the number of units if they are more.

        Returns
        -------
        ndarray
            For each access the smallest limit, in bytes, with which it is a hit, or :data:`NEVER`.
        """
        needed = np.empty(len(units), np.int64)
        start = 0
        while start < len(units):
            stop = start + max(_LEAST_BLOCK, 2 * len(self._stack))
            needed[start:stop] = self._access_block(units[start:stop].astype(np.int64))
            start = stop
        return needed

    def _access_block(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        needed = self._sizes[units]
        is_again = np.empty(len(units), np.bool_)  # the unit is the one used last: nothing moves
        is_again[0] = bool(len(self._stack)) and self._stack[-1] == units[0]
        np.equal(units[1:], units[:-1], out=is_again[1:])
        moving = np.flatnonzero(~is_again)
        if len(moving):
            needed[moving] = self._move(units[moving])
        return needed

    def _move(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        """As :meth:`_access_block`. The stack counts as accesses made before, each unit once."""
        held = len(self._stack)
        units = np.concatenate((self._stack, units))
        keys = (units << _PLACE_BITS) | np.arange(len(units))
        keys.sort()  # by unit, then by place
        places = keys & ((1 << _PLACE_BITS) - 1)
        keys >>= _PLACE_BITS
        is_same = keys[1:] == keys[:-1]
        last = np.flatnonzero(np.append(~is_same, True))
        stack = (places[last] << _PLACE_BITS) | keys[last]
        stack.sort()
        self._stack = stack & ((1 << _PLACE_BITS) - 1)

        following = np.zeros(len(units), np.int64)
        following[places[:-1][is_same]] = places[1:][is_same]
        previous = np.flatnonzero(following)
        following = following[previous]  # pairs of accesses to one unit, by the place of the first
        weights = self._sizes[units]
        needed = np.full(len(units), NEVER)
        total = np.cumsum(weights)
        between = total[following] - weights[following] - total[previous]
        needed[following] = between - _nested(previous, following, weights[following], len(units)) + weights[following]
        return needed[held:]


def exact_sum(values: NDArray[np.int64]) -> int:
    """The sum of ``values``, from 0 each, however large."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


def total_bytes(sizes: NDArray[np.int64]) -> int:
    """The sum of ``sizes`` (``BadRecording`` if 63 bits cannot hold it: a size is only what a recording claims)."""
    total = exact_sum(sizes)
    if total >= NEVER:
        raise bundle_error("bad_recording", "The sizes in the recording add up to more than can be counted.")
    return total


def _nested(
    previous: NDArray[np.int64], following: NDArray[np.int64], weights: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """For each pair of places below ``count``, the weight of the pairs inside of it; pairs come by ``previous``."""
    is_following = np.zeros(count, np.bool_)
    is_following[following] = True
    rank = (np.cumsum(is_following) - 1)[following].astype(np.int32)
    by_rank = np.empty(len(rank), np.int64)
    by_rank[rank] = weights
    ended = np.cumsum(by_rank) - by_rank  # the weight of the pairs that end before
    return (ended - _dominated(rank, weights))[rank]


def _dominated(order: NDArray[np.int32], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of the numbers from 0, the weight of the smaller ones that come before it in ``order``.

    Parameters
    ----------
    order
        Every number below its length, once.
    weights
        Theirs, in that order.

    Returns
    -------
    ndarray
        By number, not by place in ``order``.
    """
    count = len(order)
    padding = -count % _SMALL
    order = np.concatenate((order, np.arange(count, count + padding, dtype=np.int32)))
    weights = np.concatenate((weights, np.zeros(padding, np.int64)))
    sums = np.zeros(count + padding, np.int64)
    for bit in reversed(range(_SMALL.bit_length() - 1, max(count - 1, 0).bit_length())):
        _split(order, weights, sums, bit)
    # Now each run of _SMALL holds the numbers of its own places, still in the order given.
    order, weights, sums = _by_place(order), _by_place(weights), _by_place(sums)
    for place in range(1, _SMALL):
        for earlier in range(place):
            sums[place] += weights[earlier] * (order[earlier] < order[place])
    result = np.empty(count + padding, np.int64)
    result[order] = sums
    return result[:count]


def _by_place(column: NDArray[_Number]) -> NDArray[_Number]:
    """The first of all runs of ``_SMALL``, the second of all, and so on: long rows, for numpy."""
    return np.ascontiguousarray(column.reshape(-1, _SMALL).T)


def _split(order: NDArray[np.int32], weights: NDArray[np.int64], sums: NDArray[np.int64], bit: int) -> None:
    """Sort the numbers by one more bit.

    They are sorted, stably, by all bits above: in groups of twice ``1 << bit``, the last of which may be shorter. Each
    of the upper half of a group is told the weight of those of the lower half that came before it. All in place.
    """
    half = 1 << bit
    is_upper = order & half
    upper, lower = np.flatnonzero(is_upper), np.flatnonzero(is_upper == 0)
    groups, rest = divmod(len(order), 2 * half)
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(weights[lower])))
    before = total[upper - np.arange(len(upper))]
    full = groups * half
    of_groups = before[:full].reshape(groups, half)
    of_groups -= total[:full:half, np.newaxis]  # what came before the group
    before[full:] -= total[full]
    sums[upper] += before
    for column in (order, weights, sums):
        low, high = column[lower], column[upper]
        pairs = column[: 2 * full].reshape(groups, 2, half)
        pairs[:, 0] = low[:full].reshape(groups, half)
        pairs[:, 1] = high[:full].reshape(groups, half)
        if rest:
            column[2 * full : 2 * full + len(low) - full] = low[full:]
            column[2 * full + len(low) - full :] = high[full:]
