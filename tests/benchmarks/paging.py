"""Hits and misses of the pager: flat whatever is cached, and close to a bare read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from measure import Row, per_call

from apbundle import ModelBundle, PagedBundle, PagingConfig


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """One hit at 10, 1,000 and 100,000 cached models; one miss of 4 KiB and of 1 MiB."""
    yield from _hits(folder, 10_000 if quick else 100_000)
    for size in (4 << 10, 1 << 20):
        yield _miss(folder, size)


def _hits(folder: Path, most: int) -> Iterator[Row]:
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
            name = f"m{count // 2}"
            times[count] = per_call(lambda paged=paged, name=name: paged.get_model(name), 100_000)
            bare = per_call(lambda cache=cache, name=name: cache[name], 100_000)
        yield Row(f"a hit, {count:,} models cached", times[count], "dict lookup", bare, 5.0)
    yield Row(f"a hit, {most:,} cached", times[most], "10 cached", times[10], 1.2)


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
