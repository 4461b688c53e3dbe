"""The pager against a model so plain that it is right by inspection, and what the model cannot show."""

from __future__ import annotations

import errno
from collections import Counter, deque
from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apbundle.errors import BundleClosed, ModelNotFound
from apbundle.paging.pager import Pager
from apbundle.paging.stats import PagingStats
from apbundle.paging.store import BATCH
from apbundle.paging.units import Unit
from support.paging import content, fill, make_pager, units_of

SIZES = {"empty": 0, "a": 100, "b": 250, "c": 300, "d": 500, "e": 900, "huge": 3000}
NAMES = st.sampled_from([*SIZES, "unknown"])


@dataclass
class Model:
    """The reference's rules, word for word; unbounded lists, no cleverness."""

    limit: int
    eviction: str
    inline: bool
    count: int
    cached: list[str] = field(default_factory=list)  # least recently used first
    uses: Counter[str] = field(default_factory=Counter)
    history: deque[str] = field(default_factory=lambda: deque(maxlen=10))
    hits: int = 0
    misses: int = 0
    evictions: int = 0
    bytes_loaded: int = 0
    prefetches: int = 0

    @property
    def memory_used(self) -> int:
        return sum(SIZES[name] for name in self.cached)

    def stats(self) -> PagingStats:
        return PagingStats(self.hits, self.misses, self.evictions, self.bytes_loaded, self.memory_used, self.prefetches)

    def drop(self, name: str) -> None:
        self.cached.remove(name)
        self.evictions += 1

    def make_room(self, name: str) -> None:
        while self.cached and self.memory_used + SIZES[name] > self.limit:
            by_use = sorted(self.cached, key=self.uses.__getitem__)  # stable: least recent first among equals
            self.drop(by_use[0] if self.eviction == "lfu" else self.cached[0])

    def bring_in(self, name: str) -> None:
        self.cached.append(name)
        self.uses[name] = 1
        self.bytes_loaded += SIZES[name]

    def get(self, name: str, *, works: bool = True) -> None:
        if name in self.cached:
            self.hits += 1
            self.uses[name] += 1
            self.cached.remove(name)
            self.cached.append(name)
        else:
            self.make_room(name)
            if not works:
                return
            self.bring_in(name)
            self.misses += 1
        if self.inline:
            self.prefetch(name, works=works)

    def prefetch(self, name: str, *, works: bool) -> None:
        self.history.append(name)
        past = list(self.history)
        for following in [past[i + 1] for i in range(len(past) - 1) if past[i] == name][: self.count]:
            if works and following not in self.cached and self.memory_used + SIZES[following] <= self.limit:
                self.bring_in(following)
                self.prefetches += 1

    def hint(self, name: str, *, works: bool = True) -> None:
        if name not in self.cached:
            self.make_room(name)
            if works:
                self.bring_in(name)
                self.prefetches += 1


