"""Names of element types, the same for every format, with the bits of an element and its numpy type.

The names are those of safetensors and ggml, in capitals; ``>`` in front means big-endian. What numpy alone has (text,
bytes, records) keeps numpy's name, and its size is told by a block of one element.
"""

from __future__ import annotations

DTYPES: dict[str, tuple[int, str | None]] = {
    "BOOL": (8, "bool"),
    "I2": (2, None),
    "U2": (2, None),
    "I4": (4, None),
    "U4": (4, None),
    "F4": (4, None),
    "F6_E2M3": (6, None),
    "F6_E3M2": (6, None),
    "U8": (8, "uint8"),
    "I8": (8, "int8"),
    "F8_E5M2": (8, "float8_e5m2"),
    "F8_E4M3": (8, "float8_e4m3fn"),
    "F8_E8M0": (8, "float8_e8m0fnu"),
    "F8_E4M3FNUZ": (8, "float8_e4m3fnuz"),
    "F8_E5M2FNUZ": (8, "float8_e5m2fnuz"),
    "I16": (16, "int16"),
    "U16": (16, "uint16"),
    "F16": (16, "float16"),
    "BF16": (16, "bfloat16"),
    "I32": (32, "int32"),
    "U32": (32, "uint32"),
    "F32": (32, "float32"),
    "C64": (64, "complex64"),
    "F64": (64, "float64"),
    "I64": (64, "int64"),
    "U64": (64, "uint64"),
    "C128": (128, "complex128"),
}
"""Name → bits of one element, and its name in numpy or ``ml_dtypes`` (None where elements are smaller than a byte)."""


def element_bits(dtype: str) -> int | None:
    """Bits of one element of this type; None for a name that is not in :data:`DTYPES`."""
    known = DTYPES.get(dtype.removeprefix(">"))
    return None if known is None else known[0]
