"""LFU: least frequently used, after Shah, Mitra and Matani, "An O(1) algorithm for implementing the LFU cache eviction
scheme" (2010): buckets of units used equally often, chained by their count.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from apbundle.paging.policy.protocol import AnySize


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


class LFU(AnySize):
    """The least frequently used leaves first, among equals the least recently used.

    The count is 1 at the load, grows by 1 a hit, and is forgotten when the unit leaves.
    """

    def __init__(self) -> None:
        self._ring: Final = _Bucket(0)  # the chain's fixed end: before the rarest, behind the most frequent
        self._bucket_of: Final[dict[int, _Bucket]] = {}

    def insert(self, unit: int, size: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._put(unit, 1, self._ring)

    def touch(self, units: Sequence[int]) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        bucket_of = self._bucket_of
        for unit in units:
            bucket = bucket_of.get(unit)
            if bucket is None:
                continue
            count = bucket.count + 1
            if len(bucket.units) == 1 and bucket.after.count != count:
                bucket.count = count
            else:
                self._put(unit, count, bucket)
                self._take(unit, bucket)

    def victim(self) -> int | None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        return next(iter(self._ring.after.units), None)

    def candidates(self) -> Iterator[int]:
        """See :class:`~apbundle.paging.policy.Policy`."""
        bucket = self._ring.after
        while bucket is not self._ring:
            yield from bucket.units
            bucket = bucket.after

    def remove(self, unit: int) -> None:
        """See :class:`~apbundle.paging.policy.Policy`."""
        self._take(unit, self._bucket_of.pop(unit))

    def _put(self, unit: int, count: int, fewer: _Bucket) -> None:
        """Put ``unit`` last among those used ``count`` times; their bucket, if there is one, follows ``fewer``."""
        bucket = fewer.after
        if bucket.count != count:
            bucket = _Bucket(count)
            bucket.follow(fewer)
        bucket.units[unit] = None
        self._bucket_of[unit] = bucket

    @staticmethod
    def _take(unit: int, bucket: _Bucket) -> None:
        del bucket.units[unit]
        if not bucket.units:
            bucket.unlink()
