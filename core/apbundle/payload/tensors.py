"""What every payload format has in common: the record of one tensor, the error for bad content, and the bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from apbundle.payload.dtypes import element_bits
from apbundle.text import printable

Read = Callable[[int, int], bytes]
"""``read(offset, size)``: exactly ``size`` bytes from ``offset``, a range inside the payload."""

MAX_TENSORS = 1_000_000
"""Most tensors one payload may list."""

MAX_RANK = 32
"""Most dimensions a listed tensor may have."""

MAX_MESSAGE = 300
"""Longest message in characters: messages may quote text from a hostile payload."""


class PayloadError(ValueError):
    """The content of a payload contradicts its own format. The model stays readable as bytes.

    Parameters
    ----------
    message
        What is wrong, one sentence. Made printable and cut at 300 characters.
    offset
        Where it was seen, in bytes from the start of the payload.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        self.message = printable(message, MAX_MESSAGE)
        self.offset = offset
        super().__init__(self.message, offset)

    def __str__(self) -> str:
        return self.message if self.offset is None else f"{self.message} (payload byte {self.offset:,})"


@dataclass(frozen=True, slots=True)
class PayloadFinding:
    """Something worth saying about a payload that was still read, at least in part."""

    message: str
    """One sentence, printable, at most 300 characters."""
    offset: int | None = None
    """Where it was seen, in bytes from the start of the payload."""


Order = Literal["C", "F"]
"""Which index of an array varies fastest in memory: the last, or the first."""


@dataclass(frozen=True, slots=True)
class BlockType:
    """Elements that are stored together, as one block that is not an array of them: quantised weights, records."""

    name: str
    elements: int
    """Elements in a block; the last block of a tensor may be filled up."""
    bytes: int
    """Bytes of a block."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a payload, described without reading its data."""

    name: str
    dtype: str
    """The element type by its common name (:mod:`apbundle.payload.dtypes`), such as ``"F32"`` or ``"Q4_K"``."""
    shape: tuple[int, ...]
    """Dimensions, the first varying slowest whatever ``order`` says of the memory; ``()`` for a scalar."""
    offset: int
    """First byte of the data, from the start of the payload."""
    size: int
    """Bytes of data in the payload."""
    block: BlockType | None = None
    """How elements are packed, when they are not an array of ``dtype``."""
    order: Order = "C"
    """Which index varies fastest in memory: the last (``"C"``) or the first (``"F"``)."""
    strides: tuple[int, ...] | None = None
    """Elements from one index to the next in each dimension; None when the data is contiguous in ``order``."""
    encoding: str = ""
    """How the bytes are stored: ``""`` as they are, ``"deflate"``, ``"varint"``, ``"external"`` and the like."""
    skip: int = 0
    """Decoded bytes before the tensor's first; always 0 when nothing is encoded."""

    @property
    def elements(self) -> int:
        """How many elements the shape makes."""
        return math.prod(self.shape)

    @property
    def raw_size(self) -> int | None:
        """Bytes of the decoded, contiguous tensor; None when the size of its element type is not known."""
        if self.block is not None:
            return -(-self.elements // self.block.elements) * self.block.bytes
        bits = element_bits(self.dtype)
        return None if bits is None else -(-self.elements * bits // 8)
