"""The pager among threads: one load a unit, never over the limit, exact counters; and the thread that loads ahead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from apbundle.errors import BundleClosed
from apbundle.paging.background import BackgroundLoader, Request
from apbundle.paging.stats import PagingStats
from apbundle.paging.units import Unit
from support.conditions import wait_until
from support.gates import Gate, has_begun, open_gate, waits
from support.interpreter import run_python
from support.paging import content, make_pager, units_of


@contextmanager
def threads(count: int) -> Iterator[Callable[..., Future[memoryview]]]:
    with ThreadPoolExecutor(count) as executor:
        yield executor.submit


def test_a_unit_is_loaded_once() -> None:
    gate = Gate()
    pager = make_pager(units_of({"a": 100}).values(), 1024, read=gate.read)
    with threads(8) as start:
        views = [start(pager.get, "a") for _ in range(8)]
        wait_until(waits(pager, 7))
        gate.open["a"].set()
        assert {bytes(view.result()) for view in views} == {content(Unit(0, "a", 100))[:100]}
    assert gate.begun["a"] == 1
    assert pager.stats() == PagingStats(7, 1, 0, 100, 100, 0)


def test_others_try_again_after_a_failure() -> None:
    gate = Gate()
    gate.broken.add("a")
    pager = make_pager(units_of({"a": 100}).values(), 1024, read=gate.read)
    with threads(4) as start:
        views = [start(pager.get, "a") for _ in range(4)]
        wait_until(waits(pager, 3))
        gate.open["a"].set()
        failures = [view.exception() for view in views]
    assert sorted(str(failure) for failure in failures) == ["None"] * 3 + ["[Errno 5] broken disk"]
    assert pager.stats() == PagingStats(2, 1, 0, 100, 100, 0)
    assert pager.charged == 100


def test_other_units_load_meanwhile() -> None:
    gate = Gate()
    pager = make_pager(units_of({"a": 100, "b": 100}).values(), 1024, read=gate.read)
    with threads(1) as start:
        slow = start(pager.get, "a")
        wait_until(has_begun(gate, "a"))
        gate.open["b"].set()
        assert len(pager.get("b")) == 100
        assert pager.get("b") is pager.get("b")
        assert not slow.done()
        gate.open["a"].set()
        assert len(slow.result()) == 100


def test_loads_under_way_keep_their_room() -> None:
    """A second unit that does not fit beside one being loaded waits for it instead of passing the limit."""
    gate = Gate()
    pager = make_pager(units_of({"a": 800, "b": 800}).values(), 1024, read=gate.read)
    with threads(2) as start:
        first = start(pager.get, "a")
        wait_until(has_begun(gate, "a"))
        gate.open["b"].set()
        second = start(pager.get, "b")
        wait_until(waits(pager, 1))
        assert pager.charged == 800
        assert gate.begun["b"] == 0
        gate.open["a"].set()
        assert len(first.result()) == len(second.result()) == 800
    assert pager.stats() == PagingStats(0, 2, 1, 1600, 800, 0)


def test_close_waits_for_loads_and_wakes_the_waiting() -> None:
    gate = Gate()
    pager = make_pager(units_of({"a": 100}).values(), 1024, read=gate.read)
    with threads(3) as start:
        users = [start(pager.get, "a") for _ in range(2)]
        wait_until(waits(pager, 1))
        closing = start(pager.close)
        wait_until(lambda: pager.closed)
        gate.open["a"].set()
        closing.result()
        assert all(isinstance(user.exception(), BundleClosed) for user in users)
    assert pager.charged == 0
    assert pager.stats() == PagingStats()


def test_background_loads_what_followed_before() -> None:
    gate = open_gate()
    pager = make_pager(units_of(dict.fromkeys("abcdef", 100)).values(), 300, read=gate.read, prefetch="background")
    for name in "abcdef":
        pager.get(name)
    assert pager.stats().prefetches == 0, "nothing was seen twice"
    pager.get("a")
    wait_until(lambda: pager.is_cached("b") and pager.is_cached("c"))
    assert pager.stats() == PagingStats(0, 7, 6, 900, 300, 2)
    pager.get("b")  # the first use of what was loaded ahead looks further ahead
    wait_until(lambda: pager.is_cached("d"))
    assert pager.stats() == PagingStats(1, 7, 7, 1000, 300, 3)
    pager.close()


def test_background_evicts_nothing_used_since() -> None:
    gate = open_gate()
    pager = make_pager(units_of(dict.fromkeys("abcdef", 100)).values(), 200, read=gate.read, prefetch="background")
    for name in "abcd":
        pager.get(name)
    gate.open["b"].clear()
    pager.get("a")  # expects b and c; b takes the room of d and is read slowly, c would need that of a
    wait_until(has_begun(gate, "b", 2))
    gate.open["b"].set()
    wait_until(lambda: pager.is_cached("b"))
    pager._background.close()  # type: ignore[union-attr]
    assert sorted(pager.cached_names) == ["a", "b"]
    assert pager.stats().prefetches == 1
    pager.close()


def test_background_gives_up_what_did_not_come() -> None:
    gate = open_gate()
    pager = make_pager(units_of(dict.fromkeys("abcdef", 100)).values(), 600, read=gate.read, prefetch="background")
    for name in "abcdef":
        pager.get(name)
    for name in "bc":
        pager.evict(name)
    gate.open["b"].clear()
    pager.get("a")
    wait_until(has_begun(gate, "b", 2))
    pager.evict("f")
    pager.get("f")  # not what was expected: c is no longer wanted
    gate.open["b"].set()
    wait_until(lambda: pager.is_cached("b"))
    pager._background.close()  # type: ignore[union-attr]
    assert not pager.is_cached("c")
    pager.close()


def test_background_hint_returns_at_once() -> None:
    gate = Gate()
    pager = make_pager(units_of({"a": 100}).values(), 1024, read=gate.read, prefetch="background")
    pager.hint("a")
    pager.hint("unknown")
    wait_until(has_begun(gate, "a"))
    assert not pager.is_cached("a")
    gate.open["a"].set()
    assert len(pager.get("a")) == 100, "an access waits for the load that was hinted at"
    assert pager.stats() == PagingStats(1, 0, 0, 100, 100, 1)
    pager.close()


def test_background_failures_stay_there() -> None:
    gate = open_gate()
    gate.broken.add("a")
    pager = make_pager(units_of({"a": 100}).values(), 1024, read=gate.read, prefetch="background")
    pager.hint("a")
    wait_until(lambda: not gate.broken)
    assert len(pager.get("a")) == 100
    pager.close()
    assert pager.stats().misses == 1


def test_the_garbage_collector_may_close_anywhere() -> None:
    """Also in the loading thread, between two requests, where the loader's lock is held."""
    loaded: list[str] = []
    loader = BackgroundLoader(lambda request: loaded.append(request.unit.name))
    with loader._lock:
        loader.close(wait=False)
    loader.hint(Request(Unit(0, "a", 100)))
    loader.close()
    assert loaded == []


def test_close_ends_the_thread() -> None:
    gate = open_gate()
    pager = make_pager(units_of({"a": 100}).values(), 1024, read=gate.read, prefetch="background")
    pager.hint("a")
    wait_until(lambda: pager.is_cached("a"))
    assert [thread for thread in threading.enumerate() if thread.name.startswith("apbundle")]
    pager.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("apbundle")]


def test_hints_do_not_hold_up_who_exits() -> None:
    """A program that closes nothing waits for the load under way, not for all that it once hinted at."""
    program = """
import os, threading
from apbundle.paging.background import BackgroundLoader, Request
from apbundle.paging.units import Unit

def load(request):
    os.write(1, b".")
    threading.Event().wait(0.01)

loader = BackgroundLoader(load)
for number in range(300):
    loader.hint(Request(Unit(number, str(number), 1)))
"""
    assert len(run_python(program)) < 100
