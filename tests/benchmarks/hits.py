"""Hits of the pager: as fast as a cache in memory alone, flat whatever is cached, and hardly slower when recorded."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from measure import PROCESSOR, Row, Times, in_turn, installed

from apbundle import ModelBundle, PagedBundle, PagingConfig

Get = Callable[[str], object]
_HITS = 50_000


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """The same model again and again, then models at random: then the processor's caches miss too, for everybody."""
    most = 10_000 if quick else 100_000
    config = PagingConfig(max_memory="1GiB", prefetch=False)
    same: dict[int, float] = {}
    for count in (10, 1_000, most):
        path = folder / "hits.apbundle"
        builder = ModelBundle.builder(path)
        for index in range(count):
            builder.add_model(f"m{index}", b"weights!")
        builder.build().close()
        trace = folder / f"hits{count}.aptrace"
        with PagedBundle.open(path, config) as plain, PagedBundle.open(path, config, record=trace) as recorded:
            names = plain.model_names
            for paged in (plain, recorded):
                for name in names:
                    paged.get_model(name)
            caches = _caches(names)
            for wanted, what in (
                ([names[count // 2]] * _HITS, "the same one"),
                (random.Random(1).choices(names, k=_HITS), "at random"),
            ):
                found = _measured(plain.get_model, recorded.get_model, caches, wanted)
                where = f"among {count:,} cached, {what}"
                yield from found.rows(f"a hit {where}", {"cachetools.LRUCache": 1.0, "dict": 5.0}, per=_HITS)
                usual, noted = found.median("ours") / _HITS, found.median("recorded") / _HITS
                yield Row(f"a recorded hit {where}", noted, "not recorded", usual, 4 / 3)
                if what == "the same one":
                    same[count] = usual
    yield Row(f"a hit among {most:,} cached", same[most], "among 10", same[10], 1.2)


def _caches(names: list[str]) -> dict[str, Mapping[str, object]]:
    caches: dict[str, Mapping[str, object]] = {"dict": dict.fromkeys(names, b"")}
    cachetools = installed("cachetools")
    if cachetools is not None:
        lru = cachetools.LRUCache(len(names))
        lru.update(caches["dict"])
        caches["cachetools.LRUCache"] = lru
    return caches


def _measured(get: Get, recorded: Get, caches: Mapping[str, Mapping[str, object]], names: list[str]) -> Times:
    actions = {"ours": partial(_call, get, names), "recorded": partial(_call, recorded, names)}
    actions |= {name: partial(_look_up, cache, names) for name, cache in caches.items()}
    gc.disable()
    try:
        return in_turn(actions, rounds=15, clock=PROCESSOR)
    finally:
        gc.enable()


def _call(get: Get, names: list[str]) -> None:
    for name in names:
        get(name)


def _look_up(cache: Mapping[str, object], names: list[str]) -> None:
    for name in names:
        cache[name]
