"""The pager: which units are in memory under a limit, and the counters of it.

A hit takes no lock: it looks a view up and appends the unit's number to a log. Everything else happens under one lock,
and first works the log off: counts the hits, brings the policy's order up to date, tells the observer. So the counters
and the order are exact whenever they matter, and a hit costs the same however many units are resident.

Loads run outside the lock. A unit is loaded once: others who ask for it wait, and find it, or try for themselves if
it failed. A failed load leaves no mark but the evictions that made room for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter_ns
from typing import Final, Literal

from apbundle.errors import BundleError, bundle_error
from apbundle.paging.background import BackgroundLoader, Request
from apbundle.paging.observer import EvictCause, LoadCause, Observer, Silence
from apbundle.paging.policy import make_policy
from apbundle.paging.prefetch import History, Successions
from apbundle.paging.sources import Source
from apbundle.paging.stats import PagingStats
from apbundle.paging.units import Unit

Prefetch = Literal["off", "inline", "background"]

BATCH = 4096
"""Hits that may wait in the log."""

_MAX_SPARED = 64


class Pager:
    """Units of a source, kept in memory under a limit.

    Parameters
    ----------
    find
        The unit of a name, or ``None``.
    source
        Where units come from and what they cost; this pager is its only user and closes it.
    max_memory
        Bytes the source may charge. A unit that needs more than that is loaded when nothing is left to evict.
    eviction
        Name of the policy, one of :data:`apbundle.paging.policy.POLICIES`.
    prefetch
        ``"inline"`` predicts from the last ten accesses and loads, before an access returns, what fits without an
        eviction; ``"background"`` learns what follows what and loads in a thread, evicting at most what was last used
        before the access that made it expect more.
    prefetch_count
        Most units loaded ahead for one access.
    observer
        Is told every event.
    """

    def __init__(
        self,
        find: Callable[[str], Unit | None],
        source: Source,
        *,
        max_memory: int,
        eviction: str = "lru",
        prefetch: Prefetch = "off",
        prefetch_count: int = 2,
        observer: Observer | None = None,
    ) -> None:
        self._find: Final = find
        self._source: Final = source
        self._limit: Final = max_memory
        self._policy: Final = make_policy(eviction)
        self._prefetch_count: Final = prefetch_count
        self._observer: Final[Observer] = observer or Silence()

        self._views: Final[dict[str, tuple[int, memoryview]]] = {}  # what a hit may take without the lock
        self._log: Final[list[int]] = []  # the hits not worked off yet

        self._lock: Final = threading.Lock()
        self._changed: Final = threading.Condition(self._lock)  # a load has ended
        self._residents: Final[dict[int, tuple[Unit, memoryview]]] = {}
        self._unused: Final[dict[int, int | None]] = {}  # loaded ahead, not used yet: the unit that made us expect it
        self._loading: Final[set[int]] = set()
        self._in_flight = 0  # loads that have their room
        self._closed = False
        self._hits = self._misses = self._evictions = self._prefetches = 0
        self._bytes_loaded = self._memory_used = 0

        self._history: Final = History(prefetch_count) if prefetch == "inline" else None
        self._background: Final = BackgroundLoader(self._load_ahead) if prefetch == "background" else None
        self._successions: Final = Successions()
        self._clock = 0  # accesses that took the lock
        self._last_used: Final[dict[int, int]] = {}  # by that clock
        self._previous: Unit | None = None  # the access before this one

    def get(self, name: str) -> memoryview:
        """The raw bytes of a unit, loaded if need be; the view stays valid after an eviction.

        Raises
        ------
        ModelNotFound
            Nothing has this name; nothing is counted.
        BundleClosed, BundleError, OSError
            The pager is closed, or the load failed.
        """
        found = self._views.get(name)
        if found is None:
            return self._access(name)
        unit, view = found
        log = self._log
        log.append(unit)
        if len(log) >= BATCH:
            with self._lock:
                self._work_off()
        return view

    def hint(self, name: str) -> None:
        """Load a unit ahead as a miss would, before returning unless prefetch is in the background.

        An unknown or resident one is left alone. Raises what a load raises.
        """
        unit = self._find(name)
        with self._operation():
            if unit is None:
                return
            if self._background is not None:
                if unit.id not in self._residents and unit.id not in self._loading:
                    self._background.hint(Request(unit))
            elif not self._wait_for(unit):
                self._load(unit, "hint")

    def evict(self, name: str) -> bool:
        """Drop a unit; whether it was resident."""
        unit = self._find(name)
        with self._operation():
            if unit is None or unit.id not in self._residents:
                return False
            self._drop(unit.id, "request", None)
            return True

    def clear(self) -> None:
        """Drop all units, counting no evictions."""
        with self._operation():
            self._clear()

    def is_cached(self, name: str) -> bool:
        """Whether a unit is resident."""
        unit = self._find(name)
        return unit is not None and unit.id in self._residents

    @property
    def cached_names(self) -> tuple[str, ...]:
        """The names of the resident units, in no particular order."""
        with self._lock:
            return tuple(unit.name for unit, _ in self._residents.values())

    @property
    def cached_count(self) -> int:
        """How many units are resident."""
        return len(self._residents)

    @property
    def memory_used(self) -> int:
        """Raw bytes of the resident units."""
        return self._memory_used

    @property
    def charged(self) -> int:
        """Bytes counted against the limit."""
        return self._source.charged

    @property
    def resident(self) -> int:
        """Bytes of memory held, buffers that callers still look at included."""
        with self._lock:
            return self._source.resident

    def stats(self) -> PagingStats:
        """The counters now, every finished access included."""
        with self._lock:
            self._work_off()
            self._observer.flush()
            return PagingStats(
                self._hits, self._misses, self._evictions, self._bytes_loaded, self._memory_used, self._prefetches
            )

    def close(self) -> None:
        """Drop everything, wait for loads under way, close the source; the counters stay readable."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._views.clear()
        if self._background is not None:
            self._background.close()
        with self._lock:
            while self._loading:
                self._changed.wait()
            self._work_off()
            self._clear()
            self._observer.close()
            self._source.close()

    # Everything below runs with the lock held.

    @contextmanager
    def _operation(self) -> Iterator[None]:
        """Hold the lock, on an open pager with its log worked off, and show the observer's news at the end."""
        with self._lock:
            self._check_open()
            self._work_off()
            try:
                yield
            finally:
                self._observer.flush()

    def _check_open(self) -> None:
        if self._closed:
            raise bundle_error("closed", "The bundle is closed.")

    def _work_off(self) -> None:
        """Count the logged hits, and let the policy and the observer know of them."""
        count = len(self._log)
        if not count:
            return
        batch = self._log[:count]
        del self._log[:count]  # what other threads log meanwhile stays
        self._hits += count
        self._policy.touch(batch)
        self._observer.hits(batch)
        if self._background is not None:
            self._last_used.update(dict.fromkeys(batch, self._clock))
            last = self._residents.get(batch[-1])
            self._previous = last[0] if last else None

    def _access(self, name: str) -> memoryview:
        """An access that did not go the short way: a miss, or a hit that may mean more than itself."""
        unit = self._find(name)
        if unit is None:
            raise bundle_error("model_not_found", f"There is no model named {name!r}.")
        with self._lock:
            self._check_open()
            if self._background is not None:
                self._work_off()
            previous = self._previous
            try:
                if self._wait_for(unit):
                    view, needed = self._hit(unit)
                else:
                    view, needed = self._load(unit, "demand"), True
                if self._history is not None:
                    self._load_following(self._history.accessed(unit))
                elif self._background is not None:
                    self._look_ahead(self._background, unit, previous if needed else None)
            finally:
                self._observer.flush()
            return view

    def _wait_for(self, unit: Unit) -> bool:
        """Whether ``unit`` is resident once nobody is loading it."""
        while unit.id in self._loading:
            self._changed.wait()
            self._check_open()
        return unit.id in self._residents

    def _hit(self, unit: Unit) -> tuple[memoryview, bool]:
        """The view, and whether this would have been a miss but for a prefetch."""
        view = self._residents[unit.id][1]
        self._log.append(unit.id)
        ahead = unit.id in self._unused
        if ahead or len(self._log) >= BATCH:
            self._work_off()
        if ahead:
            del self._unused[unit.id]
            self._observer.prefetch_used(unit.id, unit.size)
        self._offer(unit, view)
        return view, ahead

    def _offer(self, unit: Unit, view: memoryview) -> None:
        """Let hits of ``unit`` go the short way, unless each of them is to be looked at."""
        if self._history is None:
            self._views[unit.name] = unit.id, view

    def _load(self, unit: Unit, cause: LoadCause, after: int | None = None) -> memoryview:
        """Bring ``unit`` in, with the lock released while the source works."""
        self._work_off()
        self._loading.add(unit.id)
        try:
            self._make_room(unit)
            view, latency = self._read(unit, cause)
        finally:
            self._loading.discard(unit.id)
            self._changed.notify_all()
        self._work_off()
        self._residents[unit.id] = unit, view
        self._policy.insert(unit.id, unit.size)
        self._bytes_loaded += unit.size
        self._memory_used += unit.size
        if cause == "demand":
            self._misses += 1
            self._offer(unit, view)
        else:
            self._prefetches += 1
            self._unused[unit.id] = after
        if self._background is not None:
            self._last_used[unit.id] = self._clock
        self._observer.loaded(unit.id, unit.size, cause, latency)
        return view

    def _read(self, unit: Unit, cause: LoadCause) -> tuple[memoryview, int]:
        """The bytes from the source, and the nanoseconds that took."""
        self._source.reserve(unit, self._limit)
        self._in_flight += 1
        started = perf_counter_ns()
        try:
            self._lock.release()
            try:
                view = self._source.load(unit)
            finally:
                self._lock.acquire()
            self._check_open()
        except BaseException as error:
            self._source.release(unit)
            if isinstance(error, Exception):
                self._observer.load_failed(unit.id, cause, error, perf_counter_ns() - started)
            raise
        finally:
            self._in_flight -= 1
        return view, perf_counter_ns() - started

    def _excess(self, unit: Unit) -> int:
        """Bytes that must go before ``unit`` fits; none for one that is not charged."""
        cost = self._source.cost(unit, self._limit)
        return 0 if cost is None else max(self._source.charged + cost - self._limit, 0)

    def _make_room(self, unit: Unit) -> None:
        """Evict until ``unit`` fits or nothing is left to evict, other loads under way included."""
        while self._excess(unit):
            victim = self._policy.victim()
            if victim is not None:
                self._drop(victim, "room", unit.id)
            elif self._in_flight:
                self._changed.wait()
                self._check_open()
                self._work_off()
            else:
                return

    def _drop(self, number: int, cause: EvictCause, needed_by: int | None) -> None:
        unit = self._forget(number)
        self._evictions += 1
        self._observer.evicted(number, unit.size, cause, needed_by)
        if self._background is None:
            return
        for earlier in self._successions.before(number):  # their next use is the time to think of this one again
            if earlier in self._residents:
                self._views.pop(self._residents[earlier][0].name, None)

    def _forget(self, number: int) -> Unit:
        """Take a unit out of every table and give its memory back."""
        unit = self._residents.pop(number)[0]  # no reference to the view may remain here: the source looks for them
        self._views.pop(unit.name, None)
        self._policy.remove(number)
        self._memory_used -= unit.size
        self._last_used.pop(number, None)
        after = self._unused.pop(number, None)
        if after is not None:
            self._successions.weaken(after, number)
        self._source.release(unit)
        return unit

    def _clear(self) -> None:
        size = self._memory_used
        for number in list(self._residents):
            self._forget(number)
        if size:
            self._observer.cleared(size)

    # Loading ahead.

    def _load_following(self, units: list[Unit]) -> None:
        """Load, of what is expected now, all that fits as things are."""
        for unit in units:
            cost = self._source.cost(unit, self._limit)
            known = unit.id in self._residents or unit.id in self._loading
            if not known and cost is not None and self._source.charged + cost <= self._limit:
                with suppress(BundleError, OSError):  # whoever asks for it will be told
                    self._load(unit, "inline")

    def _look_ahead(self, background: BackgroundLoader, unit: Unit, previous: Unit | None) -> None:
        """Learn from an access (``previous`` led to a load of it) and ask for what usually comes next."""
        self._clock += 1
        self._last_used[unit.id] = self._clock
        self._previous = unit
        if previous is not None:
            self._successions.learn(previous, unit)
        requests: list[Request] = []
        step = unit
        for _ in range(self._prefetch_count):
            following = self._successions.successor(step.id)
            if following is None or following.id == unit.id:
                break
            if following.id not in self._residents and following.id not in self._loading:
                requests.append(Request(following, step.id, self._clock))
            step = following
        background.expect(requests)

    def _load_ahead(self, request: Request) -> None:
        """Serve one request; called by the background thread, without the lock."""
        unit = request.unit
        with self._lock:
            if self._closed or unit.id in self._residents or unit.id in self._loading:
                return
            try:
                if request.clock is None:
                    self._load(unit, "hint")
                elif self._make_room_ahead(unit, request.clock):
                    self._load(unit, "background", request.after)
            except (BundleError, OSError, MemoryError):
                pass  # whoever asks for it will be told
            finally:
                self._observer.flush()

    def _make_room_ahead(self, unit: Unit, clock: int) -> bool:
        """Evict for ``unit`` what was last used before ``clock``, if that is enough; else nothing."""
        self._work_off()
        if self._source.cost(unit, self._limit) is None:
            return False  # it would not be loaded, only mapped
        excess = self._excess(unit)
        victims: list[int] = []
        spared: set[int] = set()
        while excess > 0:
            victim = self._policy.victim(spared)
            if victim is None or len(spared) - len(victims) > _MAX_SPARED:
                return False
            spared.add(victim)
            if self._last_used[victim] < clock:
                victims.append(victim)
                excess -= self._residents[victim][0].size
        for victim in victims:
            self._drop(victim, "room", unit.id)
        return not self._excess(unit)
