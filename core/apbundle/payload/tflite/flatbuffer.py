"""FlatBuffers read where they lie: tables, their fields, and vectors, every offset checked.

A table begins with the distance back to a list of the places of its fields; a field that is not there has its default.
Texts, vectors and tables within are referred to by their distance forward. Nothing keeps a hostile buffer from
referring to the same table a million times: all tables of one buffer are counted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from apbundle.payload.byterange import ByteRange
from apbundle.payload.tensors import PayloadError

MAX_TABLES = 1_000_000
"""Most tables that are looked at in one payload."""

MAX_FIELDS = 64
"""Most fields of a table that are known; no schema here has as many."""

_BLOCK = 1 << 13
_MOST_BLOCKS = 64
_BETWEEN_CHECKS = 1024  # tables
_OFFSET = 4  # bytes of a distance, a length


class TooManyTables(PayloadError):
    """The payload costs more than it may."""


class FlatBuffer:
    """The buffer that is a whole payload.

    Parameters
    ----------
    data
        The payload.
    check
        Called now and then; may raise to stop.
    """

    def __init__(self, data: ByteRange, check: Callable[[], None]) -> None:
        self.size = data.size
        self._data = data
        self._check = check
        self._blocks: dict[int, bytes] = {}
        self._count = 0

    def root(self) -> Table:
        """The outermost table (raises ``PayloadError``)."""
        return self.table(self.number(0, 4))

    def table(self, place: int) -> Table:
        """The table at ``place``.

        Raises
        ------
        PayloadError
            When there can be none, or there were too many.
        """
        self._count += 1
        if self._count % _BETWEEN_CHECKS == 0:
            self._check()
        if self._count > MAX_TABLES:
            raise TooManyTables(f"the payload refers to more than {MAX_TABLES:,} tables", place)
        fields = place - self.number(place, 4, signed=True)
        size = self.number(fields, 2)
        if size < 4 or size % 2:
            raise PayloadError("a table has no list of its fields", place)
        count = min(size // 2 - 2, MAX_FIELDS)
        places = struct.unpack(f"<{count}H", self.take(fields + 4, 2 * count))
        return Table(self, place, places)

    def number(self, place: int, size: int, *, signed: bool = False) -> int:
        """The number of ``size`` bytes at ``place``."""
        return int.from_bytes(self.take(place, size), "little", signed=signed)

    def take(self, place: int, size: int) -> bytes:
        """The ``size`` bytes at ``place``, which must be there (raises ``PayloadError``)."""
        if place < 0 or size > self._data.size - place:
            raise PayloadError("a distance leads out of the payload", max(place, 0))
        start = place - place % _BLOCK
        if place + size > start + _BLOCK:
            return self._data.at(place, size)
        block = self._blocks.get(start)
        if block is None:
            if len(self._blocks) == _MOST_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            block = self._blocks[start] = self._data.at(start, _BLOCK)
        return block[place - start : place - start + size]


class Table:
    """One table. Fields are counted from 0, as its schema lists them.

    Parameters
    ----------
    buffer
        The buffer it is part of.
    place
        Its first byte.
    fields
        Where each of its fields lies, from there; 0 for one that is not there.
    """

    def __init__(self, buffer: FlatBuffer, place: int, fields: tuple[int, ...]) -> None:
        self.place = place
        self._buffer = buffer
        self._fields = fields

    def has(self, field: int) -> bool:
        """Whether a field is there."""
        return field < len(self._fields) and self._fields[field] != 0

    def number(self, field: int, size: int, default: int = 0, *, signed: bool = False) -> int:
        """The number in a field of ``size`` bytes."""
        if not self.has(field):
            return default
        return self._buffer.number(self.place + self._fields[field], size, signed=signed)

    def vector(self, field: int, width: int) -> tuple[int, int]:
        """First byte and length of the vector in a field, of items of ``width`` bytes; 0, 0 when it is not there."""
        if not self.has(field):
            return 0, 0
        place = self._target(self.place + self._fields[field])
        count = self._buffer.number(place, _OFFSET)
        begin = place + _OFFSET
        if count * width > self._buffer.size - begin:
            raise PayloadError(f"a vector of {count:,} items reaches past the end of the payload", place)
        return begin, count

    def numbers(self, field: int, kind: str, most: int) -> list[int | float]:
        """The first numbers of a vector, ``most`` at the most; ``kind`` is a letter of :mod:`struct`."""
        width = struct.calcsize(f"<{kind}")
        begin, count = self.vector(field, width)
        count = min(count, most)
        return list(struct.unpack(f"<{count}{kind}", self._buffer.take(begin, count * width))) if count else []

    def text(self, field: int, most: int) -> str:
        """The text in a field, its first ``most`` bytes if it has more."""
        begin, count = self.vector(field, 1)
        return self._buffer.take(begin, min(count, most)).decode("utf-8", "backslashreplace")

    def table(self, field: int) -> Table | None:
        """The table that a field refers to."""
        return self._buffer.table(self._target(self.place + self._fields[field])) if self.has(field) else None

    def tables(self, field: int) -> Iterator[Table | PayloadError]:
        """The tables that a vector refers to; in the place of one that is damaged, what is wrong with it."""
        begin, count = self.vector(field, _OFFSET)
        for index in range(count):
            try:
                yield self._buffer.table(self._target(begin + index * _OFFSET))
            except TooManyTables:
                raise
            except PayloadError as error:
                yield error

    def item(self, field: int, index: int) -> Table:
        """One table of those that a vector refers to (raises ``PayloadError``)."""
        begin, count = self.vector(field, _OFFSET)
        if index >= count:
            raise PayloadError(f"there is no item {index:,} of {count:,}", self.place)
        return self._buffer.table(self._target(begin + index * _OFFSET))

    def _target(self, place: int) -> int:
        return place + self._buffer.number(place, _OFFSET)
