"""In which order units leave. A policy knows order only: bytes, counters and buffers are the pager's.

Hits reach a policy late and in batches, oldest first. Each policy works the batch out so that its order is exactly
what one call per hit would have given; it costs O(1) an access, however many units are resident.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol


class Policy(Protocol):
    """The order of the resident units, named by their numbers."""

    def insert(self, unit: int, size: int) -> None:
        """``unit`` of ``size`` bytes became resident, and is the most recently used."""

    def touch(self, units: Sequence[int]) -> None:
        """``units`` were hit, in this order; those no longer resident are ignored."""

    def remove(self, unit: int) -> None:
        """``unit`` left; whatever was known of it is forgotten."""

    def order(self) -> Iterator[int]:
        """The units in the order in which they should leave; not to be continued once anything changed."""


def _by_last_use(units: Sequence[int]) -> list[int]:
    """Each of ``units`` once, in the order of its last place."""
    if len(units) == 1:
        return list(units)
    return list(dict.fromkeys(reversed(units)))[::-1]


class LRU:
    """The least recently used leaves first."""

    def __init__(self) -> None:
        self._order: Final[OrderedDict[int, None]] = OrderedDict()

    def insert(self, unit: int, size: int) -> None:
        """See :class:`Policy`."""
        self._order[unit] = None

    def touch(self, units: Sequence[int]) -> None:
        """See :class:`Policy`."""
        order = self._order
        for unit in _by_last_use(units):
            if unit in order:
                order.move_to_end(unit)

    def remove(self, unit: int) -> None:
        """See :class:`Policy`."""
        del self._order[unit]

    def order(self) -> Iterator[int]:
        """See :class:`Policy`."""
        return iter(self._order)


class _Bucket:
    """The units used ``count`` times, least recent first; buckets are chained by ascending count."""

    __slots__ = ("after", "before", "count", "units")

    def __init__(self, count: int) -> None:
        self.count = count
        self.units: OrderedDict[int, None] = OrderedDict()
        self.before: _Bucket = self
        self.after: _Bucket = self

    def follow(self, other: _Bucket) -> None:
        """Link this bucket in behind ``other``."""
        self.before, self.after = other, other.after
        other.after.before = self
        other.after = self

    def unlink(self) -> None:
        """Take this bucket out of the chain."""
        self.before.after = self.after
        self.after.before = self.before


class LFU:
    """The least frequently used leaves first, among equals the least recently used.

    The count is 1 at the load, grows by 1 a hit, and is forgotten when the unit leaves.
    """

    def __init__(self) -> None:
        self._ring: Final = _Bucket(0)  # the chain's fixed end: before the rarest, behind the most frequent
        self._bucket_of: Final[dict[int, _Bucket]] = {}

    def insert(self, unit: int, size: int) -> None:
        """See :class:`Policy`."""
        self._place(unit, 1, self._ring)

    def touch(self, units: Sequence[int]) -> None:
        """See :class:`Policy`."""
        times = Counter(units)
        for unit in _by_last_use(units):
            bucket = self._bucket_of.get(unit)
            if bucket is not None:
                self._place(unit, bucket.count + times[unit], bucket)
                self._take(unit, bucket)

    def remove(self, unit: int) -> None:
        """See :class:`Policy`."""
        self._take(unit, self._bucket_of.pop(unit))

    def order(self) -> Iterator[int]:
        """See :class:`Policy`."""
        bucket = self._ring.after
        while bucket is not self._ring:
            yield from bucket.units
            bucket = bucket.after

    def _place(self, unit: int, count: int, start: _Bucket) -> None:
        """Put ``unit`` last among those used ``count`` times; ``start`` is a bucket of fewer uses."""
        # Walking passes at most one bucket a use, so an access stays O(1) on average.
        while start.after is not self._ring and start.after.count <= count:
            start = start.after
        if start is self._ring or start.count < count:
            bucket = _Bucket(count)
            bucket.follow(start)
            start = bucket
        start.units[unit] = None
        self._bucket_of[unit] = start

    @staticmethod
    def _take(unit: int, bucket: _Bucket) -> None:
        del bucket.units[unit]
        if not bucket.units:
            bucket.unlink()


POLICIES: Final[dict[str, Callable[[], Policy]]] = {"lru": LRU, "lfu": LFU}
"""What ``eviction`` may name."""


def make_policy(name: str) -> Policy:
    """A new policy of this name, with nothing resident.

    Raises
    ------
    ValueError
        For a name not in :data:`POLICIES`.
    """
    try:
        make = POLICIES[name]
    except KeyError:
        raise ValueError(f"eviction is one of {', '.join(POLICIES)}, not {name!r}") from None
    return make()
