"""Building against ``cat`` of the same files, and the memory that a large build takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import Row, in_turn, timed

from apbundle import BundleConfig, ModelBundle

GIB = 1 << 30
_PIECE = 1 << 24


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """In shuffled order. Ours makes the file durable, which ``cat`` does not: so both are followed by an fsync."""
    size = GIB // 16 if quick else GIB
    sources = _sources(folder, size)
    target = folder / "built.apbundle"

    def before() -> None:
        target.unlink(missing_ok=True)
        os.sync()

    def cat() -> None:
        with target.open("wb") as out:
            subprocess.run(["cat", *map(str, sources)], stdout=out, check=True)
            os.fsync(out.fileno())

    rounds = 4 if quick else 8
    for digest in ("xxh3-128", "sha256"):
        times = in_turn({"ours": lambda digest=digest: build(digest, target, sources), "cat": cat}, rounds, before)
        goal = 1.05 if digest == "xxh3-128" else None
        yield Row(f"build 4 × {size >> 20} MiB, {digest}", times["ours"], "cat, then fsync", times["cat"], goal)
    peak, base = _peaks(target, sources)
    yield Row(f"peak memory of it above the {base} MiB at start", peak - base, "a fixed limit", 40, 1.0, "MiB")
    yield _many_small(folder, 2_000 if quick else 20_000)
    before()


def _sources(folder: Path, size: int) -> list[Path]:
    block = os.urandom(_PIECE)
    paths = [folder / f"source{index}.bin" for index in range(4)]
    for path in paths:
        with path.open("wb") as out:
            for _ in range(size // _PIECE):
                out.write(block)
    return paths


def build(digest: str, target: Path, sources: list[Path]) -> None:
    """Build one bundle of ``sources`` in this process."""
    builder = ModelBundle.builder(target).with_config(BundleConfig(digest=digest))
    for index, source in enumerate(sources):
        builder.add_model(f"model{index}", source)
    builder.build().close()


def _peaks(target: Path, sources: list[Path]) -> tuple[int, int]:
    """The peak of a process that builds, and what it had before, in MiB."""
    command = [sys.executable, __file__, str(target), *map(str, sources)]
    base, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(peak), int(base)


def _peak_so_far() -> int:
    """Of this process, in MiB. The figure of ``getrusage`` would still be that of the process it was forked from."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10


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


def main() -> None:
    """Build once in this process and print its peak before and after."""
    target, *sources = map(Path, sys.argv[1:])
    base = _peak_so_far()
    build("xxh3-128", target, sources)
    print(base, _peak_so_far())


if __name__ == "__main__":
    main()
