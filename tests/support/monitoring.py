"""Bundles to page, and what a naive reading of a recording says about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from apbundle import ModelBundle
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paging.stats import PagingStats
from apbundle.trace.decoding import EVENTS, EventArray
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, Kind


def make_bundle(path: Path, sizes: list[int]) -> str:
    """A bundle of models called ``model_0``, ``model_1``, … of these sizes."""
    builder = ModelBundle.builder(path)
    for number, size in enumerate(sizes):
        builder.add_model(f"model_{number}", bytes([number % 256]) * size)
    builder.build().close()
    return str(path)


def record(
    bundle: str, path: Path, names: Iterator[str], count: int, **settings: Any
) -> tuple[EventArray, PagingStats]:
    """Record ``count`` accesses; returns the events before the cache was emptied at the end, and the counters."""
    paged = PagedBundle.open(bundle, PagingConfig(**settings), record=path)
    for _ in range(count):
        paged.get_model(next(names))
    stats = paged.stats()
    paged.close()
    with RecordingReader.open(path) as reader:
        events = reader.read(0)
    return events[events["kind"] != Kind.CLEAR], stats


def event(kind: Kind, unit: int = 0, time: int = 0, **fields: int) -> tuple[Any, ...]:
    """One event, for :func:`events_of`."""
    values = {"time": time, "bytes": 0, "unit": unit, "other": NONE, "latency": 0, "kind": kind, "cause": 1} | fields
    return tuple(values[name] for name in EVENTS.names or ())


def events_of(*events: tuple[Any, ...]) -> EventArray:
    """An array of events."""
    return np.array(list(events), EVENTS)


@dataclass
class Naive:
    """A recording read one event after the other, with dictionaries."""

    sizes: list[int]
    limit: int

    def __post_init__(self) -> None:
        self.used = 0
        self.resident: set[int] = set()
        self.last_used: dict[int, int] = {}
        self.left_at: dict[int, int] = {}
        self.uses: dict[int, int] = {}

    def read(self, events: EventArray) -> Iterator[tuple[int, int, int, int]]:
        """For every event that is no hit: kind, unit, nanoseconds idle (-1: never used), bytes free before it."""
        for time, size, unit, kind in zip(
            *(events[c].tolist() for c in ("time", "bytes", "unit", "kind")), strict=True
        ):
            free = self.limit - self.used
            if kind == Kind.HIT:
                self.last_used[unit] = time
                self.uses[unit] = self.uses.get(unit, 0) + 1
            elif kind in (Kind.MISS, Kind.PREFETCH):
                yield kind, unit, time - self.left_at[unit] if unit in self.left_at else -1, free
                self.used += size
                self.resident.add(unit)
                self.last_used[unit] = time
                self.uses[unit] = self.uses.get(unit, 0) + (kind == Kind.MISS)
            elif kind == Kind.EVICT:
                yield kind, unit, time - self.last_used[unit] if unit in self.last_used else -1, free
                self.used -= size
                self.resident.discard(unit)
                self.left_at[unit] = time
            elif kind == Kind.CLEAR:
                yield kind, unit, -1, free
                self.used -= size
                self.left_at |= dict.fromkeys(self.resident, time)
                self.resident.clear()
