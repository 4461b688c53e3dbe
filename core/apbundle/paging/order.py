"""Which resident unit leaves next: the policy's order, with those before it and those out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from apbundle.paging.policy import Policy


class EvictionOrder:
    """The resident units, named by their numbers, in the order in which they leave.

    Units that are not charged stand before all others, then those that the policy does not keep, each the oldest
    first; then it is as the policy says. Pinned ones do not leave.

    Parameters
    ----------
    policy
        This object is its only user.
    """

    def __init__(self, policy: Policy) -> None:
        self.uncharged: Final[dict[int, None]] = {}
        """The units that are not charged: they leave for whatever comes next, whether it needs room or not."""
        self.pins: Final[dict[int, int]] = {}
        """How many pins each unit has that has any, also units that are yet to come."""
        self._policy: Final = policy
        self._refused: Final[dict[int, None]] = {}

    def admits(self, unit: int, size: int) -> bool:
        """Whether the policy will keep ``unit``, which is about to be loaded; asked before room is made for it."""
        return self._policy.admits(unit, size)

    def insert(self, unit: int, size: int, *, charged: bool, kept: bool) -> None:
        """``unit`` became resident; ``kept`` is what :meth:`admits` said of it."""
        if not charged:
            self.uncharged[unit] = None
        elif unit in self.pins:
            pass
        elif kept:
            self._policy.insert(unit, size)
        else:
            self._refused[unit] = None

    def touch(self, units: Sequence[int]) -> None:
        """``units`` were hit, in this order; those that left meanwhile are ignored."""
        self._policy.touch(units)

    def remove(self, unit: int) -> None:
        """``unit`` left."""
        if unit in self.uncharged:
            del self.uncharged[unit]
        elif unit in self._refused:
            del self._refused[unit]
        elif unit not in self.pins:
            self._policy.remove(unit)

    def victim(self) -> int | None:
        """The unit that leaves next, ``None`` if none may; the caller then evicts it."""
        for first in chain(self.uncharged, self._refused):
            return first
        return self._policy.victim()

    def candidates(self) -> Iterator[int]:
        """The charged units in the order in which they would leave; not to be continued once anything changed."""
        return chain(self._refused, self._policy.candidates())

    def pin(self, unit: int, *, resident: bool) -> None:
        """Keep ``unit`` from leaving, once more; but one that is not charged has to be loaded anew for that."""
        pins = self.pins.get(unit, 0)
        if resident and not pins and unit not in self.uncharged:
            self.remove(unit)
        self.pins[unit] = pins + 1

    def unpin(self, unit: int, size: int, *, resident: bool) -> bool:
        """Take one pin back; with the last one, ``unit`` may leave again, as the most recently used: whether it may."""
        self.pins[unit] -= 1
        if self.pins[unit]:
            return False
        del self.pins[unit]
        if resident:
            self.insert(unit, size, charged=True, kept=self.admits(unit, size))
        return True

    def resize(self, limit: int) -> None:
        """The limit is ``limit`` bytes from now on."""
        self._policy.resize(limit)
