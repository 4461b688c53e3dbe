"""Least-recently-used caches written as plainly as can be: what distances and curves are held against."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def naive_distances(units: Iterable[int], sizes: Sequence[int]) -> list[int | None]:
    """For each access the bytes of its unit and of all used since its last use, or ``None`` for the first."""
    stack: list[int] = []
    needed: list[int | None] = []
    for unit in units:
        if unit in stack:
            place = stack.index(unit)
            needed.append(sum(sizes[other] for other in stack[place:]))
            del stack[place]
        else:
            needed.append(None)
        stack.append(unit)
    return needed


@dataclass
class LruCounts:
    """What a cache counted."""

    hits: int = 0
    hit_bytes: int = 0


def replay_lru(units: Iterable[int], sizes: Sequence[int], limit: int) -> LruCounts:
    """The accesses run through a cache of ``limit`` bytes; a unit larger than that is never held."""
    held: OrderedDict[int, int] = OrderedDict()
    used, counts = 0, LruCounts()
    for unit in units:
        size = sizes[unit]
        if unit in held:
            held.move_to_end(unit)
            counts.hits += 1
            counts.hit_bytes += size
        elif size <= limit:
            while used + size > limit:
                used -= held.popitem(last=False)[1]
            held[unit] = size
            used += size
    return counts


def zipf_units(seed: int, accesses: int, units: int, exponent: float = 0.9) -> NDArray[np.int32]:
    """Independent accesses, of which each unit gets a share by its rank."""
    shares = np.arange(1, units + 1) ** -exponent
    drawn = np.random.default_rng(seed).choice(units, accesses, p=shares / shares.sum())
    return drawn.astype(np.int32)
