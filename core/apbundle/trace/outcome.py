"""What a policy makes of recorded accesses under a limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray

from apbundle.progress import Reporter

_PIECE: Final = 1 << 16


class Tally(NamedTuple):
    """What a replay counts. ``refused`` is how many of the misses were of units too large to be kept."""

    misses: int
    miss_bytes: int
    evictions: int
    refused: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy would have made of the accesses under a limit.

    Parameters
    ----------
    policy
        Its name.
    limit
        In raw bytes of units.
    hits, misses
        Accesses that would have found their unit, and those that would have loaded it.
    evictions
        Units that would have left to make room.
    refused
        How many of the misses are of units too large to be kept: larger than the limit, or what the policy allows.
    hit_bytes, miss_bytes
        Raw bytes of the units of the hits and of the misses; the latter would have been loaded.
    """

    policy: str
    limit: int
    hits: int
    misses: int
    evictions: int
    refused: int
    hit_bytes: int
    miss_bytes: int

    @property
    def accesses(self) -> int:
        """Hits and misses."""
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """The share of the accesses that are hits, from 0 to 1; 0 if there are none."""
        return self.hits / self.accesses if self.accesses else 0.0

    @property
    def byte_hit_rate(self) -> float:
        """The share of the bytes that hits gave, from 0 to 1; 0 if there are none."""
        total = self.hit_bytes + self.miss_bytes
        return self.hit_bytes / total if total else 0.0


def numbers(column: NDArray[Any], reporter: Reporter | None = None) -> Iterator[int]:
    """The numbers of ``column`` as Python's own, converted piece by piece; ``reporter`` is told the bytes gone through.

    Raises
    ------
    Cancelled
        The caller of ``reporter`` wants no more.
    """
    return chain.from_iterable(_pieces(column, reporter))


def _pieces(column: NDArray[Any], reporter: Reporter | None) -> Iterator[list[int]]:
    for start in range(0, len(column), _PIECE):
        piece = column[start : start + _PIECE]
        yield piece.tolist()
        if reporter is not None:
            reporter.advance(piece.nbytes)
