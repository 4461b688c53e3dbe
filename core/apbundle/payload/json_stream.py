"""JSON objects of any length, read member by member: no call holds the interpreter for long, or the whole text."""

from __future__ import annotations

import codecs
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from apbundle.payload.byterange import ByteRange
from apbundle.payload.tensors import PayloadError

LONGEST_VALUE = 1 << 16
"""Longest value that is surely parsed as a whole, in characters."""

LONGEST_STRING = 1 << 24
"""Longest string value, in characters, where a string is all there can be."""

MAX_NESTING = 127
"""Deepest nesting accepted, in levels from the outermost object."""

_PIECE = 1 << 18  # bytes, and so never less than the longest value
_SPACE = re.compile(r"[ \t\n\r]*")


class JsonStream:
    """The text of ``size`` bytes at ``offset`` of a payload, of which a stretch is here, and a place in it.

    Parameters
    ----------
    data
        The payload.
    offset, size
        The range, inside the payload. It is read in pieces of 256 KiB.
    what
        What the text is, for messages: ``"header"``.
    """

    def __init__(self, data: ByteRange, offset: int, size: int, what: str) -> None:
        self.what = what
        self._data = data
        self._next = offset
        self._end = offset + size
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._place = 0
        self._base = offset  # byte offset of the stretch's first character
        self._first = offset
        self._extend()

    @property
    def bytes_read(self) -> int:
        """Bytes of the text read so far."""
        return self._next - self._first

    @property
    def offset(self) -> int:
        """The place as bytes from the start of the payload."""
        return self._offset_of(self._place)

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; at each, its value is to be consumed with one of these methods.

        Raises
        ------
        PayloadError
            When this is no object, or not JSON. A key that comes twice is not noticed.
        """
        for _ in self._parts("{", "}", "an object"):
            if self.peek() != '"':
                raise self._error("Expecting property name enclosed in double quotes", self._place)
            key = self.value()
            self._space()
            if not self._take(":"):
                raise self._error("Expecting ':' delimiter", self._place)
            self._space()
            yield key

    def items(self) -> Iterator[int]:
        """The number, from 0, of each element of the list that begins here; its value is to be consumed as a member's.

        Raises
        ------
        PayloadError
            When this is no list, or not JSON.
        """
        return self._parts("[", "]", "a list")

    def _parts(self, opening: str, closing: str, what: str) -> Iterator[int]:
        """Stop at each of the parts with commas between them."""
        self._space()
        if not self._take(opening):
            self.value()  # not JSON at all?
            raise PayloadError(f"the {self.what} is not {what} of JSON", self.offset)
        self._space()
        if self._take(closing):
            return
        for number in itertools.count():
            yield number
            self._space()
            if self._take(closing):
                return
            if not self._take(","):
                raise self._error("Expecting ',' delimiter", self._place)
            self._space()

    def value(self) -> Any:
        """The value that begins here, of at most :data:`LONGEST_VALUE` characters; no object in it has a key twice."""
        while len(self._text) - self._place < LONGEST_VALUE and self._next < self._end:
            self._extend()
        return self._parse()

    def string(self) -> Any:
        """As :meth:`value`, but a string may be up to :data:`LONGEST_STRING` characters long."""
        while True:
            try:
                return self.value()
            except PayloadError:
                if self._next == self._end or len(self._text) - self._place > LONGEST_STRING:
                    raise
                if self.peek() != '"':
                    raise
                self._extend(len(self._text))

    def peek(self) -> str:
        """The character here; empty at the end."""
        return self._text[self._place : self._place + 1]

    def finish(self) -> None:
        """Nothing but space may follow (raises ``PayloadError``)."""
        self._space()
        if self._place < len(self._text):
            raise self._error("Extra data", self._place)

    def _parse(self) -> Any:
        try:
            value, self._place = _DECODER.raw_decode(self._text, self._place)
        except json.JSONDecodeError as error:
            raise self._error(error.msg, error.pos) from None
        except RecursionError:
            raise PayloadError(f"the {self.what} is nested deeper than {MAX_NESTING} levels", self.offset) from None
        except _Refused as error:
            raise PayloadError(f"the {self.what} holds {error}", self.offset) from None
        except ValueError:  # an integer of more digits than the interpreter converts
            raise PayloadError(f"the {self.what} holds an absurd number", self.offset) from None
        return value

    def _space(self) -> None:
        """Go past space, to the next character or the end of the text."""
        while self.peek() <= " ":
            match = _SPACE.match(self._text, self._place)
            assert match is not None  # it may be empty
            self._place = match.end()
            if self._place < len(self._text) or self._next == self._end:
                return
            self._extend()

    def _take(self, character: str) -> bool:
        if not self._text.startswith(character, self._place):
            return False
        self._place += 1
        return True

    def _extend(self, least: int = 0) -> None:
        """Let go of the text before the place, and read a piece behind it, or at ``least`` so many bytes."""
        size = min(max(_PIECE, least), self._end - self._next)
        if size == 0:
            return
        data = self._data.at(self._next, size)
        try:
            more = self._decoder.decode(data, self._next + size == self._end)
        except UnicodeDecodeError as error:  # and again whenever it is tried again
            begin = self._next - len(self._decoder.getstate()[0])
            raise PayloadError(f"the {self.what} is not UTF-8", begin + error.start) from None
        self._base = self.offset
        self._next += size
        self._text = self._text[self._place :] + more
        self._place = 0

    def _offset_of(self, place: int) -> int:
        return self._base + len(self._text[:place].encode())

    def _error(self, message: str, place: int) -> PayloadError:
        if self._next < self._end:
            message += f", or a value takes more than {LONGEST_VALUE:,} characters"
        return PayloadError(f"the {self.what} is not JSON: {message}", self._offset_of(place))


class _Refused(Exception):
    """Something that some JSON readers accept."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise _Refused(f"the key {twice!r} twice")
    return result


def _constant(text: str) -> None:
    raise _Refused(f"{text}, which is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
