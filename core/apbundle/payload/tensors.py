"""What every payload format has in common: the record of one tensor, and the error for bad content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
class TensorInfo:
    """One tensor of a payload, described without reading its data."""

    name: str
    dtype: str
    """The format's own name of the element type, such as ``"F32"`` or ``"BF16"``."""
    shape: tuple[int, ...]
    """Dimensions, the slowest varying first; ``()`` for a scalar."""
    offset: int
    """First byte of the data, from the start of the payload."""
    size: int
    """Bytes of data."""
