"""MessagePack, read within bounds: as much of it as metadata needs, in memory that the bytes account for."""

from __future__ import annotations

import struct
from typing import Any

from apbundle.payload.tensors import PayloadError

_DEEPEST = 32
_MOST_VALUES = 200_000
_NUMBERS = {
    byte: struct.Struct(">" + form) for byte, form in zip(range(0xCA, 0xD4), "fdBHIQbhiq", strict=True)
}  # the byte that announces a number → how it is stored
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_TEXT = {0xD9: 1, 0xDA: 2, 0xDB: 4}  # bytes of the length that follows
_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}  # bytes of content


def read_msgpack(data: bytes, offset: int) -> Any:
    """The value that ``data`` is, made of dictionaries, lists, strings, numbers, booleans and None.

    Bytes and extensions come as a text that says how long they are; keys that are no text become text.

    Parameters
    ----------
    data
        All of the value.
    offset
        Where it lies in the payload, for errors.

    Raises
    ------
    PayloadError
        When it is not one sound value, is nested deeper than 32 levels, or holds more than 200,000 values.
    """
    reader = _Reader(data, offset)
    value = reader.value(_DEEPEST)
    if reader.place < len(data):
        raise reader.error(f"{len(data) - reader.place:,} bytes follow the metadata")
    return value


class _Reader:
    def __init__(self, data: bytes, offset: int) -> None:
        self.place = 0
        self._data = data
        self._offset = offset
        self._values = 0

    def error(self, message: str) -> PayloadError:
        return PayloadError(message, self._offset + self.place)

    def value(self, levels: int) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES or levels == 0:
            raise self.error("the metadata is nested too deep or holds too many values")
        byte = self._take(1)[0]
        if byte < 0x80:
            return byte
        if byte >= 0xE0:
            return byte - 0x100
        if byte in _CONSTANTS:
            return _CONSTANTS[byte]
        if byte in _NUMBERS:
            form = _NUMBERS[byte]
            return form.unpack(self._take(form.size))[0]
        if 0xA0 <= byte < 0xC0 or byte in _TEXT:
            return self._text(byte & 0x1F if byte < 0xC0 else self._length(_TEXT[byte]))
        if byte < 0x90 or byte in _MAPS:
            return self._map(byte & 0x0F if byte < 0x90 else self._length(_MAPS[byte]), levels)
        if byte < 0xA0 or byte in _LISTS:
            count = byte & 0x0F if byte < 0xA0 else self._length(_LISTS[byte])
            self._expect(count)
            return [self.value(levels - 1) for _ in range(count)]
        return self._opaque(byte)

    def _opaque(self, byte: int) -> str:
        """Bytes or an extension, as the text that stands for it."""
        if byte in _BYTES:
            size = self._length(_BYTES[byte])
        elif byte in _EXTENSIONS:
            size = self._length(_EXTENSIONS[byte]) + 1
        elif byte in _FIXED_EXTENSIONS:
            size = _FIXED_EXTENSIONS[byte] + 1
        else:
            raise self.error(f"the byte {byte:#04x} begins no value")
        self._expect(size)
        self.place += size
        return f"<{size:,} bytes>"

    def _map(self, count: int, levels: int) -> dict[str, Any]:
        self._expect(2 * count)
        result: dict[str, Any] = {}
        for _ in range(count):
            key = self.value(levels - 1)
            result[key if isinstance(key, str) else repr(key)[:100]] = self.value(levels - 1)
        return result

    def _text(self, size: int) -> str:
        return self._take(size).decode("utf-8", "backslashreplace")

    def _length(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _expect(self, size: int) -> None:
        if size > len(self._data) - self.place:
            raise self.error(f"the metadata ends early: {size:,} bytes are due, {len(self._data) - self.place:,} left")

    def _take(self, size: int) -> bytes:
        self._expect(size)
        self.place += size
        return self._data[self.place - size : self.place]
