"""Measure the library against its peers and print one table: ``python tests/benchmarks [--quick]``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import building
import opening
import paging
import window
from measure import Row
from rich.console import Console
from rich.table import Table


def main() -> None:
    """Run everything in a temporary folder; takes some minutes and up to 9 GiB of disk, seconds with ``--quick``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small inputs and few rounds")
    parser.add_argument("--folder", help="where to put the files (default: the system's temporary folder)")
    options = parser.parse_args()
    console = Console(width=132)
    table = Table("operation", "ours", "peer", "peer's", "ratio", "goal", box=None, pad_edge=False)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for benchmark in (opening, paging, building, window):
            for row in benchmark.rows(Path(folder), quick=options.quick):
                table.add_row(*_cells(row))
                console.print(f"[dim]{row.operation}: {row.ratio:.3g}[/]", highlight=False)
    console.print(table)


def _cells(row: Row) -> tuple[str, ...]:
    goal = "" if row.goal is None else f"≤ {row.goal:g} {'✓' if row.ratio <= row.goal else '✗'}"
    return row.operation, _amount(row.ours, row.unit), row.peer, _amount(row.theirs, row.unit), f"{row.ratio:.3g}", goal


def _amount(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:.3g} {unit}"
    for unit, scale in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


if __name__ == "__main__":
    main()
