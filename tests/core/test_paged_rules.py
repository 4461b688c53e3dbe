"""Paged bundles against a naive idea of them: any operations, at every granularity, with every policy."""

from __future__ import annotations

import mmap
import tempfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from apbundle.errors import LimitTooSmall
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paging.policy import POLICIES
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind
from support.campaign import rounds
from support.components import ARRAYS, CHUNK, MIB, PAYLOADS, Array, is_same, pack_components

Tile = tuple[int, int]

PIECE = 2 * MIB
BOOKKEEPING = 1792
LIMITS = st.sampled_from([9_000, 20_000, 70_000, 3 * MIB, 5 * MIB, 6 * MIB, 64 * MIB])
MODELS = st.sampled_from(list(PAYLOADS))
COMPONENTS = st.sampled_from([(model, name) for model, arrays in ARRAYS.items() for name in arrays])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_components(tmp_path_factory.mktemp("components") / "components.apbundle")


def tiles(size: int, step: int) -> list[Tile]:
    """A model in equal parts."""
    return [(begin, min(begin + step, size)) for begin in range(0, size, step)]


class Idea:
    """What units there are, worked out anew for every question.

    Parameters
    ----------
    granularity, page_size
        As set.
    first_limit
        The limit at opening: pieces follow it.
    places
        Where each model's tensors with any bytes lie: begin and end.
    """

    def __init__(self, granularity: str, page_size: int, first_limit: int, places: dict[str, list[Tile]]) -> None:
        self.granularity = granularity
        self.page_size = page_size
        self.piece = max(page_size, PIECE if first_limit >= PIECE else first_limit // 2 // page_size * page_size)
        self.places = places

    def parts(self, model: str, limit: int) -> list[Tile]:
        """What ranges of a model are paged in."""
        size = len(PAYLOADS[model])
        pieces = tiles(size, CHUNK if model == "compressed" else self.piece)
        if self.granularity == "model":
            return [(0, size)] if size <= limit else pieces
        if model == "compressed":
            return pieces
        if self.granularity == "page":
            return tiles(size, self.page_size)
        parts = self.components(model)
        if not parts or max(end - begin for begin, end in parts) + BOOKKEEPING > limit:
            return pieces
        return parts

    def components(self, model: str) -> list[Tile]:
        """A model's tensors, and what lies between them in pieces."""
        parts: list[Tile] = []
        last = 0
        for begin, end in sorted(self.places[model]):
            parts += [(last + a, last + b) for a, b in tiles(begin - last, self.piece)]
            parts.append((begin, end))
            last = end
        if parts:
            parts += [(last + a, last + b) for a, b in tiles(len(PAYLOADS[model]) - last, self.piece)]
        return parts

    def touched(self, model: str, begin: int, end: int, limit: int, *, component: bool = False) -> list[Tile]:
        """The units that hold a range."""
        parts = self.parts(model, limit)
        if component and self.granularity == "component" and model != "compressed":
            parts = self.components(model)
        return [tile for tile in parts if tile[0] < end and begin < tile[1]]


class PagedMachine(RuleBasedStateMachine):
    """Whatever is asked for is right, is counted as the units it lies in, and stays within the limit."""

    path: Path

    @initialize(
        granularity=st.sampled_from(["model", "component", "page"]),
        eviction=st.sampled_from(list(POLICIES)),
        source=st.sampled_from(["map", "read"]),
        page_size=st.sampled_from([3000, 70_000]),
        limit=LIMITS,
        prefetch=st.sampled_from([False, False, "inline"]),
    )
    def begin(
        self, granularity: str, eviction: str, source: str, page_size: int, limit: int, prefetch: bool | str
    ) -> None:
        self.folder = tempfile.TemporaryDirectory()
        config = PagingConfig(
            limit, page_size, prefetch, eviction=eviction, source=source, granularity=granularity, prefetch_count=1
        )
        self.recording = Path(self.folder.name) / "run.aptrace"
        self.paged = PagedBundle(self.path, config, record=self.recording)
        infos = {m: [self.paged.component(m, name) for name in self.paged.components(m)] for m in PAYLOADS}
        places = {m: [(i.offset, i.offset + i.size) for i in found if i.size] for m, found in infos.items()}
        self.ranges = {(m, i.name): (i.offset, i.offset + i.size) for m, found in infos.items() for i in found}
        self.idea = Idea(granularity, page_size, limit, places)
        self.limit = limit
        self.largest = 0  # of what does not fit under the limit, and may be there all the same
        self.kept: list[tuple[memoryview | Array, object]] = []
        self.pins: list[tuple[AbstractContextManager[None], str, list[Tile]]] = []

    def counted(self, expected: int | None) -> AbstractContextManager[None]:
        """So many units are accessed inside the block; fewer, if pins leave no room for them."""
        machine = self

        class Counted(AbstractContextManager[None]):
            def __enter__(self) -> None:
                self.before = machine.paged.stats()

            def __exit__(self, kind: type | None, error: BaseException | None, traceback: object) -> bool:
                after = machine.paged.stats()
                accesses = after.hits + after.misses - self.before.hits - self.before.misses
                if isinstance(error, LimitTooSmall):
                    assert machine.pins
                    assert not expected or accesses < expected
                    return True
                assert error is not None or expected is None or accesses == expected
                return False

        return Counted()

    def keep(self, view: memoryview | Array, expected: object) -> None:
        """Look at it again later; views of large models would hide what the process holds."""
        if len(self.kept) < 10 and view.nbytes < 100_000:
            self.kept.append((view, expected))

    @rule(model=MODELS)
    def get_model(self, model: str) -> None:
        with self.counted(1):
            view = self.paged.get_model(model)
            assert bytes(view) == PAYLOADS[model]
            self.keep(view, PAYLOADS[model])

    @rule(place=COMPONENTS)
    def get_component(self, place: tuple[str, str]) -> None:
        touched = self.idea.touched(place[0], *self.ranges[place], self.limit, component=True)
        with self.counted(len(touched) if self.ranges[place][0] < self.ranges[place][1] else 0):
            array = self.paged.get_component(*place)
            assert is_same(array, *place)
            self.keep(array, place)

    @rule(model=MODELS, ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
    def read(self, model: str, ends: tuple[float, float]) -> None:
        begin, end = sorted(int(share * len(PAYLOADS[model])) for share in ends)
        touched = self.idea.touched(model, begin, end, self.limit)
        with self.counted(len(touched) if begin < end else 0):
            view = self.paged.read(model, begin, end - begin)
            assert bytes(view) == PAYLOADS[model][begin:end]
            self.keep(view, PAYLOADS[model][begin:end])

    @rule(model=MODELS, share=st.floats(0, 1))
    def iterate_pages(self, model: str, share: float) -> None:
        parts = self.idea.parts(model, self.limit)
        count = min(int(share * len(PAYLOADS[model])), 30 * self.paged.config.page_size)
        with self.counted(None):
            offset = 0
            for page in self.paged.iter_pages(model):
                assert page == PAYLOADS[model][offset : offset + len(page)]
                offset += len(page)
                if offset > count:
                    break
            else:
                assert offset == len(PAYLOADS[model])
        assert parts == self.idea.parts(model, self.limit)

    @rule(model=st.sampled_from(list(ARRAYS)))
    def iterate_components(self, model: str) -> None:
        with self.counted(None):
            found = [name for name, array in self.paged.iter_components(model) if is_same(array, model, name)]
            assert sorted(found) == sorted(ARRAYS[model])

    @rule(place=COMPONENTS, whole=st.booleans())
    def hint(self, place: tuple[str, str], whole: bool) -> None:
        with self.counted(0):
            self.paged.prefetch_hint(place[0], None if whole else place[1])

    @rule(place=COMPONENTS, whole=st.booleans())
    def evict(self, place: tuple[str, str], whole: bool) -> None:
        before = self.paged.cached_count
        dropped = self.paged.evict(place[0], None if whole else place[1])
        assert dropped == (self.paged.cached_count < before)
        if whole and not any(model == place[0] for _, model, _ in self.pins):
            assert not self.paged.is_cached(place[0])
            self.paged.stats()
            assert not any(unit.name == place[0] for unit in self.paged._pager.cached_units)

    @rule()
    def clear(self) -> None:
        self.paged.clear_cache()
        if not self.pins:
            assert self.paged.cached_count == 0

    @rule(place=COMPONENTS, whole=st.booleans())
    def pin(self, place: tuple[str, str], whole: bool) -> None:
        model, component = place
        begin, end = (0, len(PAYLOADS[model])) if whole else self.ranges[place]
        touched = self.idea.touched(model, begin, end, self.limit, component=not whole) if begin < end else []
        block = self.paged.pinned(model, None if whole else component)
        before = self.paged.stats()
        try:
            block.__enter__()
        except LimitTooSmall:
            assert self.paged.stats() == before
            return
        after = self.paged.stats()
        accesses = after.hits + after.misses - before.hits - before.misses
        assert accesses == len(touched)
        self.pins.append((block, model, touched))

    @precondition(lambda self: self.pins)
    @rule(data=st.data())
    def unpin(self, data: st.DataObject) -> None:
        block, *_ = self.pins.pop(data.draw(st.integers(0, len(self.pins) - 1)))
        block.__exit__(None, None, None)

    @rule(limit=LIMITS)
    def resize(self, limit: int) -> None:
        try:
            self.paged.resize(limit)
        except LimitTooSmall:
            assert self.pins
        else:
            self.limit = limit

    @rule()
    def look_again(self) -> None:
        for view, expected in self.kept:
            assert view == expected if isinstance(view, memoryview) else is_same(view, *expected)  # type: ignore[misc]
        self.kept.clear()

    @invariant()
    def counters_agree(self) -> None:
        paged = self.paged
        units = paged._pager.cached_units
        assert paged.max_memory == self.limit
        assert paged.memory_used == sum(unit.size for unit in units)
        assert paged.cached_count == len(units)
        assert set(paged.cached_names) == {unit.key for unit in units if isinstance(unit.key, str)}
        fits = all(unit.size + BOOKKEEPING + mmap.PAGESIZE <= self.limit for unit in units)
        assert not fits or paged.charged <= self.limit + sum(view.nbytes for view, _ in self.kept)

    @invariant()
    def pins_hold(self) -> None:
        """What is pinned is in memory: its units as they were when it was."""
        held = {(unit.name, unit.size) for unit in self.paged._pager.cached_units}
        for _, model, touched in self.pins:
            assert all((model, end - begin) in held for begin, end in touched)

    def teardown(self) -> None:
        if not hasattr(self, "paged"):
            return
        with ExitStack() as stack:
            stack.callback(self.folder.cleanup)
            stats = self.paged.stats()
            self.paged.close()
            with RecordingReader.open(self.recording) as reader:
                kinds = reader.poll()["kind"]
            counts = [int(np.count_nonzero(kinds == kind)) for kind in (Kind.HIT, Kind.MISS, Kind.EVICT, Kind.PREFETCH)]
            assert counts == [stats.hits, stats.misses, stats.evictions, stats.prefetches]
            self.kept.clear()
            assert self.paged.charged == 0


def test_against_a_naive_idea(path: Path) -> None:
    PagedMachine.path = path
    phases = [phase for phase in Phase if phase is not Phase.explain]  # which takes minutes here
    run_machine(PagedMachine, settings=settings(max_examples=rounds(30), stateful_step_count=25, phases=phases))
