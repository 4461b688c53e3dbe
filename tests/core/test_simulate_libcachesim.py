"""Replays against libCacheSim, an independent simulator: hit for hit, and what the two do differently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apbundle.trace.accesses import Accesses
from apbundle.trace.simulate import SIMULATED, simulate
from support.accesses import TRACES, accesses_of, spread_sizes

libcachesim = pytest.importorskip("libcachesim", exc_type=ImportError)

COUNT, UNITS = 30_000, 400
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
"""A request in libCacheSim's trace format; units are counted from 1, and -1 stands for no next request."""


class Peer:
    """libCacheSim over some accesses."""

    def __init__(self, accesses: Accesses, path: Path) -> None:
        self.path = path / "accesses.oracleGeneral.bin"
        self.count = len(accesses)
        requests = np.zeros(self.count, ORACLE_GENERAL)
        requests["time"] = np.arange(self.count)
        requests["unit"] = accesses.units + 1
        requests["size"] = accesses.sizes[accesses.units]
        requests["next"] = -1
        last: dict[int, int] = {}
        for place, unit in enumerate(accesses.units.tolist()):
            if unit in last:
                requests["next"][last[unit]] = place + 1
            last[unit] = place
        requests.tofile(self.path)

    def hits(self, policy: str, limit: int) -> tuple[int, float]:
        """The hits, and the share of the bytes that they give."""
        reader = libcachesim.TraceReader(str(self.path), libcachesim.TraceType.ORACLE_GENERAL_TRACE)
        miss_ratio, byte_miss_ratio = getattr(libcachesim, CLASSES[policy])(limit, hashpower=12).process_trace(reader)
        return round((1 - miss_ratio) * self.count), 1 - byte_miss_ratio


def test_every_policy_has_its_peer() -> None:
    assert set(CLASSES) == set(SIMULATED)


@pytest.mark.parametrize("sizes", ["one size", "many sizes"])
@pytest.mark.parametrize("trace", TRACES)
def test_same_hits(tmp_path: Path, trace: str, sizes: str) -> None:
    each = spread_sizes(UNITS) if sizes == "many sizes" else np.ones(UNITS, np.int64)
    accesses = accesses_of(TRACES[trace](COUNT, UNITS), each)
    peer = Peer(accesses, tmp_path)
    for share in (0.05, 0.3, 0.7):
        limit = int(each.sum() * share)
        for policy in SIMULATED:
            outcome = simulate(accesses, policy, limit)
            hits, byte_hit_rate = peer.hits(policy, limit)
            assert outcome.hits == hits, (policy, limit)
            assert outcome.byte_hit_rate == pytest.approx(byte_hit_rate, abs=1e-9), (policy, limit)
        assert 0 < outcome.hit_rate < 1


@pytest.mark.parametrize("policy", SIMULATED)
def test_units_larger_than_the_limit_are_kept_by_neither(tmp_path: Path, policy: str) -> None:
    sizes = spread_sizes(UNITS)
    accesses = accesses_of(TRACES["zipf"](COUNT, UNITS), sizes)
    limit = int(np.quantile(sizes, 0.9))
    outcome = simulate(accesses, policy, limit)
    assert outcome.hits == Peer(accesses, tmp_path).hits(policy, limit)[0]
    assert outcome.refused > 0


def test_only_libcachesim_makes_room_for_a_unit_as_large_as_the_small_queue(tmp_path: Path) -> None:
    """Both refuse it, but there another unit has left by then. One byte less, and they agree again."""
    units = [*range(1, 13), 0, *range(1, 13), 0, *range(1, 13)]
    for size, same in ((10, False), (11, True)):
        accesses = accesses_of(units, [size] + [8] * 12)
        ours, theirs = simulate(accesses, "s3fifo", 100).hits, Peer(accesses, tmp_path).hits("s3fifo", 100)[0]
        assert (ours == theirs) is same, (ours, theirs)
