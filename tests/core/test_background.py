"""The thread that loads ahead: how much may wait, what is given up, and that it ends."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from apbundle.paging.background import MAX_HINTS, MAX_THREADS, BackgroundLoader, Request
from apbundle.paging.blocks import BLOCK
from apbundle.paging.mapped_source import MappedSource
from apbundle.paging.pager import Pager, Prefetch
from apbundle.paging.sources import HeapSource
from apbundle.paging.stats import PagingStats
from apbundle.paging.units import Unit
from support.conditions import wait_until
from support.gates import waits
from support.paging import fill, make_pager, units_of
from support.plain_pager import Notes
from support.regions import SparseRegion

UNITS = [Unit(number, f"u{number}", 100) for number in range(2 * MAX_HINTS)]


class Idle(BackgroundLoader):
    """One whose thread never gets its turn."""

    def __init__(self) -> None:
        super().__init__(lambda request: None)
        self._running = True

    @property
    def waiting(self) -> list[int]:
        """The units it would load, in turn."""
        units = []
        while (request := self._next()) is not None:
            units.append(request.unit.id)
        return units


def test_hints_are_bounded_and_count_once() -> None:
    loader = Idle()
    for unit in UNITS[:10] + UNITS:
        loader.hint(Request(unit))
    assert loader.waiting == list(range(MAX_HINTS))


def test_each_thread_replaces_its_own_expectations_and_they_take_turns() -> None:
    loader = Idle()
    loader.expect(1, [Request(UNITS[0], clock=1, thread=1)], [0])
    loader.expect(2, [Request(UNITS[10], clock=2, thread=2), Request(UNITS[11], clock=2, thread=2)], [10, 11])
    loader.expect(1, [Request(UNITS[n], clock=3, thread=1) for n in (4, 5)], [4, 5])
    loader.hint(Request(UNITS[20]))
    assert loader.waiting == [20, 10, 4, 11, 5]
    loader = Idle()
    for thread in range(MAX_THREADS + 1):
        loader.expect(thread, [Request(UNITS[thread])], [thread])
    assert loader.waiting == list(range(1, MAX_THREADS + 1))


def test_what_proves_wrong_is_given_up_by_the_thread_that_expected_it() -> None:
    loader = Idle()

    def begin(request: Request) -> Request:
        loader.expect(request.thread, [request], [request.unit.id])
        assert loader._next() is request
        return request

    request = begin(Request(UNITS[0], clock=1, thread=1))
    loader.expect(2, [], [5])
    loader.expect(1, [], [3, 0])
    assert request.is_wanted
    loader.expect(1, [], [3])
    assert not request.is_wanted
    request.awaited = True
    assert request.is_wanted, "someone came to wait for it"
    hint = Request(UNITS[1])
    loader.hint(hint)
    assert loader._next() is hint
    loader.expect(0, [], [])
    assert hint.is_wanted, "a hint is no guess"


class SlowRegion(SparseRegion):
    """The map of a file on a disk that waits, at one unit, between two pieces."""

    def __init__(self, size: int, slow: range) -> None:
        super().__init__(size)
        self.slow = slow
        self.pieces = 0
        self.go_on = threading.Event()

    def populate(self, offset: int, length: int) -> None:
        super().populate(offset, length)
        if offset // BLOCK in self.slow:
            self.pieces += 1
            assert self.go_on.wait(20)


class Guess:
    """A pager that has begun to load a large unit ahead, and waits in the middle of it."""

    def __init__(self) -> None:
        sizes = {"a": 100, "large": 30 * BLOCK, "b": 200}
        units = units_of(sizes)
        units["large"] = Unit(1, "large", 30 * BLOCK, BLOCK)
        self.region = SlowRegion(40 * BLOCK, range(1, 31))
        self.notes = Notes()
        source = MappedSource(self.region, HeapSource(fill))
        self.pager = Pager(
            units.get, source, max_memory=35 * BLOCK, prefetch="background", prefetch_count=1, observer=self.notes
        )
        self.region.go_on.set()
        for name in ("a", "large", "b"):
            self.pager.get(name)
        for name in ("a", "large"):
            self.pager.evict(name)
        self.region.go_on.clear()
        before = self.region.pieces
        self.pager.get("a")  # after which the large one came
        wait_until(lambda: self.region.pieces == before + 1)
        self.begun = self.region.pieces


def test_a_guess_that_proves_wrong_is_given_up_in_the_middle() -> None:
    guess = Guess()
    guess.pager.evict("b")
    guess.pager.get("b")
    guess.region.go_on.set()
    guess.pager._background.close()  # type: ignore[union-attr]
    assert guess.region.pieces == guess.begun, "the rest was not loaded"
    assert not guess.region.inside
    assert guess.pager.charged == 300
    assert guess.pager.stats().prefetches == 0
    assert "failed" not in {kind for kind, *_ in guess.notes.events}
    guess.pager.close()


def test_a_guess_that_someone_waits_for_is_finished() -> None:
    guess = Guess()
    with ThreadPoolExecutor(1) as executor:
        view = executor.submit(guess.pager.get, "large")
        wait_until(waits(guess.pager, 1))
        guess.pager.evict("b")
        guess.pager.get("b")
        guess.region.go_on.set()
        view.result()
    assert guess.region.pieces > guess.begun
    assert guess.pager.stats() == PagingStats(1, 5, 3, 2 * (300 + 30 * BLOCK), 300 + 30 * BLOCK, 1)
    guess.pager.close()


def test_closing_gives_a_guess_up() -> None:
    guess = Guess()
    with ThreadPoolExecutor(1) as executor:
        closing = executor.submit(guess.pager.close)
        wait_until(lambda: guess.pager._background._closed)  # type: ignore[union-attr]
        wait_until(lambda: guess.pager._background._executor is None)  # type: ignore[union-attr]
        guess.region.go_on.set()
        closing.result()
    assert guess.region.pieces == guess.begun
    assert not guess.region.inside


@pytest.mark.parametrize("prefetch", ["off", "inline", "background"])
def test_a_pager_goes_with_its_last_reference(prefetch: Prefetch) -> None:
    """Not with the garbage collector, which crashes some interpreters when it clears views that are exported."""
    pager = make_pager(units_of({"a": 100, "b": 100}).values(), 1024, prefetch=prefetch)
    pager.hint("a")
    wait_until(partial(pager.is_cached, "a"))
    if pager._background is not None:
        pager._background.close()
    gone = weakref.ref(pager)
    view = pager.get("a")
    del pager
    assert gone() is None
    assert len(view) == 100


def test_a_load_that_ends_the_thread_does_not_end_loading_ahead() -> None:
    class Stop(BaseException):
        pass

    seen: list[int] = []

    def load(request: Request) -> None:
        seen.append(request.unit.id)
        if request.unit.id == 0:
            raise Stop

    loader = BackgroundLoader(load)
    loader.hint(Request(UNITS[0]))
    wait_until(lambda: not loader._running)
    loader.hint(Request(UNITS[1]))
    wait_until(lambda: seen == [0, 1])
    loader.close()
