"""Loading ahead: from a cold disk while the processor works, and what is learnt from the accesses themselves."""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Iterator
from pathlib import Path

from measure import MIB, Row, in_turn, leave_page_cache

from apbundle import ModelBundle, PagedBundle, PagingConfig

_WORK = bytes(2 * MIB)
"""What a program digests, half a millisecond long, for each model it got in the scenes of learning."""


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """A cold pass with one model loaded ahead; then misses with and without what the pager learns."""
    yield from _cold(folder / "cold.apbundle", 8 if quick else 24, 32 * MIB, rounds=3 if quick else 7)
    yield from _learnt(folder / "learnt.apbundle", 500 if quick else 3000)


def _cold(path: Path, count: int, size: int, rounds: int) -> Iterator[Row]:
    builder = ModelBundle.builder(path)
    for index in range(count):
        builder.add_model(f"model{index}", os.urandom(size))
    builder.build().close()
    config = PagingConfig(max_memory=3 * size, prefetch="off")
    ahead = PagingConfig(max_memory=3 * size, prefetch="background", prefetch_count=0)
    blank = bytes(size)

    def run(config: PagingConfig, *, hint: bool, work: bool) -> None:
        with PagedBundle.open(path, config) as paged:
            names = paged.model_names
            for name, following in zip(names, [*names[1:], None], strict=True):
                view = paged.get_model(name)
                if hint and following is not None:
                    paged.prefetch_hint(following)
                if work:
                    zlib.crc32(view)

    def compute() -> None:
        for _ in range(count):
            zlib.crc32(blank)

    times = in_turn(
        {
            "ours": lambda: run(ahead, hint=True, work=True),
            "on demand": lambda: run(config, hint=False, work=True),
            "loading alone": lambda: run(config, hint=False, work=False),
            "computing alone": compute,
        },
        rounds,
        before=lambda: leave_page_cache(path),
    )
    what = f"cold pass over {count} × {size >> 20} MiB, one ahead"
    yield from times.rows(what, {"on demand": 0.75})
    longer = max("loading alone", "computing alone", key=times.median)
    yield from times.rows(what, {longer: 1.25})


def _learnt(path: Path, accesses: int) -> Iterator[Row]:
    """60 models under a limit of 20, with and without prefetch."""
    count, size = 60, 64 << 10
    builder = ModelBundle.builder(path)
    for index in range(count):
        builder.add_model(f"layer{index}", os.urandom(size))
    builder.build().close()
    rng = random.Random(1)
    layered = [[0, *range(10, 20)], [1, *range(20, 35)], [2, *range(35, 60)]]
    scenes = {
        "cyclic": [index % count for index in range(accesses)],
        "layered": [index for _ in range(accesses // 17) for index in rng.choice(layered)],
        "random": [rng.randrange(count) for _ in range(accesses)],
    }
    for scene, wanted in scenes.items():
        found = {}
        for prefetch in ("off", "background"):
            with PagedBundle.open(path, PagingConfig(max_memory=20 * size, prefetch=prefetch)) as paged:
                for index in wanted:
                    paged.get_model(f"layer{index}")
                    zlib.crc32(_WORK)
                found[prefetch] = paged.stats()
        with_it, without = found["background"], found["off"]
        yield Row(
            f"misses of {scene} accesses, prefetching", with_it.misses, "without prefetch", without.misses, unit=""
        )
        wasted = max(0, with_it.bytes_loaded - without.bytes_loaded) / MIB
        yield Row(
            f"bytes loaded in vain, {scene} accesses",
            wasted,
            "all that was needed",
            without.bytes_loaded / MIB,
            unit="MiB",
        )
