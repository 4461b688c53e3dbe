"""What the commands found, drawn for people."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from apbundle.cli.drawing import (
    MOST_ROWS,
    grid,
    headline,
    indented,
    name,
    size,
    table,
    tell_rest,
    text,
    timestamp,
)
from apbundle.cli.findings_table import findings_table
from apbundle.cli.metadata_table import metadata_rows
from apbundle.errors import Finding
from apbundle.format.extract import Extracted
from apbundle.format.reader import BundleReader
from apbundle.payload.detect import UNKNOWN, format_title
from apbundle.text import format_size, plural, printable

_DIGEST_SHOWN = 12


def bundle_tables(reader: BundleReader, formats: Sequence[str]) -> list[RenderableType]:
    """All about an open bundle; ``formats`` has those of the first models, ``MOST_ROWS`` at the most."""
    parts: list[RenderableType] = [text(reader.path, "bold"), indented(_facts(reader))]
    if len(reader.manifest):
        parts += ["", _models(reader, formats)]
    metadata = metadata_rows(reader)
    if metadata:
        parts += ["", Text("Metadata", "bold"), indented(grid(metadata, "", "dim", ""))]
    findings = [("warning", finding) for finding in reader.warnings]
    if reader.extension_error is not None:
        error = reader.extension_error
        findings.insert(0, ("error", Finding(error.code, error.message, error.offset)))
    if findings:
        parts += ["", findings_table(findings)]
    return parts


def packed_tables(reader: BundleReader, word: str = "packed") -> list[RenderableType]:
    """What ``pack`` wrote, or another command that ``word`` tells of."""
    said = f"{plural(len(reader.manifest), 'model')}, {format_size(reader.file_size)}"
    return [headline(word, "bold green", reader.path, said)]


def extracted_tables(folder: str, written: Sequence[Extracted]) -> list[RenderableType]:
    """The files that ``extract`` wrote to ``folder``."""
    files = table("Model", "File", ">Size")
    for item in written[:MOST_ROWS]:
        files.add_row(name(item.name), text(os.path.basename(item.path)), format_size(item.size))
    tell_rest(files, len(written))
    said = f"{plural(len(written), 'file')}, {format_size(sum(item.size for item in written))}"
    return [headline("extracted", "bold green", folder, said), "", files]


def replay_table(counters: dict[str, Any]) -> RenderableType:
    """The counters after ``replay``."""
    cached = counters["cached"]
    rows = {
        "operations": f"{counters['operations']:,}",
        "hits": f"{counters['hits']:,}",
        "misses": f"{counters['misses']:,}",
        "hit rate": f"{counters['hit_rate']:.1%}",
        "evictions": f"{counters['evictions']:,}",
        "prefetches": f"{counters['prefetches']:,}",
        "bytes loaded": size(counters["bytes_loaded"]),
        "memory used": f"{size(counters['memory_used'])} of {size(counters['max_memory'])}",
        "cached": ", ".join(printable(item, 64) for item in cached[:20]) + (", …" if len(cached) > 20 else ""),
    }
    return _labelled(rows.items())


def _facts(reader: BundleReader) -> Table:
    manifest = reader.manifest
    rows = {
        "description": manifest.description,
        "created": timestamp(manifest.created_at),
        "size": size(reader.file_size),
        "models": f"{len(manifest):,} in {size(manifest.total_size)}",
        "format": f"version {reader.version}, alignment {reader.alignment:,}, data from byte {reader.data_offset:,}",
        "checksums": reader.digest_algorithm or "none",
    }
    return _labelled((label, value) for label, value in rows.items() if value)


def _labelled(rows: Iterable[tuple[str, str]]) -> Table:
    return grid(((label, text(value)) for label, value in rows), "dim", "")


def _models(reader: BundleReader, formats: Sequence[str]) -> Table:
    packed = bool(reader.extension and reader.extension.compression)
    headings = ["Model", "Format", ">Size"] + [">Stored"] * packed + [">Offset"] + ["Digest"] * reader.has_digests
    models = table(*headings)
    for entry, kind in zip(reader.manifest, formats, strict=False):
        title = text(format_title(kind), "dim" if kind == UNKNOWN else "", limit=24)
        cells: list[RenderableType] = [name(entry.name), title, format_size(entry.raw_size)]
        if packed:
            cells.append(format_size(entry.size) if entry.compressed else "")
        cells.append(f"{entry.offset:,}")
        if entry.digest:
            cells.append(Text(f"{entry.digest.hex[:_DIGEST_SHOWN]}…", "dim"))
        models.add_row(*cells)
    tell_rest(models, len(reader.manifest))
    return models
