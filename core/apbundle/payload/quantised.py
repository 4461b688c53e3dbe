"""Quantised weights: how many bytes their blocks take, and the numbers they stand for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from apbundle.payload.tensors import BlockType, PayloadError, TensorInfo

Floats = np.ndarray[Any, np.dtype[np.float32]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

GGML_BLOCKS = MappingProxyType(
    {
        name: BlockType(name, elements, size)
        for name, elements, size in (
            ("Q4_0", 32, 18),
            ("Q4_1", 32, 20),
            ("Q5_0", 32, 22),
            ("Q5_1", 32, 24),
            ("Q8_0", 32, 34),
            ("Q2_K", 256, 84),
            ("Q3_K", 256, 110),
            ("Q4_K", 256, 144),
            ("Q5_K", 256, 176),
            ("Q6_K", 256, 210),
            ("Q8_K", 256, 292),
            ("IQ2_XXS", 256, 66),
            ("IQ2_XS", 256, 74),
            ("IQ3_XXS", 256, 98),
            ("IQ1_S", 256, 50),
            ("IQ4_NL", 32, 18),
            ("IQ3_S", 256, 110),
            ("IQ2_S", 256, 82),
            ("IQ4_XS", 256, 136),
            ("IQ1_M", 256, 56),
            ("TQ1_0", 256, 54),
            ("TQ2_0", 256, 66),
            ("MXFP4", 32, 17),
            ("NVFP4", 64, 36),
            ("Q1_0", 128, 18),
        )
    }
)
"""The blocks of ggml by the name of their type."""

APR_Q4 = BlockType("AprQ4", 32, 18)
"""A half-precision scale, then 32 numbers of four bits; an even element is in the low half of its byte."""


def apr_q8(elements: int) -> BlockType:
    """The one block of an AprQ8 tensor: a single-precision scale, then a byte an element."""
    return BlockType("AprQ8", max(1, elements), 4 + elements)


def can_dequantise(info: TensorInfo) -> bool:
    """Whether :func:`dequantise` knows the blocks of this tensor (a type of ggml: if its package does)."""
    return info.block is not None and (info.block.name in _OWN or _by_gguf(info.block.name) is not None)


def dequantise(info: TensorInfo, data: bytes | bytearray | memoryview) -> Floats:
    """The numbers that quantised bytes stand for, in the shape of the tensor, as new memory.

    The blocks of ggml need the package ``gguf``, which is imported when first needed.

    Parameters
    ----------
    info
        The tensor, with its ``block``. For some blocks of a tensor give a record with a shape of as many elements.
    data
        The bytes of its blocks, all of them.

    Raises
    ------
    PayloadError
        When the type is none of those that are known, or the bytes are not as many as the shape needs.
    """
    block = info.block
    unpack = None if block is None else _OWN.get(block.name) or _by_gguf(block.name)
    if block is None or unpack is None:
        raise PayloadError(f"numbers of type {info.dtype} cannot be unpacked here", info.offset)
    if len(data) != info.raw_size:
        raise PayloadError(f"tensor {info.name!r} has {len(data):,} bytes where its shape takes {info.raw_size:,}")
    try:
        if not len(data):
            return np.zeros(info.shape, np.float32)
        with np.errstate(all="ignore"):  # scales may be anything
            numbers = unpack(np.frombuffer(data, np.uint8).reshape(-1, block.bytes))
        return numbers.reshape(-1)[: info.elements].reshape(info.shape)
    except ValueError as error:  # nothing at all, in dimensions beyond what an array can have
        raise PayloadError(f"tensor {info.name!r} cannot be an array: {error}", info.offset) from None


@cache
def _by_gguf(name: str) -> Callable[[Bytes], Floats] | None:
    """How the package ``gguf`` unpacks blocks of this type; None where it is not installed or does not know them."""
    if name not in GGML_BLOCKS:
        return None
    try:
        from gguf import GGMLQuantizationType, quants
    except ImportError:
        return None
    kind = GGMLQuantizationType.__members__.get(name)
    if kind is None:
        return None

    def unpack(blocks: Bytes) -> Floats:
        numbers: Floats = quants.dequantize(blocks, kind)
        return numbers

    try:
        unpack(np.zeros((1, GGML_BLOCKS[name].bytes), np.uint8))
    except NotImplementedError:
        return None
    return unpack


def _unpack_apr_q4(blocks: Bytes) -> Floats:
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    halves = np.stack((blocks[:, 2:] & 15, blocks[:, 2:] >> 4), axis=-1).reshape(len(blocks), 32)
    numbers: Floats = (halves.astype(np.float32) - 8) * scales
    return numbers


def _unpack_apr_q8(blocks: Bytes) -> Floats:
    scales = np.ascontiguousarray(blocks[:, :4]).view("<f4")
    numbers: Floats = np.ascontiguousarray(blocks[:, 4:]).view(np.int8).astype(np.float32) * scales
    return numbers


_OWN: dict[str, Callable[[Bytes], Floats]] = {"AprQ4": _unpack_apr_q4, "AprQ8": _unpack_apr_q8}
