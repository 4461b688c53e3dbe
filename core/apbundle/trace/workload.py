"""What to do with a pager: operations from a text file, and endless accesses of a known shape."""

from __future__ import annotations

import itertools
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

OPERATIONS: Final = ("get", "hint", "evict", "clear")
"""What a line of an operations file may begin with."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of an operations file.

    Parameters
    ----------
    op
        One of :data:`OPERATIONS`.
    name
        The model it is about; empty for ``clear``.
    """

    op: str
    name: str = ""


def parse_ops(text: str) -> list[Operation]:
    """The operations of a text: one a line, the operation, a space, the name to the end of the line.

    Lines end with a line feed alone, for a name may hold any other character; empty ones are skipped.

    Raises
    ------
    ValueError
        With the number of the first line that is none of this.
    """
    operations = []
    for number, line in enumerate(text.split("\n"), 1):
        op, space, name = line.partition(" ")
        if not line:
            continue
        if op not in OPERATIONS or (op == "clear" and name) or (op != "clear" and not space):
            raise ValueError(f"line {number} is not an operation: write get, hint or evict and a name, or clear")
        operations.append(Operation(op, name))
    return operations


def sequential(names: Sequence[str], seed: int = 0) -> Iterator[str]:
    """Every name once, in order: nothing is used again."""
    return iter(names)


def loop(names: Sequence[str], seed: int = 0) -> Iterator[str]:
    """All names in order, over and over: the worst there is for LRU as soon as they do not all fit."""
    return itertools.cycle(names)


def zipf(names: Sequence[str], seed: int = 0, exponent: float = 0.9) -> Iterator[str]:
    """Independent accesses without end, of which the k-th most wanted name gets a share proportional to k**-exponent.

    Which names are wanted, and the whole order, follow from ``seed`` alone.
    """
    random = Random(seed)
    ranked = sorted(names, key=lambda _: random.random())  # shuffle() may differ from version to version
    shares = list(itertools.accumulate((k + 1) ** -exponent for k in range(len(ranked))))
    while ranked:
        yield ranked[min(bisect(shares, random.random() * shares[-1]), len(ranked) - 1)]


WORKLOADS: Final[dict[str, Callable[[Sequence[str], int], Iterator[str]]]] = {
    "sequential": sequential,
    "loop": loop,
    "zipf": zipf,
}
"""The workloads by name, each called with the names to access and a seed."""
