"""Where the ticks of charts of values stand, and what they say. Pure functions."""

from __future__ import annotations

import math
from typing import Final

from apbundle_gui.models import text as words

Ticks = list[tuple[float, str]]

_LEAST_SPAN: Final = 1e-290


def value_ticks(low: float, high: float, most: int, *, whole: bool = False) -> Ticks:
    """Round values from ``low`` to ``high``, about ``most`` of them at most; both ends where none are round.

    Those of ``whole`` numbers are such.
    """
    span = high - low
    largest = max(abs(low), abs(high))
    if not _LEAST_SPAN < span < math.inf or span < 1e-12 * largest:
        return [(value, words.significant(value)) for value in sorted({low, high})]
    step = _step(span / max(most, 1))
    step = max(step, 1.0) if whole else step
    steps = largest / step  # 0 where the numbers are next to nothing beside the step
    digits = max(1, math.floor(math.log10(steps) + 1e-9) + 2) if steps else 1
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    slack = largest * 1e-6
    places = (place * step for place in range(first, last + 1))
    return [(value, words.significant(value, digits)) for value in places if low - slack <= value <= high + slack]


def whole_ticks(begin: float, end: float, most: int) -> list[tuple[int, str]]:
    """Round whole numbers from ``begin`` to ``end``, about ``most`` of them at most."""
    step = max(1, round(_step((end - begin) / max(most, 1))))
    return [(place, f"{place:,}") for place in range(math.ceil(begin / step) * step, math.ceil(end), step)]


def count_ticks(top: int, *, log: bool) -> Ticks:
    """Counts up to ``top``: round ones, or powers of ten."""
    if not log:
        step = max(1, round(_step(max(top, 1) / 3)))
        return [(float(value), words.compact(value)) for value in range(0, top + 1, step)]
    powers = range(len(str(max(top, 1))))
    every = -(-len(powers) // 5)
    return [(float(10**power), words.compact(10**power)) for power in powers[::every]]


def height(count: int, top: int, *, log: bool) -> float:
    """How high a bar of ``count`` is, as a share of one of ``top``; on a log scale one of 1 is not flat."""
    if count <= 0 or top <= 0:
        return 0.0
    return math.log1p(count) / math.log1p(top) if log else count / top


def _step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … and their tenths that is not below ``least``."""
    if not least > 0:
        return 1.0
    power = math.floor(math.log10(least))
    for factor in (1, 2, 5):
        step = float(f"{factor}e{power}")
        if step >= least * (1 - 1e-9):
            return step
    return float(f"1e{power + 1}")
