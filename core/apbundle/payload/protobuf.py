"""The wire format of protocol buffers: the fields of a message where they lie, whatever the message is.

A field is a tag (its number and kind as one variable-length number) and its content. Lengths are checked against the
message around a field, and all walks of one reader share a number of fields, so that no nesting costs more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from apbundle.payload.byterange import ByteRange
from apbundle.payload.tensors import PayloadError
from apbundle.payload.window import Window

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Kinds of fields: numbers of variable length, of 8 bytes, content with its length in front, numbers of 4 bytes."""

MAX_FIELDS = 5_000_000
"""Most fields that are looked at in one payload."""

LONGEST_HEADER = 20
"""Bytes of the longest tag and number or length."""

_NUMBERED = (VARINT, LENGTH)
_WIDTHS = {FIXED32: 4, FIXED64: 8}
_LONGEST_VARINT = 10
_MORE = 0x80  # a byte of a number from there on is not its last
_BETWEEN_CHECKS = 4096  # fields


class Field(NamedTuple):
    """One field of a message."""

    number: int
    kind: int
    value: int
    """The number of a :data:`VARINT`, the length of a :data:`LENGTH`."""
    start: int
    """First byte of its tag, from the start of the payload."""
    begin: int
    """First byte of its content; of a number the byte after it."""
    end: int
    """Exclusive."""


class WireReader:
    """Walks messages of a payload.

    Parameters
    ----------
    data
        The payload.
    report
        Told of what is damaged.
    check
        Called now and then; may raise to stop.
    """

    def __init__(self, data: ByteRange, report: Callable[[PayloadError], None], check: Callable[[], None]) -> None:
        self._window = Window(data)
        self._report = report
        self._check = check
        self._count = 0

    def fields(self, message: Field) -> Iterator[Field]:
        """The fields of the message that is the content of a field, in order, up to the first that is damaged.

        Raises
        ------
        PayloadError
            When the payload has too many.
        """
        place = message.begin
        while place < message.end:
            self._count += 1
            if self._count % _BETWEEN_CHECKS == 0:
                self._check()
            if self._count > MAX_FIELDS:
                raise PayloadError(f"the payload has more than {MAX_FIELDS:,} fields", place)
            try:
                field = read_field(*self._window.around(place, LONGEST_HEADER), place, message.end)
            except PayloadError as error:
                self._report(error)
                return
            yield field
            place = field.end

    def text(self, field: Field, most: int) -> str:
        """The content of a field as text, its first ``most`` bytes if it has more."""
        return self._window.at(field.begin, min(field.end - field.begin, most)).decode("utf-8", "backslashreplace")

    def numbers(self, field: Field, most: int) -> list[int]:
        """The signed numbers in a field: one, or several packed together; none when there are more than ``most``."""
        if field.kind == VARINT:
            return [signed(field.value)]
        packed = self._window.at(field.begin, min(field.end - field.begin, most * _LONGEST_VARINT + 1))
        numbers: list[int] = []
        place = 0
        while place < len(packed):
            value, place = read_varint(packed, place)
            if not place or len(numbers) == most:
                self._report(PayloadError(f"field {field.number:,} holds no numbers, or too many", field.begin))
                return []
            numbers.append(signed(value))
        return numbers


def read_field(data: bytes, index: int, place: int, end: int) -> Field:
    """The field whose tag and number or length are at ``index`` of ``data``.

    Parameters
    ----------
    data
        Bytes of the payload, from ``index`` on :data:`LONGEST_HEADER` or up to its end.
    place
        Where the field begins, from the start of the payload.
    end
        Where the message around it ends (exclusive).

    Raises
    ------
    PayloadError
        When it is not sound, or reaches past ``end``.
    """
    try:
        tag, at = data[index], index + 1
        if tag >= _MORE:
            tag, at = read_varint(data, index)
        number, kind = tag >> 3, tag & 7
        value = 0
        if kind in _NUMBERED:
            value, at = data[at], at + 1
            if value >= _MORE:
                value, at = read_varint(data, at - 1)
    except IndexError:
        at = number = kind = value = 0
    if not at or not number:
        raise PayloadError("a field has no sound beginning", place)
    begin = stop = place + at - index
    if kind == LENGTH:
        stop += value
    elif kind in _WIDTHS:
        stop += _WIDTHS[kind]
    elif kind != VARINT:
        raise PayloadError(f"field {number:,} is of kind {kind}, which is not used", place)
    if stop > end:
        raise PayloadError(f"field {number:,} reaches {stop - end:,} bytes past what it is part of", place)
    return Field(number, kind, value, place, begin, stop)


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """The number at ``place`` and the place after it, 0 when it does not end within ten bytes and ``data``."""
    value = shift = 0
    for byte in data[place : place + _LONGEST_VARINT]:
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place
        shift += 7
    return 0, 0


def signed(value: int) -> int:
    """A 64-bit number as signed types mean it."""
    return value - (1 << 64) if value >= 1 << 63 else value
