"""Models larger than a limit, walked in a process that does nothing else: what it holds at every step.

Run as a program it walks the bundle at a path and prints, as JSON, by how much the process outgrew the limit at most:
for each granularity, model and way of walking. It checks every byte it sees.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from apbundle import ModelBundle
from apbundle.paged import PagedBundle, PagingConfig
from support.components import F32, MIB, Q8_0, gguf

LIMIT = 8 * MIB
SLACK = max(2 * MIB, LIMIT // 50)
PERIOD = 65_521
"""Bytes after which contents repeat: a prime, so that no two pages, chunks or pieces are alike."""

Array = np.ndarray[Any, np.dtype[np.uint8]]

_NOISE: Array = np.tile(np.random.default_rng(5).integers(0, 256, PERIOD, np.uint8), 2)
_SIZES = (3 * MIB + 2, 40_000, 900_006, 5 * MIB - 34, 256, 2 * MIB + 68, 150_000)


def content(number: int, size: int) -> Array:
    """``size`` bytes that are those of tensor ``number``."""
    shift = number * 7919 % PERIOD
    return np.tile(_NOISE[shift : shift + PERIOD], size // PERIOD + 1)[:size]


def is_content(data: Array, number: int, offset: int = 0) -> bool:
    """Whether ``data`` is what tensor ``number`` has at ``offset``; takes no memory to speak of."""
    while len(data):
        place = (number * 7919 + offset) % PERIOD
        expected = _NOISE[place : place + PERIOD]
        if not np.array_equal(data[: len(expected)], expected[: len(data)]):
            return False
        data, offset = data[len(expected) :], offset + len(expected)
    return True


def _sizes(total: int, multiple: int) -> Iterator[int]:
    number = 0
    while total > 0:
        size = _SIZES[number % len(_SIZES)] // multiple * multiple
        yield size
        total -= size
        number += 1


def pack_large(path: Path, plain: int, others: int) -> Path:
    """A bundle of a plain, a quantised and a compressed model of at least so many bytes."""
    halves = {
        f"t{number}": content(number, size).view(ml_dtypes.bfloat16 if number % 2 else np.uint16)
        for number, size in enumerate(_sizes(plain, 2))
    }
    blocks = {
        f"t{number}": (Q8_0, (size // 34 * 32,), content(number, size).tobytes())
        for number, size in enumerate(_sizes(others, 34))
    }
    norm = {"norm": (F32, (64,), content(999, 256).tobytes())}
    halves_compressed = {
        f"t{number}": content(number, size).view(np.uint16) for number, size in enumerate(_sizes(others, 2))
    }
    builder = ModelBundle.builder(path).add_model("plain", halves).add_model("quantised", gguf(blocks | norm))
    builder.add_model("compressed", halves_compressed, compress=True).build().close()
    return path


def rewrite(source: Path, target: Path, piece: int) -> Path:
    """A copy written ``piece`` bytes at a time: so large are the pages it has in the kernel's cache."""
    data = memoryview(source.read_bytes())
    with target.open("wb", buffering=0) as file:
        for begin in range(0, len(data), piece):
            file.write(data[begin : begin + piece])
    return target


class Gauge:
    """By how many bytes this process outgrew ``base`` and the limit at most."""

    _file = os.open("/proc/self/statm", os.O_RDONLY) if sys.platform == "linux" else -1
    _page = os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else 0

    def __init__(self, base: int) -> None:
        self._base = base
        self.worst = -LIMIT

    @classmethod
    def now(cls) -> int:
        """Bytes it has in memory."""
        return int(os.pread(cls._file, 200, 0).split()[1]) * cls._page

    def step(self) -> None:
        self.worst = max(self.worst, self.now() - self._base - LIMIT)


def settle() -> None:
    """Give back what was freed, or growth would go unseen in it."""
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _number(name: str) -> int:
    return 999 if name == "norm" else int(name[1:])


def _walk_components(paged: PagedBundle, model: str, gauge: Gauge) -> None:
    names = []
    for name, array in paged.iter_components(model):
        assert is_content(array.reshape(-1).view(np.uint8), _number(name))
        gauge.step()
        names.append(name)
        del array
    assert sorted(names) == sorted(paged.components(model))


def _walk_pages(paged: PagedBundle, model: str, gauge: Gauge) -> None:
    """Pages know no tensors: those that lie in one are compared with it."""
    infos = sorted((paged.component(model, name) for name in paged.components(model)), key=lambda info: info.offset)
    offset = seen = 0
    for page in paged.iter_pages(model):
        while infos and infos[0].offset + infos[0].size <= offset:
            infos.pop(0)
        if infos and infos[0].offset <= offset and offset + len(page) <= infos[0].offset + infos[0].size:
            data = np.frombuffer(page, np.uint8)
            assert is_content(data, _number(infos[0].name), offset - infos[0].offset)
            seen += 1
        gauge.step()
        offset += len(page)
    assert offset == paged.entry(model).raw_size
    assert seen > offset // paged.config.page_size * 0.9


def _walk_anyhow(paged: PagedBundle, model: str, gauge: Gauge) -> None:
    names = np.random.default_rng(1).permutation(paged.components(model)).tolist()
    for name in [*names, *names[::3]]:
        array = paged.get_component(model, name)
        assert is_content(array.reshape(-1).view(np.uint8), _number(name))
        gauge.step()
        del array


WALKS: tuple[Callable[[PagedBundle, str, Gauge], None], ...] = (_walk_components, _walk_pages, _walk_anyhow)


def walk_all(path: str, units: list[list[str]], settings: dict[str, Any]) -> dict[str, int]:
    """Walk models at granularities, pairs of which are in ``units``: what was held beyond the limit at most."""
    worst = {}
    kept = []
    with PagedBundle(path, PagingConfig(max_memory=LIMIT, **settings)) as paged:
        for model in paged.model_names:  # brings in the code that lists, reads and decodes, and starts the thread
            paged.get_component(model, paged.components(model)[0])
            paged.prefetch_hint(model, paged.components(model)[1])
    for granularity, model in units:
        with PagedBundle(path, PagingConfig(max_memory=LIMIT, granularity=granularity, **settings)) as paged:
            names = paged.components(model)
            settle()
            base = Gauge.now()
            for walk in WALKS:
                gauge = Gauge(base)
                walk(paged, model, gauge)
                assert paged.charged <= LIMIT
                worst[f"{granularity} {model} {walk.__name__}"] = gauge.worst
            assert paged.stats().evictions
            name = next(name for name in names if paged.component(model, name).size == 256)
            kept.append((paged.get_component(model, name), name))
    for array, name in kept:  # their units were evicted, and their bundles closed
        assert is_content(array.reshape(-1).view(np.uint8), _number(name))
    return worst


def walk_in_a_process(path: Path, units: list[tuple[str, str]], **settings: Any) -> dict[str, int]:
    """What :func:`walk_all` finds in a process of its own."""
    command = [sys.executable, "-P", "-m", "support.walking", str(path), json.dumps(units), json.dumps(settings)]
    places = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, check=False, env=os.environ | {"PYTHONPATH": places}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(walk_all(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]))))
