"""Misses: what a load costs, over a map and into memory, against a bare read into a buffer that is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from measure import MIB, Row, in_turn

from apbundle import ModelBundle, PagedBundle, PagingConfig

UNIT = 4 * MIB
_MISSES = 100


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Two models under a limit of one: each access evicts the other."""
    for size in (4 << 10, MIB):
        yield from _misses(_built(folder, size), size, f"a miss of {size >> 10:,} KiB", None)
    built = _built(folder, UNIT)
    yield from _misses(built, UNIT, "load 4 MiB, warm, as built", 0.05)
    small = folder / "small.apbundle"
    with built.open("rb") as source, small.open("wb", buffering=0) as target:
        while piece := source.read(4096):
            target.write(piece)
    yield from _misses(small, UNIT, "load 4 MiB, warm, file written in 4 KiB pieces", 1.0)


def _built(folder: Path, size: int) -> Path:
    path = folder / f"misses{size}.apbundle"
    ModelBundle.builder(path).add_model("a", os.urandom(size)).add_model("b", os.urandom(size)).build().close()
    return path


def _misses(path: Path, size: int, operation: str, goal: float | None) -> Iterator[Row]:
    descriptor = os.open(path, os.O_RDONLY)
    buffer = bytearray(size)
    try:
        with PagedBundle.open(path, PagingConfig(max_memory=size, prefetch=False)) as paged:

            def load() -> None:
                for _ in range(_MISSES // 2):
                    paged.get_model("a")
                    paged.get_model("b")

            def read() -> None:
                for _ in range(_MISSES):
                    os.preadv(descriptor, [buffer], 20)

            times = in_turn({"ours": load, "preadv into a kept buffer": read}, rounds=15)
            assert paged.stats().hits == 0, "every access must miss"
    finally:
        os.close(descriptor)
    yield from times.rows(operation, {"preadv into a kept buffer": goal}, per=_MISSES)
