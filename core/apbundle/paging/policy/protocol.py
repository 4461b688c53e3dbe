"""What the pager and the simulations ask of a policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol


class Policy(Protocol):
    """The order of the units it keeps, named by their numbers; each access costs O(1) on average.

    To load a unit, its caller asks :meth:`admits`; then, as often as room is needed, takes a :meth:`victim` and
    calls :meth:`remove` for it; then :meth:`insert` for the unit, if it was admitted. A unit that was not is none of
    the policy's: it is neither inserted nor removed.

    Hits come late and in batches, oldest first. A policy works a batch out so that its order is exactly what one call
    a hit would have given.
    """

    def admits(self, unit: int, size: int) -> bool:
        """Whether ``unit`` of ``size`` bytes, about to be loaded, is worth keeping; asked before room is made."""

    def insert(self, unit: int, size: int) -> None:
        """``unit`` of ``size`` bytes, not kept so far, became resident; a load is no hit."""

    def touch(self, units: Sequence[int]) -> None:
        """``units`` were hit, in this order; those not kept are ignored."""

    def victim(self) -> int | None:
        """The unit that leaves next, ``None`` if none is kept. It may move hands and clear marks.

        The caller then removes it.
        """

    def candidates(self) -> Iterator[int]:
        """The units in the order in which they would leave if nothing else happened; changes nothing.

        Not to be continued once anything changed.
        """

    def remove(self, unit: int) -> None:
        """``unit``, kept so far, left: as the victim, on request, or because it is pinned."""

    def resize(self, limit: int) -> None:
        """The limit is ``limit`` bytes from now on; 0 until this was called first."""


class AnySize:
    """What the policies share that treat units alike, whatever their size and the limit."""

    def admits(self, unit: int, size: int) -> bool:
        """See :class:`Policy`."""
        return True

    def resize(self, limit: int) -> None:
        """See :class:`Policy`."""
