"""Building against ``cat`` of the same files: the time, the memory it takes, and how fast the result maps."""

from __future__ import annotations

import mmap
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from builder import build
from measure import GIB, MIB, Row, in_child, in_turn, timed

from apbundle import ModelBundle
from apbundle.fileio import syscalls

POPULATE_READ = 22
MOST_MEMORY = 40 * MIB
PIECE = 16 * MIB


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Without the fsync that ours does and ``cat`` does not, since the disk's mood is no part of either; then with.

    For the same reason no more is written than the system keeps in memory: beyond that it lets writers wait for the
    disk, whoever comes second the longer. In a virtual machine that gives free memory back to its host, the median is
    of how long getting it again takes; what is made of large pages, as ours is, waits longest. Look at the fastest.
    """
    size = min(GIB // 16 if quick else GIB, _kept_in_memory() // 4 // PIECE * PIECE)
    sources = _sources(folder, size)
    built, joined = folder / "built.apbundle", folder / "joined"

    def before() -> None:
        for target in (built, joined):
            target.unlink(missing_ok=True)
        os.sync()

    def cat(*, durable: bool) -> None:
        with joined.open("wb") as out:
            subprocess.run(["cat", *map(str, sources)], stdout=out, check=True)
            if durable:
                os.fsync(out.fileno())

    def ours(digest: str, *, durable: bool) -> None:
        with nullcontext() if durable else _without_fsync():
            build(built, sources, digest)

    for digest, durable, goal, best in (
        ("xxh3-128", False, 1.05, 1.0),
        ("xxh3-128", True, None, None),
        ("sha256", False, None, None),
    ):
        rounds = 4 if quick or digest == "sha256" else 8
        peer = "cat, then fsync" if durable else "cat"
        actions = {"ours": partial(ours, digest, durable=durable), peer: partial(cat, durable=durable)}
        times = in_turn(actions, rounds, before)
        what = f"build 4 × {size >> 20} MiB, {digest}{', fsync' if durable else ''}"
        yield from times.rows(what, {peer: goal})
        yield Row(f"{what}, fastest of {rounds}", times.least("ours"), peer, times.least(peer), best)
    before()
    seen = in_child("builder.py", built, *sources)
    what = f"peak memory of it above the {seen['base'] >> 20} MiB at start"
    yield Row(what, (seen["peak"] - seen["base"]) / MIB, "a fixed limit", MOST_MEMORY / MIB, 1.0, "MiB")
    cat(durable=True)
    maps = in_turn({"ours": partial(_map, built), "file made by cat": partial(_map, joined)}, rounds=9)
    yield from maps.rows(f"map {4 * size >> 20:,} MiB of it, all populated", {"file made by cat": 0.05})
    before()
    yield _many_small(folder, 2_000 if quick else 20_000)


@contextmanager
def _without_fsync() -> Iterator[None]:
    syscalls.fsync = lambda descriptor: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        del syscalls.fsync


def _kept_in_memory() -> int:
    """Bytes that can be written before the system begins to write them out."""
    settings = Path("/proc/sys/vm")
    limit = int((settings / "dirty_background_bytes").read_text())
    if not limit:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
        limit = available * int((settings / "dirty_background_ratio").read_text()) // 100
    return max(limit * 3 // 4, 4 * PIECE)


def _sources(folder: Path, size: int) -> list[Path]:
    block = os.urandom(PIECE)
    paths = [folder / f"source{index}.bin" for index in range(4)]
    for path in paths:
        with path.open("wb") as out:
            for _ in range(size // len(block)):
                out.write(block)
    return paths


def _map(path: Path) -> None:
    """Have all of a file mapped that is in the page cache."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        memory.madvise(POPULATE_READ)


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
