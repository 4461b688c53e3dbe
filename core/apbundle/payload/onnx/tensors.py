"""The tensors of ONNX payloads: where the data of each lies, and how it is stored there."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from apbundle.payload.dtypes import element_bits
from apbundle.payload.protobuf import LENGTH, Field, WireReader
from apbundle.payload.sink import LONGEST_TEXT, Sink
from apbundle.payload.tensors import MAX_RANK, PayloadError
from apbundle.text import printable

LONGEST_NAME = 1024
"""Longest name that is kept, in bytes."""

MOST_PREFIXES = 1 << 26
"""Most characters that all tensors' names may be longer than the payload has them."""

_TYPE_NAMES = (
    *("F32", "U8", "I8", "U16", "I16", "I32", "I64", "STRING", "BOOL", "F16", "F64", "U32", "U64", "C64", "C128"),
    *("BF16", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ", "U4", "I4", "F4", "F8_E8M0", "U2", "I2"),
    *("F6_E2M3", "F6_E3M2"),
)
TYPES = dict(enumerate(_TYPE_NAMES, 1))
"""Number of an element type → its common name."""

_DIMS, _TYPE, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 8, 9, 13, 14  # fields of a tensor
_FLOATS, _INT32S, _STRINGS, _INT64S, _DOUBLES, _UINT64S = 4, 5, 6, 7, 10, 11  # and those for its data
_TYPED = {
    **dict.fromkeys(("F32", "C64"), _FLOATS),
    **dict.fromkeys(("F64", "C128"), _DOUBLES),
    **dict.fromkeys(("U32", "U64"), _UINT64S),
    "I64": _INT64S,
    "STRING": _STRINGS,
}
"""Element type → the field for such elements when they are not raw; for the others it is that of 32-bit numbers."""
_AS_THEY_ARE = (_RAW, _FLOATS, _DOUBLES)
_DATA = (*_AS_THEY_ARE, _INT32S, _STRINGS, _INT64S, _UINT64S)
_IS_EXTERNAL = 1
_MOST_LOCATIONS = 1000
_MOST_PAIRS = 16  # that describe where data is


@dataclass(slots=True)
class _Data:
    """Where the content of one of the fields for data lies, which may come in several pieces."""

    begin: int
    end: int
    whole: bool
    """Whether it is one piece, all elements in a row."""


@dataclass(slots=True)
class TensorReader:
    """Reads tensors, and remembers which of them keep their data elsewhere."""

    wire: WireReader
    sink: Sink
    locations: Counter[str] = field(default_factory=Counter)
    """Names of other files → tensors whose data is there."""
    _prefixes: int = 0

    def add(self, message: Field, prefix: str, name: str = "") -> None:
        """List the tensor in ``message``, under its own name unless ``name`` is given, with ``prefix`` before that.

        Raises
        ------
        PayloadError
            When the payload lists too many.
        """
        shape: list[int] = []
        code, external = 0, False
        pieces: dict[int, _Data] = {}
        elsewhere: list[tuple[str, str]] = []
        for item in self.wire.fields(message):
            number = item.number
            if number == _DIMS:
                shape += self.wire.numbers(item, MAX_RANK) or [-1]
            elif number == _TYPE:
                code = item.value
            elif number == _NAME:
                name = name or self.wire.text(item, LONGEST_NAME)
            elif number in _DATA:
                _collect(pieces, item)
            elif number == _EXTERNAL and len(elsewhere) < _MOST_PAIRS:
                elsewhere.append(read_pair(self.wire, item))
            elif number == _LOCATION:
                external = item.value == _IS_EXTERNAL
            if len(shape) > MAX_RANK:
                break
        self._prefixes += len(prefix)
        if self._prefixes > MOST_PREFIXES:
            raise PayloadError("the graphs make more names than are kept", message.start)
        name = prefix + name
        if len(shape) > MAX_RANK or any(length < 0 for length in shape):
            self.sink.finding(f"tensor {name!r} is left out: no tensor can have its dimensions", message.start)
        elif external:
            self._add_external(name, TYPES.get(code, f"type {code}"), shape, elsewhere, message)
        else:
            self._add_data(name, TYPES.get(code, f"type {code}"), shape, pieces, message)

    def _add_external(
        self, name: str, dtype: str, shape: list[int], elsewhere: list[tuple[str, str]], message: Field
    ) -> None:
        location = next((printable(value, LONGEST_NAME) for key, value in elsewhere if key == "location"), "?")
        if location in self.locations or len(self.locations) < _MOST_LOCATIONS:
            self.locations[location] += 1
        self.sink.tensor(name, dtype, shape, message.start, 0, encoding="external")
        described = ", ".join(f"{key} {printable(value, LONGEST_NAME)}" for key, value in elsewhere)
        self.sink.metadata(f"{name} is kept in", described, message.start)

    def _add_data(self, name: str, dtype: str, shape: list[int], pieces: dict[int, _Data], message: Field) -> None:
        number = _RAW if _RAW in pieces else _TYPED.get(dtype, _INT32S)
        data = pieces.get(number)
        bits = element_bits(dtype)
        count = math.prod(shape)
        if data is None:
            if count:
                self.sink.finding(f"tensor {name!r} has no data", message.start)
            self.sink.tensor(name, dtype, shape, message.start, 0, encoding="none" if count else "")
            return
        size = data.end - data.begin
        if number == _STRINGS:
            encoding = "texts"
        elif not data.whole or (number not in _AS_THEY_ARE and bits == 6):  # such come one to a number
            encoding = "scattered"
        elif number not in _AS_THEY_ARE:
            encoding = "varint"
        else:
            encoding = ""
            if bits is None:
                self.sink.finding(f"tensor {name!r} has elements of {dtype}, which is not known", message.start)
            elif size != -(-count * bits // 8):
                expected = -(-count * bits // 8)
                self.sink.finding(f"tensor {name!r} takes {expected:,} bytes, its data has {size:,}", data.begin)
        self.sink.tensor(name, dtype, shape, data.begin, size, encoding=encoding)


def read_pair(wire: WireReader, message: Field) -> tuple[str, str]:
    """Key and value of an entry: texts in the fields 1 and 2."""
    key = value = ""
    for item in wire.fields(message):
        if item.number == 1:
            key = wire.text(item, LONGEST_NAME)
        elif item.number == 2:
            value = wire.text(item, LONGEST_TEXT)
    return key, value


def _collect(pieces: dict[int, _Data], item: Field) -> None:
    known = pieces.get(item.number)
    if known is None or item.number == _RAW:  # of raw data that comes twice, the last holds
        whole = item.kind == LENGTH
        pieces[item.number] = _Data(item.begin if whole else item.start, item.end, whole)
    else:
        known.end, known.whole = item.end, False
