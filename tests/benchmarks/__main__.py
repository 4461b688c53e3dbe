"""Measure the library against its peers and print one table: ``python tests/benchmarks [--quick] [NAME …]``."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import analysing
import building
import hits
import inspecting
import items
import loading
import opening
import prefetching
import reading
import verifying
import walking
import window
from measure import Row
from rich.console import Console
from rich.table import Table

BENCHMARKS: Final[dict[str, Callable[..., Iterator[Row]]]] = {
    "opening": opening.rows,
    "items": items.rows,
    "hits": hits.rows,
    "loading": loading.rows,
    "walking": walking.rows,
    "reading": reading.rows,
    "prefetching": prefetching.rows,
    "analysing": analysing.rows,
    "verifying": verifying.rows,
    "building": building.rows,
    "window": window.rows,
    "inspect": inspecting.rows,
}


def main() -> None:
    """Run what was asked for in a temporary folder; all of it takes half an hour and up to 9 GiB of disk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small inputs and few rounds")
    parser.add_argument("--folder", help="where to put the files (default: the system's temporary folder)")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    console = Console(width=140)
    busy = _load()
    table = Table("operation", "ours", "peer", "peer's", "ratio", "goal", "met", box=None, pad_edge=False)
    for name in options.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            for row in BENCHMARKS[name](Path(folder), quick=options.quick):
                cells = _cells(row)
                table.add_row(*cells)
                console.print(f"[dim]{'  '.join(cells)}[/]", highlight=False)
    console.print(f"{os.cpu_count()} processors; tasks that wanted one: {busy} at the start, {_load()} at the end")
    console.print()
    console.print(table)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _cells(row: Row) -> tuple[str, ...]:
    goal = "= 1" if row.exact else "" if row.goal is None else f"≤ {row.goal:.3g}"
    met = {True: "yes", False: "no", None: ""}[row.met]
    theirs = "" if row.theirs is None else _amount(row.theirs, row.unit)
    ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
    return row.operation, _amount(row.ours, row.unit), row.peer, theirs, ratio, goal, met


def _amount(value: float, unit: str) -> str:
    if unit == "":
        return f"{value:,.0f}"
    if unit != "s":
        return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"
    for unit, scale in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


if __name__ == "__main__":
    main()
