"""Pins: units that stay in memory until they are let go, and what they leave of the limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from typing import Final

from apbundle.errors import BundleError, bundle_error
from apbundle.paging.observer import Observer
from apbundle.paging.order import EvictionOrder
from apbundle.paging.sources import Source
from apbundle.paging.units import Unit
from apbundle.text import format_size


class Pins:
    """The pinned units. A pin keeps room from the moment it is claimed, before its unit is resident.

    Parameters
    ----------
    source, order, observer
        Who counts what pins cost, who knows what may leave, who is told.
    residents
        The numbers of the units that are in memory.
    """

    def __init__(self, source: Source, order: EvictionOrder, observer: Observer, residents: Container[int]) -> None:
        self._source: Final = source
        self._order: Final = order
        self._observer: Final = observer
        self._residents: Final = residents
        self._told: Final[set[int]] = set()  # pinned and resident: the observer knows of them

    def claim(self, units: Sequence[Unit], limit: int) -> None:
        """Keep ``units`` from leaving, wherever they are, if the limit can hold all that is pinned then.

        Raises
        ------
        LimitTooSmall
            It cannot; nothing was done.
        """
        claimed: dict[int, Unit] = {}
        for unit in units:
            if unit.id in claimed or unit.id in self._order.pins:
                continue
            if self._source.cost(unit) is None or not self._fits(unit, limit):
                try:
                    raise self._no_room(unit, limit)  # named here, it would keep all frames of the caller alive
                finally:
                    for other in claimed.values():
                        self._source.unpin(other)
            self._source.pin(unit)
            claimed[unit.id] = unit
        for unit in units:
            self._order.pin(unit.id, resident=unit.id in self._residents)
            if unit.id in self._residents:
                self._tell(unit)

    def loaded(self, unit: Unit) -> None:
        """``unit``, which is pinned, became resident."""
        self._tell(unit)

    def check_pinned(self, units: Sequence[Unit]) -> None:
        """Raise ``ValueError`` unless each of ``units`` is pinned at least as often as it is named."""
        names = {unit.id: unit.name for unit in units}
        for number, times in Counter(unit.id for unit in units).items():
            if self._order.pins.get(number, 0) < times:
                raise ValueError(f"{names[number]!r} is not pinned")

    def let_go(self, units: Sequence[Unit]) -> None:
        """Take back one pin, or one claim, of each of ``units``."""
        for unit in units:
            if self._order.unpin(unit.id, unit.size, resident=unit.id in self._residents):
                self._source.unpin(unit)
                if unit.id in self._told:
                    self._told.remove(unit.id)
                    self._observer.unpinned(unit.id, unit.size)

    def leave_room(self, unit: Unit, limit: int) -> bool:
        """Whether ``unit`` would fit if only pinned units were there; ``True`` also if it never would."""
        pins = self._order.pins
        if not pins or unit.id in pins or unit.size > limit:
            return True
        return self._fits(unit, limit)

    def check_room(self, unit: Unit, limit: int) -> None:
        """Raise ``LimitTooSmall`` unless pins :meth:`leave_room`."""
        if not self.leave_room(unit, limit):
            raise self._no_room(unit, limit)

    def check_limit(self, limit: int) -> None:
        """Raise ``LimitTooSmall`` if what is pinned does not fit under ``limit``."""
        pinned = self._source.pinned
        if pinned > limit:
            message = f"The limit cannot be {format_size(limit)} while {format_size(pinned)} are pinned."
            raise bundle_error("limit_too_small", message, hint="Unpin some, or choose a larger limit.")

    def _tell(self, unit: Unit) -> None:
        if unit.id not in self._told and unit.id not in self._order.uncharged:
            self._told.add(unit.id)
            self._observer.pinned(unit.id, unit.size)

    def _fits(self, unit: Unit, limit: int) -> bool:
        return self._source.pinned + self._source.cost_beside_pins(unit) <= limit

    def _no_room(self, unit: Unit, limit: int) -> BundleError:
        pinned = self._source.pinned
        beside = f" beside the {format_size(pinned)} that are pinned" if pinned else ""
        what = repr(unit.name) if isinstance(unit.key, str) else f"a part of {unit.name!r}"
        message = f"The limit of {format_size(limit)} has no room for {what} ({format_size(unit.size)}){beside}."
        hint = "Unpin some, or raise the limit." if pinned else "Raise the limit."
        return bundle_error("limit_too_small", message, hint=hint)
