"""How values, and what is known of them, are worded. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from apbundle_gui.models import text as words
from apbundle_gui.services.value_grid import Grid, Odd
from apbundle_gui.services.value_histogram import Histogram
from apbundle_gui.services.value_statistics import Statistics

_DIGITS: Final = 6
_ODD: Final = ((Odd.NAN, "NaN"), (Odd.UP, "∞"), (Odd.DOWN, "−∞"))


class Row(NamedTuple):
    """One line of the statistics."""

    caption: str
    value: str
    tip: str


def exact(number: Any) -> str:
    """A number as numpy gives it, to the last digit its type has."""
    if isinstance(number, bool | np.bool_):
        return "true" if number else "false"
    if isinstance(number, int | np.integer):
        return f"{int(number):,}"
    if isinstance(number, complex | np.complexfloating):
        return f"{number.real} {'−' if math.copysign(1, number.imag) < 0 else '+'} {abs(number.imag)}i"
    return brief(float(number)) if not math.isfinite(number) else str(number)


def brief(value: float, digits: int = 3) -> str:
    """A number in a few digits, or that it is none."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return words.significant(value, digits)


def basis(found: Statistics) -> str:
    """What the statistics are made from."""
    if found.exact:
        return f"Of all {words.count(found.total, 'element')}" if found.total != 1 else "Of the only element"
    return f"Of a sample of {words.compact(found.count)} of {words.compact(found.total)} elements"


CAPTIONS: Final = ("Elements", "Lowest", "Highest", "Mean", "Std. deviation", "Zeros", "NaN", "+Inf", "−Inf")
"""What is said of values, in its order."""


def rows(found: Statistics) -> list[Row]:
    """The statistics in words, in the order of :data:`CAPTIONS`. Shares of a sample are said as shares."""
    about = "" if found.exact else "≈ "
    return [
        Row("Elements", words.count(found.total), f"{words.count(found.count)} of them were looked at"),
        Row("Lowest", _number(found.low, about), _whole(found.low)),
        Row("Highest", _number(found.high, about), _whole(found.high)),
        Row("Mean", _number(found.mean, about), _whole(found.mean)),
        Row("Std. deviation", _number(found.std, about), f"{_whole(found.std)}, of the population"),
        Row("Zeros", share(found.zeros, found), "The sparsity: the share of elements that are zero"),
        Row("NaN", share(found.nans, found), "Elements that are not a number"),
        Row("+Inf", share(found.positive_infinite, found), "Elements that are infinite"),
        Row("−Inf", share(found.negative_infinite, found), "Elements that are infinite and negative"),
    ]


def share(count: int, found: Statistics) -> str:
    """How many of the elements are so: their number, or, in a sample, about which share."""
    if not count:
        return "0" if found.exact else "none seen"
    part = words.percent(count / found.count)
    return f"{words.count(count)}  ({part})" if found.exact else f"≈ {part}"


def _number(value: float | None, about: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return words.NONE
    if isinstance(value, int) and abs(value) < 10**15:
        return f"{about}{value:,}"
    return f"{about}{words.significant(float(value), _DIGITS)}"


def _whole(value: float | None) -> str:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else exact(value)


def outliers(histogram: Histogram, found: Statistics) -> str:
    """What a histogram leaves out at its ends, and what stands beside it; empty for nothing."""
    said = []
    reach = histogram.range
    for count, side, border in (
        (histogram.below, "below", reach.low),
        (histogram.above, "above", reach.high),
    ):
        if count:
            said.append(f"{_amount(count, found)} {side} {words.significant(border)}")
    sentence = f"Not drawn: {' and '.join(said)}." if said else ""
    return words_of(sentence, odd_values(found))


def odd_values(found: Statistics) -> str:
    """The values that no chart can show; empty for none."""
    said = [
        f"{_amount(count, found)} {what}"
        for count, what in (
            (found.nans, "NaN"),
            (found.positive_infinite, "+Inf"),
            (found.negative_infinite, "−Inf"),
        )
        if count
    ]
    return f"Besides: {', '.join(said)}." if said else ""


def _amount(count: int, found: Statistics) -> str:
    return words.count(count) if found.exact else f"about {words.percent(count / found.count)}"


def histogram_summary(histogram: Histogram, found: Statistics) -> str:
    """A histogram for those who cannot see it."""
    most = int(np.argmax(histogram.counts))
    return words_of(
        f"Histogram from {brief(histogram.range.low)} to {brief(histogram.range.high)}.",
        f"The fullest bin is {bin_text(histogram, most, found)}.",
        outliers(histogram, found),
    )


def words_of(*sentences: str) -> str:
    """Sentences on one line, empty ones left out."""
    return " ".join(sentence for sentence in sentences if sentence)


def bin_text(histogram: Histogram, place: int, found: Statistics) -> str:
    """A bin and what it holds."""
    low, high = float(histogram.edges[place]), float(histogram.edges[place + 1])
    count = int(histogram.counts[place])
    part = words.percent(count / max(found.count, 1))
    held = f"{words.count(count)} ({part})" if found.exact else f"≈ {part}"
    if histogram.whole:
        return f"{round(low + 0.5):,}: {held}"
    return f"{brief(low)} … {brief(high)}: {held}"


def index_text(index: Sequence[int]) -> str:
    """An index as Python writes it."""
    return f"[{', '.join(map(str, index))}]"


def cell_text(grid: Grid, row: int, column: int) -> str:
    """What a picture says of a cell: its number, or, where several share one, what they are like."""
    found = grid.cell_of(row, column)
    if found is None:
        return ""
    low, mean, high = float(grid.low[found]), float(grid.mean[found]), float(grid.high[found])
    odd = odd_text(int(grid.odd[found]))
    if grid.single:
        return odd or brief(mean, _DIGITS)
    if math.isnan(mean):
        return f"nothing but {odd}"
    sampled = "" if grid.complete else "≈ "
    return f"{sampled}{brief(low)} … {brief(high)}, mean {brief(mean)}{f', also {odd}' if odd else ''}"


def odd_text(flags: int) -> str:
    """Which values there are that are not finite."""
    return ", ".join(text for flag, text in _ODD if flags & flag)


def span_text(begin: int, end: int) -> str:
    """Indices from ``begin`` to ``end``, exclusive."""
    return f"{begin}" if end - begin <= 1 else f"{begin}–{end - 1}"
