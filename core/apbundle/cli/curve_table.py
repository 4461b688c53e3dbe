"""What ``curve`` found, drawn for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from apbundle.cli.drawing import bar, headline, size, table, text
from apbundle.text import format_size, plural
from apbundle.trace.curve import Curve

_ROWS = 12


@dataclass(frozen=True, slots=True)
class Target:
    """A hit rate that was asked for, and the limit it takes in bytes, if any."""

    rate: float
    limit: int | None


def curve_tables(path: str, curve: Curve, target: Target | None) -> Iterator[RenderableType]:
    """Some limits of a curve, those of the recording among them."""
    if not curve.accesses:
        yield headline("curve", "bold yellow", path, "nothing was accessed in this recording")
        return
    count = "1 access" if curve.accesses == 1 else f"{curve.accesses:,} accesses"
    said = f"{count}; the units accessed have {format_size(curve.footprint)} together, the largest "
    yield headline("curve", "bold green", path, said + format_size(curve.smallest))
    yield ""
    yield _rows(curve, _marks(curve, target))
    remarks = list(_remarks(curve, target))
    if remarks:
        yield ""
    for remark in remarks:
        yield text(remark)


def _rows(curve: Curve, marks: dict[int, list[str]]) -> RenderableType:
    drawn = table(">Limit", ">Hit rate", ">Byte hit rate", "", "")
    spread = np.linspace(curve.smallest, curve.working_set, _ROWS).astype(np.int64).tolist()
    for limit in sorted({*spread, *marks}):
        rate = curve.hit_rate(limit)
        style = "bold" if limit in marks else ""
        drawn.add_row(
            Text(format_size(limit), style),
            Text(f"{rate:.1%}", style),
            f"{curve.byte_hit_rate(limit):.1%}",
            Text(bar(rate), "green"),
            text(", ".join(marks.get(limit, ())), "dim"),
        )
    return drawn


def _marks(curve: Curve, target: Target | None) -> dict[int, list[str]]:
    """What is to be said of single limits."""
    marks: dict[int, list[str]] = {}

    def mark(limit: int | None, said: str) -> None:
        if limit is not None and limit >= curve.smallest:
            marks.setdefault(limit, []).append(said)

    for limit, said in curve.in_force.marks().items():
        mark(limit, said)
    mark(target.limit if target else None, f"enough for {target.rate:.1%}" if target else "")
    mark(curve.knee, "knee: from here on memory gains less")
    mark(curve.working_set, "working set: only first accesses miss")
    return marks


def _remarks(curve: Curve, target: Target | None) -> Iterator[str]:
    limits = curve.in_force
    if limits.changes:
        yield f"It was recorded under {limits.words()}: no single limit of the curve is what was recorded."
    if limits.least is not None and limits.least < curve.smallest:
        which = "lowest recorded" if limits.changes else "recorded"
        yield (
            f"The {which} limit, {format_size(limits.least)}, is below the largest unit, where the curve begins: "
            "apbundle compare replays it."
        )
    if target is None:
        return
    if target.limit is None:
        first = plural(curve.accesses - curve.hits_at(curve.working_set), "unit")
        yield f"No limit gives a hit rate of {target.rate:.1%}: {first} had to be loaded once."
    else:
        yield f"A hit rate of {target.rate:.1%} takes {size(target.limit)}."
