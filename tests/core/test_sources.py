"""What holding units costs, what is given back, and what is never taken from under a view."""

from __future__ import annotations

import errno
import gc
import mmap
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import LimitExceeded
from apbundle.paging.blocks import BLOCK, BlockLedger
from apbundle.paging.buffers import MAPPED, BufferPool
from apbundle.paging.mapped_source import MappedSource
from apbundle.paging.residency import count_resident, resident_bytes
from apbundle.paging.sources import HeapSource
from apbundle.paging.units import Unit
from support.paging import content, fill
from support.regions import SparseRegion

LIMIT = 100 * BLOCK


def mapped(size: int, *, straddling: bool = False) -> tuple[MappedSource, SparseRegion]:
    pages = SparseRegion(size, straddling=straddling)
    source = MappedSource(pages, HeapSource(fill))
    source.resize(LIMIT)
    return source, pages


def hold(source: HeapSource | MappedSource, unit: Unit, limit: int = LIMIT) -> memoryview:
    source.resize(limit)
    source.reserve(unit)
    return source.load(unit)


@pytest.mark.parametrize("size", [0, 1, MAPPED - 1, MAPPED, 300_000])
def test_heap_gives_read_only_bytes(size: int) -> None:
    source, unit = HeapSource(fill), Unit(0, "a", size)
    view = hold(source, unit)
    assert bytes(view) == content(unit)[:size]
    assert view.readonly
    assert source.charged == size
    source.release(unit)
    source.close()
    assert bytes(view) == content(unit)[:size]
    assert source.charged == 0


def test_heap_uses_a_buffer_again_when_nobody_looks() -> None:
    pool = BufferPool()
    buffer = pool.take(MAPPED)
    pool.give(buffer)
    assert pool.held == MAPPED
    assert pool.take(MAPPED) is buffer
    assert pool.held == 0


def test_heap_uses_the_victims_buffer_when_the_limit_is_full() -> None:
    source, limit = HeapSource(fill), 2 * MAPPED
    first, second = Unit(0, "a", limit), Unit(1, "b", limit)
    place = np.frombuffer(hold(source, first, limit), np.uint8).ctypes.data
    source.release(first)
    assert np.frombuffer(hold(source, second, limit), np.uint8).ctypes.data == place
    assert source.resident == limit


@pytest.mark.parametrize("size", [MAPPED, 3 * MAPPED, 7 * MAPPED + 5])
def test_a_buffer_that_is_used_again_is_as_large_as_it_must_be(size: int) -> None:
    """Shorter or longer than it was: what a unit needs less than the one before it is not held."""
    source, limit = HeapSource(fill), 8 * MAPPED
    first, second = Unit(0, "a", 2 * MAPPED), Unit(1, "b", size)
    hold(source, first, limit)
    source.release(first)
    view = hold(source, second, limit)
    assert bytes(view) == content(second)[:size]
    assert source.resident == source.charged == size
    assert source._pool.held == 0


def test_a_limit_of_many_small_units_leaves_the_process_maps_for_others() -> None:
    pool = BufferPool()
    assert isinstance(pool.take(MAPPED), mmap.mmap)
    pool.resize(1 << 40)
    assert not isinstance(pool.take(MAPPED), mmap.mmap)
    assert isinstance(pool.take(1 << 26), mmap.mmap)


def test_heap_never_uses_a_buffer_that_is_looked_at() -> None:
    source = HeapSource(fill)
    first, second = Unit(0, "a", 2 * MAPPED), Unit(1, "b", 2 * MAPPED)
    part = np.frombuffer(hold(source, first)[1000:2000], np.uint8)
    source.release(first)
    assert source.charged == 0
    assert source.resident == first.size, "counted until the last view is gone"
    view = hold(source, second)
    assert bytes(part) == content(first)[1000:2000]
    assert source.resident == 2 * first.size
    del part, view
    gc.collect()
    assert source.resident == second.size
    source.release(second)


def test_heap_gives_memory_back_with_the_last_view() -> None:
    source, unit = HeapSource(fill), Unit(0, "a", 10 * MAPPED)
    view = hold(source, unit, limit=0)
    source.release(unit)
    assert source.resident == unit.size
    del view
    assert source.resident == 0, "not even kept: there is no room for it under the limit"


def test_heap_keeps_no_more_than_the_limit_leaves() -> None:
    source, limit = HeapSource(fill), 10 * MAPPED
    units = [Unit(number, f"u{number}", MAPPED * (number + 1)) for number in range(4)]
    for unit in units:
        hold(source, unit, limit)
    for unit in units:
        source.release(unit)
    assert source.charged == 0
    assert 0 < source.resident <= limit


