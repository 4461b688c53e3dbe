"""What is worked out from a recording: the curve over all limits and the policies, against libCacheSim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
from measure import Row, in_turn, installed
from numpy.typing import NDArray

from apbundle.trace.accesses import Accesses
from apbundle.trace.curve import curve_of
from apbundle.trace.simulate import SIMULATED, simulate

CLASSES = {
    "lru": "LRU",
    "lfu": "LFU",
    "fifo": "FIFO",
    "clock": "Clock",
    "sieve": "Sieve",
    "s3fifo": "S3FIFO",
    "belady": "Belady",
}
ORACLE_GENERAL = np.dtype([("time", "<u4"), ("unit", "<u8"), ("size", "<u4"), ("next", "<i8")])
SHARES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7)
"""Limits at which the curve is held against replays, as shares of all bytes."""


class Peer:
    """libCacheSim over the same accesses."""

    def __init__(self, library: ModuleType, accesses: Accesses, path: Path) -> None:
        self._library, self._path, self._count = library, path, len(accesses)
        requests = np.zeros(self._count, ORACLE_GENERAL)
        requests["time"] = np.arange(self._count)
        requests["unit"] = accesses.units + 1
        requests["size"] = accesses.sizes[accesses.units]
        requests["next"] = _next(accesses.units)
        requests.tofile(path)

    def hits(self, policy: str, limit: int) -> int:
        """Replay a policy under a limit in bytes."""
        kind = self._library.TraceType.ORACLE_GENERAL_TRACE
        reader = self._library.TraceReader(str(self._path), kind)
        miss_ratio, _ = getattr(self._library, CLASSES[policy])(limit).process_trace(reader)
        return round((1 - miss_ratio) * self._count)


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Zipf accesses to units of 4 KiB to 4 MiB."""
    count, units = (50_000, 1000) if quick else (1_000_000, 10_000)
    rng = np.random.default_rng(7)
    weights = 1 / np.arange(1, units + 1) ** 0.9
    numbers = rng.permutation(units)[rng.choice(units, count, p=weights / weights.sum())].astype(np.int32)
    sizes = np.exp(rng.uniform(np.log(4096), np.log(4 << 20), units)).astype(np.int64)
    order = np.arange(count, dtype=np.int64)
    accesses = Accesses(units=numbers, sizes=sizes, events=order, times=order)
    total = int(sizes.sum())
    library = installed("libcachesim")
    peer = None if library is None else Peer(library, accesses, folder / "accesses.oracleGeneral.bin")
    what = f"{count:,} accesses to {units:,} units"
    actions = {"ours": lambda: curve_of(accesses)}
    if peer is not None:
        actions["one LRU run of libCacheSim"] = lambda: peer.hits("lru", total // 10)
    yield from in_turn(actions, rounds=7).rows(f"the whole curve, {what}", {"one LRU run of libCacheSim": 8.0})
    if peer is None:
        return
    curve = curve_of(accesses)
    limits = [max(int(total * share), curve.smallest) for share in SHARES]
    equal = sum(curve.hits_at(limit) == peer.hits("lru", limit) for limit in limits)
    yield Row("limits at which the curve is exact", equal, "limits looked at", len(limits), unit="", exact=True)
    limit = total // 10
    for policy in SIMULATED:
        ours = simulate(accesses, policy, limit).hits
        yield Row(f"hits of {policy}, {what}", ours, "libCacheSim", peer.hits(policy, limit), unit="", exact=True)
        actions = {"ours": lambda policy=policy: simulate(accesses, policy, limit)}
        actions["libCacheSim"] = lambda policy=policy: peer.hits(policy, limit)
        yield from in_turn(actions, rounds=3).rows(f"replay {policy}, {what}", {"libCacheSim": None})


def _next(units: NDArray[np.int32]) -> NDArray[np.int64]:
    """The place, counted from 1, of each access's next one to the same unit; -1 if there is none."""
    following = np.full(len(units), -1, np.int64)
    order = np.argsort(units, kind="stable")
    same = units[order][1:] == units[order][:-1]
    following[order[:-1][same]] = order[1:][same] + 1
    return following
