"""Read every byte of a file of models in this process, and print their exclusive or and the peak of memory as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from measure import peak_memory


def main() -> None:
    """Read the file given, as the library given does it."""
    library, path, limit = sys.argv[1:]
    result = 0
    for data in READERS[library](path, int(limit)):
        result ^= int(np.bitwise_xor.reduce(np.frombuffer(data, np.uint64)))
    print(json.dumps({"result": result, "peak": peak_memory()}))


def _paged(path: str, limit: int) -> Iterator[Any]:
    from apbundle import PagedBundle, PagingConfig

    with PagedBundle.open(path, PagingConfig(max_memory=limit, prefetch=False)) as paged:
        for name in paged.model_names:
            yield paged.get_model(name)


def _safetensors(path: str, limit: int) -> Iterator[Any]:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        for name in file.keys():  # noqa: SIM118 - it is no mapping
            yield file.get_tensor(name)


def _numpy(path: str, limit: int) -> Iterator[Any]:
    yield from np.load(path, mmap_mode="r")


READERS = {"ours": _paged, "safetensors": _safetensors, "numpy.load(mmap_mode)": _numpy}


if __name__ == "__main__":
    main()
