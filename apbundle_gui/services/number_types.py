"""The elements of a tensor as numbers, whatever their type: how many are stored together, and how they are decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import ml_dtypes
import numpy as np

from apbundle.payload.arrays import dtype_of
from apbundle.payload.dtypes import element_bits
from apbundle.payload.quantised import GGML_BLOCKS, apr_q8, can_dequantise, dequantise
from apbundle.payload.tensors import PayloadError, TensorInfo

Numbers = np.ndarray[Any, Any]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Decode = Callable[[bytes, bytes], Numbers]

_PACKED: Final = {"I2": "int2", "U2": "uint2", "I4": "int4", "U4": "uint4", "F4": "float4_e2m1fn"}
"""Types of which a byte holds several, the first one in its lowest bits, and their names in ``ml_dtypes``."""


@dataclass(frozen=True, slots=True)
class NumberType:
    """How elements are stored.

    Parameters
    ----------
    group
        Elements that are stored together and decoded only so.
    size
        Bytes of a group.
    decode
        ``decode(data, head)`` gives the elements of whole groups, as numbers of numpy's own types.
    head
        Bytes in front of the first group, which every decoding needs.
    """

    group: int
    size: int
    decode: Decode
    head: int = 0


def number_type(info: TensorInfo) -> NumberType:
    """How the elements of a tensor are stored. Slow the first time blocks are met: the package for them is imported.

    Raises
    ------
    PayloadError
        They are not numbers, or of a type that is not known here; the message says why.
    """
    if info.block is not None:
        return _block_type(info)
    name = info.dtype.removeprefix(">")
    bits = element_bits(info.dtype)
    if name in _PACKED and bits is not None:
        return NumberType(8 // bits, 1, _unpacking(bits, _table(_PACKED[name])))
    dtype = dtype_of(info.dtype)
    if dtype is None:
        known = "" if bits is None else f": elements of {bits} bits are packed in ways that differ"
        raise PayloadError(f"Numbers of type {info.dtype} cannot be shown{known}.")
    if name == "BOOL":
        return NumberType(1, 1, lambda data, head: np.frombuffer(data, np.uint8) != 0)
    if name == "BF16":
        stored = np.dtype("u2").newbyteorder(dtype.byteorder)
        return NumberType(1, 2, lambda data, head: _widened(np.frombuffer(data, stored)))
    if dtype.itemsize == 1 and dtype.kind not in "iu":
        table = _table(dtype.name)
        return NumberType(1, 1, lambda data, head: table.take(np.frombuffer(data, np.uint8)))
    own = dtype.newbyteorder("=")
    return NumberType(1, dtype.itemsize, lambda data, head: np.frombuffer(data, dtype).astype(own, copy=False))


def as_floats(numbers: Numbers) -> Floats:
    """Numbers in double precision; of complex ones their magnitudes."""
    with np.errstate(all="ignore"):
        if numbers.dtype.kind == "c":
            numbers = np.abs(numbers.astype(np.complex128, copy=False))
        return numbers.astype(np.float64, copy=False)


def _block_type(info: TensorInfo) -> NumberType:
    block = info.block
    assert block is not None
    if not can_dequantise(info):
        if block.name in GGML_BLOCKS:
            raise PayloadError(f"Unpacking {info.dtype} takes the Python package gguf, in a version that knows it.")
        raise PayloadError(f"The elements are not numbers, or packed in a way that is not known: {info.dtype}.")
    if block.name == "AprQ8":  # the whole tensor is one block; but any part of it can be unpacked with its scale
        return NumberType(1, 1, _dequantising(info, whole=True), head=block.bytes - block.elements)
    return NumberType(block.elements, block.bytes, _dequantising(info, whole=False))


def _dequantising(info: TensorInfo, *, whole: bool) -> Decode:
    block = info.block
    assert block is not None

    def decode(data: bytes, head: bytes) -> Numbers:
        if whole:
            part = replace(info, shape=(len(data),), block=apr_q8(len(data)))
        else:
            part = replace(info, shape=(len(data) // block.bytes * block.elements,))
        return dequantise(part, head + data)

    return decode


def _table(name: str) -> Numbers:
    """What each byte stands for."""
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)


def _unpacking(bits: int, table: Numbers) -> Decode:
    def decode(data: bytes, head: bytes) -> Numbers:
        stored = np.frombuffer(data, np.uint8)
        parts = [(stored >> shift) & ((1 << bits) - 1) for shift in range(0, 8, bits)]
        numbers: Numbers = table.take(np.stack(parts, axis=-1).reshape(-1))
        return numbers

    return decode


def _widened(halves: Numbers) -> Numbers:
    words = halves.astype(np.uint32) << 16
    return words.view(np.float32)
