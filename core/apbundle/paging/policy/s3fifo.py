"""S3-FIFO: Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction" (SOSP 2023).

The details the paper leaves open (what is counted in bytes, the filling at the start, units that are too large) are
those of its authors' simulator, libCacheSim, since 2024.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from typing import Final

MOST_USES: Final = 3
"""Hits that count, in either queue."""
ENOUGH_USES: Final = 2
"""Hits in the small queue that lead to the main one."""


def shares(limit: int) -> tuple[int, int, int]:
    """Bytes of the small queue, the main one and the ghost under a limit. What is not below the first is refused."""
    small = limit // 10
    return small, limit - small, limit * 9 // 10


class S3FIFO:
    """Three queues: new units prove themselves in a small one, a main one holds those that did, a ghost remembers.

    The small queue's share is a tenth of the limit, the main one's the rest. A unit that leaves the small queue goes on
    to the main one if it was hit twice there; if not it leaves memory, and its number stays in the ghost, which
    remembers units of nine tenths of the limit: one that is loaded again while it is there goes to the main queue at
    once. There a hit counts up to three, and whoever comes to the front with a hit left goes round again for one.
    The main queue gives way when it holds more than its share, else the small one.

    A unit as large as the small queue's share, or larger, is not admitted. Until a unit first has to leave, those that
    find the small queue full go to the main one.
    """

    def __init__(self) -> None:
        self._small: Final[OrderedDict[int, int]] = OrderedDict()  # unit -> size
        self._main: Final[OrderedDict[int, int]] = OrderedDict()
        self._ghost: Final[OrderedDict[int, int]] = OrderedDict()
        self._uses: Final[dict[int, int]] = {}
        self._returning: Final[set[int]] = set()  # called back from the ghost by a load that has not ended yet
        self._small_bytes = self._main_bytes = self._ghost_bytes = 0
        self._leaving: int | None = None  # the victim, if it is in the small queue
        self._filling = True
        self._limit = self._small_share = self._main_share = self._ghost_share = 0

    def resize(self, limit: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._filling = self._filling or limit > self._limit
        self._limit = limit
        self._small_share, self._main_share, self._ghost_share = shares(limit)
        self._trim_ghost()

    def admits(self, unit: int, size: int) -> bool:
        """See :class:`~apbundle.paging.policy.Policy`."""
        if size >= self._small_share:
            return False
        remembered = self._ghost.pop(unit, None)
        if remembered is not None:
            self._ghost_bytes -= remembered
            self._returning.add(unit)
        return True

    def insert(self, unit: int, size: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        if unit in self._returning or (self._filling and self._small_bytes >= self._small_share):
            self._returning.discard(unit)
            self._insert_into_main(unit, size)
        else:
            self._small[unit] = size
            self._small_bytes += size
            self._uses[unit] = 0

    def touch(self, units: Sequence[int]) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        uses = self._uses
        for unit in units:
            count = uses.get(unit, MOST_USES)
            if count < MOST_USES:
                uses[unit] = count + 1

    def victim(self) -> int | None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._filling = False
        self._leaving = None
        if self._main_bytes <= self._main_share:
            while self._small:
                unit, size = next(iter(self._small.items()))
                if self._uses[unit] < ENOUGH_USES:
                    self._leaving = unit
                    return unit
                self._remove_from_small(unit)
                self._insert_into_main(unit, size)
        while self._main:
            unit = next(iter(self._main))
            if not self._uses[unit]:
                return unit
            self._uses[unit] -= 1
            self._main.move_to_end(unit)
        return None

    def candidates(self) -> Iterator[int]:
        """See :class:`~apbundle.paging.policy.Policy`."""
        small, main = iter(self._small.items()), iter(self._main.items())
        round_again: deque[tuple[int, int, int]] = deque()  # unit, size, uses: behind the main queue's present end
        main_bytes, left_in_small, left_in_main = self._main_bytes, len(self._small), len(self._main)
        while left_in_small or left_in_main or round_again:
            if main_bytes <= self._main_share and left_in_small:
                for unit, size in small:
                    left_in_small -= 1
                    if self._uses[unit] < ENOUGH_USES:
                        yield unit
                        break
                    round_again.append((unit, size, 0))
                    main_bytes += size
                continue
            if left_in_main:
                unit, size = next(main)
                left_in_main -= 1
                uses = self._uses[unit]
            else:
                unit, size, uses = round_again.popleft()
            if uses:
                round_again.append((unit, size, uses - 1))
            else:
                main_bytes -= size
                yield unit

    def remove(self, unit: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        del self._uses[unit]
        if unit in self._main:
            self._main_bytes -= self._main.pop(unit)
            return
        size = self._remove_from_small(unit)
        if unit == self._leaving:
            self._ghost[unit] = size
            self._ghost_bytes += size
            self._trim_ghost()

    def _insert_into_main(self, unit: int, size: int) -> None:
        self._main[unit] = size
        self._main_bytes += size
        self._uses[unit] = 0

    def _remove_from_small(self, unit: int) -> int:
        size = self._small.pop(unit)
        self._small_bytes -= size
        return size

    def _trim_ghost(self) -> None:
        while self._ghost_bytes > self._ghost_share:
            self._ghost_bytes -= self._ghost.popitem(last=False)[1]
