"""Run operations against a paged bundle, and say after each what is counted and what is cached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from apbundle.trace.workload import Operation

COLUMNS: Final = (
    "op",
    "name",
    "result",
    "hits",
    "misses",
    "evictions",
    "bytes_loaded",
    "memory_used",
    "prefetches",
    "cached",
)
"""The columns of a step, in the order they are written."""


class Counters(Protocol):
    """The counters a paged object tells."""

    @property
    def hits(self) -> int:
        """Accesses that found their unit."""

    @property
    def misses(self) -> int:
        """Accesses that loaded it."""

    @property
    def evictions(self) -> int:
        """Units dropped, on request or to make room."""

    @property
    def bytes_loaded(self) -> int:
        """Raw bytes loaded."""

    @property
    def memory_used(self) -> int:
        """Raw bytes cached now."""

    @property
    def prefetches(self) -> int:
        """Units loaded ahead."""


class Paged(Protocol):
    """What operations are run against; ``PagedBundle`` is one."""

    def get_model(self, name: str, /) -> memoryview:
        """The bytes of a model."""

    def prefetch_hint(self, name: str, /) -> None:
        """Load a model ahead."""

    def evict(self, name: str, /) -> bool:
        """Drop a model; whether it was cached."""

    def clear_cache(self) -> None:
        """Drop all models."""

    def stats(self) -> Counters:
        """The counters now."""

    @property
    def cached_names(self) -> tuple[str, ...]:
        """The names of the cached models."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an operation gave and what it left behind.

    Parameters
    ----------
    op, name
        The operation.
    result
        ``ok:SIZE`` of a get, ``true`` or ``false`` of an evict, else ``ok``.
    hits, misses, evictions, bytes_loaded, memory_used, prefetches
        The counters after it.
    cached
        The names of the cached models after it, sorted.
    """

    op: str
    name: str
    result: str
    hits: int
    misses: int
    evictions: int
    bytes_loaded: int
    memory_used: int
    prefetches: int
    cached: tuple[str, ...]

    def to_tsv(self) -> str:
        """The columns of :data:`COLUMNS` with tabs between, without a line end."""
        values: list[Any] = [getattr(self, column) for column in COLUMNS[:-1]]
        return "\t".join(map(str, [*values, ",".join(self.cached)]))


def apply(paged: Paged, operation: Operation) -> str:
    """Run one operation; its result as :class:`Step` has it.

    Raises
    ------
    ModelNotFound
        A ``get`` of a name that does not exist. A hint of one is ``ok`` and an evict ``false``.
    """
    if operation.op == "get":
        return f"ok:{len(paged.get_model(operation.name))}"
    if operation.op == "hint":
        paged.prefetch_hint(operation.name)
        return "ok"
    if operation.op == "evict":
        return "true" if paged.evict(operation.name) else "false"
    if operation.op == "clear":
        paged.clear_cache()
        return "ok"
    raise ValueError(f"unknown operation {operation.op!r}")


def run_ops(paged: Paged, operations: Iterable[Operation]) -> Iterator[Step]:
    """Run the operations one by one, with a step after each.

    Raises
    ------
    ModelNotFound
        As :func:`apply`.
    """
    for operation in operations:
        result = apply(paged, operation)
        stats = paged.stats()
        yield Step(
            operation.op,
            operation.name,
            result,
            stats.hits,
            stats.misses,
            stats.evictions,
            stats.bytes_loaded,
            stats.memory_used,
            stats.prefetches,
            tuple(sorted(paged.cached_names)),
        )