def test_a_failed_read_costs_nothing() -> None:
    def read(unit: Unit, into: memoryview) -> None:
        raise OSError(errno.EIO, "broken disk")

    source, unit = HeapSource(read), Unit(0, "a", MAPPED)
    source.reserve(unit)
    with pytest.raises(OSError, match="broken disk"):
        source.load(unit)
    source.release(unit)
    assert source.charged == source.resident == 0


def test_a_size_there_is_no_memory_for_is_a_clear_error() -> None:
    source = HeapSource(fill)
    for size in (1 << 50, 1 << 70):
        with pytest.raises(LimitExceeded, match="no memory"):
            hold(source, Unit(0, "bomb", size))
        source.release(Unit(0, "bomb", size))
    assert source.charged == 0


def test_small_and_placeless_units_are_not_mapped() -> None:
    source, pages = mapped(8 * BLOCK)
    small, compressed = Unit(0, "a", BLOCK - 1, 0), Unit(1, "b", 2 * BLOCK)
    hold(source, small)
    hold(source, compressed)
    assert not pages.inside
    assert source.charged == small.size + compressed.size


def test_mapped_units_are_views_of_the_region() -> None:
    source, pages = mapped(8 * BLOCK)
    view = hold(source, Unit(0, "a", 2 * BLOCK, BLOCK))
    assert view.obj is pages.view.obj
    assert len(view) == 2 * BLOCK
    assert pages.inside == {1, 2}
    assert source.charged == 2 * BLOCK


def test_shared_blocks_are_charged_once() -> None:
    source, pages = mapped(5 * BLOCK + 10)
    first, second = Unit(0, "a", BLOCK + 5, 0), Unit(1, "b", 3 * BLOCK, BLOCK + 5)
    assert source.cost(first) == 2 * BLOCK
    hold(source, first)
    assert source.cost(second) == 3 * BLOCK
    hold(source, second)
    assert source.charged == 5 * BLOCK
    source.release(first)
    assert pages.inside == {1, 2, 3, 4}, "the block both touch stays"
    source.release(second)
    assert not pages.inside
    assert source.charged == 0


