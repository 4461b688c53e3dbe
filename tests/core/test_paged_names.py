"""What is no name is told so, by every method, whatever was asked for before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apbundle.errors import BundleClosed, ComponentNotFound, ModelNotFound
from apbundle.paged import PagedBundle, PagingConfig
from support.children import run_forked
from support.components import MIB, pack_components

Call = Callable[[PagedBundle, Any], object]

WRONG = (None, 5, b"mixed", 1.5, True, ["mixed"], {"mixed": 1}, ("mixed",), ("mixed", 7))
OF_A_MODEL: list[Call] = [
    lambda paged, name: paged.get_model(name),
    lambda paged, name: paged.get_component(name, "matrix"),
    lambda paged, name: paged.component(name, "matrix"),
    lambda paged, name: paged.components(name),
    lambda paged, name: paged.iter_components(name),
    lambda paged, name: paged.iter_pages(name),
    lambda paged, name: paged.read(name),
    lambda paged, name: paged.read(name, 1, 1),
    lambda paged, name: paged.pinned(name).__enter__(),
    lambda paged, name: paged.prefetch_hint(name),
    lambda paged, name: paged.prefetch_hint(name, "matrix"),
    lambda paged, name: paged.evict(name),
    lambda paged, name: paged.evict(name, "matrix"),
    lambda paged, name: paged.is_cached(name),
    lambda paged, name: paged.is_cached(name, "matrix"),
    lambda paged, name: paged.get_metadata(name),
    lambda paged, name: paged.entry(name),
]
OF_A_COMPONENT: list[Call] = [
    lambda paged, name: paged.get_component("mixed", name),
    lambda paged, name: paged.component("mixed", name),
    lambda paged, name: paged.pinned("mixed", name).__enter__(),
    lambda paged, name: paged.prefetch_hint("mixed", name),
    lambda paged, name: paged.evict("mixed", name),
    lambda paged, name: paged.is_cached("mixed", name),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_components(tmp_path_factory.mktemp("components") / "components.apbundle")


@pytest.fixture(params=["model", "component", "page"])
def paged(path: Path, request: pytest.FixtureRequest) -> Iterator[PagedBundle]:
    with PagedBundle(path, PagingConfig(max_memory=64 * MIB, granularity=request.param)) as bundle:
        yield bundle


def test_what_is_no_name(paged: PagedBundle) -> None:
    for _ in range(2):
        for wrong in WRONG:
            told = f"a name is a string, not {type(wrong).__name__}"
            for call in OF_A_MODEL:
                with pytest.raises(TypeError, match=told):
                    call(paged, wrong)
            for call in OF_A_COMPONENT if wrong is not None else OF_A_COMPONENT[:2]:
                with pytest.raises(TypeError, match=told):
                    call(paged, wrong)
        paged.get_model("mixed")
        paged.get_component("mixed", "matrix")
    with pytest.raises(ModelNotFound):
        paged.get_model("")
    with pytest.raises(ComponentNotFound):
        paged.get_component("mixed", "")


@pytest.mark.parametrize("given", [("a", 1), (0, "1"), (1.5, 2), (None, 1), ([], None)])
def test_what_is_no_range(paged: PagedBundle, given: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError, match="offset and size are whole numbers of bytes, not"):
        paged.read("mixed", *given)


def test_a_child_that_used_nothing_tells_after_closing_what_its_parent_tells(path: Path) -> None:
    with PagedBundle(path, PagingConfig(max_memory=64 * MIB)) as paged:
        paged.get_model("mixed")
        cached = paged.stats()

        def child() -> None:
            paged.close()
            paged.close()
            assert paged.stats().misses == paged.stats().hits == 0
            assert (paged.cached_count, paged.memory_used, paged.charged, paged.resident) == (0, 0, 0, 0)
            assert paged.cached_names == ()
            assert not paged.is_cached("mixed")
            assert "closed" in repr(paged)
            for _ in range(2):
                for call in (paged.get_model, paged.clear_cache, paged.read):
                    with pytest.raises(BundleClosed):
                        call(*["mixed"] * (call != paged.clear_cache))

        assert run_forked(child) == 0
        assert paged.stats() == cached
