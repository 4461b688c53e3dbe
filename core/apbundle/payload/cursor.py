"""A place in a payload that moves forward over numbers and bytes, and says what is missing where it ends."""

from __future__ import annotations

import struct
from typing import Any

from apbundle.payload.byterange import ByteRange
from apbundle.payload.tensors import PayloadError
from apbundle.payload.window import Window


class Cursor:
    """Reads a payload forward from ``offset``.

    Parameters
    ----------
    data
        The payload.
    offset
        Where to begin.
    end
        Where to stop (exclusive), the end of the payload by default; what begins there does not belong here.
    big_endian
        How numbers are stored.
    what
        What is being read, for messages.
    """

    def __init__(
        self, data: ByteRange, offset: int = 0, end: int | None = None, *, big_endian: bool = False, what: str
    ) -> None:
        self.offset = offset
        self.end = data.size if end is None else min(end, data.size)
        self.big_endian = big_endian
        self._what = what
        self._window = Window(data)
        self._structs: dict[str, struct.Struct] = {}

    @property
    def left(self) -> int:
        """Bytes from here to the end."""
        return self.end - self.offset

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; fewer are an error."""
        offset = self.offset
        if size > self.end - offset:
            raise self._short_of(size)
        self.offset = offset + size
        return self._window.at(offset, size)

    def peek(self, size: int) -> bytes:
        """The next bytes without moving, at most ``size``."""
        return self._window.at(self.offset, min(size, self.left))

    def skip(self, size: int) -> None:
        """Go past ``size`` bytes, which must be there (raises ``PayloadError``)."""
        if size > self.end - self.offset:
            raise self._short_of(size)
        self.offset += size

    def unpack(self, form: str) -> tuple[Any, ...]:
        """The next numbers, as :mod:`struct` names them (without the mark of a byte order)."""
        known = self._structs.get(form)
        if known is None:
            known = self._structs[form] = struct.Struct((">" if self.big_endian else "<") + form)
        return known.unpack(self.take(known.size))

    def numbers(self, form: str) -> tuple[int, ...]:
        """As :meth:`unpack`, where all of them are whole."""
        return self.unpack(form)

    def number(self, size: int) -> int:
        """The next unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "big" if self.big_endian else "little")

    def _short_of(self, size: int) -> PayloadError:
        return PayloadError(f"the {self._what} ends early: {size:,} bytes are due and {self.left:,} left", self.offset)