@given(seed=st.integers(0, 2**32))
def test_relief_is_what_a_release_brings(seed: int) -> None:
    """Of units that share blocks, some held: releasing one brings another exactly as much closer to fitting."""
    choose = random.Random(seed)
    pages = SparseRegion(20 * BLOCK - choose.randrange(BLOCK))
    source = MappedSource(pages, HeapSource(lambda unit, into: None))
    source.resize(LIMIT)
    units = []
    for number in range(8):
        offset = choose.randrange(18 * BLOCK)
        units.append(Unit(number, f"u{number}", choose.randrange(BLOCK // 2, len(pages.view) - offset), offset))
    wanted, *held = choose.sample(units, choose.randrange(2, 9))
    for unit in held:
        hold(source, unit)
    for unit in held:
        relief, cost = source.relief(unit, wanted), source.cost(wanted)
        before = source.charged
        source.release(unit)
        after = source.cost(wanted)
        assert cost is not None
        assert after is not None
        assert relief == before + cost - source.charged - after


def test_pins_cost_what_their_blocks_do_together() -> None:
    source, _ = mapped(8 * BLOCK)
    whole, part, read = Unit(0, "a", 4 * BLOCK, 0), Unit(1, "b", BLOCK, BLOCK), Unit(2, "c", 100)
    for unit in (whole, part, read):
        source.pin(unit)
    assert source.pinned == 4 * BLOCK + 100
    assert source.cost_beside_pins(Unit(3, "d", 2 * BLOCK, 3 * BLOCK)) == BLOCK
    assert source.charged == 0, "nothing is loaded yet"
    source.unpin(whole)
    assert source.pinned == BLOCK + 100
    source.unpin(part)
    source.unpin(read)
    assert source.pinned == 0


def test_a_unit_stays_where_it_is_while_the_limit_changes() -> None:
    source, pages = mapped(8 * BLOCK)
    crooked, other = Unit(0, "a", BLOCK + 2, BLOCK - 1), Unit(1, "b", BLOCK, 5 * BLOCK)
    hold(source, crooked)
    source.resize(2 * BLOCK)  # under which it would be read: it touches three blocks
    assert source.charged == source.relief(crooked, other) == 3 * BLOCK
    source.release(crooked)
    assert not pages.inside
    hold(source, crooked, 2 * BLOCK)
    source.resize(LIMIT)
    assert source.charged == source.relief(crooked, other) == crooked.size
    source.release(crooked)
    assert source.charged == 0


@pytest.mark.parametrize("blocks", [1, 2, 31, 32, 33, 100])
def test_blocks_few_and_many_are_counted_alike(blocks: int) -> None:
    size = blocks * BLOCK - 5
    ledger, whole = BlockLedger(size), range(blocks)
    assert (ledger.free(whole), ledger.size(whole), ledger.held) == (size, size, 0)
    ledger.hold(whole)
    ledger.hold(whole)
    assert (ledger.free(whole), ledger.relief(whole, range(0)), ledger.held) == (0, 0, size)
    ledger.release(whole)
    assert ledger.relief(whole, range(0)) == size
    assert ledger.relief(whole, whole) == 0
    assert ledger.relief(whole, range(1)) == size - ledger.size(range(1))
    ledger.hold(range(blocks // 2, blocks // 2 + 1))
    ledger.release(whole)
    assert ledger.held == ledger.size(range(blocks // 2, blocks // 2 + 1))
    assert sum(map(ledger.size, ledger.free_runs(whole))) == size - ledger.held


def test_memory_kept_for_reuse_gives_way_to_the_map() -> None:
    source, limit = mapped(8 * BLOCK)[0], 4 * BLOCK
    small = Unit(0, "a", BLOCK // 2, 0)
    hold(source, small, limit)
    source.release(small)
    assert source._heap.resident == small.size
    hold(source, Unit(1, "b", 4 * BLOCK, BLOCK), limit)
    assert source._heap.resident == 0
    hold(source, small, limit)
    source.release(small)
    assert source._heap.resident == 0


def test_a_failed_load_is_let_go() -> None:
    def fail(length: int) -> None:
        raise OSError(errno.EIO, "broken disk")

    pages = SparseRegion(4 * BLOCK, fail, straddling=True)
    source, unit = MappedSource(pages, HeapSource(fill)), Unit(0, "a", 2 * BLOCK, BLOCK)
    source.resize(LIMIT)
    source.reserve(unit)
    with pytest.raises(OSError, match="broken disk"):
        source.load(unit)
    source.release(unit)
    assert not pages.inside
    assert source.charged == 0


def test_what_the_kernel_brings_in_around_blocks_is_let_go() -> None:
    """A map may begin anywhere; of a walk through a file, hundreds of thousands of pages would stay behind."""
    source, pages = mapped(9 * BLOCK + 10, straddling=True)
    units = [Unit(number, f"u{number}", 3 * BLOCK, 3 * number * BLOCK) for number in range(3)]
    for unit in units:
        hold(source, unit)
        assert pages.inside == set(range(3 * (unit.id + 1))), "and nothing of what is held"
    for unit in units:
        source.release(unit)
    assert not pages.inside


def test_larger_than_the_limit_is_given_but_not_brought_in() -> None:
    source, pages = mapped(9 * BLOCK)
    neighbour, large = Unit(0, "a", BLOCK, 0), Unit(1, "b", 7 * BLOCK, BLOCK + 3)
    limit = 3 * BLOCK
    hold(source, neighbour, limit)
    assert source.cost(large) is None
    assert len(hold(source, large, limit)) == large.size
    assert pages.inside == {0}
    assert source.charged == BLOCK
    pages.populate(BLOCK, 8 * BLOCK)  # the caller looks at all of it
    source.release(large)
    assert pages.inside == {0}
    source.release(neighbour)
    assert source.charged == 0


def test_one_that_fits_while_its_blocks_do_not_is_read() -> None:
    source, pages = mapped(5 * BLOCK)
    unit = Unit(0, "crooked", BLOCK + 2, BLOCK - 1)  # it touches three blocks
    limit = 2 * BLOCK
    source.resize(limit)
    assert source.cost(unit) == unit.size
    view = hold(source, unit, limit)
    assert source.charged == unit.size
    assert view[:1000] == content(unit)[:1000]
    assert len(view) == unit.size
    assert source.relief(unit, Unit(1, "other", BLOCK, 3 * BLOCK)) == unit.size
    assert not pages.inside
    source.release(unit)
    assert source.charged == 0
    source.resize(3 * BLOCK)
    assert source.cost(unit) == 3 * BLOCK
    source.resize(unit.size - 1)
    assert source.cost(unit) is None


def test_closing_gives_all_back() -> None:
    source, pages = mapped(4 * BLOCK)
    view = hold(source, Unit(0, "a", 2 * BLOCK, 0))
    source.close()
    assert pages.closed
    assert len(view) == 2 * BLOCK


@given(
    stretches=st.lists(
        st.tuples(st.integers(0, 12 * BLOCK), st.integers(BLOCK // 2, 5 * BLOCK)), min_size=1, max_size=8
    ),
    steps=st.lists(st.integers(0, 7), max_size=40),
    straddling=st.booleans(),
)
def test_what_is_charged_is_what_is_inside(
    stretches: list[tuple[int, int]], steps: list[int], straddling: bool
) -> None:
    """Units that lie anywhere, taken and released in any order: the blocks in memory are those that are charged."""
    units = [Unit(number, str(number), size, offset) for number, (offset, size) in enumerate(stretches)]
    pages = SparseRegion(max(offset + size for offset, size in stretches), straddling=straddling)
    source = MappedSource(pages, HeapSource(lambda unit, into: None))
    source.resize(LIMIT)
    held: set[int] = set()
    for step in steps:
        unit = units[step % len(units)]
        before = source.charged
        if unit.id in held:
            source.release(unit)
        else:
            cost = source.cost(unit)
            hold(source, unit)
            assert source.charged == before + (cost or 0)
        held ^= {unit.id}
        heap = sum(unit.size for unit in units if unit.id in held and unit.size < BLOCK)
        assert source.charged == heap + pages.bytes_inside


def test_residency_is_read_from_the_kernels_listing() -> None:
    listing = [
        b"1000-3000 r--p 00000000 00:00 0 /bundle\n",
        b"Size:                  8 kB\n",
        b"Rss:                   4 kB\n",
        b"3000-4000 r--p 00000000 00:00 0 /other\n",
        b"Rss:                   4 kB\n",
        b"4000-8000 r--s 00000000 00:00 0 /bundle\n",
        b"Rss:                  16 kB\n",
    ]
    assert count_resident(listing, 0x1000, 0x3000) == 4096
    assert count_resident(listing, 0x1000, 0x8000) == 24 * 1024
    assert count_resident(listing, 0x9000, 0xA000) == 0


def test_residency_of_a_real_map(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(1 << 20))
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory,
        memoryview(memory) as view,
    ):
        before = resident_bytes(view)
        if before is None:
            pytest.skip("this system does not tell")
        assert before == 0
        assert view[:: mmap.PAGESIZE].tobytes()
        assert resident_bytes(view) == 1 << 20
    assert resident_bytes(memoryview(b"")) == 0


@pytest.mark.parametrize("straddling", [False, True])
def test_what_is_lent_is_held_as_long_as_anyone_looks_at_it(straddling: bool) -> None:
    source, region = mapped(20 * BLOCK, straddling=straddling)
    unit = Unit(0, "a", 2 * BLOCK, 4 * BLOCK)
    hold(source, unit)
    lent = source.lend(5 * BLOCK + 7, 2 * BLOCK)
    assert (len(lent), lent.readonly) == (2 * BLOCK, True)
    assert source.charged == 4 * BLOCK, "one of its three blocks is charged already"
    region.populate(5 * BLOCK + 7, 2 * BLOCK)  # it is looked at
    source.release(unit)
    assert (source.charged, region.inside) == (3 * BLOCK, {5, 6, 7, *({8} if straddling else ())})
    source.shrink()
    assert (source.charged, region.inside - {8}) == (3 * BLOCK, {5, 6, 7})
    part = np.frombuffer(lent, np.uint8)[100:200]
    del lent
    other = source.lend(7 * BLOCK, 10)
    assert source.charged == 3 * BLOCK, "a part of it is looked at"
    del part
    source.cost(unit)
    assert source.charged == BLOCK
    assert region.inside <= {7, 8}
    source.close()
    assert len(other) == 10
    del other
    source.cost(unit)
    assert (source.charged, region.inside) == (0, set())


@pytest.mark.parametrize("size", [1, mmap.PAGESIZE, mmap.PAGESIZE + 1, 2 * mmap.PAGESIZE, MAPPED - 1, MAPPED])
def test_buffers_that_fill_pages_go_back_to_the_system(size: int) -> None:
    pool = BufferPool()
    assert isinstance(pool.take(size), mmap.mmap) == (size % mmap.PAGESIZE == 0)
    pool.resize(1 << 40)
    assert not isinstance(pool.take(size), mmap.mmap)
