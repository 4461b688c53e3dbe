"""The tables of the Monitor page as CSV and JSON. Pure functions, for jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from apbundle.trace.records import NONE
from apbundle_gui.models.monitor_residency import NEVER, Residency
from apbundle_gui.models.monitor_rows import RowArray
from apbundle_gui.models.monitor_text import KIND_NAMES, sentence
from apbundle_gui.services.pacing import Pace

EVENT_COLUMNS: Final = ("time_ns", "event", "count", "unit", "name", "bytes", "what_happened")
UNIT_COLUMNS: Final = ("unit", "name", "bytes", "accesses", "in_memory", "last_used_ns", "left_ns")

Record = tuple[Any, ...]


def event_records(rows: RowArray, names: Sequence[str], policy: str, pace: Pace) -> list[Record]:
    """The rows of the table of events, as :data:`EVENT_COLUMNS`; hits in a row are one, on the unit hit most often."""
    records = []
    for row in rows:
        unit = int(row["unit"])
        known = unit if unit != NONE else None
        name = names[unit] if known is not None and unit < len(names) else None
        kind = KIND_NAMES.get(int(row["kind"]), str(int(row["kind"])))
        what = sentence(row, names, policy)
        records.append((int(row["time"]), kind, int(row["count"]), known, name, int(row["bytes"]), what))
        pace.step()
    return records


def unit_records(residency: Residency, names: Sequence[str], pace: Pace) -> list[Record]:
    """What is known of every unit, as :data:`UNIT_COLUMNS`."""
    records = []
    for unit in range(len(residency)):
        times = [int(column[unit]) for column in (residency.last_used, residency.left_at)]
        last_used, left = (None if time == NEVER else time for time in times)
        in_memory = bool(residency.resident[unit])
        size, uses = int(residency.sizes[unit]), int(residency.uses[unit])
        records.append((unit, names[unit], size, uses, in_memory, last_used, left))
        pace.step()
    return records


def as_csv(columns: Sequence[str], records: Iterable[Record]) -> bytes:
    """Records under a heading, as RFC 4180 has it; nothing stands where there is no value."""
    lines = (",".join(map(_cell, record)) for record in (columns, *records))
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "backslashreplace")


def as_json(columns: Sequence[str], records: Iterable[Record]) -> bytes:
    """A list of objects."""
    return json.dumps([dict(zip(columns, record, strict=True)) for record in records], indent=1).encode("ascii")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
