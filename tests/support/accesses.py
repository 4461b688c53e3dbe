"""Accesses that nobody recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.accesses import Accesses


def accesses_of(units: Sequence[int] | NDArray[np.integer], sizes: Sequence[int] | NDArray[np.integer]) -> Accesses:
    """Accesses to these units, one an event and a microsecond."""
    numbers = np.arange(len(units))
    return Accesses(np.asarray(units, np.int32), np.asarray(sizes, np.int64), numbers, numbers * 1000)


def zipf(count: int, units: int, exponent: float = 0.9, seed: int = 7) -> NDArray[np.integer]:
    """Some units are used often, most seldom."""
    weights = 1 / np.arange(1, units + 1) ** exponent
    return np.random.default_rng(seed).choice(units, count, p=weights / weights.sum())


def scan(count: int, units: int) -> NDArray[np.integer]:
    """Popular units, and every so often all of them from the first to the last."""
    found = zipf(count, units)
    for start in range(0, count - units, count // 5):
        found[start : start + units] = np.arange(units)
    return found


def loop(count: int, units: int) -> NDArray[np.integer]:
    """All units in turn, over and over."""
    return np.arange(count) % units


def mixed(count: int, units: int) -> NDArray[np.integer]:
    """Popular units; then a loop over some; then others are popular, with repeats."""
    third = count // 3
    popular = zipf(third, units, 1.1)
    others = np.repeat((zipf(count, units, 0.7, 8) + units // 2) % units, 2)
    return np.concatenate([popular, loop(third, units // 3), others[: count - 2 * third]])


TRACES = {"zipf": zipf, "scan": scan, "loop": loop, "mixed": mixed}


def spread_sizes(units: int, smallest: int = 4096, largest: int = 4 << 20) -> NDArray[np.integer]:
    """Sizes of all orders of magnitude between two."""
    return np.exp(np.random.default_rng(1).uniform(np.log(smallest), np.log(largest), units)).astype(np.int64)
