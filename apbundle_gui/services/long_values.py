"""Long values in the metadata of a model, such as a vocabulary: read as a whole when somebody wants to see them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import numpy as np

from apbundle.errors import bundle_error
from apbundle.format.reader import BundleReader
from apbundle.payload.byterange import ByteRange
from apbundle.payload.contents import Contents
from apbundle.payload.gguf_values import read_list
from apbundle.payload.json_stream import JsonStream
from apbundle.payload.sink import Folded, Value
from apbundle.payload.tensors import PayloadError, Read
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.pacing import Pace

MOST: Final = 1_000_000
"""Elements that are read at most."""
MOST_BYTES: Final = 16 << 20
"""Bytes of a text, and of other bytes, that are read at most."""
LINE: Final = 200
"""Characters of a text that are one part of it at most."""
ROW: Final = 16
"""Bytes that are one part of others."""
_STEP: Final = 1024
_PIECE: Final = 1 << 16
_VERSION: Final = 4  # where a GGUF payload has its version, whose lower half is never 0
_NUMBERS: Final = {"F32": "<f4", "I64": "<i8"}
_TREES: Final = ("list", "object")
_JSON: Final = ("safetensors", "apr")
_NOUNS: Final = {"text": "line", "bytes": "row", "number": "row"}


@dataclass(frozen=True, slots=True)
class LongValue:
    """A value as it is read.

    Parameters
    ----------
    parts
        Its elements as texts; the lines of a text, the rows of bytes.
    noun
        What these are: ``element``, ``line`` or ``row``.
    whole
        All of it as one text.
    """

    parts: list[str]
    noun: str
    whole: str


def can_unfold(contents: Contents, value: Value) -> bool:
    """Whether :func:`read_long_value` can read this value of a payload's metadata."""
    if not isinstance(value, Folded) or value.offset is None:
        return False
    if value.kind in _TREES:
        return contents.format in _JSON and value.size is not None
    if value.kind == "text" and value.size is None:
        return contents.format in _JSON
    return bool(value.size) and (contents.format == "gguf" or value.kind in (*_NOUNS, *_NUMBERS))


def read_long_value(reader: BundleReader, model: str, value: Folded, progress: Progress, cancel: Cancel) -> LongValue:
    """A value of a model's metadata, :data:`MOST` elements or :data:`MOST_BYTES` of it at most. For a worker.

    Raises
    ------
    BundleError
        The model is not readable, or not the one it was.
    """
    pace = Pace(cancel)
    noun = _NOUNS.get(value.kind, "element")
    total = min(value.count, MOST) if noun == "element" else 0
    parts: list[str] = []
    try:
        found = _parts_of(value, partial(reader.read_range, model), reader.entry(model).raw_size)
        while piece := list(islice(found, min(_STEP, MOST - len(parts)))):
            parts += piece
            progress("reading the value", len(parts), total)
            pace.step()
    except PayloadError as error:
        raise bundle_error("unsupported_feature", error.message, path=reader.path) from error
    if value.kind == "text":
        return LongValue([part.rstrip("\n") for part in parts], noun, "".join(parts))
    return LongValue(parts, noun, "\n".join(parts))


def _parts_of(value: Folded, read: Read, size: int) -> Iterator[str]:
    assert value.offset is not None
    data, begin = ByteRange(b"", size, read), value.offset
    if value.kind == "text":
        if value.size is None:
            return _lines(iter((str(JsonStream(data, begin, size - begin, "value").string()),)))
        return _lines(_decoded(data, begin, value.size))
    if value.kind in _NOUNS:
        return _rows(data, begin, value.size or 0)
    if value.kind in _TREES:
        return _members(JsonStream(data, begin, value.size or 0, "value"), value.kind)
    if value.kind in _NUMBERS:
        return _numbers(data, begin, value.count, _NUMBERS[value.kind])
    return map(str, read_list(value, read, size, big_endian=data.at(_VERSION, 2) == bytes(2)))


def _decoded(data: ByteRange, begin: int, size: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    size = min(size, MOST_BYTES)
    for at in range(0, size, _PIECE):
        yield decoder.decode(data.at(begin + at, min(_PIECE, size - at)), at + _PIECE >= size)


def _lines(texts: Iterator[str]) -> Iterator[str]:
    """The lines of a text, each with its line feed; what is longer than :data:`LINE` in several."""
    rest = ""
    for text in texts:
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            yield from _cut(line + "\n")
        *whole, rest = list(_cut(rest)) or [""]
        yield from whole
    if rest:
        yield rest


def _cut(line: str) -> Iterator[str]:
    return (line[at : at + LINE] for at in range(0, len(line), LINE))


def _rows(data: ByteRange, begin: int, size: int) -> Iterator[str]:
    for at in range(0, min(size, MOST_BYTES), _PIECE):
        piece = data.at(begin + at, min(_PIECE, size - at))
        for place in range(0, len(piece), ROW):
            row = piece[place : place + ROW]
            readable = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in row)
            yield f"{row.hex(' ').upper():<{3 * ROW}} {readable}"


def _members(stream: JsonStream, kind: str) -> Iterator[str]:
    for part in stream.items() if kind == "list" else stream.members():
        value = stream.value()
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield text if kind == "list" else f"{part}: {text}"


def _numbers(data: ByteRange, begin: int, count: int, form: str) -> Iterator[str]:
    dtype = np.dtype(form)
    step = _PIECE // dtype.itemsize
    for at in range(0, count, step):
        piece = data.at(begin + at * dtype.itemsize, min(step, count - at) * dtype.itemsize)
        yield from map(str, np.frombuffer(piece, dtype, len(piece) // dtype.itemsize).tolist())
