"""Pins, changes of the limit, hints and evictions of models and their parts."""

from __future__ import annotations

import os
import threading
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from apbundle import ModelBundle
from apbundle.errors import BundleClosed, ComponentNotFound, LimitTooSmall, ModelNotFound
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paged.heap import BOOKKEEPING
from apbundle.paging.policy import POLICIES
from support.children import run_forked
from support.components import ARRAYS, CHUNK, MIB, PAYLOADS, is_same, pack_components
from support.conditions import wait_until

GRANULARITIES = ["model", "component", "page"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_components(tmp_path_factory.mktemp("components") / "components.apbundle")


def opened(path: Path, granularity: str, max_memory: int | str = 64 * MIB, **settings: Any) -> PagedBundle:
    config = {"max_memory": max_memory, "granularity": granularity, "prefetch": False, **settings}
    return PagedBundle(path, PagingConfig(**config))


def walk(paged: PagedBundle, name: str) -> None:
    for page in paged.iter_pages(name):
        assert page.readonly


@pytest.mark.parametrize("eviction", POLICIES)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_what_is_pinned_stays(path: Path, granularity: str, eviction: str) -> None:
    with opened(path, granularity, 60_000, eviction=eviction, page_size=1000) as paged:
        with paged.pinned("mixed"):
            charged = paged.charged
            assert charged >= len(PAYLOADS["mixed"])
            for name in ("raw", "archive", "quantised", "raw"):
                walk(paged, name)
            before = paged.stats()
            walk(paged, "mixed")
            assert paged.stats().misses == before.misses
            assert not paged.evict("mixed")
            paged.clear_cache()
            assert paged.charged == charged
        assert paged.evict("mixed")
        assert paged.charged == 0


def test_limits_changed_by_two_threads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit that is told is the one in force, whoever came last."""
    with opened(path, "model") as paged:
        other = threading.Thread(target=paged.resize, args=(2 * MIB,))
        resize = paged._working().engine.resize

        def resize_between(limit: int) -> None:
            resize(limit)
            if limit == MIB:
                other.start()
                other.join(0.05)

        monkeypatch.setattr(paged._working().engine, "resize", resize_between)
        paged.resize(MIB)
        other.join()
        assert paged.max_memory == paged._working().engine.pager.max_memory == 2 * MIB


def test_a_pinned_component(path: Path) -> None:
    with opened(path, "component", 9000 + 4096) as paged:
        with paged.pinned("mixed", "last"):
            assert paged.is_cached("mixed", "last")
            for name in ARRAYS["mixed"]:
                paged.get_component("mixed", name)
            assert paged.is_cached("mixed", "last")
            assert not paged.evict("mixed", "last")
        assert paged.evict("mixed", "last")
        with paged.pinned("mixed", "empty"):
            assert paged.charged - paged.memory_used < 4096, "nothing is needed for it"


def test_pins_add_up(path: Path) -> None:
    with opened(path, "model") as paged, paged.pinned("raw"):
        with paged.pinned("raw"):
            assert not paged.evict("raw")
        assert not paged.evict("raw")
    with opened(path, "model") as paged:
        with paged.pinned("raw"):
            pass
        assert paged.evict("raw")


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_limits_that_pins_do_not_fit_under(path: Path, granularity: str) -> None:
    with opened(path, granularity, 20_000) as paged:
        walk(paged, "archive")
        before = paged.stats()
        with pytest.raises(LimitTooSmall, match="has no room for the model 'large'") as caught, paged.pinned("large"):
            pass
        assert caught.value.path == str(path)
        assert caught.value.hint
        with pytest.raises(LimitTooSmall, match="component 'first'"), paged.pinned("large", "first"):
            pass
        assert paged.stats() == before
        with paged.pinned("raw"):
            with pytest.raises(LimitTooSmall, match="pinned") as caught, paged.pinned("archive"):
                pass
            assert caught.value.path == str(path)
            with pytest.raises(LimitTooSmall, match="pinned"):
                paged.resize(10_000)
            assert paged.max_memory == 20_000
        with paged.pinned("archive"):
            pass


@pytest.mark.parametrize("source", ["map", "read"])
def test_small_parts_beside_pins(path: Path, source: str) -> None:
    """What bookkeeping costs counts beside pins too, wherever units come from, and whatever others left behind."""
    with opened(path, "page", 70_000, page_size=3000, source=source) as paged:
        walk(paged, "mixed")
        with paged.pinned("mixed", "last"), paged.pinned("quantised", "blocks"):
            assert paged.cached_count == 5
            assert paged.charged > 20_000
            paged.resize(20_000)
            with pytest.raises(LimitTooSmall, match="a part of 'mixed'"):
                paged.read("mixed", 9000, 10)
            assert paged.charged <= 20_000


def test_pins_of_what_is_not_there(path: Path) -> None:
    with opened(path, "component") as paged:
        with pytest.raises(ModelNotFound), paged.pinned("unknown"):
            pass
        with pytest.raises(ComponentNotFound), paged.pinned("mixed", "unknown"):
            pass
        assert paged.stats().misses == 0


def test_errors_inside_a_pinned_block_pass(path: Path) -> None:
    with opened(path, "model") as paged:
        with pytest.raises(ZeroDivisionError), paged.pinned("raw"):
            _ = 1 / 0
        assert paged.evict("raw")


def test_closing_inside_a_pinned_block(path: Path) -> None:
    paged = opened(path, "component")
    with paged.pinned("raw"):
        paged.close()
    with pytest.raises(BundleClosed), paged.pinned("raw"):
        pass


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_children_have_no_pins(path: Path, granularity: str) -> None:
    paged = opened(path, granularity)

    def child() -> None:
        assert paged.cached_count == 0
        walk(paged, "raw")
        assert paged.evict("raw")

    with paged:
        with paged.pinned("raw"):
            assert run_forked(child) == 0
            pid = os.fork()
            if pid == 0:
                os._exit(leave_block(paged))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert paged.evict("raw")


def leave_block(paged: PagedBundle) -> int:
    """What a child does that was forked inside a pinned block: it leaves one of its own."""
    with paged.pinned("raw"):
        if paged.evict("raw"):
            return 1
    return 0 if paged.evict("raw") else 2


def test_a_child_that_leaves_its_parents_block(path: Path) -> None:
    with opened(path, "model") as paged:

        def child() -> None:
            block.__exit__(None, None, None)
            assert paged.get_model("raw") == PAYLOADS["raw"]
            assert paged.evict("raw")

        block = paged.pinned("raw")
        block.__enter__()
        assert run_forked(child) == 0
        assert not paged.evict("raw")
        block.__exit__(None, None, None)
        assert paged.evict("raw")


@pytest.mark.parametrize("source", ["map", "read"])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_resize(path: Path, granularity: str, source: str) -> None:
    with opened(path, granularity, source=source) as paged:
        for name in PAYLOADS:
            walk(paged, name)
        evictions = paged.stats().evictions
        paged.resize("40 KiB")
        assert paged.max_memory == 40 * 1024
        assert paged.charged <= 40 * 1024
        assert paged.stats().evictions > evictions
        assert paged.config.max_memory == 64 * MIB
        for name, components in ARRAYS.items():
            for component in components:
                assert is_same(paged.get_component(name, component), name, component)
        assert b"".join(paged.iter_pages("raw")) == PAYLOADS["raw"]
        paged.resize(64 * MIB)
        for name in PAYLOADS:
            assert bytes(paged.get_model(name)) == PAYLOADS[name]
        misses = paged.stats().misses
        for name in PAYLOADS:
            paged.get_model(name)
        assert paged.stats().misses == misses
        with pytest.raises(ValueError, match="size"):
            paged.resize("much")
        with pytest.raises(TypeError):
            paged.resize(None)  # type: ignore[arg-type]
        paged.resize(1)
        assert paged.max_memory == 1024, "the least there is"
        paged.resize("auto")
        assert paged.max_memory > MIB


def test_the_limit_of_the_moment_is_that_of_children_and_copies(path: Path) -> None:
    import pickle

    with opened(path, "page") as paged:
        paged.resize(50_000)
        with pickle.loads(pickle.dumps(paged)) as copy:
            assert copy.max_memory == 50_000
            assert copy.config.granularity == "page"

        def child() -> None:
            assert paged.max_memory == 50_000
            walk(paged, "large")
            assert paged.charged <= 50_000

        assert run_forked(child) == 0
    with pytest.raises(BundleClosed):
        paged.resize(1)


def test_resize_while_others_load(path: Path) -> None:
    stop = threading.Event()
    with opened(path, "component", 5 * MIB) as paged:

        def work() -> None:
            while not stop.is_set():
                for name, components in ARRAYS.items():
                    for component in components:
                        assert is_same(paged.get_component(name, component), name, component)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for limit in (MIB, 30_000, 9 * MIB, 6000, 5 * MIB):
                misses = paged.stats().misses
                paged.resize(limit)
                wait_until(lambda misses=misses: paged.stats().misses > misses or paged.max_memory > MIB)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert paged.charged <= 5 * MIB


def test_hints(path: Path) -> None:
    with opened(path, "component") as paged:
        paged.prefetch_hint("mixed", "matrix")
        assert paged.is_cached("mixed", "matrix")
        assert not paged.is_cached("mixed", "last")
        assert not paged.is_cached("mixed")
        paged.prefetch_hint("mixed")
        assert all(paged.is_cached("mixed", name) for name in ARRAYS["mixed"])
        assert paged.stats().misses == 0
        assert paged.stats().prefetches == 1 + 6
        for name, component in (("mixed", "unknown"), ("unknown", None), ("unknown", "unknown")):
            paged.prefetch_hint(name, component)
            assert not paged.evict(name, component)
            assert not paged.is_cached(name, component)
    with opened(path, "page", 20_000, page_size=1000) as paged:
        paged.prefetch_hint("large")
        assert paged.stats().prefetches == 20_000 // (1000 + BOOKKEEPING)
        assert paged.stats().evictions == 0
        pages = islice(paged.iter_pages("large"), paged.cached_count)
        assert b"".join(pages) == PAYLOADS["large"][: paged.memory_used]
        assert paged.stats().misses == 0, "it was the beginning that was loaded"


def test_hints_in_the_background(path: Path) -> None:
    with opened(path, "component", prefetch=True) as paged:
        paged.prefetch_hint("mixed")
        wait_until(lambda: all(paged.is_cached("mixed", name) for name in ARRAYS["mixed"]))


def test_evict(path: Path) -> None:
    with opened(path, "component") as paged:
        for name in ("mixed", "raw"):
            walk(paged, name)
        paged.get_model("mixed")
        assert paged.cached_names == ("mixed",)
        assert paged.evict("mixed", "matrix")
        assert not paged.evict("mixed", "matrix")
        assert not paged.is_cached("mixed", "matrix")
        assert paged.evict("mixed")
        assert not any(paged.is_cached("mixed", name) for name in ARRAYS["mixed"] if ARRAYS["mixed"][name].size)
        assert paged.memory_used == len(PAYLOADS["raw"])
        assert not paged.evict("mixed")
        paged.clear_cache()
        assert paged.memory_used == 0
    with opened(path, "page") as paged:
        paged.read("compressed", CHUNK, 1)
        assert paged.evict("compressed")
        assert paged.memory_used == 0


def test_models_named_like_the_start_of_others(tmp_path: Path) -> None:
    path = tmp_path / "made.apbundle"
    ModelBundle.builder(path).add_model("e", b"1" * 99).add_model("encoder", b"2" * 99).build().close()
    with opened(path, "page") as paged:
        walk(paged, "encoder")
        walk(paged, "e")
        assert paged.evict("e")
        assert paged.memory_used == 99
