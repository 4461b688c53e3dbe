"""Where the ticks of the charts stand and what they say. Pure functions."""

from __future__ import annotations

import math
from typing import Final

from apbundle_gui.models import text as words

Ticks = list[tuple[float, str]]

_TIME_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)


def nice(value: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (and 0.1, 0.2, …) that is not below ``value``; 1 for nothing."""
    if not value > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1, 2, 5):
        if value <= factor * power * (1 + 1e-9):
            return factor * power
    return 10 * power


def count_ticks(top: float) -> Ticks:
    """Ticks from 0 to a nice ``top``, in two or more even parts."""
    parts = 2 if top < 5 or f"{top:e}"[0] != "5" else 5
    if parts == 5:
        return [(0.0, "0"), (top * 0.4, words.significant(top * 0.4)), (top * 0.8, words.significant(top * 0.8))]
    return [(top * part / parts, words.significant(top * part / parts)) for part in range(parts + 1)]


def share_ticks() -> Ticks:
    """Ticks of a share, from 0 to 1."""
    return [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")]


def size_ticks(top: float) -> Ticks:
    """Ticks of bytes from 0 to ``top``, at powers of two."""
    step = 1
    while top / step > 3:
        step *= 2
    return [(float(value), words.size(value) if value else "0") for value in range(0, int(top) + 1, step)]


def time_ticks(begin: float, end: float, most: int) -> Ticks:
    """Ticks of times from ``begin`` to ``end`` (seconds), ``most`` of them or fewer."""
    wanted = (end - begin) / max(most, 1)
    step = next((step for step in _TIME_STEPS if step >= wanted), _TIME_STEPS[-1] * math.ceil(wanted / _TIME_STEPS[-1]))
    first = math.ceil(begin / step - 1e-9)
    return [(float(place * step), moment(place * step)) for place in range(first, math.floor(end / step + 1e-9) + 1)]


def moment(seconds: int) -> str:
    """A time on the axis: ``45 s``, ``2:05``, ``1:02:05``."""
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
