"""The header of a safetensors payload: read, checked, and described without touching tensor data.

A payload is an unsigned 64-bit little-endian header length, that many bytes of JSON, then the data of all tensors, end
to end. The header maps each name to ``dtype``, ``shape`` and ``data_offsets`` (begin and end, counted from the first
data byte) and may hold string pairs under ``__metadata__``. Reading is as strict as the format's own library, and
stricter where two readers could disagree: a key that comes twice is an error.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from apbundle.payload.tensors import MAX_RANK, MAX_TENSORS, PayloadError, Read, TensorInfo

LENGTH_SIZE = 8
"""Bytes of the header length in front of the header."""

MAX_HEADER = 100_000_000
"""Longest header in bytes, the bound the format's library has."""

MAX_NESTING = 127
"""Deepest JSON nesting accepted, as by the library; only keys that are not used can nest that deep."""

METADATA_KEY = "__metadata__"
_U64_MAX = 2**64 - 1

# dtype: (bits of one element, numpy or ml_dtypes name; None where elements are smaller than a byte).
# In the order of the library, which places tensors of later types first: widest elements come first and stay aligned.
TYPES: dict[str, tuple[int, str | None]] = {
    "BOOL": (8, "bool"),
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
}


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """What the header of a payload says, checked."""

    tensors: tuple[TensorInfo, ...]
    """In the order of their data."""
    metadata: dict[str, str]
    data_offset: int
    """First data byte, from the start of the payload."""


def read_header(read: Read, size: int, *, max_header: int = MAX_HEADER) -> SafetensorsHeader:
    """Read and check the header of a payload of ``size`` bytes; no tensor data is read.

    Parameters
    ----------
    read
        ``read(offset, size)`` gives bytes of the payload. Never asked for more than the payload has.
    size
        Bytes of the payload. The tensors must fill it to the last one.
    max_header
        Longest header accepted, in bytes. Parsed JSON takes about 25 times its length in memory.

    Raises
    ------
    PayloadError
        When the header is not valid, or does not describe exactly these bytes.
    """
    if size < LENGTH_SIZE:
        raise PayloadError(f"{size} bytes are too few for a safetensors header", 0)
    length = int.from_bytes(read(0, LENGTH_SIZE), "little")
    if length > max_header:
        raise PayloadError(f"the header claims {length:,} bytes; at most {max_header:,} are accepted", 0)
    if length > size - LENGTH_SIZE:
        raise PayloadError(f"the header claims {length:,} bytes and the payload ends after {size - LENGTH_SIZE:,}", 0)
    document = _parse(read(LENGTH_SIZE, length))
    metadata = _metadata(document.pop(METADATA_KEY, None))
    if len(document) > MAX_TENSORS:
        raise PayloadError(f"the header lists {len(document):,} tensors; at most {MAX_TENSORS:,} are accepted", 8)
    data_offset = LENGTH_SIZE + length
    tensors = [_tensor(name, entry, data_offset) for name, entry in document.items()]
    tensors.sort(key=lambda tensor: (tensor.offset, tensor.size))
    _check_tiling(tensors, data_offset, size)
    return SafetensorsHeader(tuple(tensors), metadata, data_offset)


def _parse(header: bytes) -> dict[str, Any]:
    """The JSON object of the header, every key of which is there once."""
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError("the header is not UTF-8", LENGTH_SIZE + error.start) from None
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except PayloadError:
        raise
    except json.JSONDecodeError as error:
        offset = LENGTH_SIZE + len(text[: error.pos].encode())
        raise PayloadError(f"the header is not JSON: {error.msg}", offset) from None
    except RecursionError:
        raise PayloadError(f"the header is nested deeper than {MAX_NESTING} levels", LENGTH_SIZE) from None
    except ValueError:  # an integer of more digits than the interpreter converts
        raise PayloadError("the header holds an absurd number", LENGTH_SIZE) from None
    if not isinstance(document, dict):
        raise PayloadError("the header is not a JSON object", LENGTH_SIZE)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise PayloadError(f"the header holds the key {twice!r} twice", LENGTH_SIZE)
    return result


def _constant(text: str) -> None:
    raise PayloadError(f"the header holds {text}, which is not JSON", LENGTH_SIZE)


def _metadata(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PayloadError(f"{METADATA_KEY} is not an object", LENGTH_SIZE)
    for key, text in value.items():
        if not isinstance(text, str):
            raise PayloadError(f"the metadata {key!r} is not a string", LENGTH_SIZE)
        _check_text(key)
        _check_text(text)
    return value


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise PayloadError(f"{text!r} holds half a surrogate pair", LENGTH_SIZE) from None


def _tensor(name: str, entry: Any, data_offset: int) -> TensorInfo:
    _check_text(name)
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        bits, _ = TYPES[dtype]
    except (KeyError, TypeError, ValueError):
        raise PayloadError(_entry_problem(name, entry), LENGTH_SIZE) from None
    if len(entry) > 3 and not _is_shallow(entry, MAX_NESTING - 1):
        raise PayloadError(f"the header is nested deeper than {MAX_NESTING} levels", LENGTH_SIZE)
    if not isinstance(shape, list) or len(shape) > MAX_RANK:
        raise PayloadError(f"the shape of tensor {name!r} is not a list of at most {MAX_RANK} dimensions", LENGTH_SIZE)
    elements = 1
    for number in (*shape, begin, end):
        if type(number) is not int or not 0 <= number <= _U64_MAX:
            raise PayloadError(f"tensor {name!r} has a dimension or offset that is not a 64-bit number", LENGTH_SIZE)
    for dimension in shape:
        elements *= dimension
        if elements * bits > _U64_MAX:
            raise PayloadError(f"tensor {name!r} is larger than 64 bits can count", LENGTH_SIZE)
    if begin > end or elements * bits != (end - begin) * 8:
        raise PayloadError(
            f"tensor {name!r} of type {dtype} and shape {shape} takes {elements * bits / 8:,g} bytes, "
            f"its offsets {begin:,} to {end:,} say otherwise",
            data_offset + begin,
        )
    return TensorInfo(name, dtype, tuple(shape), data_offset + begin, end - begin)


def _entry_problem(name: str, entry: Any) -> str:
    if not isinstance(entry, dict):
        return f"the entry of tensor {name!r} is not an object"
    for key in ("dtype", "shape", "data_offsets"):
        if key not in entry:
            return f"tensor {name!r} has no {key}"
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in TYPES:
        return f"tensor {name!r} has the unknown type {entry['dtype']!r:.40}"
    return f"the data_offsets of tensor {name!r} are not a pair"


def _is_shallow(value: Any, levels: int) -> bool:
    """Whether ``value`` has at most ``levels`` levels of lists and objects, worked out level by level."""
    layer = [value]
    for _ in range(levels):
        items = (item for node in layer for item in (node.values() if isinstance(node, dict) else node))
        layer = [item for item in items if isinstance(item, dict | list)]
        if not layer:
            return True
    return False


def _check_tiling(tensors: list[TensorInfo], data_offset: int, size: int) -> None:
    """The tensors, in the order of their data, leave no gap, do not overlap, and end with the payload."""
    end = data_offset
    for tensor in tensors:
        if tensor.offset != end:
            what = "overlaps the one before" if tensor.offset < end else "leaves a gap before it"
            raise PayloadError(f"tensor {tensor.name!r} {what}", tensor.offset)
        end += tensor.size
    if end > size:
        raise PayloadError(f"the tensors take {end - size:,} bytes more than the payload has", size)
    if end < size:
        raise PayloadError(f"{size - end:,} bytes follow the last tensor", end)
