"""The pager: which units are in memory under a limit, and the counters of it.

A hit takes no lock: it looks a view up and appends the unit's number to a log. Everything else happens under one lock,
and first works the log off: counts the hits, brings the policy's order up to date, tells the observer. So the counters
and the order are exact whenever they matter, and a hit costs the same however many units are resident.

Loads run outside the lock. A unit is loaded once: others who ask for it wait, and find it, or try for themselves if
it failed. A failed load leaves no mark but the evictions that made room for it.

Nothing of the program's is called with the lock held: what the observer has to say to it, it says afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import get_ident
from typing import Final, TypeVar
from weakref import WeakMethod

from apbundle.errors import BundleClosed, BundleError, bundle_error
from apbundle.paging.background import BackgroundLoader, Request
from apbundle.paging.config import Prefetch
from apbundle.paging.observer import Observer, Silence
from apbundle.paging.policy import make_policy
from apbundle.paging.prefetch import History, LookAhead
from apbundle.paging.sources import Source
from apbundle.paging.stats import PagingStats
from apbundle.paging.store import BATCH, UnitStore
from apbundle.paging.units import Key, Unit

_Result = TypeVar("_Result")

_LEARNING_SHARE = 100  # one part of so many of the limit is what the predictor may remember


class Pager:
    """Units of a source, kept in memory under a limit.

    Parameters
    ----------
    find
        The unit of a key, or ``None``. Units may overlap.
    source
        Where units come from and what they cost; this pager is its only user and closes it.
    max_memory
        Bytes the source may charge. A unit that needs more than that is loaded when nothing is left to evict; it may
        be changed by :meth:`resize`.
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
        find: Callable[[Key], Unit | None],
        source: Source,
        *,
        max_memory: int,
        eviction: str = "lru",
        prefetch: Prefetch = "off",
        prefetch_count: int = 2,
        observer: Observer | None = None,
    ) -> None:
        self._find: Final = find
        self._history: Final = History(prefetch_count) if prefetch == "inline" else None
        background = prefetch == "background"
        self._look_ahead: Final = LookAhead(prefetch_count, max_memory // _LEARNING_SHARE) if background else None
        self._background: Final = BackgroundLoader(self._weakly_load_ahead()) if background else None
        self._store: Final = UnitStore(
            source,
            max_memory,
            make_policy(eviction, max_memory),
            observer or Silence(),
            self._look_ahead,
            quick_hits=self._history is None,
        )
        self._lock: Final = self._store.lock
        self.views: Final = self._store.views
        """What may be had without a call: whoever takes a unit's view from here logs it, as :meth:`get` does."""
        self.log: Final = self._store.log
        """Numbers of the units that were hit; when there are ``BATCH``, :meth:`work_off` is due."""

    def get(self, key: Key) -> memoryview:
        """The raw bytes of a unit, loaded if need be; the view stays valid after an eviction.

        Raises
        ------
        ModelNotFound
            Nothing has this key; nothing is counted.
        LimitTooSmall
            The unit fits under the limit, but not beside what is pinned.
        BundleClosed, BundleError, OSError
            The pager is closed, or the load failed.
        """
        try:
            unit, view = self.views[key]
        except KeyError:
            pass
        else:
            log = self.log
            log.append(unit)
            if len(log) >= BATCH:
                self.work_off()
            return view
        return self._access(key)

    def work_off(self) -> None:
        """Count the logged hits, and let the policy and the observer know of them."""
        with self._lock:
            self._store.work_off()
        self._store.observer.announce()

    def hint(self, key: Key) -> None:
        """Load a unit ahead as a miss would, before returning unless prefetch is in the background.

        An unknown or resident one is left alone, and so are hints beyond the 1024 that may wait for the background.
        Raises what a load raises.
        """
        unit = self._find_unit(key)
        with self._operation():
            if unit is None:
                return
            if self._background is not None:
                if not self._store.is_present(unit):
                    self._background.hint(Request(unit))
            elif not self._store.wait_for(unit):
                self._store.load(unit, "hint")

    def evict(self, key: Key) -> bool:
        """Drop a unit; whether it was resident and not pinned."""
        unit = self._find_unit(key)
        with self._operation():
            return unit is not None and self._store.evict(unit)

    def clear(self) -> None:
        """Drop all units that are not pinned, counting no evictions."""
        with self._operation():
            self._store.clear()

    def pin(self, keys: Sequence[Key]) -> None:
        """Keep units in memory until as many calls of :meth:`unpin`: all of them, or none if this raises.

        Each is accessed, which is a hit or a miss, those that are resident first; nothing is predicted from it.
        Between its first and its last pin a unit stands outside the order in which units leave; it comes back as the
        most recently used.

        Raises
        ------
        ModelNotFound
            Nothing has one of the keys; nothing is counted.
        LimitTooSmall
            The limit cannot hold them beside what is pinned already; nothing was loaded or evicted.
        BundleClosed, BundleError, OSError
            The pager is closed, or a load failed.
        """
        units = [self._known(key) for key in keys]
        with self._operation():
            self._store.pin(units)

    def unpin(self, keys: Sequence[Key]) -> None:
        """Take back one :meth:`pin` of these units; nothing happens once the pager is closed.

        Raises
        ------
        ValueError
            They are not all pinned; nothing was done.
        """
        units = [self._known(key) for key in keys]
        with suppress(BundleClosed), self._operation():
            self._store.unpin(units)

    def resize(self, max_memory: int) -> None:
        """Change the limit; of what is not pinned, as much is evicted before this returns as makes it hold.

        Raises
        ------
        LimitTooSmall
            What is pinned does not fit; nothing was changed.
        """
        with self._operation():
            self._store.resize(max_memory)

    def make_room(self, charge: Callable[[], _Result]) -> _Result:
        """What ``charge`` returns, which makes the source charge more; evicts until the limit holds again."""
        with self._operation():
            result = charge()
            self._store.make_room("room")
        return result

    @property
    def max_memory(self) -> int:
        """The limit: bytes that may be charged."""
        return self._store.limit

    def is_cached(self, key: Key) -> bool:
        """Whether a unit is resident."""
        unit = self._find_unit(key)
        return unit is not None and unit.id in self._store.residents

    @property
    def cached_units(self) -> tuple[Unit, ...]:
        """The resident units, in no particular order."""
        with self._lock:
            return tuple(unit for unit, *_ in self._store.residents.values())

    @property
    def cached_names(self) -> tuple[str, ...]:
        """The names of the resident units, in no particular order."""
        return tuple(unit.name for unit in self.cached_units)

    @property
    def cached_count(self) -> int:
        """How many units are resident."""
        return len(self._store.residents)

    @property
    def memory_used(self) -> int:
        """Raw bytes of the resident units."""
        return self._store.memory_used

    @property
    def charged(self) -> int:
        """Bytes counted against the limit."""
        with self._lock:
            return self._store.source.charged

    @property
    def resident(self) -> int:
        """Bytes of memory really held, buffers that callers still look at included; may take milliseconds."""
        return self._store.source.resident

    def stats(self) -> PagingStats:
        """The counters now, every finished access included."""
        try:
            with self._lock:
                stats = self._store.stats()
                self._store.observer.flush()
                return stats
        finally:
            self._store.observer.announce()

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._store.closed

    def close(self, *, wait: bool = True) -> None:
        """Drop everything and close the source; the counters stay readable.

        Loads under way are waited for. Without ``wait``, nothing is closed while there are any: for callers that may
        be called by the garbage collector, in any thread and at any moment.
        """
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if self._store.closed or not (wait or self._store.is_idle):
                return
            self._store.closed = True
            self.views.clear()
        finally:
            self._lock.release()
        if self._background is not None:
            self._background.close(wait=wait)
        with self._lock:
            self._store.close()
        self._store.observer.announce()

    @contextmanager
    def _operation(self) -> Iterator[None]:
        """Hold the lock, on an open pager with its log worked off, and let the observer tell its news at the end."""
        try:
            with self._lock:
                self._store.check_open()
                self._store.work_off()
                try:
                    yield
                finally:
                    self._store.observer.flush()
        finally:
            self._store.observer.announce()

    def _find_unit(self, key: Key) -> Unit | None:
        if not isinstance(key, (str, tuple)):
            raise TypeError(f"a name is a string, not {type(key).__name__}")
        return self._find(key)

    def _known(self, key: Key) -> Unit:
        unit = self._find_unit(key)
        if unit is None:
            raise bundle_error("model_not_found", f"The bundle has no model named {key!r}.")
        return unit

    def _access(self, key: Key) -> memoryview:
        """An access that did not go the short way: a miss, or a hit that may mean more than itself."""
        unit = self._known(key)
        store = self._store
        try:
            with self._lock:
                store.check_open()
                previous = None
                if self._look_ahead is not None:
                    store.work_off()
                    previous = self._look_ahead.previous
                try:
                    view, needed = store.access(unit)
                    if self._history is not None:
                        self._load_following(self._history.accessed(unit))
                    elif self._look_ahead is not None:
                        self._expect(self._look_ahead.accessed(unit, previous, needed, get_ident()))
                finally:
                    store.observer.flush()
                return view
        finally:
            store.observer.announce()

    def _load_following(self, units: list[Unit]) -> None:
        """Load, of what is expected now, all that fits as things are."""
        for unit in units:
            if not self._store.is_present(unit) and self._store.fits(unit):
                with suppress(BundleError, OSError, MemoryError):  # whoever asks for it will be told
                    self._store.load(unit, "inline")

    def _expect(self, requests: list[Request]) -> None:
        """Have the background load what is expected and not there, and give up what is not expected any more."""
        if self._background is not None:
            missing = [request for request in requests if not self._store.is_present(request.unit)]
            self._background.expect(get_ident(), missing, [request.unit.id for request in requests])

    def _weakly_load_ahead(self) -> Callable[[Request], None]:
        """:meth:`_load_ahead` for the loader this holds, without a cycle.

        A pager shall go with its last reference: interpreters crash when the garbage collector clears memory views
        that are exported.
        """
        reference = WeakMethod(self._load_ahead)

        def load(request: Request) -> None:
            method = reference()
            if method is not None:
                method(request)

        return load

    def _load_ahead(self, request: Request) -> None:
        """Serve one request; called by the background thread, without the lock."""
        unit, clock = request.unit, request.clock
        with self._lock:
            if self._store.closed or self._store.is_present(unit) or not request.is_wanted:
                return
            try:
                if clock is None or self._look_ahead is None:
                    self._store.load(unit, "hint")
                elif self._store.make_room_ahead(unit, partial(self._look_ahead.is_older, clock)):
                    self._store.load(unit, "background", request)
            except (BundleError, OSError, MemoryError):
                pass  # whoever asks for it will be told
            finally:
                self._store.observer.flush()
        self._store.observer.announce()
