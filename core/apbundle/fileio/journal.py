"""The rollback journal of a change in place: what was there before, so that an interrupted change can be undone.

`core/FORMAT.md` has its bytes. A journal says by itself whether it is complete, and by its content whether it belongs
to a file: every byte that the change wrote over is the one of before or the one of after, and with those of before the
beginning of the file has the digest that it had. Numbers of devices and inodes do not tell that: they change when a
machine restarts, or when a bundle is copied together with its journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from struct import Struct
from typing import Final

SUFFIX: Final = ".journal"
"""What a journal's name has after that of its file."""
MAGIC: Final = b"APBJRNL1"
MAX_SIZE: Final = 768 << 20
"""Bytes of the largest journal: a manifest of 256 MiB before and after, and then some."""

_HEAD: Final = Struct("<8sQQQQ32s")
_SEAL: Final = 32


@dataclass(frozen=True, slots=True)
class Journal:
    """One change in place.

    Parameters
    ----------
    file_size
        Bytes of the whole file, which the change leaves alone.
    start
        The first byte that is written over.
    covered
        The beginning of the file, in bytes, that ``digest`` is of; the change lies inside it.
    digest
        SHA-256 of that beginning before the change.
    old, new
        What was there, and what is to be; of one length.
    """

    file_size: int
    start: int
    covered: int
    digest: bytes
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)

    @classmethod
    def of(cls, file_size: int, head: bytes, start: int, new: bytes) -> Journal:
        """The journal of writing ``new`` at ``start`` of a file of ``file_size`` bytes that begins with ``head``."""
        return cls(file_size, start, len(head), sha256(head).digest(), head[start : start + len(new)], new)

    def pack(self) -> bytes:
        """The journal as its file holds it."""
        fields = (MAGIC, self.file_size, self.start, len(self.old), self.covered, self.digest)
        body = _HEAD.pack(*fields) + self.old + self.new
        return body + sha256(body).digest()

    @classmethod
    def parse(cls, data: bytes) -> Journal | None:
        """The journal that ``data`` is; ``None`` if it is none, or not complete."""
        if len(data) < _HEAD.size + _SEAL or not data.startswith(MAGIC):
            return None
        body, seal = data[:-_SEAL], data[-_SEAL:]
        _, file_size, start, length, covered, digest = _HEAD.unpack_from(body)
        if len(body) != _HEAD.size + 2 * length or sha256(body).digest() != seal:
            return None
        if not start + length <= covered <= file_size:
            return None
        old = _HEAD.size + length
        return cls(file_size, start, covered, digest, body[_HEAD.size : old], body[old:])

    def concerns(self, file_size: int, read: Callable[[int, int], bytes]) -> bool:
        """Whether a file is the one that was being changed; ``read(offset, size)`` gives its bytes as they are."""
        if file_size != self.file_size:
            return False
        head = read(0, self.covered)
        end = self.start + len(self.old)
        import numpy as np  # few files have a journal, and every program that opens one would wait for it

        now, old, new = (np.frombuffer(part, np.uint8) for part in (head[self.start : end], self.old, self.new))
        if not ((now == old) | (now == new)).all():
            return False
        return sha256(head[: self.start] + self.old + head[end:]).digest() == self.digest
