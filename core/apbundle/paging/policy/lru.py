"""LRU: least recently used."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from typing import Final

from apbundle.paging.policy.protocol import AnySize


class LRU(AnySize):
    """The least recently used leaves first. A load is a use."""

    def __init__(self) -> None:
        self._order: Final[OrderedDict[int, None]] = OrderedDict()

    def insert(self, unit: int, size: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._order[unit] = None

    def touch(self, units: Sequence[int]) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        moves = map(self._order.move_to_end, units)
        while True:
            try:
                deque(moves, 0)  # no loop is faster
                return
            except KeyError:  # one that is not kept: go on behind it
                pass

    def victim(self) -> int | None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        return next(iter(self._order), None)

    def candidates(self) -> Iterator[int]:
        """See :class:`~apbundle.paging.policy.Policy`."""
        return iter(self._order)

    def remove(self, unit: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        del self._order[unit]
