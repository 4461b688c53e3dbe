"""S3-FIFO as one plain loop over accesses; see :mod:`apbundle.trace.policy_loops` for why."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

from apbundle.paging.policy.s3fifo import ENOUGH_USES, MOST_USES, shares
from apbundle.trace.outcome import Tally


def s3fifo(units: Iterable[int], sizes: Sequence[int], limit: int) -> Tally:
    """See :class:`apbundle.paging.policy.s3fifo.S3FIFO`; a unit of a tenth of the limit, or more, is never kept."""
    small_share, main_share, ghost_share = shares(limit)
    full, proved = 1 + MOST_USES, 1 + ENOUGH_USES
    state = bytearray(len(sizes))  # 0: not resident; else 1 and its hits
    small: deque[int] = deque()
    main: deque[int] = deque()
    ghost: OrderedDict[int, None] = OrderedDict()
    small_bytes = main_bytes = ghost_bytes = misses = miss_bytes = evictions = refused = 0
    filling = True
    for unit in units:
        known = state[unit]
        if known:
            if known < full:
                state[unit] = known + 1
            continue
        size = sizes[unit]
        misses += 1
        miss_bytes += size
        if size >= small_share:
            refused += 1
            continue
        returns = unit in ghost
        if returns:
            del ghost[unit]
            ghost_bytes -= size
        while small_bytes + main_bytes + size > limit:
            filling = False
            if small and main_bytes <= main_share:
                first = small.popleft()
                moved = sizes[first]
                small_bytes -= moved
                while state[first] >= proved:
                    state[first] = 1
                    main.append(first)
                    main_bytes += moved
                    if not small:
                        break
                    first = small.popleft()
                    moved = sizes[first]
                    small_bytes -= moved
                else:
                    state[first] = 0
                    evictions += 1
                    ghost[first] = None
                    ghost_bytes += moved
                    while ghost_bytes > ghost_share:
                        ghost_bytes -= sizes[ghost.popitem(last=False)[0]]
            else:
                first = main.popleft()
                while state[first] > 1:
                    state[first] -= 1
                    main.append(first)
                    first = main.popleft()
                state[first] = 0
                main_bytes -= sizes[first]
                evictions += 1
        state[unit] = 1
        if returns or (filling and small_bytes >= small_share):
            main.append(unit)
            main_bytes += size
        else:
            small.append(unit)
            small_bytes += size
    return Tally(misses, miss_bytes, evictions, refused)
