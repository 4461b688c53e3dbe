"""What can be said of the values of a tensor in a few numbers, from a sample or from all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from apbundle.progress import Cancel, Progress
from apbundle_gui.services.number_types import Floats, Numbers, as_floats
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.tensor_elements import Elements
from apbundle_gui.services.value_histogram import Histogram, Tally, histogram_edges
from apbundle_gui.services.value_range import ValueRange, common_range

SAMPLE: Final = 1 << 20
"""Elements of a sample; a tensor that has no more is looked at as a whole."""
CHUNK: Final = 1 << 16
"""Elements counted at once: few enough to stay in the processor's cache, and to leave the window its turn."""
RUNS: Final = 64
"""How many pieces of a tensor a sample is made of."""

Number = int | float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of the values. Of complex ones it is said of their magnitudes.

    Parameters
    ----------
    total
        Elements of the tensor.
    count
        Those that were looked at.
    zeros, nans, positive_infinite, negative_infinite
        How many of those are so.
    low, high
        The least and the greatest finite value; exact for integers. ``None`` when no value is finite.
    mean, std
        Mean and standard deviation (of the population, divisor N) of the finite values; NaN when there are none.
    common
        Where nearly all finite values lie.
    histogram
        Of the finite values.
    """

    total: int
    count: int
    zeros: int
    nans: int
    positive_infinite: int
    negative_infinite: int
    low: Number | None
    high: Number | None
    mean: float
    std: float
    common: ValueRange | None
    histogram: Histogram | None

    @property
    def exact(self) -> bool:
        """Whether every element was looked at."""
        return self.count == self.total

    @property
    def finite(self) -> int:
        """How many of the values are numbers."""
        return self.count - self.nans - self.positive_infinite - self.negative_infinite

    @property
    def full(self) -> ValueRange | None:
        """From the least to the greatest finite value."""
        return None if self.low is None or self.high is None else ValueRange(float(self.low), float(self.high))


class Moments:
    """Mean and deviation of values that come in pieces, whatever their size.

    Pieces are put together as by Chan, Golub and LeVeque (1979), of values scaled by a power of two so that squares
    neither overflow nor vanish.
    """

    def __init__(self) -> None:
        self._exponent: int | None = None
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, values: Floats) -> None:
        """Count these in; all finite."""
        if not len(values):
            return
        top = max(abs(float(values.min())), abs(float(values.max())))
        exponent = math.frexp(top)[1] if top else None
        if exponent is not None and (self._exponent is None or exponent > self._exponent):
            shift = 0 if self._exponent is None else self._exponent - exponent
            self._mean, self._squares = math.ldexp(self._mean, shift), math.ldexp(self._squares, 2 * shift)
            self._exponent = exponent
        scaled = np.ldexp(values, -(self._exponent or 0))
        mean = float(scaled.mean())
        scaled -= mean
        count = len(values)
        apart, together = mean - self._mean, self._count + count
        np.square(scaled, out=scaled)  # faster than a product of vectors, which is spread over all processors
        self._squares += float(scaled.sum()) + apart * apart * (self._count / together) * count
        self._mean += apart * (count / together)
        self._count = together

    @property
    def mean(self) -> float:
        """The mean; NaN of nothing."""
        return math.ldexp(self._mean, self._exponent or 0) if self._count else math.nan

    @property
    def std(self) -> float:
        """The standard deviation; NaN of nothing."""
        if not self._count:
            return math.nan
        return math.ldexp(math.sqrt(self._squares / self._count), self._exponent or 0)


class Counter:
    """Counts pieces of values.

    Parameters
    ----------
    tally
        What counts the finite ones by their size, if anything does.
    """

    def __init__(self, tally: Tally | None = None) -> None:
        self.count = self._zeros = self._nans = self._up = self._down = 0
        self._low: Number | None = None
        self._high: Number | None = None
        self._moments = Moments()
        self._tally = tally

    def add(self, piece: Numbers, pace: Pace | None = None) -> None:
        """Count a piece in."""
        for chunk in _chunks(piece):
            self._add(chunk)
            if pace is not None:
                pace.step()

    def _add(self, piece: Numbers) -> None:
        self.count += len(piece)
        if piece.dtype.kind in "biu":
            low: int | float = int(piece.min())
            high: int | float = int(piece.max())
            finite = as_floats(piece)
        else:
            finite = self._finite(as_floats(piece))
            if not len(finite):
                return
            low, high = float(finite.min()), float(finite.max())
        self._zeros += len(finite) - int(np.count_nonzero(finite))
        self._low = low if self._low is None else min(self._low, low)
        self._high = high if self._high is None else max(self._high, high)
        self._moments.add(finite)
        if self._tally is not None:
            self._tally.add(finite)

    def _finite(self, values: Floats) -> Floats:
        good = np.isfinite(values)
        if good.all():
            return values
        self._nans += int(np.count_nonzero(np.isnan(values)))
        self._up += int(np.count_nonzero(values == np.inf))
        self._down += int(np.count_nonzero(values == -np.inf))
        return values[good]

    def statistics(self, total: int, common: ValueRange | None) -> Statistics:
        """What was counted."""
        return Statistics(
            total,
            self.count,
            self._zeros,
            self._nans,
            self._up,
            self._down,
            self._low,
            self._high,
            self._moments.mean,
            self._moments.std,
            common,
            None if self._tally is None else self._tally.histogram(),
        )


def _chunks(piece: Numbers) -> Iterator[Numbers]:
    flat = piece.reshape(-1)
    return (flat[start : start + CHUNK] for start in range(0, len(flat), CHUNK))


def sample_statistics(elements: Elements, cancel: Cancel | None = None) -> Statistics:
    """What a sample says, or, of a tensor that is no larger than one, all of its elements."""
    pace = Pace(cancel)
    pieces = list(_sample(elements, pace))
    whole = np.concatenate([piece.reshape(-1) for piece in pieces]) if pieces else np.zeros(0)
    floats = as_floats(whole)
    pace.step()
    finite = floats[np.isfinite(floats)]
    if not len(finite):
        counter = Counter()
        counter.add(whole)
        return counter.statistics(elements.layout.count, None)
    common = common_range(finite)
    counter = Counter(Tally(histogram_edges(common, whole=whole.dtype.kind in "biu")))
    counter.add(whole, pace)
    return counter.statistics(elements.layout.count, common)


def exact_statistics(elements: Elements, sample: Statistics, progress: Progress, cancel: Cancel) -> Statistics:
    """What all elements say, read once from the first to the last; bins are those of the ``sample``."""
    tally = None if sample.histogram is None else Tally(sample.histogram.edges)
    counter = Counter(tally)
    _walk(elements, counter.add, progress, cancel)
    common = sample.common
    if common is None:
        found = counter.statistics(sample.total, None)
        common = found.full
    return counter.statistics(sample.total, common)


def full_histogram(elements: Elements, found: Statistics, progress: Progress, cancel: Cancel) -> Histogram | None:
    """The finite values from the least to the greatest; outliers, too, stand in a bin."""
    full = found.full
    if full is None:
        return None
    kind = elements.read(0, 1).dtype.kind if elements.layout.count else "f"
    tally = Tally(histogram_edges(full, whole=kind in "biu"))

    def add(piece: Numbers, pace: Pace) -> None:
        for chunk in _chunks(piece):
            values = as_floats(chunk)
            finite = np.isfinite(values)
            tally.add(values if finite.all() else values[finite])
            pace.step()

    _walk(elements, add, progress, cancel)
    return tally.histogram()


def _walk(elements: Elements, add: Callable[[Numbers, Pace], None], progress: Progress, cancel: Cancel) -> None:
    total = round(elements.layout.count * elements.element_size)
    done = 0
    progress("reading values", 0, total)
    pace = Pace(cancel)
    for piece in elements.pieces(pace):
        add(piece, pace)
        done += piece.size
        progress("reading values", round(done * elements.element_size), total)


def _sample(elements: Elements, pace: Pace) -> Iterator[Numbers]:
    layout = elements.layout
    count = layout.count
    if count <= SAMPLE:
        yield from elements.pieces(pace)
        return
    if not elements.seekable:
        yield elements.read(0, min(SAMPLE, layout.stored))  # no others are as near
        return
    chance = np.random.default_rng(0)  # the same sample every time
    length = SAMPLE // RUNS
    if layout.dense:
        for run in range(RUNS):
            begin, end = count * run // RUNS, count * (run + 1) // RUNS
            pace.step()
            yield elements.read(begin + int(chance.integers(end - begin - length + 1)), length)
        return
    *_, rows, columns = (-1, *layout.axes)
    for _ in range(RUNS):
        index = [int(chance.integers(size)) for size in layout.shape]
        width = min(layout.shape[columns], length)
        index[columns] = min(index[columns], layout.shape[columns] - width)
        height, step = 1, 0
        if rows >= 0:
            height, step = min(layout.shape[rows], max(1, length // width)), layout.strides[rows]
            index[rows] = min(index[rows], layout.shape[rows] - height)
        yield elements.rectangle(layout.position(index), height, step, width, layout.strides[columns], pace)
