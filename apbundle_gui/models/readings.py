"""What bytes mean when they are read as numbers or text: the rows of the data inspector."""

from __future__ import annotations

import struct
from typing import Final, SupportsFloat

import ml_dtypes
import numpy as np

from apbundle_gui.models import text as words

LONGEST: Final = 16
"""Bytes that are looked at."""

_INTEGERS: Final = (("int8", "b"), ("uint8", "B"), ("int16", "h"), ("uint16", "H"), ("int32", "i"), ("uint32", "I"))
_LONG: Final = (("int64", "q"), ("uint64", "Q"))
_FLOATS: Final = (("float16", "e"), ("float32", "f"), ("float64", "d"))
NAMES: Final = (
    *(name for name, _ in (*_INTEGERS, *_LONG)),
    *(name for name, _ in _FLOATS),
    "bfloat16",
    "float8 e4m3",
    "float8 e5m2",
    "bits",
    "text",
)
"""The readings, in their order."""


def readings(data: bytes, big_endian: bool = False) -> dict[str, str]:
    """Each of :data:`NAMES` with what the first bytes of ``data`` are by it; left out where there are too few."""
    order = ">" if big_endian else "<"
    found: dict[str, str] = {}
    for name, code in (*_INTEGERS, *_LONG):
        if len(data) >= struct.calcsize(code):
            (number,) = struct.unpack_from(order + code, data)
            found[name] = f"{number:,}"
    for name, code in _FLOATS:
        if len(data) >= struct.calcsize(code):
            found[name] = f"{struct.unpack_from(order + code, data)[0]!r}"
    if len(data) >= 2:
        pair = data[1::-1] if big_endian else data[:2]
        found["bfloat16"] = _short(np.frombuffer(pair, ml_dtypes.bfloat16)[0])
    if data:
        found["float8 e4m3"] = _short(np.frombuffer(data[:1], ml_dtypes.float8_e4m3fn)[0])
        found["float8 e5m2"] = _short(np.frombuffer(data[:1], ml_dtypes.float8_e5m2)[0])
        found["bits"] = f"{data[0]:08b}"
        found["text"] = words.safe(data[:LONGEST].decode("utf-8", "replace"))
    return {name: found[name] for name in NAMES if name in found}


def _short(value: SupportsFloat) -> str:
    return f"{float(value)!r}"
