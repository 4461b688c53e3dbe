"""The bytes of a payload, asked for piece by piece while its format is being found out."""

from __future__ import annotations

from apbundle.payload.tensors import Read


class ByteRange:
    """A payload of ``size`` bytes, the first of which (``head``) are already here.

    Parameters
    ----------
    head
        The first bytes of the payload, any number of them.
    size
        Bytes of the payload.
    read
        Gives the other bytes; asked only for ranges inside the payload.
    """

    def __init__(self, head: bytes, size: int, read: Read) -> None:
        self.size = size
        self._head = head[:size]
        self._read = read

    def at(self, offset: int, size: int) -> bytes:
        """The ``size`` bytes from ``offset``, fewer (or none) where the payload ends before."""
        end = min(offset + size, self.size)
        if end <= offset:
            return b""
        return self._head[offset:end] if end <= len(self._head) else self._read(offset, end - offset)

    def number(self, offset: int, size: int) -> int:
        """The unsigned little-endian number of ``size`` bytes at ``offset``."""
        return int.from_bytes(self.at(offset, size), "little")
