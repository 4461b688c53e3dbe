"""The bytes of a pickle as its opcodes take them: numbers, lines, and texts that may be too long to keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apbundle.payload.byterange import ByteRange
from apbundle.payload.pickles.nodes import Opaque, Value
from apbundle.payload.tensors import PayloadError

LONGEST_TEXT = 65_536
"""Most bytes of a text that is kept; longer ones are left where they are."""

LONGEST_NUMBER = 64
"""Most bytes of a number that is kept."""

_SMALLEST = 4096  # bytes of the first block that is read, and of one behind data that is passed over


@dataclass(slots=True)
class Budget:
    """What the pickles of one payload may cost together.

    The time of a walk is proportional to its opcodes, and so is its memory (at most about 100 bytes each) but for the
    texts, counted apart.
    """

    opcodes: int = 5_000_000
    """Opcodes that may still be interpreted."""
    text: int = 64 << 20
    """Bytes of text that may still be kept."""
    check: Callable[[], None] = lambda: None
    """Called now and then; may raise to stop."""


class PickleBytes:
    """Reads the bytes ``begin`` to ``end`` (exclusive) of ``data`` forward. What is not there is a ``PayloadError``."""

    def __init__(self, data: ByteRange, begin: int, end: int, budget: Budget) -> None:
        self.end = min(end, data.size)
        self._data = data
        self._budget = budget
        self._block = b""
        self._start = begin
        self._place = 0
        self._length = _SMALLEST

    @property
    def offset(self) -> int:
        """Where the next byte is read."""
        return self._start + self._place

    def byte(self) -> int:
        """The next byte."""
        place = self._place
        if place == len(self._block):
            self._refill(1)
            place = 0
        self._place = place + 1
        return self._block[place]

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if self._place + size > len(self._block):
            self._refill(size)
        place = self._place
        self._place = place + size
        return self._block[place : place + size]

    def number(self, size: int) -> int:
        """The unsigned little-endian number in the next ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def line(self) -> bytes:
        """The bytes up to the next line feed, which is passed over: old pickles write numbers and names like that.

        Of a line longer than :data:`LONGEST_TEXT` the rest is dropped.
        """
        kept = b""
        while True:
            if self._place == len(self._block):
                self._refill(1)
            stop = self._block.find(b"\n", self._place)
            part = self._block[self._place : stop if stop >= 0 else None]
            self._keep(len(part))
            kept += part[: LONGEST_TEXT - len(kept)]
            self._place += len(part)
            if stop >= 0:
                self._place += 1
                return kept

    def text(self, size: int, encoding: str = "utf-8") -> Value:
        """The next ``size`` bytes as text."""
        if size > LONGEST_TEXT:
            return self._passed("text", size)
        self._keep(size)
        return self.take(size).decode(encoding, "backslashreplace")

    def passed_bytes(self, size: int) -> Opaque:
        """The place of the next ``size`` bytes, which are not read: arrays keep their data in such."""
        return self._passed("bytes", size)

    def long(self, size: int) -> Value:
        """The next ``size`` bytes as a signed number of that many bytes."""
        if size > LONGEST_NUMBER:
            return self._passed("number", size)
        return int.from_bytes(self.take(size), "little", signed=True)

    def _passed(self, kind: str, size: int) -> Opaque:
        offset = self.offset
        if size > self.end - offset:
            raise self._too_short(size)
        if self._place + size <= len(self._block):
            self._place += size
        else:
            self._block, self._start, self._place = b"", offset + size, 0
            self._length = _SMALLEST
        return Opaque(kind, offset, size)

    def _keep(self, size: int) -> None:
        self._budget.text -= size
        if self._budget.text < 0:
            raise PayloadError("the pickle holds more text than is read", self.offset)

    def _refill(self, size: int) -> None:
        offset = self.offset
        if size > self.end - offset:
            raise self._too_short(size)
        self._budget.check()
        self._block = self._data.at(offset, min(max(size, self._length), self.end - offset))
        self._length = min(2 * self._length, LONGEST_TEXT)
        self._start, self._place = offset, 0

    def _too_short(self, size: int) -> PayloadError:
        missing = size - (self.end - self.offset)
        return PayloadError(f"the pickle ends {missing:,} bytes before it says so", self.offset)
