"""Pins and limits that change: what is said, what comes back in which place, and what waits for loads under way."""

from __future__ import annotations

import errno
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apbundle.errors import BundleClosed, LimitTooSmall, ModelNotFound
from apbundle.paging.observer import Silence
from apbundle.paging.pager import Pager
from apbundle.paging.sources import HeapSource
from apbundle.paging.stats import PagingStats
from apbundle.paging.units import Unit
from support.conditions import wait_until
from support.gates import Gate, has_begun, waits
from support.paging import content, fill, make_pager, units_of

SIZES = {"a": 300, "b": 300, "c": 300, "d": 500, "large": 2000}


def pager_of(limit: int = 1024, **options: Any) -> Pager:
    return make_pager(units_of(SIZES).values(), limit, **options)


def cached(pager: Pager) -> list[str]:
    return sorted(pager.cached_names)


def test_pinned_units_stay() -> None:
    pager = pager_of()
    pager.get("b")
    pager.pin(["a", "b"])
    assert pager.stats() == PagingStats(1, 2, 0, 600, 600, 0)
    pager.get("c")
    pager.get("c")
    with pytest.raises(LimitTooSmall, match=r"1.00 KiB has no room for 'd' \(500 B\) beside the 600 B that are pinned"):
        pager.get("d")
    assert not pager.evict("a")
    pager.clear()
    assert cached(pager) == ["a", "b"]
    assert pager.stats() == PagingStats(2, 3, 0, 900, 600, 0)
    pager.unpin(["b", "a"])
    assert len(pager.get("d")) == 500
    assert cached(pager) == ["a", "d"]


def test_a_refused_pin_keeps_nothing_of_its_caller_alive() -> None:
    """What the caller holds at that moment, such as views, would count against the limit until it is collected."""
    pager = pager_of()

    def refused() -> weakref.ref[Silence]:
        held = Silence()
        with pytest.raises(LimitTooSmall):
            pager.pin(["a", "b", "d"])
        return weakref.ref(held)

    gc.disable()
    try:
        assert refused()() is None
    finally:
        gc.enable()
    assert pager.cached_names == ()


def test_what_follows_a_pinned_unit_is_loaded_ahead_again_after_a_clear() -> None:
    pager = pager_of(prefetch="background", prefetch_count=1)
    pager.pin(["a"])
    for name in ("a", "b"):
        pager.get(name)
    pager.clear()
    assert cached(pager) == ["a"]
    pager.get("a")
    wait_until(lambda: pager.is_cached("b"))
    pager.close()


def test_pins_nest() -> None:
    pager = pager_of()
    pager.pin(["a"])
    pager.pin(["a", "a"])
    pager.unpin(["a", "a"])
    assert not pager.evict("a")
    with pytest.raises(ValueError, match="'a' is not pinned"):
        pager.unpin(["a", "a"])
    pager.unpin(["a"])
    assert pager.evict("a")
    with pytest.raises(ValueError, match="'a' is not pinned"):
        pager.unpin(["a"])


def test_all_or_nothing_is_pinned() -> None:
    pager = pager_of()
    for name in "abc":
        pager.get(name)
    before = pager.stats()
    with pytest.raises(LimitTooSmall, match="no room for 'd'") as caught:
        pager.pin(["a", "b", "d"])
    assert caught.value.code == "limit_too_small"
    with pytest.raises(LimitTooSmall, match=r"no room for 'large' \(1.95 KiB\)\. Raise the limit"):
        pager.pin(["large"])
    with pytest.raises(ModelNotFound):
        pager.pin(["a", "unknown"])
    assert pager.stats() == before
    assert all(pager.evict(name) for name in "abc")


def test_a_pin_that_fails_to_load_leaves_none() -> None:
    def read(unit: Unit, into: memoryview) -> None:
        if unit.name == "c":
            raise OSError(errno.EIO, "broken disk")
        fill(unit, into)

    pager = pager_of(read=read)
    with pytest.raises(OSError, match="broken disk"):
        pager.pin(["a", "b", "c"])
    assert cached(pager) == ["a", "b"]
    assert pager.evict("a")
    assert len(pager.get("d")) == 500


