"""Thousands of small and middling items in one file: getting at the first, and at any."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from measure import MIB, PROCESSOR, Row, in_turn
from peers import STORES, Get

from apbundle import ModelBundle, PagedBundle, PagingConfig

SMALLEST, SMALL, LARGEST = 4 << 10, 64 << 10, MIB
FIRST_GOALS = {"safetensors": 0.15, "lmdb": 3.5, "h5py": None, "numpy.load(mmap_mode)": None}
RANDOM_GOALS = {"safetensors": 0.05, "lmdb": 0.4, "h5py": None, "numpy.load(mmap_mode)": None}
_GETS = 2000


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Items of 4 KiB to 1 MiB, in a bundle and in the files of other libraries, each written by its own."""
    count = 256 if quick else 4096
    blob = np.random.default_rng(1).bytes(LARGEST)
    sizes = np.exp(np.random.default_rng(2).uniform(np.log(SMALLEST), np.log(LARGEST), count)).astype(int).tolist()
    items = {f"model.layers.{i // 9}.block{i % 9}.weight": blob[:size] for i, size in enumerate(sizes)}
    path = folder / "items.apbundle"
    builder = ModelBundle.builder(path)
    for name, data in items.items():
        builder.add_model(name, data)
    builder.build().close()
    stores = {store.name: store(folder, items) for store in STORES if store.available()}
    wanted = list(items)[count // 3]
    firsts: dict[str, Callable[[], object]] = {"ours": partial(_first_of_bundle, path, wanted)}
    firsts |= {name: partial(_first, store.open, wanted) for name, store in stores.items()}
    yield from in_turn(firsts, rounds=51, clock=PROCESSOR).rows(f"open {count:,} items, get one", FIRST_GOALS)
    names = random.Random(1).choices([name for name, data in items.items() if len(data) <= SMALL], k=_GETS)
    with ExitStack() as stack:
        paged = stack.enter_context(PagedBundle.open(path, PagingConfig(max_memory="1GiB", prefetch=False)))
        getters = {"ours": partial(_get_all, paged.get_model, names)}
        getters |= {name: partial(_get_all, store.open(stack), names) for name, store in stores.items()}
        for get_all in getters.values():
            get_all()
        gc.disable()
        try:
            times = in_turn(getters, rounds=9, clock=PROCESSOR)
        finally:
            gc.enable()
    yield from times.rows("get a resident small item at random", RANDOM_GOALS, per=_GETS)


def _first_of_bundle(path: Path, name: str) -> int:
    with ModelBundle.load(path) as bundle:
        return bundle.get_model(name)[0]


def _first(opener: Callable[[ExitStack], Get], name: str) -> object:
    with ExitStack() as stack:
        return opener(stack)(name)[0]


def _get_all(get: Get, names: list[str]) -> None:
    for name in names:
        get(name)
