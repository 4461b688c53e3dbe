"""Ranges of values: which one most values lie in, and where in a range each of them lies. Safe at both ends of doubles.

Differences of huge numbers overflow and those of the smallest lose everything, so both are scaled by a power of two
before they are subtracted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from apbundle_gui.services.number_types import Floats

RARE: Final = 0.001
"""The share of values at each end that is rare enough to be left out."""
_MARGIN: Final = 0.1
_LARGEST: Final = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values from ``low`` to ``high``, both finite, the first not above the second."""

    low: float
    high: float

    @property
    def symmetric(self) -> ValueRange:
        """The smallest range around zero that holds it."""
        most = max(abs(self.low), abs(self.high))
        return ValueRange(-most, most)

    def shares(self, values: Floats) -> Floats:
        """Where values lie: 0 at ``low``, 1 at ``high``, NaN for NaN. In a range of one value that is in the middle."""
        exponent = math.frexp(max(abs(self.low), abs(self.high)))[1]
        low, high = math.ldexp(self.low, -exponent), math.ldexp(self.high, -exponent)
        with np.errstate(all="ignore"):
            scaled = np.ldexp(values, -exponent)
            if low == high:
                return np.sign(scaled - low) * 0.5 + 0.5
            return (scaled - low) / (high - low)

    def edges(self, bins: int) -> Floats:
        """The borders of so many equal parts."""
        low, high = self.low, self.high
        if low == high:
            reach = abs(low) / 2 if low else 0.5
            low, high = max(low - reach, -_LARGEST), min(high + reach, _LARGEST)
        share = np.arange(bins + 1) / bins
        return low * (1 - share) + high * share


def common_range(values: Floats) -> ValueRange:
    """The range without the outliers: that of all but the rarest at each end, and a margin.

    Parameters
    ----------
    values
        Finite ones, at least one.
    """
    low, high = float(values.min()), float(values.max())
    exponent = math.frexp(max(abs(low), abs(high)))[1]
    inner, outer = (float(v) for v in np.quantile(np.ldexp(values, -exponent), (RARE, 1 - RARE)))
    if inner == outer:
        return ValueRange(low, high)
    reach = _MARGIN * (outer - inner)
    return ValueRange(_bounded(inner - reach, exponent, low, high), _bounded(outer + reach, exponent, low, high))


def range_of(values: Floats, *, clip: bool) -> ValueRange:
    """The range of finite values, if there are any, with or without the outliers."""
    if not values.size:
        return ValueRange(0.0, 0.0)
    return common_range(values) if clip else ValueRange(float(values.min()), float(values.max()))


def _bounded(scaled: float, exponent: int, low: float, high: float) -> float:
    try:
        value = math.ldexp(scaled, exponent)
    except OverflowError:
        value = math.copysign(math.inf, scaled)
    return min(max(value, low), high)
