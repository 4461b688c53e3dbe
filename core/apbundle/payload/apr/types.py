"""Element types of ``.apr`` version 2: its codes meant other things to other writers, and the stored size decides."""

from __future__ import annotations

import math
from collections.abc import Sequence

from apbundle.payload.dtypes import element_bits
from apbundle.payload.quantised import APR_Q4, GGML_BLOCKS, apr_q8
from apbundle.payload.tensors import BlockType

_CODES: dict[int, tuple[str, ...]] = {
    0: ("F32",),
    1: ("F16",),
    2: ("BF16", "Q4_0"),
    3: ("F64", "Q4_1"),
    4: ("I32",),
    5: ("I64",),
    6: ("I8", "Q5_0"),
    7: ("U8", "Q5_1"),
    8: ("AprQ4", "Q8_0"),
    9: ("AprQ8",),
    10: ("Q2_K",),
    11: ("Q3_K",),
    12: ("Q4_K",),
    13: ("Q5_K",),
    14: ("Q6_K",),
    15: ("Q8_K",),
    30: ("BF16",),
    128: ("AprQ4",),
    129: ("AprQ8",),
}  # code → what it may mean, the writers of this format first


def apr_type(code: int, shape: Sequence[int], size: int) -> tuple[str, BlockType | None, bool]:
    """The element type of this code for a tensor of ``size`` stored bytes, how it is packed, and whether both fit.

    Where nothing fits, the type is named by its code.
    """
    elements = math.prod(shape)
    for name in _CODES.get(code, ()):
        bits = element_bits(name)
        if bits is None:
            block = APR_Q4 if name == "AprQ4" else apr_q8(elements) if name == "AprQ8" else GGML_BLOCKS[name]
            if size in _block_sizes(block, elements, shape):
                return name, block, True
        elif elements * bits == size * 8:
            return name, None, True
    return f"apr type {code}", None, False


def _block_sizes(block: BlockType, elements: int, shape: Sequence[int]) -> set[int]:
    """Bytes of the blocks of a tensor, when all of its elements are packed together, and when row by row."""
    together = -(-elements // block.elements) * block.bytes
    if block.name not in GGML_BLOCKS or not shape:
        return {together}
    return {together, math.prod(shape[:-1]) * -(-shape[-1] // block.elements) * block.bytes}
