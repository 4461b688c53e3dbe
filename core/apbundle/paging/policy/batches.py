"""Batches of hits."""

from __future__ import annotations

from collections.abc import Sequence


def by_last_use(units: Sequence[int]) -> list[int]:
    """Each of ``units`` once, in the order of its last place."""
    if len(units) == 1:
        return list(units)
    return list(dict.fromkeys(reversed(units)))[::-1]
