"""Hashes of many names at once, read where the names lie, and a table that finds a name's number by its hash.

The hash only has to be fast and to spread well: whoever finds a name by it compares the bytes, and whoever finds two
equal hashes looks closer. Nobody gains more by crafted names than the time of a plain loop over them.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

LONG: Final = 256
"""From this many bytes on a name is hashed by itself: a handful of long names must not make all the others wait."""

_MULTIPLIER: Final = 0x9E3779B97F4A7C15
_SEED: Final = 0xC2B2AE3D27D4EB4F  # times the size: a size and a first letter must not make up for each other
_WORD: Final = (1 << 64) - 1
_TOPS: Final = 0x8080808080808080
_ONES: Final = 0x0101010101010101
_SPACES: Final = 0x2020202020202020
TAIL: Final = 24
"""The last bytes of a name, as many as this, are handed over in words of 8."""
_TAIL_WORDS: Final = Struct(f"<{TAIL // 8}Q")
_KEPT: Final = np.array(
    [[_WORD ^ ((1 << 8 * min(8, max(0, end - size))) - 1) for size in range(TAIL + 1)] for end in range(TAIL, 0, -8)],
    np.uint64,
)
"""By word of a tail and by size of the name, which ends where the tail does: the bytes that belong to the name."""
_BLANKS: Final = ~_KEPT & np.uint64(_SPACES)


def unaligned(data: bytes, kind: str) -> NDArray[Any]:
    """``data`` as numbers of the numpy type ``kind``, one from every byte on: element ``i`` begins at byte ``i``."""
    size = np.dtype(kind).itemsize
    return np.ndarray((max(0, len(data) - size + 1),), kind, data, 0, (1,))


def name_hash(name: bytes) -> int:
    """The hash of one name; 64 bits."""
    size = len(name)
    if size >= LONG:
        return xxh3_64_intdigest(name)
    front = range(0, size - TAIL, 8)
    words = [int.from_bytes(name[at : at + 8], "little") for at in front]
    state = size * _SEED & _WORD
    for word in (*words, *_TAIL_WORDS.unpack(name[-TAIL:].rjust(TAIL, b"\0"))):
        state = (state ^ word) * _MULTIPLIER & _WORD
        state ^= state >> 32
    return state


def hash_names(
    data: bytes, starts: NDArray[np.int64], sizes: NDArray[np.int64], tails: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """:func:`name_hash` of many names in ``data``, and for each whether it may hold more than printable ASCII.

    Parameters
    ----------
    starts, sizes
        Where each name begins in ``data``, and how many bytes it has.
    tails
        A row a name: the 24 bytes before its end as words, those before its beginning included.

    Returns
    -------
    hashes, odd
        What is not ``odd`` is all of bytes from 0x20 to 0x7E.
    """
    state = sizes.astype(np.uint64) * np.uint64(_SEED)
    seen = np.zeros(len(sizes), np.uint64)
    shortest, longest = int(sizes.min()), int(sizes.max())
    if longest > TAIL:
        words = unaligned(data, "<u8")
        for at in range(0, min(longest, LONG) - TAIL, 8):
            if shortest - TAIL > at:
                word = words[starts + at]
                _mix(state, word)
                _look(seen, word)
            else:
                some = np.flatnonzero(sizes - TAIL > at)
                word, part, found = words[starts[some] + at], state[some], seen[some]
                _mix(part, word)
                _look(found, word)
                state[some], seen[some] = part, found
    within = np.minimum(sizes, TAIL) if shortest < TAIL else None
    for column, kept, blanks in zip(tails.T, _KEPT, _BLANKS, strict=True):
        if within is None:
            word = column
            _mix(state, word)
        else:
            word = column & kept[within]
            _mix(state, word)
            word |= blanks[within]
        _look(seen, word)
    odd = (seen & np.uint64(_TOPS)) != 0
    if longest >= LONG:
        for number in np.flatnonzero(sizes >= LONG).tolist():
            start = int(starts[number])
            state[number] = xxh3_64_intdigest(data[start : start + int(sizes[number])])
            odd[number] = True
    return state, odd


def _mix(state: NDArray[np.uint64], word: NDArray[np.uint64]) -> None:
    state ^= word
    state *= np.uint64(_MULTIPLIER)
    state ^= state >> np.uint64(32)


def _look(seen: NDArray[np.uint64], word: NDArray[np.uint64]) -> None:
    """Mark in the top bit of some byte of ``seen`` that ``word`` has a byte outside 0x20 to 0x7E.

    Above 0x7F the bit is there already. Else taking 0x20 away borrows from it and adding 1 carries into it; borrows
    spread upwards, but only from a byte that is below 0x20 itself.
    """
    seen |= word
    seen |= word - np.uint64(_SPACES)
    seen |= word + np.uint64(_ONES)


class HashTable:
    """Numbers from 0 on, found by their hashes, which are all different.

    One cell for each of the hashes' upper bits; who lost a cell to another is looked for in a sorted list.
    """

    def __init__(self, cells: NDArray[np.uint32], lost: NDArray[np.uint64], lost_numbers: NDArray[np.int64]) -> None:
        self._cells = cells
        self._shift = 65 - len(cells).bit_length()
        self._lost = lost
        self._lost_numbers = lost_numbers

    @classmethod
    def of(cls, hashes: NDArray[np.uint64]) -> Self | None:
        """The table of ``hashes``, one at least; ``None`` if two of them are equal."""
        bits = max(6, (2 * len(hashes) - 1).bit_length())
        places = (hashes >> np.uint64(64 - bits)).view(np.int64)
        numbers = np.arange(len(hashes), dtype=np.uint32)
        cells = np.zeros(1 << bits, np.uint32)
        cells[places] = numbers
        holders = cells[places]
        losers = np.flatnonzero(holders != numbers)
        lost = hashes[losers]
        if (lost == hashes[holders[losers]]).any():
            return None
        order = np.argsort(lost)
        lost = lost[order]
        if (lost[1:] == lost[:-1]).any():
            return None
        return cls(cells, lost, losers[order])

    def candidates(self, value: int) -> Iterator[int]:
        """The numbers that may have the hash ``value``, the likelier first: two at most, one of which may have it."""
        yield int(self._cells[value >> self._shift])
        place = int(self._lost.searchsorted(np.uint64(value)))
        if place < len(self._lost) and self._lost[place] == value:
            yield int(self._lost_numbers[place])
