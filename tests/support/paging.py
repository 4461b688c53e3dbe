"""Small things to page, and the golden traces."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apbundle.paging.pager import Pager
from apbundle.paging.sources import HeapSource
from apbundle.paging.stats import PagingStats
from apbundle.paging.units import Unit
from apbundle.trace.workload import Operation, parse_ops

GOLDEN_TRACES = (
    "lru_case_study",
    "lru_mixed_ops",
    "lru_prefetch1",
    "lru_prefetch2",
    "lru_scan",
    "lru_tight",
    "lru_zipf",
)


@dataclass(frozen=True)
class GoldenTrace:
    """A run of the reference implementation: settings, operations, and the table of what came of each."""

    settings: dict[str, Any]
    operations: list[Operation]
    expected: list[str]
    sizes: dict[str, int]

    @classmethod
    def load(cls, folder: Path, name: str) -> GoldenTrace:
        settings = json.loads((folder / f"{name}.json").read_text("utf-8"))
        bundle = json.loads((folder / settings["bundle"]).with_suffix(".json").read_text("utf-8"))
        table = (folder / settings["expected"]).read_text("utf-8")
        return cls(
            settings,
            parse_ops((folder / settings["ops"]).read_text("utf-8")),
            table.removesuffix("\n").split("\n"),
            {model["name"]: model["size"] for model in bundle["models"]},
        )


def units_of(sizes: Mapping[str, int]) -> dict[str, Unit]:
    """Units in the order of their names' first appearance."""
    return {name: Unit(number, name, size) for number, (name, size) in enumerate(sizes.items())}


def content(unit: Unit) -> bytes:
    """Bytes that only this unit has."""
    return (unit.name.encode() + bytes([unit.id % 251]) + b"|") * (unit.size // (len(unit.name.encode()) + 2) + 1)


def fill(unit: Unit, into: memoryview) -> None:
    """A read that always works."""
    into[:] = content(unit)[: unit.size]


def make_pager(
    units: Iterable[Unit], max_memory: int, *, read: Callable[[Unit, memoryview], None] = fill, **options: Any
) -> Pager:
    """A pager over heap buffers."""
    table = {unit.name: unit for unit in units}
    return Pager(table.get, HeapSource(read), max_memory=max_memory, **options)


@dataclass
class PagerAsBundle:
    """A pager under the names of the paged bundle's methods."""

    pager: Pager

    def get_model(self, name: str, /) -> memoryview:
        return self.pager.get(name)

    def prefetch_hint(self, name: str, /) -> None:
        self.pager.hint(name)

    def evict(self, name: str, /) -> bool:
        return self.pager.evict(name)

    def clear_cache(self) -> None:
        self.pager.clear()

    def stats(self) -> PagingStats:
        return self.pager.stats()

    @property
    def cached_names(self) -> tuple[str, ...]:
        return self.pager.cached_names
