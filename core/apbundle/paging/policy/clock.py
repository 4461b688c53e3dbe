"""CLOCK, or second chance: Corbató, "A paging experiment with the Multics system" (MIT Project MAC, 1968)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from apbundle.paging.policy.protocol import AnySize


class CLOCK(AnySize):
    """The one loaded longest ago leaves first, but one that was hit goes round once more instead.

    A hit sets a mark; the load sets none. The hand clears the marks it meets and stops at the first unit without.
    """

    def __init__(self) -> None:
        self._order: Final[OrderedDict[int, None]] = OrderedDict()  # the circle, opened where the hand is
        self._marked: Final[set[int]] = set()

    def insert(self, unit: int, size: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._order[unit] = None
        self._marked.discard(unit)  # a late hit may have marked it after it left

    def touch(self, units: Sequence[int]) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._marked.update(units)

    def victim(self) -> int | None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        order, marked = self._order, self._marked
        while order:
            unit = next(iter(order))
            if unit not in marked:
                return unit
            marked.remove(unit)
            order.move_to_end(unit)
        return None

    def candidates(self) -> Iterator[int]:
        """See :class:`~apbundle.paging.policy.Policy`."""
        marked = self._marked
        unmarked = (unit for unit in self._order if unit not in marked)
        return chain(unmarked, (unit for unit in self._order if unit in marked))

    def remove(self, unit: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        del self._order[unit]
        self._marked.discard(unit)
