"""Units without bytes: what a pager needs to do all its work, and count it, over sizes alone."""

from __future__ import annotations

from typing import Final

from apbundle.paging.background import Request
from apbundle.paging.units import Unit

_NOTHING: Final = memoryview(b"")


class HollowSource:
    """A :class:`apbundle.paging.sources.Source` of which every unit is charged its raw bytes and holds none.

    Attributes
    ----------
    failing
        What the next loads raise, or ``None``.
    """

    def __init__(self) -> None:
        self.failing: Exception | None = None
        self._charged = 0
        self._pinned = 0

    @property
    def charged(self) -> int:
        """See :class:`apbundle.paging.sources.Source`."""
        return self._charged

    @property
    def pinned(self) -> int:
        """See :class:`apbundle.paging.sources.Source`."""
        return self._pinned

    @property
    def resident(self) -> int:
        """Nothing."""
        return 0

    def resize(self, limit: int) -> None:
        """See :class:`apbundle.paging.sources.Source`."""

    def cost(self, unit: Unit) -> int:
        """See :class:`apbundle.paging.sources.Source`."""
        return unit.size

    def cost_beside_pins(self, unit: Unit) -> int:
        """See :class:`apbundle.paging.sources.Source`."""
        return unit.size

    def relief(self, unit: Unit, wanted: Unit) -> int:
        """See :class:`apbundle.paging.sources.Source`."""
        return unit.size

    def reserve(self, unit: Unit) -> bool:
        """See :class:`apbundle.paging.sources.Source`."""
        self._charged += unit.size
        return True

    def load(self, unit: Unit, request: Request | None = None) -> memoryview:
        """An empty view; raises what :attr:`failing` says."""
        if self.failing is not None:
            raise self.failing
        return _NOTHING

    def release(self, unit: Unit) -> None:
        """See :class:`apbundle.paging.sources.Source`."""
        self._charged -= unit.size

    def pin(self, unit: Unit) -> None:
        """See :class:`apbundle.paging.sources.Source`."""
        self._pinned += unit.size

    def unpin(self, unit: Unit) -> None:
        """See :class:`apbundle.paging.sources.Source`."""
        self._pinned -= unit.size

    def shrink(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""
