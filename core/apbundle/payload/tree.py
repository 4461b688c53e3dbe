"""Nested metadata as pairs: objects become dotted keys, lists and what is too deep are folded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from apbundle.payload.json_stream import JsonStream
from apbundle.payload.sink import Folded, Sink, Value
from apbundle.payload.tensors import PayloadError

_DEEPEST = 4  # levels of objects that become keys
_FIRST = 8  # elements of a list that are kept
_SHORT = 256  # characters of an element that is kept as text
_MOST_PARTS = 2_000_000  # elements and members of long values that are walked, in one payload
_PARTS_BETWEEN_CHECKS = 4096


def add_tree(sink: Sink, key: str, value: Any, offset: int | None = None, levels: int = _DEEPEST) -> None:
    """Add ``value``, made of dictionaries, lists and scalars, under ``key``; ``offset`` is where it lies."""
    if isinstance(value, dict) and value and levels:
        for name, part in value.items():
            add_tree(sink, f"{key}.{name}" if key else str(name), part, offset, levels - 1)
    else:
        sink.metadata(key, _leaf(value, offset), offset)


def add_json(sink: Sink, stream: JsonStream) -> None:
    """Add the members of the JSON object that is the rest of ``stream``; of a key that comes twice, both.

    Raises
    ------
    PayloadError
        Where it is not JSON; what came before was added.
    """
    walk = _Walk(stream, sink.reporter.check)
    for key in stream.members():
        offset = stream.offset
        try:
            value = stream.value()
        except PayloadError:
            value = walk.long_value(_DEEPEST)  # it may only be long
        add_tree(sink, key, value, offset)
    stream.finish()


class _Walk:
    """Goes through values that are too long to be parsed as a whole, and keeps how they begin."""

    def __init__(self, stream: JsonStream, check: Callable[[], None]) -> None:
        self._stream = stream
        self._check = check
        self._parts = 0

    def long_value(self, levels: int) -> Any:
        """The text, or the folded list or object, that begins here."""
        stream = self._stream
        character = stream.peek()
        if character not in ("[", "{") or levels == 0:
            return stream.string()
        offset = stream.offset
        first: list[Value] = []
        count = 0
        for part in stream.items() if character == "[" else stream.members():
            count += 1
            if self._parts % _PARTS_BETWEEN_CHECKS == 0:
                self._check()
            self._parts += 1
            if self._parts > _MOST_PARTS:
                raise PayloadError(f"the {stream.what} holds more than {_MOST_PARTS:,} values", stream.offset)
            try:
                value = stream.value()
            except PayloadError:
                value = self.long_value(levels - 1)
            if count <= _FIRST:
                first.append(_short(value) if character == "[" else f"{part}: {_short(value)}"[:_SHORT])
        kind = "list" if character == "[" else "object"
        return Folded(kind, count, tuple(first), offset, stream.offset - offset)


def _leaf(value: Any, offset: int | None) -> Value:
    if isinstance(value, list):
        return Folded("list", len(value), tuple(_short(part) for part in value[:_FIRST]), offset)
    if isinstance(value, dict):
        parts = (f"{name}: {_short(part)}"[:_SHORT] for name, part in list(value.items())[:_FIRST])
        return Folded("object", len(value), tuple(parts), offset)
    scalar: Value = value
    return scalar


def _short(value: Any) -> Value:
    """A part of a list as something small."""
    if isinstance(value, Folded):
        return f"{value.kind} of {value.count:,}"
    if isinstance(value, list | dict):
        try:
            value = json.dumps(value, ensure_ascii=False)
        except RecursionError:  # it was only just read, with fewer calls before it
            value = f"{'list' if isinstance(value, list) else 'object'} of {len(value):,}"
    scalar: Value = value[:_SHORT] if isinstance(value, str) else value
    return scalar
