"""Walk a model in this process, loading ahead, and print the most memory it took at any step as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import numpy as np
from measure import memory_now

from apbundle import PagedBundle, PagingConfig


def main() -> None:
    """Walk the model ``large`` of the bundle given."""
    path, granularity, limit = sys.argv[1:]
    config = PagingConfig(max_memory=int(limit), granularity=granularity)
    with PagedBundle.open(path, config) as paged:
        next(_pieces(paged, granularity))  # imports and first buffers are no part of it, nor is starting the thread
        paged.prefetch_hint("large", paged.components("large")[-1])
        paged.clear_cache()
        base, resident, accounted = memory_now(), 0, 0
        for data in _pieces(paged, granularity):
            int(np.bitwise_or.reduce(np.frombuffer(data, np.uint8)))
            resident = max(resident, memory_now() - base)
            accounted = max(accounted, paged.charged)
    print(json.dumps({"resident": resident, "accounted": accounted}))


def _pieces(paged: PagedBundle, granularity: str) -> Iterator[memoryview]:
    if granularity == "page":
        yield from paged.iter_pages("large")
    else:
        for _, tensor in paged.iter_components("large"):
            yield tensor.data.cast("B")


if __name__ == "__main__":
    main()
