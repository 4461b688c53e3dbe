"""Misses: what a load costs, over a map and into memory, against a bare read into a buffer that is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import MIB, PROCESSOR, Row, Times, in_turn

from apbundle import ModelBundle, PagedBundle, PagingConfig

UNIT = 4 * MIB
PREADV = "preadv into a kept buffer"
_MISSES = 100

Load = Callable[[PagedBundle, int], object]


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Two units in turn under a limit of one: each access evicts the other."""
    rounds = 3 if quick else 15
    for size in (4 << 10, MIB):
        path = folder / f"models{size}.apbundle"
        ModelBundle.builder(path).add_model("0", os.urandom(size)).add_model("1", os.urandom(size)).build().close()
        config = PagingConfig(max_memory=size, prefetch=False)
        yield from _misses(path, config, size, rounds, lambda paged, which: paged.get_model(str(which))).rows(
            f"a miss of {size >> 10:,} KiB", {PREADV: None}, per=_MISSES
        )
    built, small = folder / "pages.apbundle", folder / "small.apbundle"
    ModelBundle.builder(built).add_model("large", os.urandom(8 * UNIT)).build().close()
    with built.open("rb") as source, small.open("wb", buffering=0) as target:
        while piece := source.read(4096):
            target.write(piece)
    config = PagingConfig(max_memory=UNIT, granularity="page", page_size=UNIT, prefetch=False)
    for path, how, goal in ((built, "as built", 0.05), (small, "file written in 4 KiB pieces", 1.0)):
        times = _misses(path, config, UNIT, rounds, lambda paged, which: paged.read("large", (2 + which) * UNIT, UNIT))
        yield from times.rows(f"load 4 MiB, warm, {how}", {PREADV: goal}, per=_MISSES)


def _misses(path: Path, config: PagingConfig, size: int, rounds: int, load: Load) -> Times:
    descriptor = os.open(path, os.O_RDONLY)
    buffer = bytearray(size)
    try:
        with PagedBundle.open(path, config) as paged:

            def ours() -> None:
                for _ in range(_MISSES // 2):
                    load(paged, 0)
                    load(paged, 1)

            def read() -> None:
                for _ in range(_MISSES):
                    os.preadv(descriptor, [buffer], 20)

            times = in_turn({"ours": ours, PREADV: read}, rounds, clock=PROCESSOR)
            assert paged.stats().hits == 0, "every access must miss"
    finally:
        os.close(descriptor)
    return times
