"""The units in memory: the one place where bytes are charged, units come and go, and counters move.

Everything here is called with :attr:`UnitStore.lock` held; only the source's own work runs without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pickle import PickleBuffer
from time import perf_counter_ns
from typing import Final

from apbundle.errors import Cancelled, bundle_error
from apbundle.paging.background import Request
from apbundle.paging.observer import EvictCause, LoadCause, Observer
from apbundle.paging.order import EvictionOrder
from apbundle.paging.pins import Pins
from apbundle.paging.policy import Policy
from apbundle.paging.prefetch import LookAhead
from apbundle.paging.sources import Source
from apbundle.paging.stats import PagingStats
from apbundle.paging.units import Key, Unit

BATCH = 4096
"""Hits that may wait in the log."""

_MAX_SPARED = 64  # units passed over in search of some that may leave


class UnitStore:
    """What is resident, in which order it leaves, and what that has counted so far.

    Parameters
    ----------
    source
        Where units come from and what they cost.
    max_memory
        Bytes the source may charge.
    policy, observer
        The order; who is told.
    look_ahead
        Learns from what happens here, or ``None``.
    quick_hits
        Whether hits may go by :attr:`views` and :attr:`log` alone, without the lock.
    """

    def __init__(
        self,
        source: Source,
        max_memory: int,
        policy: Policy,
        observer: Observer,
        look_ahead: LookAhead | None,
        *,
        quick_hits: bool,
    ) -> None:
        self.source: Final = source
        self.observer: Final = observer
        self.lock: Final = threading.Lock()
        self.views: Final[dict[Key, tuple[int, memoryview]]] = {}
        self.log: Final[list[int]] = []  # hits that are not worked off yet
        # Every caller gets the same view. While it is held by one more buffer it refuses to be released, say by a
        # ``with``, which would take it from all others.
        self.residents: Final[dict[int, tuple[Unit, memoryview, PickleBuffer]]] = {}
        self.memory_used = 0
        self.closed = False
        self._limit = max_memory
        self._order: Final = EvictionOrder(policy)
        self._look_ahead: Final = look_ahead
        self._quick_hits: Final = quick_hits
        self._changed: Final = threading.Condition(self.lock)  # a load has ended
        self._pins: Final = Pins(source, self._order, observer, self.residents)
        self._unused: Final[dict[int, int | None]] = {}  # loaded ahead, not used yet: the unit that made us expect it
        self._loading: Final[dict[int, Request | None]] = {}  # what for, if it may be given up
        self._in_flight = 0  # loads that have their room
        self._waiting = 0  # threads that wait for a load to end
        self._hits = self._misses = self._evictions = self._prefetches = self._bytes_loaded = 0
        source.resize(max_memory)

    @property
    def limit(self) -> int:
        """Bytes the source may charge."""
        return self._limit

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being loaded."""
        return not self._loading

    def check_open(self) -> None:
        """Raise ``BundleClosed`` if this is closed."""
        if self.closed:
            raise bundle_error("closed", "The bundle was closed.")

    def work_off(self) -> None:
        """Count the logged hits, and let the order and the observer know of them."""
        count = len(self.log)
        if not count:
            return
        batch = self.log[:count]
        del self.log[:count]  # what other threads log meanwhile stays
        self._hits += count
        self._order.touch(batch)
        self.observer.hits(batch)
        if self._look_ahead is not None:
            last = self.residents.get(batch[-1])
            self._look_ahead.hit(batch, last[0] if last else None)

    def stats(self) -> PagingStats:
        """The counters, every logged hit included."""
        self.work_off()
        return PagingStats(
            self._hits, self._misses, self._evictions, self._bytes_loaded, self.memory_used, self._prefetches
        )

    def is_present(self, unit: Unit) -> bool:
        """Whether ``unit`` is resident or being loaded."""
        return unit.id in self.residents or unit.id in self._loading

    def wait_for(self, unit: Unit) -> bool:
        """Whether ``unit`` is resident once nobody is loading it."""
        while unit.id in self._loading:
            request = self._loading[unit.id]
            if request is not None:
                request.awaited = True
            self._wait()
        return unit.id in self.residents

    def access(self, unit: Unit) -> tuple[memoryview, bool]:
        """The view of a unit, and whether this access was a miss, or would have been but for a prefetch."""
        if self.wait_for(unit):
            return self._hit(unit)
        return self.load(unit, "demand"), True

    def load(self, unit: Unit, cause: LoadCause, request: Request | None = None) -> memoryview:
        """Bring in a unit that is not present, evicting as needed; the lock is released while the source works.

        One that is loaded because of a ``request`` is given up when that is not wanted any more.

        Raises
        ------
        LimitTooSmall
            What is pinned leaves too little of the limit; nothing was evicted.
        """
        self.work_off()
        self._loading[unit.id] = request
        started = perf_counter_ns()
        try:
            kept = self._make_room(unit)
            started = perf_counter_ns()
            charged, view = self._read(unit, request)
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, Cancelled):
                self.observer.load_failed(unit.id, cause, error, perf_counter_ns() - started)
            raise
        finally:
            del self._loading[unit.id]
            if self._waiting:
                self._changed.notify_all()
        latency = perf_counter_ns() - started
        self.work_off()
        self.residents[unit.id] = unit, view, PickleBuffer(view)
        self._order.insert(unit.id, unit.size, charged=charged, kept=kept)
        self._bytes_loaded += unit.size
        self.memory_used += unit.size
        if cause == "demand":
            self._misses += 1
            self._offer(unit, view)
        else:
            self._prefetches += 1
            self._unused[unit.id] = request.after if request else None
        if self._look_ahead is not None:
            self._look_ahead.loaded(unit)
        self.observer.loaded(unit.id, unit.size, cause, latency)
        if unit.id in self._order.pins:
            self._pins.loaded(unit)
        return view

    def fits(self, unit: Unit) -> bool:
        """Whether ``unit`` can be brought in, and charged, as things are."""
        if self.source.cost(unit) is None or self._order.uncharged or not self._pins.leave_room(unit, self._limit):
            return False
        return self._excess(unit) <= 0

    def make_room_ahead(self, unit: Unit, may_leave: Callable[[int], bool]) -> bool:
        """Whether ``unit`` fits, once units that ``may_leave`` are evicted; none is if they are not enough."""
        self.work_off()
        if self.source.cost(unit) is None or not self._pins.leave_room(unit, self._limit):
            return False  # it would be handed out without being loaded, or fail
        victims = list(self._order.uncharged)
        if not all(map(may_leave, victims)):
            return False
        excess, spared = self._excess(unit), 0
        for candidate in self._order.candidates():
            if excess <= 0 or spared == _MAX_SPARED:
                break
            if may_leave(candidate):
                victims.append(candidate)
                excess -= self.source.relief(self.residents[candidate][0], unit)
            else:
                spared += 1
        if excess > 0:
            return False
        for victim in victims:
            self.drop(victim, "room", unit.id)
        return self._excess(unit) <= 0

    def drop(self, number: int, cause: EvictCause, needed_by: int | None = None) -> None:
        """Evict a resident unit."""
        unit, after = self._forget(number)
        self._evictions += 1
        self.observer.evicted(number, unit.size, cause, needed_by)
        self._watch_for(unit, after)

    def evict(self, unit: Unit) -> bool:
        """Evict ``unit`` because the program says so; whether it was resident and not pinned."""
        if unit.id not in self.residents or unit.id in self._order.pins:
            return False
        self.drop(unit.id, "request")
        return True

    def clear(self) -> None:
        """Let every unit go that is resident and not pinned, counting nothing."""
        self.work_off()
        self._drop_all([number for number in self.residents if number not in self._order.pins])

    def pin(self, units: list[Unit]) -> None:
        """Access all ``units``, the resident ones first, and keep them from leaving; none is kept if one fails to load.

        Raises
        ------
        LimitTooSmall
            The limit cannot hold them beside what is pinned already; nothing was done.
        """
        self.work_off()
        self._pins.claim(units, self._limit)
        try:
            for unit in sorted(units, key=lambda unit: unit.id not in self.residents):
                while self.wait_for(unit) and unit.id in self._order.uncharged:
                    self.drop(unit.id, "room", unit.id)
                self.access(unit)
                self.work_off()
        except BaseException:
            self._pins.let_go(units)
            raise

    def unpin(self, units: list[Unit]) -> None:
        """Take back what one :meth:`pin` of ``units`` did (``ValueError`` if they are not all pinned so often)."""
        self._pins.check_pinned(units)
        self.work_off()
        self._pins.let_go(units)

    def resize(self, limit: int) -> None:
        """Change the limit, and evict until it holds; loads under way are waited for if they are in the way.

        Raises
        ------
        LimitTooSmall
            What is pinned does not fit; nothing was done.
        """
        self._pins.check_limit(limit)
        self.work_off()
        self._limit = limit
        self.source.resize(limit)
        self._order.resize(limit)
        self.observer.resized(limit)
        self.make_room("limit")

    def make_room(self, cause: EvictCause) -> None:
        """Evict until the limit holds, whatever the source charges besides units."""
        self.work_off()
        while self.source.charged > self._limit:
            victim = self._order.victim()
            if victim is not None:
                self.drop(victim, cause)
            elif self._in_flight:
                self._wait()
            else:
                return

    def close(self) -> None:
        """Wait for the loads under way, let everything go, and close source and observer."""
        while self._loading:
            self._wait_for_change()
        self.work_off()
        self._drop_all(list(self.residents))
        self.observer.close()
        self.source.close()

    def _hit(self, unit: Unit) -> tuple[memoryview, bool]:
        view = self.residents[unit.id][1]
        self.log.append(unit.id)
        ahead = unit.id in self._unused
        if ahead or len(self.log) >= BATCH:
            self.work_off()
        if ahead:
            after = self._unused.pop(unit.id)
            self.observer.prefetch_used(unit.id, unit.size)
            if self._look_ahead is not None and after is not None:
                self._look_ahead.used()
        self._offer(unit, view)
        return view, ahead

    def _offer(self, unit: Unit, view: memoryview) -> None:
        if self._quick_hits:
            self.views[unit.key] = unit.id, view

    def _wait(self) -> None:
        """Until a load has ended; hits that others had meanwhile are worked off."""
        self._wait_for_change()
        self.check_open()
        self.work_off()

    def _wait_for_change(self) -> None:
        self._waiting += 1
        try:
            self._changed.wait()
        finally:
            self._waiting -= 1

    def _excess(self, unit: Unit) -> int:
        """Bytes that must go before ``unit`` fits, if above 0; 0 for one that is not charged."""
        cost = self.source.cost(unit)
        return 0 if cost is None else self.source.charged + cost - self._limit

    def _make_room(self, unit: Unit) -> bool:
        """Evict until ``unit`` fits or nothing is left to evict, now or after the loads under way.

        Returns whether the policy will keep it.
        """
        if self._order.pins:
            self._pins.check_room(unit, self._limit)
        kept = self._order.admits(unit.id, unit.size)
        for number in list(self._order.uncharged):
            self.drop(number, "room", unit.id)
        while self._excess(unit) > 0:
            victim = self._order.victim()
            if victim is not None:
                self.drop(victim, "room", unit.id)
            elif self._in_flight:
                self._wait()
                self._pins.check_room(unit, self._limit)
            else:
                break
        return kept

    def _read(self, unit: Unit, request: Request | None) -> tuple[bool, memoryview]:
        """Whether ``unit`` is charged, and its bytes from the source."""
        charged = self.source.reserve(unit)
        self._in_flight += 1
        try:
            self.lock.release()
            try:
                view = self.source.load(unit, request)
            finally:
                self.lock.acquire()
            self.check_open()
        except BaseException:
            self.source.release(unit)
            raise
        finally:
            self._in_flight -= 1
        return charged, view

    def _drop_all(self, numbers: list[int]) -> None:
        """Let units go, counting nothing."""
        before = self.memory_used
        for number in numbers:
            self._watch_for(self._forget(number)[0], None)  # what was expected was not wrong
        self.source.shrink()
        if numbers:
            self.observer.cleared(before - self.memory_used)

    def _watch_for(self, unit: Unit, after: int | None) -> None:
        """``unit`` left, unused since ``after`` made us expect it: see to it that its return is foreseen."""
        if self._look_ahead is not None:
            for earlier in self._look_ahead.left(unit, after):
                if earlier in self.residents:  # its next use shall not go unseen
                    self.views.pop(self.residents[earlier][0].key, None)

    def _forget(self, number: int) -> tuple[Unit, int | None]:
        """Take a unit out of every table and give its memory back; also the unit it was expected after, if unused."""
        unit = self.residents.pop(number)[0]  # no reference to the view may remain here: the source looks for them
        self.views.pop(unit.key, None)
        self._order.remove(number)
        self.memory_used -= unit.size
        self.source.release(unit)
        return unit, self._unused.pop(number, None)
