"""What the commands found, drawn for people. Every text of a bundle goes through ``printable`` and is never markup."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from apbundle.errors import Finding
from apbundle.format import layout
from apbundle.format.extract import Extracted
from apbundle.format.reader import BundleReader
from apbundle.format.verify import VerifyReport
from apbundle.payload.detect import UNKNOWN, format_title
from apbundle.text import format_size, printable

MOST_ROWS = 1000
"""Rows of one table: JSON has them all."""
_LONGEST_NAME = 100
_LONGEST_VALUE = 1024
_DIGEST_SHOWN = 12
_METADATA_ORDER = ("version", "architecture", "hyperparameters", "custom", "components")
_STATUS_STYLES = {"verified": "bold green", "failed": "bold red", "no_checksums": "bold yellow"}


def bundle_tables(reader: BundleReader, formats: Sequence[str]) -> list[RenderableType]:
    """All about an open bundle; ``formats`` has those of the first models, :data:`MOST_ROWS` at the most."""
    parts: list[RenderableType] = [_facts(reader)]
    if len(reader.manifest):
        parts += ["", _models(reader, formats)]
    metadata = _metadata_rows(reader)
    if metadata:
        parts += ["", Text("Metadata", "bold"), _indented(_grid(metadata, ("", "dim", "")))]
    findings = [("warning", finding) for finding in reader.warnings]
    if reader.extension_error is not None:
        error = reader.extension_error
        findings.insert(0, ("error", Finding(error.code, error.message, error.offset)))
    if findings:
        parts += ["", _findings(findings)]
    return parts


def packed_tables(reader: BundleReader) -> list[RenderableType]:
    """What ``pack`` wrote."""
    count, size = len(reader.manifest), reader.file_size
    return [_headline("packed", "bold green", reader.path, f"{_plural(count, 'model')}, {format_size(size)}")]


def verify_tables(reader: BundleReader, report: VerifyReport, *, file_compared: bool) -> list[RenderableType]:
    """What ``verify`` says; ``file_compared`` if the whole file was held against a digest too."""
    style = _STATUS_STYLES[report.status]
    size = format_size(reader.file_size)
    if report.status == "failed":
        found = _plural(len(report.findings), "finding")
        rows = [("error", finding) for finding in report.findings]
        return [_headline("failed", style, reader.path, found), "", _findings(rows)]
    if report.status == "verified":
        models = _plural(len(reader.manifest), "model")
        said = f"every byte of {size} is what was written: {models}, {_digest_algorithm(reader)}"
    else:
        said = f"nothing is wrong in {size}, but without checksums damage to a model cannot be seen"
    if file_compared:
        said += "; the file has the SHA-256 expected"
    return [_headline(report.status.replace("_", " "), style, reader.path, said)]


def extracted_tables(folder: str, written: Sequence[Extracted]) -> list[RenderableType]:
    """The files that ``extract`` wrote to ``folder``."""
    table = _table("Model", "File", ">Size")
    for item in written[:MOST_ROWS]:
        table.add_row(_name(item.name), _text(os.path.basename(item.path)), format_size(item.size))
    _tell_rest(table, len(written))
    said = f"{_plural(len(written), 'file')}, {format_size(sum(item.size for item in written))}"
    return [_headline("extracted", "bold green", folder, said), "", table]


def replay_table(counters: dict[str, Any]) -> RenderableType:
    """The counters after ``replay``."""
    cached = counters["cached"]
    rows = [
        ("operations", f"{counters['operations']:,}"),
        ("hits", f"{counters['hits']:,}"),
        ("misses", f"{counters['misses']:,}"),
        ("hit rate", f"{counters['hit_rate']:.1%}"),
        ("evictions", f"{counters['evictions']:,}"),
        ("prefetches", f"{counters['prefetches']:,}"),
        ("bytes loaded", _bytes(counters["bytes_loaded"])),
        ("memory used", f"{_bytes(counters['memory_used'])} of {_bytes(counters['max_memory'])}"),
        ("cached", ", ".join(printable(name, 64) for name in cached[:20]) + (", …" if len(cached) > 20 else "")),
    ]
    return _grid(rows, ("dim", ""))


def _facts(reader: BundleReader) -> RenderableType:
    manifest = reader.manifest
    rows = [
        ("created", _timestamp(manifest.created_at)),
        ("size", _bytes(reader.file_size)),
        ("models", f"{len(manifest):,} in {_bytes(manifest.total_size)}"),
        ("format", f"version {reader.version}, alignment {reader.alignment:,}, data from byte {reader.data_offset:,}"),
        ("checksums", _digest_algorithm(reader)),
    ]
    if manifest.description:
        rows.insert(0, ("description", printable(manifest.description, _LONGEST_VALUE)))
    table = _grid(rows, ("dim", ""))
    grid = Table.grid()
    grid.add_row(Text(printable(reader.path), "bold", overflow="fold"))
    grid.add_row(_indented(table))
    return grid


def _digest_algorithm(reader: BundleReader) -> str:
    digests = reader.extension.digests if reader.extension else None
    return "none" if digests is None else digests.algorithm.name


def _models(reader: BundleReader, formats: Sequence[str]) -> Table:
    extension = reader.extension
    packed = bool(extension and extension.compression)
    headings = ["Model", "Format", ">Size"] + [">Stored"] * packed + [">Offset"] + ["Digest"] * reader.has_digests
    table = _table(*headings)
    for entry, kind in zip(reader.manifest, formats, strict=False):
        title = Text(format_title(kind)[:24], "dim" if kind == UNKNOWN else "")
        cells: list[RenderableType] = [_name(entry.name), title, format_size(entry.raw_size)]
        if packed:
            cells.append(format_size(entry.size) if entry.compressed else "")
        cells.append(f"{entry.offset:,}")
        if entry.digest:
            cells.append(Text(f"{entry.digest.hex[:_DIGEST_SHOWN]}…", "dim"))
        table.add_row(*cells)
    _tell_rest(table, len(reader.manifest))
    return table


def _metadata_rows(reader: BundleReader) -> list[tuple[str, str, str]]:
    """Whose, which key as ``pack --meta`` takes it, and the value."""
    extension = reader.extension
    if extension is None:
        return []
    rows = _owned("(the bundle)", extension.bundle_metadata.items())
    for name, metadata in extension.models.items():
        stored = metadata.stored(reader.entry(name).raw_size)
        stored.pop("format", None)  # it has a column
        parts = (part for key in sorted(stored, key=_metadata_order) for part in _flattened(key, stored[key]))
        rows += _owned(printable(name, _LONGEST_NAME) or '""', parts)
        if len(rows) > MOST_ROWS:
            return [*rows[:MOST_ROWS], ("…", "", "--json lists all")]
    return rows


def _metadata_order(key: str) -> tuple[int, str]:
    return (_METADATA_ORDER.index(key) if key in _METADATA_ORDER else len(_METADATA_ORDER)), key


def _owned(owner: str, parts: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Rows of which only the first says whose they are."""
    return [("" if index else owner, key, value) for index, (key, value) in enumerate(parts)]


