"""Models several times larger than the limit, walked to their end: what the process holds at its worst step."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from measure import MIB, Row, in_child

from apbundle import ModelBundle

MEMORY_FILES = Path("/dev/shm")


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """On disk and in memory files, written in large pieces and in single pages, in pieces, by component and by page."""
    limit, size = (16 * MIB, 64 * MIB) if quick else (128 * MIB, 512 * MIB)
    places = {"on disk": folder}
    with ExitStack() as stack:
        if os.access(MEMORY_FILES, os.W_OK):
            places["in tmpfs"] = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY_FILES)))
        for where, place in places.items():
            path = place / "large.apbundle"
            ModelBundle.builder(path).add_model("large", _tensors(size, limit // 8)).build().close()
            for piece in (4 * MIB, 4096):
                written = place / f"pieces{piece}.apbundle"
                with path.open("rb") as source, written.open("wb", buffering=0) as target:
                    while data := source.read(piece):
                        target.write(data)
                for granularity in ("model", "component", "page"):
                    seen = in_child("walker.py", written, granularity, limit)
                    allowed = limit + max(2 * MIB, limit // 50)
                    operation = f"walk {size >> 20} MiB by {granularity}, {where}, {_size(piece)} pieces"
                    peer = f"limit of {limit >> 20} MiB + 2 %; accounted: {seen['accounted'] / MIB:.1f}"
                    yield Row(operation, seen["resident"] / MIB, peer, allowed / MIB, 1.0, "MiB")
                written.unlink()
            path.unlink()


def _tensors(size: int, largest: int) -> dict[str, np.ndarray]:
    """Tensors of all sizes up to ``largest`` bytes, together ``size`` bytes."""
    rng = np.random.default_rng(1)
    tensors: dict[str, np.ndarray] = {}
    while size:
        length = min(size, int(np.exp(rng.uniform(np.log(1024), np.log(largest)))) // 8 * 8)
        tensors[f"tensor{len(tensors)}"] = np.zeros(length // 8, np.float64)
        size -= length
    return tensors


def _size(bytes_: int) -> str:
    return f"{bytes_ >> 20} MiB" if bytes_ >= MIB else f"{bytes_ >> 10} KiB"
