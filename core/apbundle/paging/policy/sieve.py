"""SIEVE: Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is simpler than LRU" (NSDI 2024)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from apbundle.paging.policy.protocol import AnySize


class SIEVE(AnySize):
    """A hand goes from the oldest to the newest and over again; the first one without a mark leaves.

    A hit sets a mark; the load sets none. The hand clears the marks it meets, and unlike CLOCK leaves their units where
    they stand, so that a new unit without hits is met soon.

    The queue is held in two parts: the units before the hand and those behind it. The hand stands at the first unit of
    ``_before``; when that is empty, it is back at the oldest.
    """

    def __init__(self) -> None:
        self._before: OrderedDict[int, None] = OrderedDict()
        self._behind: OrderedDict[int, None] = OrderedDict()
        self._marked: Final[set[int]] = set()

    def insert(self, unit: int, size: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._before[unit] = None
        self._marked.discard(unit)  # a late hit may have marked it after it left

    def touch(self, units: Sequence[int]) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._marked.update(units)

    def victim(self) -> int | None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        marked = self._marked
        while self._before:
            unit = next(iter(self._before))
            if unit not in marked:
                return unit
            marked.remove(unit)
            del self._before[unit]
            self._behind[unit] = None
            self._turn()
        return None

    def candidates(self) -> Iterator[int]:
        """See :class:`~apbundle.paging.policy.Policy`."""
        for spared in (False, True):
            for part in (self._before, self._behind):
                yield from (unit for unit in part if (unit in self._marked) is spared)

    def remove(self, unit: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        del (self._before if unit in self._before else self._behind)[unit]
        self._marked.discard(unit)
        self._turn()

    def _turn(self) -> None:
        """Go back to the oldest unit, if the hand is past the newest."""
        if not self._before:
            self._before, self._behind = self._behind, self._before
