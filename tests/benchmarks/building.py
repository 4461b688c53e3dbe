"""Building against ``cat`` of the same files: the time, the memory it takes, and how fast the result maps."""

from __future__ import annotations

import mmap
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from builder import build
from measure import GIB, MIB, Row, in_child, in_turn, timed

from apbundle import ModelBundle

POPULATE_READ = 22
MOST_MEMORY = 40 * MIB


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Ours makes the file durable, which ``cat`` does not: so both are followed by an fsync."""
    size = GIB // 16 if quick else GIB
    sources = _sources(folder, size)
    built, joined = folder / "built.apbundle", folder / "joined"

    def before() -> None:
        for target in (built, joined):
            target.unlink(missing_ok=True)
        os.sync()

    def cat() -> None:
        with joined.open("wb") as out:
            subprocess.run(["cat", *map(str, sources)], stdout=out, check=True)
            os.fsync(out.fileno())

    rounds = 4 if quick else 8
    for digest, goals in (("xxh3-128", (1.05, 1.0)), ("sha256", (None, None))):
        actions = {"ours": lambda digest=digest: build(built, sources, digest), "cat, then fsync": cat}
        times = in_turn(actions, rounds, before)
        what = f"build 4 × {size >> 20} MiB, {digest}"
        yield from times.rows(what, {"cat, then fsync": goals[0]})
        least, theirs = times.least("ours"), times.least("cat, then fsync")
        yield Row(f"{what}, fastest of {rounds}", least, "cat, then fsync", theirs, goals[1])
    before()
    seen = in_child("builder.py", built, *sources)
    what = f"peak memory of it above the {seen['base'] >> 20} MiB at start"
    yield Row(what, (seen["peak"] - seen["base"]) / MIB, "a fixed limit", MOST_MEMORY / MIB, 1.0, "MiB")
    cat()
    per_gib = GIB / (4 * size)
    maps = [_map(path) * per_gib for path in (built, joined)]
    yield Row("first map of a GiB of it, all populated", maps[0], "file made by cat", maps[1], 0.05)
    before()
    yield _many_small(folder, 2_000 if quick else 20_000)


def _sources(folder: Path, size: int) -> list[Path]:
    block = os.urandom(16 * MIB)
    paths = [folder / f"source{index}.bin" for index in range(4)]
    for path in paths:
        with path.open("wb") as out:
            for _ in range(size // len(block)):
                out.write(block)
    return paths


def _map(path: Path) -> float:
    """Seconds to have all of a file mapped that is in the page cache."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        return timed(lambda: memory.madvise(POPULATE_READ))


def _many_small(folder: Path, count: int) -> Row:
    """Whether ten times the models take ten times as long."""
    times = []
    for models in (count // 10, count):
        builder = ModelBundle.builder(folder / "many.apbundle")
        for index in range(models):
            builder.add_model(f"m{index}", bytes(4096))
        times.append(timed(lambda builder=builder: builder.build().close()))
    few, many = times
    return Row(f"build {count:,} × 4 KiB", many, f"ten times {count // 10:,} × 4 KiB", few * 10, 1.3)
