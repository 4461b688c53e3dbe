"""How many values lie in each part of a range, and how many outside of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from apbundle_gui.services.number_types import Floats
from apbundle_gui.services.value_range import ValueRange

BINS: Final = 96
"""Bins of a histogram, but for integers of few values."""
_MOST_WHOLE: Final = 256

Counts = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of finite values.

    Parameters
    ----------
    edges
        The borders of the bins, ascending; a bin holds its lower border, the last one both.
    counts
        How many values each bin holds.
    below, above
        How many values lie outside.
    """

    edges: Floats
    counts: Counts
    below: int
    above: int

    @property
    def whole(self) -> bool:
        """Whether each bin is one whole number."""
        return bool(self.edges[1] - self.edges[0] == 1 and (self.edges[0] + 0.5).is_integer())

    @property
    def range(self) -> ValueRange:
        """From the first border to the last."""
        return ValueRange(float(self.edges[0]), float(self.edges[-1]))


class Tally:
    """Counts values that come in pieces into bins of equal width.

    Parameters
    ----------
    edges
        As :func:`histogram_edges` makes them.
    """

    def __init__(self, edges: Floats) -> None:
        self._edges = edges
        self._range = ValueRange(float(edges[0]), float(edges[-1]))
        self._counts = np.zeros(len(edges) - 1, np.int64)
        self._below = self._above = 0

    def add(self, values: Floats) -> None:
        """Count these in; all finite."""
        low, high = self._range.low, self._range.high
        below, above = int(np.count_nonzero(values < low)), int(np.count_nonzero(values > high))
        if below or above:
            values = values[(values >= low) & (values <= high)]
        self._below += below
        self._above += above
        bins = len(self._counts)
        places = (self._range.shares(values) * bins).astype(np.int64)
        np.clip(places, 0, bins - 1, out=places)
        self._counts += np.bincount(places, minlength=bins)

    def histogram(self) -> Histogram:
        """What was counted so far."""
        return Histogram(self._edges, self._counts.copy(), self._below, self._above)


def histogram_edges(values: ValueRange, *, whole: bool) -> Floats:
    """The borders of bins over a range; of ``whole`` numbers that are few each gets a bin of its own."""
    if whole and values.high - values.low < _MOST_WHOLE and max(abs(values.low), abs(values.high)) < 2**51:
        return np.arange(np.floor(values.low), np.ceil(values.high) + 2) - 0.5
    return values.edges(BINS)
