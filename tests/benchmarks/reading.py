"""Reading all of a large file in a fresh process, and the memory it takes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure import MIB, Row, in_child, in_turn, installed

from apbundle import ModelBundle

TIME_GOALS = {"safetensors": 0.25, "numpy.load(mmap_mode)": None}
MEMORY_GOALS = {"safetensors": 0.05, "numpy.load(mmap_mode)": None}
LIMIT = 64 * MIB


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """64 models of 32 MiB, each looked at whole, under 64 MiB; whole processes, all with the same result."""
    count, size = (8, 8 * MIB) if quick else (64, 32 * MIB)
    files = {"ours": folder / "all.apbundle", "numpy.load(mmap_mode)": folder / "all.npy"}
    block = np.random.default_rng(1).bytes(size)
    builder = ModelBundle.builder(files["ours"])
    for index in range(count):
        builder.add_model(f"model{index}", block)
    builder.build().close()
    np.save(files["numpy.load(mmap_mode)"], np.frombuffer(block * count, np.uint8).reshape(count, size))
    if installed("safetensors"):
        from safetensors.numpy import save_file

        files["safetensors"] = folder / "all.safetensors"
        save_file({f"model{index}": np.frombuffer(block, np.uint8) for index in range(count)}, files["safetensors"])
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in files}
    actions = {
        name: lambda name=name: seen[name].append(in_child("whole_reader.py", name, files[name], LIMIT))
        for name in files
    }
    times = in_turn(actions, rounds=3 if quick else 7)
    results = {found["result"] for runs in seen.values() for found in runs}
    assert len(results) == 1, "all must have read the same"
    what = f"read all {count * size >> 20:,} MiB under {LIMIT >> 20} MiB"
    yield from times.rows(what, TIME_GOALS)
    peaks = {name: statistics.median(run["peak"] for run in runs) / MIB for name, runs in seen.items()}
    for peer, goal in MEMORY_GOALS.items():
        theirs = peaks.get(peer)
        yield Row(
            f"{what}: peak memory", peaks["ours"], peer if theirs else f"{peer}: not installed", theirs, goal, "MiB"
        )