def _flattened(key: str, value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        return [(f"{key}.{name}", str(item)) for name, item in sorted(value.items())]
    if isinstance(value, list):
        return [(key, f"{len(value):,}: {', '.join(map(str, value[:20]))}{', …' if len(value) > 20 else ''}")]
    return [(key, str(value))]


def _findings(findings: Sequence[tuple[str, Finding]]) -> Table:
    table = _grid((), ("", "", "", ""))
    for level, finding in findings[:MOST_ROWS]:
        place = "" if finding.offset is None else f"byte {finding.offset:,}"
        style = "bold red" if level == "error" else "yellow"
        table.add_row(Text(level, style), finding.code, Text(place, "dim"), _text(finding.message))
    _tell_rest(table, len(findings))
    return table


def _table(*headings: str) -> Table:
    """An empty table; a heading with ``>`` is of numbers, which never fold."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in headings:
        number = heading.startswith(">")
        table.add_column(
            heading.removeprefix(">"),
            justify="right" if number else "left",
            no_wrap=number,
            overflow="fold",
        )
    return table


def _tell_rest(table: Table, count: int) -> None:
    if count > MOST_ROWS:
        table.add_row(Text(f"… and {count - MOST_ROWS:,} more; --json lists all", "dim"))


def _grid(rows: Iterable[tuple[str, ...]], styles: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for style in styles:
        table.add_column(style=style, overflow="fold")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    return table


def _indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, 2))


def _headline(word: str, style: str, path: str, said: str) -> Text:
    return Text.assemble((word, style), f"  {printable(path)}: {said}", overflow="fold")


def _name(name: str) -> Text:
    return Text(printable(name, _LONGEST_NAME) or '""', overflow="fold")


def _text(value: str) -> Text:
    return Text(printable(value, _LONGEST_VALUE), overflow="fold")


def _bytes(size: int) -> str:
    return format_size(size) if size < 1024 else f"{format_size(size)} ({size:,} bytes)"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _timestamp(seconds: int) -> str:
    if seconds > layout.LAST_TIMESTAMP:
        return f"{seconds:,} seconds after 1970: no date"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