def test_the_last_unpin_is_a_use() -> None:
    pager = pager_of()
    pager.pin(["a"])
    pager.get("b")
    pager.get("c")
    pager.unpin(["a"])
    pager.get("d")
    assert cached(pager) == ["a", "d"]


def test_larger_than_the_limit_is_given_beside_pins() -> None:
    pager = pager_of()
    pager.pin(["a"])
    assert len(pager.get("large")) == 2000
    assert len(pager.get("b")) == 300
    assert cached(pager) == ["a", "b"]


def test_unpinning_once_closed_does_nothing() -> None:
    pager = pager_of()
    pager.pin(["a"])
    pager.close()
    pager.unpin(["a"])
    with pytest.raises(BundleClosed):
        pager.pin(["a"])
    with pytest.raises(BundleClosed):
        pager.resize(2048)
    assert pager.charged == 0


def test_the_limit_changes_at_once() -> None:
    pager = pager_of()
    for name in "abc":
        pager.get(name)
    pager.pin(["a"])
    pager.resize(700)
    assert (pager.max_memory, cached(pager)) == (700, ["a", "c"])
    with pytest.raises(LimitTooSmall, match="limit cannot be 299 B while 300 B are pinned"):
        pager.resize(299)
    assert (pager.max_memory, cached(pager)) == (700, ["a", "c"])
    pager.resize(5000)
    for name in SIZES:
        pager.get(name)
    assert cached(pager) == sorted(SIZES)
    assert pager.stats().evictions == 1


def test_units_the_policy_refuses_leave_first() -> None:
    """S3-FIFO does not keep what is larger than a tenth of the limit."""
    pager = make_pager(units_of({"s": 50, "t": 50, "x": 400, "y": 400, "z": 400}).values(), 1000, eviction="s3fifo")
    for name in ("x", "s", "y", "t"):
        pager.get(name)
    pager.get("z")
    assert cached(pager) == ["s", "t", "y", "z"]
    pager.pin(["y"])
    pager.get("x")
    assert cached(pager) == ["s", "t", "x", "y"]
    pager.unpin(["y"])
    pager.resize(500)
    assert cached(pager) == ["s", "t", "y"], "refused units leave in the order in which they came"


def test_a_lower_limit_waits_for_loads_under_way() -> None:
    gate = Gate()
    pager = pager_of(read=gate.read)
    with ThreadPoolExecutor(2) as executor:
        view = executor.submit(pager.get, "d")
        wait_until(has_begun(gate, "d"))
        resized = executor.submit(pager.resize, 400)
        wait_until(waits(pager, 1))
        assert pager.max_memory == 400
        gate.open["d"].set()
        resized.result()
        assert len(view.result()) == 500
    assert pager.charged == 0
    assert pager.stats() == PagingStats(0, 1, 1, 500, 0, 0)


def test_room_that_a_pin_waits_for_is_not_promised_twice() -> None:
    gate = Gate()
    pager = pager_of(read=gate.read)
    with ThreadPoolExecutor(1) as executor:
        pinning = executor.submit(pager.pin, ["a", "b"])
        wait_until(has_begun(gate, "a"))
        with pytest.raises(LimitTooSmall):
            pager.pin(["d"])
        with pytest.raises(LimitTooSmall):
            pager.get("d")
        with pytest.raises(LimitTooSmall):
            pager.resize(400)
        gate.open["a"].set()
        gate.open["b"].set()
        pinning.result()
    assert cached(pager) == ["a", "b"]


class Talker(Silence):
    """An observer with news, which the program hears by calling the pager back."""

    def __init__(self) -> None:
        self.pager: Pager | None = None
        self.heard = 0

    def announce(self) -> None:
        if self.pager is not None:
            pager, self.pager = self.pager, None
            self.heard += pager.stats().misses
            pager.get("a")
            self.pager = pager


def test_observers_speak_without_the_lock() -> None:
    talker = Talker()
    units = units_of(SIZES)
    pager = Pager(units.get, HeapSource(fill), max_memory=1024, observer=talker)
    talker.pager = pager
    assert pager.get("b") == content(units["b"])[:300]
    pager.pin(["b"])
    pager.resize(2048)
    pager.unpin(["b"])
    pager.hint("c")
    pager.evict("c")
    pager.clear()
    pager.stats()
    assert talker.heard > 7
    talker.pager = None
    pager.close()
