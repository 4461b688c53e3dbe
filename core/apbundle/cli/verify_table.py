"""What ``apbundle verify`` found, drawn for people; it loads little, for the program starts anew for each bundle."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from apbundle.cli.drawing import MOST_ROWS, grid, headline, plural, tell_rest, text
from apbundle.errors import Finding
from apbundle.format.reader import BundleReader
from apbundle.format.verify import VerifyReport
from apbundle.text import format_size

_STATUS_STYLES = {"verified": "bold green", "failed": "bold red", "no_checksums": "bold yellow"}


def verify_tables(reader: BundleReader, report: VerifyReport, *, file_compared: bool) -> list[RenderableType]:
    """What ``verify`` says; ``file_compared`` if the whole file was held against a digest too."""
    style = _STATUS_STYLES[report.status]
    read = format_size(reader.file_size)
    if report.status == "failed":
        rows = [("error", finding) for finding in report.findings]
        return [headline("failed", style, reader.path, plural(len(rows), "finding")), "", findings_table(rows)]
    if report.status == "verified":
        models = plural(len(reader.manifest), "model")
        said = f"every byte of {read} is what was written: {models}, {digest_algorithm(reader)}"
    else:
        said = f"nothing is wrong in {read}, but without checksums damage to a model cannot be seen"
    if file_compared:
        said += "; the file has the SHA-256 expected"
    return [headline(report.status.replace("_", " "), style, reader.path, said)]


def findings_table(findings: Sequence[tuple[str, Finding]]) -> Table:
    """What is wrong or odd, each an ``"error"`` or a ``"warning"``."""
    rows = grid((), "", "", "dim", "")
    for level, finding in findings[:MOST_ROWS]:
        place = "" if finding.offset is None else f"byte {finding.offset:,}"
        style = "bold red" if level == "error" else "yellow"
        rows.add_row(Text(level, style), finding.code, place, text(finding.message))
    tell_rest(rows, len(findings))
    return rows


def digest_algorithm(reader: BundleReader) -> str:
    """What the digests of a bundle are made with, ``"none"`` if it has none."""
    digests = reader.extension.digests if reader.extension else None
    return "none" if digests is None else digests.algorithm.name
