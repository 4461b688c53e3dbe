"""What ``compare`` found, drawn for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from apbundle.cli.drawing import grid, headline, indented, table, text
from apbundle.text import format_size, plural
from apbundle.trace.compare import ComparedOutcome, Comparison
from apbundle.trace.limits import Limits
from apbundle.trace.policies import BELADY, PolicyFacts


def comparison_tables(
    path: str, policy: str | None, limits: Limits, comparison: Comparison
) -> Iterator[RenderableType]:
    """The rows of a comparison; ``policy`` and ``limits`` are what the recording was made with, where that is known."""
    if not comparison.accesses:
        yield headline("compared", "bold yellow", path, "nothing was accessed in this recording")
        return
    count = "1 access" if comparison.accesses == 1 else f"{comparison.accesses:,} accesses"
    said = f"{count} to {plural(comparison.units, 'unit')}, {format_size(comparison.footprint)} together"
    if policy is not None and limits.last is not None:
        said += f"; recorded with {policy} under {limits.words()}"
    marks = limits.marks()
    yield headline("compared", "bold green", path, said)
    yield ""
    drawn = table(">Limit", ">Share", "Policy", ">Hit rate", ">Byte hit rate", ">Evictions", ">Loaded", "")
    for row, following in zip(comparison.rows, (*comparison.rows[1:], None), strict=True):
        outcome = row.outcome
        style = "bold" if row.is_best else ""
        drawn.add_row(
            format_size(outcome.limit),
            f"{outcome.limit / comparison.footprint:.0%}" if comparison.footprint else "",
            Text(row.facts.title, style),
            Text(f"{outcome.hit_rate:.1%}", style),
            f"{outcome.byte_hit_rate:.1%}",
            f"{outcome.evictions:,}",
            format_size(outcome.miss_bytes),
            text(_remarks(row, marks.get(outcome.limit, "") if outcome.policy == policy else ""), "dim"),
            end_section=following is not None and following.outcome.limit != outcome.limit,
        )
    yield drawn
    yield ""
    told = ((facts.title, text(_told(facts, comparison))) for facts in comparison.policies)
    yield indented(grid(told, "bold", "dim"))


def _remarks(row: ComparedOutcome, recorded: str) -> str:
    remarks = [
        (bool(recorded), recorded),
        (row.is_best, "most hits"),
        (row.is_bound, "bound: none can have more"),
        (row.refused_units > 0, f"refuses {plural(row.refused_units, 'unit')}"),
    ]
    return ", ".join(remark for applies, remark in remarks if applies)


def _told(facts: PolicyFacts, comparison: Comparison) -> str:
    if facts.name != BELADY:
        return facts.summary
    if comparison.one_size:
        return f"{facts.summary} A bound here, where all units have one size."
    return f"{facts.summary} No bound here, where units differ in size: another may have more hits."
