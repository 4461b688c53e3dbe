"""Recordings of things that never happened, and what they should read as."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from typing import Any

from apbundle.errors import bundle_error
from apbundle.trace import records
from apbundle.trace.decoding import EventArray
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, Kind, RecordingHeader, Totals
from apbundle.trace.units import UnitList

NAMES = tuple(f"unit {number}" for number in range(50))
SIZES = tuple(range(100, 150))

Row = tuple[int, int, int, int, int]  # kind, cause, unit, bytes, other


def header(names: Sequence[str] = NAMES, sizes: Sequence[int] = SIZES, **changes: Any) -> RecordingHeader:
    begun = RecordingHeader.now(bundle="/models.apbundle", units=UnitList(names, sizes))
    return dataclasses.replace(begun, **changes)


def rows(events: EventArray) -> list[Row]:
    return list(zip(*(events[column].tolist() for column in ("kind", "cause", "unit", "bytes", "other")), strict=True))


def drain(reader: RecordingReader, limit: int = 4 << 20) -> list[Row]:
    found: list[Row] = []
    while len(events := reader.poll(limit)):
        found += rows(events)
    return found


class Scribe:
    """Writes at random, and knows what it wrote."""

    def __init__(self, writer: RecordingWriter, seed: int = 0) -> None:
        self.writer = writer
        self.random = random.Random(seed)
        self.rows: list[Row] = []
        self.totals = Totals()

    def operation(self) -> None:
        choice, unit = self.random.randrange(10), self.random.randrange(len(NAMES))
        size, totals = SIZES[unit], self.totals
        if choice < 4:
            units = [self.random.randrange(len(NAMES)) for _ in range(self.random.choice((1, 7, 8, 9, 100, 5000)))]
            self.writer.hits(units)
            self.rows += [(Kind.HIT, 0, u, SIZES[u], NONE) for u in units]
            totals.hits += len(units)
        elif choice < 6:
            cause = self.random.choice(("demand", "hint", "inline", "background"))
            self.writer.loaded(unit, size, cause, 1500)
            kind = Kind.MISS if cause == "demand" else Kind.PREFETCH
            self.rows.append((kind, records.LOAD_CAUSES[cause], unit, size, NONE))
            totals.misses += kind == Kind.MISS
            totals.prefetches += kind == Kind.PREFETCH
            totals.bytes_loaded += size
            totals.memory_used += size
        elif choice < 7 and totals.memory_used >= size:
            needed_by = self.random.choice((None, 3))
            self.writer.evicted(unit, size, "room" if needed_by else "request", needed_by)
            self.rows.append((Kind.EVICT, 1 if needed_by else 2, unit, size, needed_by or NONE))
            totals.evictions += 1
            totals.memory_used -= size
        elif choice < 8:
            self.writer.prefetch_used(unit, size)
            self.rows.append((Kind.PREFETCH_USED, 0, unit, size, NONE))
        elif choice < 9:
            error = bundle_error("changed_on_disk", "It changed.") if unit % 2 else OSError(5, "broken disk")
            self.writer.load_failed(unit, "demand", error, 10)
            self.rows.append((Kind.ERROR, 1, unit, 0, 1 if unit % 2 else 65541))
        else:
            self.writer.cleared(totals.memory_used)
            self.rows.append((Kind.CLEAR, 0, NONE, totals.memory_used, NONE))
            totals.memory_used = 0
        totals.events = len(self.rows)
        self.writer.flush()