class PagerMachine(RuleBasedStateMachine):
    """The same operations on both, some of them with a source that fails."""

    @initialize(
        limit=st.sampled_from([100, 600, 1024, 2000, 10_000]),
        eviction=st.sampled_from(["lru", "lfu"]),
        inline=st.booleans(),
        count=st.integers(0, 3),
    )
    def begin(self, limit: int, eviction: str, inline: bool, count: int) -> None:
        self.units = units_of(SIZES)
        self.model = Model(limit, eviction, inline, count)
        self.works = True
        self.pager = make_pager(
            self.units.values(),
            limit,
            read=self.read,
            eviction=eviction,
            prefetch="inline" if inline else "off",
            prefetch_count=count,
        )
        self.given: list[tuple[Unit, memoryview]] = []

    def read(self, unit: Unit, into: memoryview) -> None:
        if not self.works:
            raise OSError(errno.EIO, "broken disk")
        fill(unit, into)

    @rule(name=NAMES)
    def get(self, name: str) -> None:
        if name not in SIZES:
            with pytest.raises(ModelNotFound):
                self.pager.get(name)
            return
        view = self.pager.get(name)
        self.model.get(name)
        assert view.readonly
        self.given.append((self.units[name], view))

    @rule(names=st.lists(st.sampled_from(list(SIZES)), max_size=40))
    def get_many(self, names: list[str]) -> None:
        for name in names:
            self.get(name)

    @rule(name=st.sampled_from(list(SIZES)))
    def get_from_a_broken_disk(self, name: str) -> None:
        self.works = False
        if name in self.model.cached:
            self.pager.get(name)
        else:
            with pytest.raises(OSError, match="broken disk"):
                self.pager.get(name)
        self.model.get(name, works=False)
        self.works = True

    @rule(name=NAMES, works=st.booleans())
    def hint(self, name: str, works: bool) -> None:
        self.works = works
        if works or name not in SIZES or name in self.model.cached:
            self.pager.hint(name)
        else:
            with pytest.raises(OSError, match="broken disk"):
                self.pager.hint(name)
        if name in SIZES:
            self.model.hint(name, works=works)
        self.works = True

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        assert self.pager.evict(name) == (name in self.model.cached)
        if name in self.model.cached:
            self.model.drop(name)

    @rule()
    def clear(self) -> None:
        self.pager.clear()
        self.model.cached.clear()

    @rule()
    def forget_views(self) -> None:
        self.given.clear()

    @invariant()
    def same(self) -> None:
        assert self.pager.stats() == self.model.stats()
        assert sorted(self.pager.cached_names) == sorted(self.model.cached)
        assert self.pager.cached_count == len(self.model.cached)
        assert self.pager.memory_used == self.pager.charged == self.model.memory_used
        assert [name for name in SIZES if self.pager.is_cached(name)] == [n for n in SIZES if n in self.model.cached]

    @invariant()
    def views_never_change(self) -> None:
        assert all(view == content(unit)[: unit.size] for unit, view in self.given)

    def teardown(self) -> None:
        if hasattr(self, "pager"):
            self.pager.close()
            self.views_never_change()


def test_against_the_model() -> None:
    run_state_machine_as_test(PagerMachine)


def test_hits_are_counted_past_the_log() -> None:
    pager = make_pager(units_of({"a": 10, "b": 10}).values(), 1024)
    for _ in range(2 * BATCH + 5):
        pager.get("a")
        pager.get("b")
    assert pager.stats() == PagingStats(4 * BATCH + 8, 2, 0, 20, 20, 0)


def test_interrupted_loads_leave_no_mark() -> None:
    interrupted = iter([True, False])

    def read(unit: Unit, into: memoryview) -> None:
        if next(interrupted):
            raise KeyboardInterrupt
        fill(unit, into)

    pager = make_pager(units_of({"a": 10}).values(), 1024, read=read)
    with pytest.raises(KeyboardInterrupt):
        pager.get("a")
    assert (pager.stats(), pager.charged) == (PagingStats(), 0)
    assert len(pager.get("a")) == 10


def test_closed() -> None:
    pager = make_pager(units_of({"a": 10}).values(), 1024)
    view = pager.get("a")
    pager.get("a")
    pager.close()
    pager.close()
    for use in (pager.get, pager.hint, pager.evict):
        with pytest.raises(BundleClosed) as caught:
            use("a")
        assert caught.value.code == "closed"
    with pytest.raises(BundleClosed):
        pager.clear()
    assert pager.stats() == PagingStats(1, 1, 0, 10, 0, 0)
    assert bytes(view) == content(Unit(0, "a", 10))[:10]


@pytest.mark.parametrize("name", [None, 3, b"a", ["a"]])
def test_a_name_is_a_string(name: object) -> None:
    pager: Pager = make_pager(units_of({"a": 10}).values(), 1024)
    for use in (pager.get, pager.hint, pager.evict, pager.is_cached):
        with pytest.raises(TypeError):
            use(name)  # type: ignore[arg-type]
    assert pager.stats() == PagingStats()


def test_unknown_name_says_which() -> None:
    pager = make_pager(units_of({"a": 10}).values(), 1024)
    with pytest.raises(KeyError, match="no model named 'b'") as caught:
        pager.get("b")
    assert isinstance(caught.value, ModelNotFound)
    assert caught.value.__context__ is None


def test_stats_are_values() -> None:
    stats = PagingStats(hits=3, misses=1)
    assert stats.hit_rate == 0.75
    assert PagingStats().hit_rate == 0.0
    assert stats.reset() == PagingStats()
    with pytest.raises(AttributeError):
        stats.hits = 4  # type: ignore[misc]
