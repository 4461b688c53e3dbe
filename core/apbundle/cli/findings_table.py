"""What is wrong with a bundle, or odd, drawn for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from apbundle.cli.drawing import MOST_ROWS, grid, tell_rest, text
from apbundle.errors import Finding


def findings_table(findings: Sequence[tuple[str, Finding]]) -> Table:
    """What is wrong or odd, each an ``"error"`` or a ``"warning"``."""
    rows = grid((), "", "", "dim", "")
    for level, finding in findings[:MOST_ROWS]:
        place = "" if finding.offset is None else f"byte {finding.offset:,}"
        style = "bold red" if level == "error" else "yellow"
        rows.add_row(Text(level, style), finding.code, place, text(finding.message))
    tell_rest(rows, len(findings))
    return rows
