"""What a process really holds, at every step, of units that come and go in any order."""

from __future__ import annotations

import ctypes
import gc
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from apbundle.fileio import InputFile
from apbundle.mapping import FileMap
from apbundle.paged.heap import CountingHeap
from apbundle.paging.mapped_source import MappedSource
from apbundle.paging.pager import Pager
from apbundle.paging.sources import HeapSource, Source
from apbundle.paging.units import Key, Unit
from support.children import run_forked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel what the process holds")

MIB = 1 << 20
ZEROS = memoryview(bytes(4 * MIB))


def held() -> int:
    """Bytes this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def settle() -> None:
    """Give back what the parent had freed, or growth would go unseen in it."""
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def excess(source: Source, units: Sequence[Unit], accesses: Sequence[int], limit: int) -> int:
    """By how many bytes the process outgrew ``limit`` at most, while it looked at all bytes of units in this order."""
    table: dict[Key, Unit] = {unit.key: unit for unit in units}
    pager = Pager(table.get, source, max_memory=limit)
    for access in accesses[:200]:  # a fork also has to bring in the code it runs
        np.frombuffer(pager.get(units[access].key), np.uint8).max()
    pager.clear()
    settle()
    base, worst = held(), 0
    for access in accesses:
        np.frombuffer(pager.get(units[access].key), np.uint8).max()
        worst = max(worst, held() - base - limit)
        assert pager.charged <= limit
    assert pager.stats().evictions > len(units)
    pager.close()
    settle()
    assert held() - base < MIB, "all is given back"
    return worst


def skewed(count: int, accesses: int, choose: random.Random) -> list[int]:
    """Some units often, most of them seldom."""
    order = choose.sample(range(count), count)
    return choose.choices(order, [1 / (place + 1) ** 0.8 for place in range(count)], k=accesses)


def test_units_of_mixed_sizes_that_are_read() -> None:
    """From 4 KiB to 4 MiB, as many of each magnitude: what leaves hardly ever has the size of what comes."""

    def work() -> None:
        choose = random.Random(5)
        units = [Unit(number, f"u{number}", int(4096 * 1024 ** choose.random())) for number in range(400)]
        limit = 48 * MIB
        source = HeapSource(lambda unit, into: into.__setitem__(slice(None), ZEROS[: len(into)]))
        assert excess(source, units, skewed(400, 1800, choose), limit) <= 2 * MIB

    assert run_forked(work) == 0


def test_many_small_models() -> None:
    """Hundreds of them: what is known of each, and what is free between their buffers, comes to megabytes."""

    def work() -> None:
        choose = random.Random(8)
        units = [Unit(number, f"u{number}", int(1024 * 256 ** choose.random())) for number in range(1600)]
        source = CountingHeap(lambda unit, into: into.__setitem__(slice(None), ZEROS[: len(into)]))
        assert excess(source, units, choose.choices(range(1600), k=5000), 32 * MIB) <= 2 * MIB

    assert run_forked(work) == 0


@pytest.mark.parametrize("folder", ["", "/dev/shm"])
def test_units_that_overlap_in_a_map(folder: str, tmp_path: Path) -> None:
    if folder and not Path(folder).is_dir():
        pytest.skip("no such file system here")
    path = Path(folder) / f"{tmp_path.parent.name}-{os.getpid()}" if folder else tmp_path / "file"
    size = 60 * MIB
    try:
        with path.open("wb") as file:
            for _ in range(size // len(ZEROS)):
                file.write(ZEROS)

        def work() -> None:
            choose = random.Random(6)
            units = []
            for number in range(150):
                offset = choose.randrange(size - 2 * MIB)
                units.append(Unit(number, f"u{number}", choose.randrange(100_000, min(8 * MIB, size - offset)), offset))
            with InputFile.open(path) as file:
                heap = HeapSource(lambda unit, into: file.read_into(unit.offset or 0, into))
                source = MappedSource(FileMap(file), heap)
                assert excess(source, units, skewed(150, 400, choose), 16 * MIB) <= 2 * MIB

        assert run_forked(work) == 0
    finally:
        path.unlink(missing_ok=True)
