"""The pager against a plain one: every operation, policy and kind of memory, with units that overlap."""

from __future__ import annotations

import errno
from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apbundle.errors import LimitTooSmall
from apbundle.paging.blocks import BLOCK
from apbundle.paging.mapped_source import MappedSource
from apbundle.paging.pager import Pager
from apbundle.paging.policy import POLICIES
from apbundle.paging.sources import HeapSource
from apbundle.paging.units import Key, Unit
from support.campaign import rounds
from support.plain_pager import Broken, Notes, PlainPager, Refused
from support.regions import SparseRegion

MIB = 1 << 20
FILE_SIZE = 14 * BLOCK + 12_345


def _units() -> list[Unit]:
    """Models, two of them in the file with their parts, which are large and small; all of it once more as one unit."""
    stretches: list[tuple[Key, int, int | None]] = [
        ("empty", 0, 0),
        ("read", 300_000, None),
        ("decompressed", 3 * MIB, None),
        ("first", 9 * MIB, 100),
        ("second", 2 * BLOCK, 9 * MIB + 100),
        ("last", FILE_SIZE - 9 * BLOCK, 9 * BLOCK),
        ("all", FILE_SIZE, 0),
        *[(("first", part), 3 * MIB, 100 + part * 3 * MIB) for part in range(3)],
        *[(("second", part), MIB, 9 * MIB + 100 + part * MIB) for part in range(4)],
        ("crooked", BLOCK + 2, 5 * BLOCK - 1),
    ]
    return [Unit(number, str(key), size, offset, key=key) for number, (key, size, offset) in enumerate(stretches)]


UNITS = _units()
TABLE = {unit.key: unit for unit in UNITS}
SOME = st.sampled_from(UNITS)
LIMITS = st.sampled_from([MIB, BLOCK + 10, 2 * BLOCK, 3 * BLOCK, 5 * BLOCK, 8 * BLOCK, 14 * BLOCK, 40 * BLOCK])


class PagerMachine(RuleBasedStateMachine):
    """The same operations on both; what they tell must be the same, event for event."""

    @initialize(limit=LIMITS, eviction=st.sampled_from(list(POLICIES)), mapped=st.booleans(), straddling=st.booleans())
    def begin(self, limit: int, eviction: str, mapped: bool, straddling: bool) -> None:
        self.works = True
        self.region = SparseRegion(FILE_SIZE, self.check, straddling=straddling)
        heap = HeapSource(lambda unit, into: self.check(unit.size))
        source = MappedSource(self.region, heap) if mapped else heap
        self.notes = Notes()
        self.pager = Pager(TABLE.get, source, max_memory=limit, eviction=eviction, observer=self.notes)
        self.plain = PlainPager(limit, eviction, FILE_SIZE if mapped else 0)
        self.pinned: list[Sequence[Unit]] = []

    def check(self, size: int) -> None:
        if not self.works:
            raise OSError(errno.EIO, "broken disk")

    def both(self, name: str, units: Unit | Sequence[Unit]) -> bool:
        """Do it on both, with the same outcome; whether it worked."""
        keys = units.key if isinstance(units, Unit) else [unit.key for unit in units]
        try:
            expected = getattr(self.plain, name)(units)
        except Refused:
            with pytest.raises(LimitTooSmall):
                getattr(self.pager, name)(keys)
            return False
        except Broken:
            with pytest.raises(OSError, match="broken disk"):
                getattr(self.pager, name)(keys)
            return False
        result = getattr(self.pager, name)(keys)
        assert name == "get" or result == expected
        return True

    @rule(units=st.lists(SOME, min_size=1, max_size=30))
    def get(self, units: list[Unit]) -> None:
        for unit in units:
            self.both("get", unit)

    @rule(unit=SOME)
    def hint(self, unit: Unit) -> None:
        self.both("hint", unit)

    @rule(unit=SOME)
    def evict(self, unit: Unit) -> None:
        self.both("evict", unit)

    @rule()
    def clear(self) -> None:
        self.plain.clear()
        self.pager.clear()

    @rule(units=st.lists(SOME, max_size=4))
    def pin(self, units: list[Unit]) -> None:
        if self.both("pin", units):
            self.pinned.append(units)

    @rule(data=st.data())
    def unpin(self, data: st.DataObject) -> None:
        if self.pinned:
            units = self.pinned.pop(data.draw(st.integers(0, len(self.pinned) - 1)))
            self.both("unpin", units)

    @rule(limit=LIMITS)
    def resize(self, limit: int) -> None:
        try:
            self.plain.resize(limit)
        except Refused:
            with pytest.raises(LimitTooSmall):
                self.pager.resize(limit)
        else:
            self.pager.resize(limit)

    @rule(works=st.sampled_from([True, True, True, False]))
    def disk(self, works: bool) -> None:
        self.works = self.plain.works = works

    @invariant()
    def same(self) -> None:
        assert self.pager.stats() == self.plain.stats()
        assert self.notes.events == self.plain.notes.events
        assert {unit.id for unit in self.pager.cached_units} == set(self.plain.residents)
        assert self.pager.charged == self.plain.charged
        assert self.pager.max_memory == self.plain.limit
        assert self.region.inside == self.plain.mapped

    def teardown(self) -> None:
        if hasattr(self, "pager"):
            self.pager.close()
            assert self.pager.charged == 0
            assert not self.region.inside


def test_against_the_plain_pager() -> None:
    run_state_machine_as_test(PagerMachine, settings=settings(max_examples=rounds(150)))
