"""The values of GGUF metadata: small ones as they are, long lists and texts described where they lie."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable, Iterator

from apbundle.payload.byterange import ByteRange
from apbundle.payload.cursor import Cursor
from apbundle.payload.sink import LONGEST_TEXT, Folded, Value
from apbundle.payload.tensors import PayloadError, Read

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_NAMES = ("u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "list", "u64", "i64", "f64")
_MOST_ITEMS = 4_000_000  # strings and inner lists walked in one payload
_DEEPEST = 4
_FIRST = 8  # elements of a list that are kept
_SHORT = 256  # characters kept of such an element, or of a text that is too long
_BLOCK = 1 << 18


class MetadataReader:
    """Reads values at a cursor, and no more of long ones than shows what they are.

    Parameters
    ----------
    cursor
        Stands at a value; after it when that was read.
    check
        Called now and then in long lists; it may raise.
    """

    def __init__(self, cursor: Cursor, check: Callable[[], None]) -> None:
        self._cursor = cursor
        self._check = check
        self._walked = 0

    def value(self, kind: int) -> Value:
        """The value of this type that begins here.

        Raises
        ------
        PayloadError
            When the type is not known, or the value does not end within the payload.
        """
        if kind == _STRING:
            return self._text()
        return self._list(1) if kind == _ARRAY else self._scalar(kind)

    def _scalar(self, kind: int) -> int | float | bool:
        form = _SCALARS.get(kind)
        if form is None:
            raise PayloadError(f"metadata of the unknown type {kind:,}", self._cursor.offset)
        number: int | float | bool = self._cursor.unpack(form)[0]
        return number

    def _text(self) -> Value:
        offset, size = self._cursor.offset, self._cursor.number(8)
        if size <= LONGEST_TEXT:
            return _decoded(self._cursor.take(size))
        beginning = _beginning(self._cursor.peek(_SHORT))
        self._cursor.skip(size)
        return Folded("text", size, (beginning,), offset + 8, size)

    def _list(self, depth: int) -> Folded:
        cursor = self._cursor
        kind, count = cursor.number(4), cursor.number(8)
        begin = cursor.offset
        first: list[Value] = []
        if kind == _STRING:
            self._count(count)
            first.extend(texts(cursor, min(count, _FIRST)))
            skip_texts(cursor, count - len(first), self._check)
        elif kind == _ARRAY:
            if depth == _DEEPEST:
                raise PayloadError(f"metadata lists are nested deeper than {_DEEPEST} levels", begin)
            self._count(count)
            for _ in range(count):
                self._list(depth + 1)
        elif kind in _SCALARS:
            first.extend(self._scalar(kind) for _ in range(min(count, _FIRST)))
            cursor.skip((count - len(first)) * struct.calcsize("<" + _SCALARS[kind]))
        else:
            raise PayloadError(f"a metadata list of the unknown type {kind:,}", begin)
        return Folded(_NAMES[kind], count, tuple(first), begin, cursor.offset - begin)

    def _count(self, items: int) -> None:
        self._walked += items
        if self._walked > _MOST_ITEMS:
            raise PayloadError(f"the metadata lists more than {_MOST_ITEMS:,} texts", self._cursor.offset)
        self._check()


def read_text(cursor: Cursor, longest: int, what: str) -> str:
    """The text here, its length first. What is not UTF-8 in it is escaped."""
    offset, size = cursor.offset, cursor.number(8)
    if size > longest:
        raise PayloadError(f"a {what} of {size:,} bytes; at most {longest:,} are accepted", offset)
    return _decoded(cursor.take(size))


def texts(cursor: Cursor, count: int) -> Iterator[str]:
    """The next texts of a list, each with at most its first 256 bytes."""
    for _ in range(count):
        size = cursor.number(8)
        yield _beginning(cursor.peek(min(size, _SHORT)))
        cursor.skip(size)


def skip_texts(cursor: Cursor, count: int, check: Callable[[], None]) -> None:
    """Go past ``count`` texts."""
    length = struct.Struct(">Q" if cursor.big_endian else "<Q").unpack_from
    while count:
        block = cursor.peek(_BLOCK)
        place, last = 0, len(block) - 8
        while count and place <= last:
            place += 8 + length(block, place)[0]
            count -= 1
        if place == 0:
            cursor.skip(8)  # what is missing is said there
        cursor.skip(place)
        check()


def read_list(value: Folded, read: Read, size: int, start: int = 0, *, big_endian: bool = False) -> Iterator[Value]:
    """The elements of a folded GGUF list from the ``start``-th on, read as they are asked for.

    Parameters
    ----------
    value
        A list of texts or numbers, as the metadata holds it.
    read, size
        The payload and its bytes.
    start
        The first element wanted; texts before it are walked over. Beyond the last there are none.
    big_endian
        Whether the payload is (its fact ``byte order``).

    Raises
    ------
    PayloadError
        When the payload is not the one it was.
    ValueError
        When the value is no list of texts or numbers.
    """
    kind = _NAMES.index(value.kind) if value.kind in _NAMES else _ARRAY
    if value.offset is None or value.size is None or kind == _ARRAY:
        raise ValueError(f"a value of kind {value.kind} has no elements to read")
    start = min(start, value.count)
    end = value.offset + value.size
    cursor = Cursor(ByteRange(b"", size, read), value.offset, end, big_endian=big_endian, what="list")
    if kind == _STRING:
        skip_texts(cursor, start, lambda: None)
        yield from texts(cursor, value.count - start)
    else:
        form = _SCALARS[kind]
        cursor.skip(start * struct.calcsize("<" + form))
        for _ in range(value.count - start):
            yield cursor.unpack(form)[0]


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _beginning(data: bytes) -> str:
    """As :func:`_decoded`, without a character that the cut went through."""
    return codecs.utf_8_decode(data, "backslashreplace", False)[0]
