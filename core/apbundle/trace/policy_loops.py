"""The policies of :mod:`apbundle.paging.policy` once more, each as one plain loop over accesses.

A policy for the pager can be asked at any time, by anybody; a loop that has all accesses before it keeps a byte or two
a unit and needs no calls: two to three times faster, about as fast as a simulator in C. Tests hold the two together.

Every loop takes the units accessed, the sizes of all units, and the limit, in bytes. A unit larger than the limit is
never kept, and nothing leaves for it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush, heapreplace

from apbundle.trace.outcome import Tally


def lru(units: Iterable[int], sizes: Sequence[int], limit: int) -> Tally:
    """See :class:`apbundle.paging.policy.lru.LRU`."""
    order: OrderedDict[int, None] = OrderedDict()
    move_to_end, popitem = order.move_to_end, order.popitem
    used = misses = miss_bytes = evictions = refused = 0
    for unit in units:
        if unit in order:
            move_to_end(unit)
            continue
        size = sizes[unit]
        misses += 1
        miss_bytes += size
        if size > limit:
            refused += 1
            continue
        used += size
        while used > limit:
            used -= sizes[popitem(last=False)[0]]
            evictions += 1
        order[unit] = None
    return Tally(misses, miss_bytes, evictions, refused)


def lfu(units: Iterable[int], sizes: Sequence[int], limit: int) -> Tally:
    """See :class:`apbundle.paging.policy.lfu.LFU`.

    Units used once stand in a queue, so that one that is never used again costs O(1). Those found to have been used
    more often go to a heap, with their rank at that moment. Ranks only grow, so whatever is first in the heap and still
    has that rank is the least of all there; this costs O(log n), but a hit next to nothing.
    """
    uses = [0] * len(sizes)
    last_place = [0] * len(sizes)
    once: deque[int] = deque()
    heap: list[tuple[int, int, int]] = []  # uses, place of the last one, unit
    used = misses = miss_bytes = evictions = refused = 0
    for place, unit in enumerate(units):
        if uses[unit]:
            uses[unit] += 1
            last_place[unit] = place
            continue
        size = sizes[unit]
        misses += 1
        miss_bytes += size
        if size > limit:
            refused += 1
            continue
        used += size
        while used > limit:
            if once:
                first = once.popleft()
                if uses[first] > 1:
                    heappush(heap, (uses[first], last_place[first], first))
                    continue
            else:
                count, _, first = heap[0]
                if uses[first] > count:
                    heapreplace(heap, (uses[first], last_place[first], first))
                    continue
                heappop(heap)
            uses[first] = 0
            used -= sizes[first]
            evictions += 1
        uses[unit] = 1
        once.append(unit)
    return Tally(misses, miss_bytes, evictions, refused)


def fifo(units: Iterable[int], sizes: Sequence[int], limit: int) -> Tally:
    """See :class:`apbundle.paging.policy.fifo.FIFO`."""
    resident = bytearray(len(sizes))
    queue: deque[int] = deque()
    used = misses = miss_bytes = evictions = refused = 0
    for unit in units:
        if resident[unit]:
            continue
        size = sizes[unit]
        misses += 1
        miss_bytes += size
        if size > limit:
            refused += 1
            continue
        used += size
        while used > limit:
            first = queue.popleft()
            resident[first] = 0
            used -= sizes[first]
            evictions += 1
        resident[unit] = 1
        queue.append(unit)
    return Tally(misses, miss_bytes, evictions, refused)


_RESIDENT, _MARKED = 1, 2


def clock(units: Iterable[int], sizes: Sequence[int], limit: int) -> Tally:
    """See :class:`apbundle.paging.policy.clock.CLOCK`."""
    state = bytearray(len(sizes))
    queue: deque[int] = deque()
    used = misses = miss_bytes = evictions = refused = 0
    for unit in units:
        if state[unit]:
            state[unit] = _MARKED
            continue
        size = sizes[unit]
        misses += 1
        miss_bytes += size
        if size > limit:
            refused += 1
            continue
        used += size
        while used > limit:
            first = queue.popleft()
            if state[first] == _MARKED:
                state[first] = _RESIDENT
                queue.append(first)
                continue
            state[first] = 0
            used -= sizes[first]
            evictions += 1
        state[unit] = _RESIDENT
        queue.append(unit)
    return Tally(misses, miss_bytes, evictions, refused)


def sieve(units: Iterable[int], sizes: Sequence[int], limit: int) -> Tally:
    """See :class:`apbundle.paging.policy.sieve.SIEVE`."""
    state = bytearray(len(sizes))
    before: deque[int] = deque()
    behind: deque[int] = deque()
    used = misses = miss_bytes = evictions = refused = 0
    for unit in units:
        if state[unit]:
            state[unit] = _MARKED
            continue
        size = sizes[unit]
        misses += 1
        miss_bytes += size
        if size > limit:
            refused += 1
            continue
        used += size
        while used > limit:
            first = before.popleft()
            if state[first] == _MARKED:
                state[first] = _RESIDENT
                behind.append(first)
            else:
                state[first] = 0
                used -= sizes[first]
                evictions += 1
            if not before:
                before, behind = behind, before
        state[unit] = _RESIDENT
        before.append(unit)
    return Tally(misses, miss_bytes, evictions, refused)
