"""The header of a ``.npy`` array: read and understood without evaluating anything.

``\\x93NUMPY``, two bytes of version, the length of the header (two bytes in version 1, four in 2 and 3), the header,
which is the text of a Python dictionary of ``descr``, ``fortran_order`` and ``shape``, and the data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apbundle.payload.dtypes import DTYPES
from apbundle.payload.tensors import MAX_RANK, BlockType, Order, PayloadError

LONGEST_HEADER = 10_000
"""Longest header in bytes, the bound numpy has."""

OBJECTS = "OBJECT"
"""The type of elements that are pickled Python objects, and so never read."""

_MAGIC = b"\x93NUMPY"
_TOKEN = re.compile(r"\s*([][(){},:]|-?[0-9]+L?|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|True|False|None)", re.DOTALL)
_DESCR = re.compile(r"([<>|=]?)([?a-zA-Z])([0-9]{0,9})(\[[^\]]{1,16}\])?", re.ASCII)
_NUMBERS = {"i": "I", "u": "U", "f": "F", "c": "C"}
_CONSTANTS = {"True": True, "False": False, "None": None}
_OTHERS = {"S": "BYTES", "a": "BYTES", "U": "TEXT", "V": "VOID", "M": "DATETIME", "m": "TIMEDELTA", "O": OBJECTS}
_DEEPEST = 16
_LONGEST_NAME = 200  # of an element type as numpy describes it, in characters


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What the header says."""

    dtype: str
    block: BlockType | None
    item_size: int
    """Bytes of an element; 0 for objects."""
    shape: tuple[int, ...]
    order: Order
    size: int
    """Bytes of the header with all that is before it: where the data begins."""
    version: str

    @property
    def raw_size(self) -> int:
        """Bytes of the data."""
        return math.prod(self.shape) * self.item_size


def read_npy_header(at: Callable[[int], bytes]) -> NpyHeader:
    """Read the header of an array.

    Parameters
    ----------
    at
        ``at(size)`` gives the first ``size`` bytes, fewer where there are no more.

    Raises
    ------
    PayloadError
        When it is not sound.
    """
    start = at(12)
    if not start.startswith(_MAGIC) or len(start) < 12:
        raise PayloadError("there is no header of an array")
    major, minor = start[6], start[7]
    if major not in (1, 2, 3):
        raise PayloadError(f"the array has the unknown version {major}.{minor}")
    width = 2 if major == 1 else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    if length > LONGEST_HEADER:
        raise PayloadError(f"the array's header claims {length:,} bytes; at most {LONGEST_HEADER:,} are accepted")
    begin = 8 + width
    header = at(begin + length)[begin:]
    if len(header) < length:
        raise PayloadError("the array ends within its header")
    return _understood(header.decode("utf-8" if major == 3 else "latin-1", "backslashreplace"), begin + length, major)


def _understood(text: str, size: int, major: int) -> NpyHeader:
    value = _Literal(text).whole()
    if not isinstance(value, dict) or set(value) != {"descr", "fortran_order", "shape"}:
        raise PayloadError("the array's header is not the three entries it has to be")
    shape, fortran = value["shape"], value["fortran_order"]
    if not isinstance(shape, tuple) or len(shape) > MAX_RANK or not all(_is_size(number) for number in shape):
        raise PayloadError(f"the array's shape is not a tuple of at most {MAX_RANK} sizes")
    if not isinstance(fortran, bool):
        raise PayloadError("the array's fortran_order is neither True nor False")
    dtype, item_size = _element(value["descr"])
    plain = dtype == OBJECTS or dtype.removeprefix(">") in DTYPES
    block = None if plain else BlockType(str(value["descr"])[:_LONGEST_NAME], 1, item_size)
    return NpyHeader(dtype, block, item_size, shape, "F" if fortran else "C", size, f"{major}.0")


def _is_size(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**63


def _element(descr: Any) -> tuple[str, int]:
    """The name and the bytes of an element type as numpy describes it."""
    if isinstance(descr, list):
        return "RECORD", sum(_field_size(field) for field in descr)
    match = _DESCR.fullmatch(descr) if isinstance(descr, str) else None
    if match is None:
        raise PayloadError(f"the array has elements of the unknown type {descr!r:.80}")
    order, kind, digits, _ = match.groups()
    width = int(digits or 0)
    if kind in _OTHERS:
        sizes = {"U": 4 * width, "O": 0, "M": 8, "m": 8}
        return _OTHERS[kind], sizes.get(kind, width)
    name = "BOOL" if kind in "b?" else f"{_NUMBERS.get(kind, '')}{8 * width}"
    if name in DTYPES:
        return (f">{name}" if order == ">" and width > 1 else name), width or 1
    if kind in "fc" and 8 < width <= 64:  # long doubles, which differ among machines
        return name, width
    raise PayloadError(f"the array has elements of the unknown type {descr!r:.80}")


def _field_size(field: Any) -> int:
    """The bytes of a field of a record: ``(name, type)`` or ``(name, type, shape)``."""
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        raise PayloadError("the array's records have a field that is not a name and a type")
    shape = field[2] if len(field) == 3 else ()
    shape = shape if isinstance(shape, tuple) else (shape,)
    if not all(_is_size(number) for number in shape):
        raise PayloadError("the array's records have a field of no shape")
    name, size = _element(field[1])
    if name == OBJECTS:
        raise PayloadError("the array's records hold Python objects")
    return size * math.prod(shape)


class _Literal:
    """Text of a Python literal made of dictionaries, lists, tuples, strings, whole numbers and names of constants."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._token = ""
        self._next()

    def whole(self) -> Any:
        """The value that is the whole text (raises ``PayloadError``)."""
        value = self._value(_DEEPEST)
        if self._token:
            raise self._error()
        return value

    def _next(self) -> None:
        """Go to the next token; the empty one is the end."""
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            if self._text[self._place :].strip():
                raise self._error()
            self._token = ""
        else:
            self._token = match[1]
            self._place = match.end()

    def _value(self, levels: int) -> Any:
        token = self._token
        if levels == 0 or token == "":
            raise self._error()
        self._next()
        if token == "{":
            return self._dictionary(levels - 1)
        if token == "(":
            items, is_tuple = self._items(")", levels - 1)
            return tuple(items) if is_tuple else items[0]
        if token == "[":
            return self._items("]", levels - 1)[0]
        if token[0] in "'\"":
            return token[1:-1]
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        digits = token.removesuffix("L")
        if not digits.lstrip("-").isdecimal() or len(digits) > 20:
            raise self._error()
        return int(digits)

    def _items(self, end: str, levels: int) -> tuple[list[Any], bool]:
        """What stands up to ``end``, and whether that makes a tuple of it."""
        items: list[Any] = []
        comma = False
        while self._token != end:
            items.append(self._value(levels))
            comma = self._token == ","
            if comma:
                self._next()
            elif self._token != end:
                raise self._error()
        self._next()
        return items, comma or len(items) != 1

    def _dictionary(self, levels: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while self._token != "}":
            key = self._value(levels)
            if not isinstance(key, str) or key in result or self._token != ":":
                raise self._error()
            self._next()
            result[key] = self._value(levels)
            if self._token == ",":
                self._next()
            elif self._token != "}":
                raise self._error()
        self._next()
        return result

    def _error(self) -> PayloadError:
        return PayloadError("the array's header is not the text of a dictionary")
