"""Hits and misses of the pager: flat whatever is cached, and close to a bare read."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from measure import Row, in_turn, per_call

from apbundle import ModelBundle, PagedBundle, PagingConfig

_HITS = 50_000


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """One hit at 10, 1,000 and 100,000 cached models; one miss of 4 KiB and of 1 MiB."""
    yield from _hits(folder, 10_000 if quick else 100_000)
    for size in (4 << 10, 1 << 20):
        yield _miss(folder, size)


def _hits(folder: Path, most: int) -> Iterator[Row]:
    """The same model again and again, then models at random: then the processor's caches miss too, for everybody."""
    times = {}
    for count in (10, 1_000, most):
        path = folder / "hits.apbundle"
        builder = ModelBundle.builder(path)
        for index in range(count):
            builder.add_model(f"m{index}", b"weights!")
        builder.build().close()
        cache = {f"m{index}": index for index in range(count)}
        with PagedBundle.open(path, PagingConfig(max_memory="1GiB", prefetch=False)) as paged:
            for name in paged.model_names:
                paged.get_model(name)
            same = [f"m{count // 2}"] * _HITS
            varied = random.Random(1).choices(paged.model_names, k=_HITS)
            for names, what in ((same, "the same one"), (varied, "at random")):
                actions = {
                    "ours": partial(_look_up, paged.get_model, names),
                    "dict": partial(_look_up, cache.__getitem__, names),
                }
                found = in_turn(actions, rounds=9)
                times[count, what] = found["ours"] / _HITS
                operation = f"a hit among {count:,} cached, {what}"
                yield Row(operation, found["ours"] / _HITS, "dict lookup", found["dict"] / _HITS, 5.0)
    few, many = times[10, "the same one"], times[most, "the same one"]
    yield Row(f"a hit among {most:,}, the same one", many, "among 10", few, 1.2)


def _look_up(get: Callable[[str], object], names: list[str]) -> None:
    for name in names:
        get(name)


def _miss(folder: Path, size: int) -> Row:
    """Two models under a limit of one: each access evicts the other."""
    path = folder / "misses.apbundle"
    ModelBundle.builder(path).add_model("a", os.urandom(size)).add_model("b", os.urandom(size)).build().close()
    with PagedBundle.open(path, PagingConfig(max_memory=max(size, 1024), prefetch=False)) as paged:

        def two_misses() -> None:
            paged.get_model("a")
            paged.get_model("b")

        ours = per_call(two_misses, 200) / 2
        assert paged.stats().hits == 0, "every access must miss"
    descriptor = os.open(path, os.O_RDONLY)
    try:
        buffer = bytearray(size)
        bare = per_call(lambda: os.preadv(descriptor, [buffer], 0), 400)
    finally:
        os.close(descriptor)
    return Row(f"a miss of {size >> 10:,} KiB", ours, "preadv into a kept buffer", bare)
