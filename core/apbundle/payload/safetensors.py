"""Arrays as a safetensors payload: the bytes that hold them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from apbundle.payload.safetensors_header import LENGTH_SIZE, MAX_HEADER, METADATA_KEY, TYPES
from apbundle.payload.tensors import MAX_RANK, MAX_TENSORS

_RANKS = {name: rank for rank, name in enumerate(TYPES)}
_BY_NUMPY_NAME = {numpy_name: name for name, (_, numpy_name) in TYPES.items() if numpy_name is not None}


def serialize(
    arrays: Mapping[str, np.ndarray[Any, Any]], metadata: Mapping[str, str] | None = None
) -> tuple[bytes, list[memoryview]]:
    """The payload that holds ``arrays``: its header, and the data that follows as read-only byte views, in order.

    The same input gives the same bytes, those the format's library writes (which keeps no order among several metadata
    keys; here they are sorted). Data is copied only where an array is not contiguous or not little-endian, so the
    arrays must not change until the views are used.

    Raises
    ------
    TypeError
        For a name or metadata that is not a string, a value that is not an array, and element types the format does
        not have: objects, strings, times, complex128, long doubles, sub-byte types.
    ValueError
        For the name ``__metadata__``, text that has no UTF-8 form, or more tensors, dimensions or header bytes than
        can be read back.
    """
    types = {name: _dtype_name(name, array) for name, array in arrays.items()}
    if len(types) > MAX_TENSORS:
        raise ValueError(f"{len(types):,} tensors are too many for one payload; at most {MAX_TENSORS:,} can be read")
    document: dict[str, Any] = {}
    if metadata:
        if not all(isinstance(text, str) for pair in metadata.items() for text in pair):
            raise TypeError("safetensors metadata is string to string")
        document[METADATA_KEY] = dict(sorted(metadata.items()))
    pieces: list[memoryview] = []
    end = 0
    for name in sorted(types, key=lambda name: (-_RANKS[types[name]], name)):
        array = arrays[name]
        begin, end = end, end + array.nbytes
        document[name] = {"dtype": types[name], "shape": list(array.shape), "data_offsets": [begin, end]}
        pieces.append(_data(array))
    header = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % LENGTH_SIZE)
    if len(header) > MAX_HEADER:
        raise ValueError(
            f"names and metadata make a header of {len(header):,} bytes; at most {MAX_HEADER:,} can be read"
        )
    return len(header).to_bytes(LENGTH_SIZE, "little") + header, pieces


def _dtype_name(name: str, array: Any) -> str:
    """The format's name for the element type of ``array``, with every reason why it cannot be stored."""
    if not isinstance(name, str):
        raise TypeError(f"a tensor is named by a string, not by {type(name).__name__}")
    if name == METADATA_KEY:
        raise ValueError(f"no tensor can be named {METADATA_KEY}")
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"tensor {name!r} is a {type(array).__name__}, not a plain array")
    dtype = _BY_NUMPY_NAME.get(array.dtype.name)
    if dtype is None:
        raise TypeError(f"tensor {name!r} has elements of type {array.dtype}, which safetensors cannot hold")
    if array.ndim > MAX_RANK:
        raise ValueError(f"tensor {name!r} has {array.ndim} dimensions; at most {MAX_RANK} can be read")
    return dtype


def _data(array: np.ndarray[Any, Any]) -> memoryview:
    """The bytes of ``array`` in the format's order: little-endian, row-major."""
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
        array = array.astype(array.dtype.newbyteorder("<"))
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    return array.reshape(-1).view(np.uint8).data.toreadonly()
