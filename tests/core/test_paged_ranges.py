"""Models in part: ranges and pages, at every granularity, of models that fit and of ones that do not."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from apbundle.errors import BundleError, ModelNotFound
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paging.blocks import BLOCK
from support.components import CHUNK, MIB, PAYLOADS, pack_components

GRANULARITIES = ["model", "component", "page"]
SOURCES = ["map", "read"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_components(tmp_path_factory.mktemp("components") / "components.apbundle")


def opened(path: Path, granularity: str, max_memory: int = 64 * MIB, **settings: Any) -> PagedBundle:
    config = {"max_memory": max_memory, "granularity": granularity, "prefetch": False, **settings}
    return PagedBundle(path, PagingConfig(**config))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("max_memory", [64 * MIB, 5 * MIB, 9000])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_ranges(path: Path, granularity: str, max_memory: int, source: str) -> None:
    chance = random.Random(1)
    with opened(path, granularity, max_memory, source=source) as paged:
        for name, data in PAYLOADS.items():
            assert bytes(paged.read(name)) == data
            assert paged.read(name, len(data)) == b""
            assert paged.read(name, 0, 0) == b""
            for _ in range(10):
                begin, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
                view = paged.read(name, begin, end - begin)
                assert bytes(view) == data[begin:end]  # which is faster than comparing views
                assert view.readonly
                assert view.format == "B"
            assert bytes(paged.read(name, len(data) // 2)) == data[len(data) // 2 :]


def test_ranges_count_no_longer_than_they_live(path: Path) -> None:
    """At once, not from the next access on: what is charged too much makes others leave."""
    with opened(path, "model", 3 * MIB, source="map") as paged:
        view = paged.read("large", 10, 2 * MIB)
        assert paged.charged >= 2 * BLOCK
        del view
        assert paged.charged == paged.memory_used == 0
        view = paged.read("large", 10, 2 * MIB)
    assert paged.charged >= 2 * BLOCK, "it outlives the bundle"
    del view
    assert paged.charged == 0


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("max_memory", [64 * MIB, 9000])
@pytest.mark.parametrize("page_size", [512, 777, CHUNK, 100_000])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_pages(path: Path, granularity: str, page_size: int, max_memory: int, source: str) -> None:
    with opened(path, granularity, max_memory, source=source, page_size=page_size) as paged:
        for name, data in PAYLOADS.items():
            if len(data) > MIB and page_size < CHUNK:
                continue  # only takes long
            pages = list(paged.iter_pages(name))
            assert all(page.readonly for page in pages)
            assert [*map(bytes, pages)] == [data[begin : begin + page_size] for begin in range(0, len(data), page_size)]


def test_ranges_outside_of_a_model(path: Path) -> None:
    with opened(path, "page") as paged:
        size = len(PAYLOADS["raw"])
        for begin, length in ((0, size + 1), (size, 1), (-1, 1), (0, -1), (size + 1, 0), (1, size)):
            with pytest.raises(ValueError, match="reach outside"):
                paged.read("raw", begin, length)
        with pytest.raises(ValueError, match="reach outside"):
            paged.read("raw", size + 1)
        with pytest.raises(TypeError):
            paged.read("raw", 1.5)  # type: ignore[arg-type]
        with pytest.raises(ModelNotFound):
            paged.read("unknown")
        assert paged.stats().misses == 0


def test_compressed_models_are_paged_by_chunk(path: Path) -> None:
    chunks = -(-len(PAYLOADS["compressed"]) // CHUNK)
    for granularity in ("component", "page"):
        with opened(path, granularity) as paged:
            assert paged.read("compressed", 100, 200) == PAYLOADS["compressed"][100:300]
            assert (paged.stats().misses, paged.memory_used) == (1, CHUNK)
            joined = paged.read("compressed", CHUNK - 1, 2)
            assert joined == PAYLOADS["compressed"][CHUNK - 1 : CHUNK + 1]
            assert (paged.stats().misses, paged.stats().hits) == (2, 1)
            assert b"".join(paged.iter_pages("compressed")) == PAYLOADS["compressed"]
            assert paged.stats().misses == chunks
            assert paged.memory_used == len(PAYLOADS["compressed"])
    with opened(path, "model", 2 * CHUNK + 10) as paged:
        assert paged.read("compressed", 0, CHUNK) == PAYLOADS["compressed"][:CHUNK]
        assert paged.memory_used == CHUNK, "one chunk of a model that does not fit"


def test_only_pages_that_are_asked_for_are_loaded(path: Path) -> None:
    with opened(path, "page", page_size=1000) as paged:
        paged.read("large", 5500, 1)
        paged.read("large", 5999, 2)
        assert (paged.stats().misses, paged.stats().hits) == (2, 1)
        assert paged.memory_used == 2000
        assert paged.cached_count == 2
        assert paged.cached_names == ()
        assert "0 of 8 models and 2 parts in memory" in repr(paged)


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_each_unit_is_accessed_once_by_a_walk(path: Path, granularity: str) -> None:
    with opened(path, granularity, page_size=1000) as paged:
        for _ in paged.iter_pages("mixed"):
            pass
        expected = {"model": 1, "component": 1 + 6, "page": -(-len(PAYLOADS["mixed"]) // 1000)}
        assert paged.stats().misses == expected[granularity]
        assert paged.stats().hits == 0
        assert paged.memory_used == len(PAYLOADS["mixed"])


def test_parts_larger_than_the_limit_are_cut_up(path: Path) -> None:
    limit = 3 * BLOCK // 2
    with opened(path, "component", limit, source="read") as paged:
        for page in paged.iter_pages("large"):
            assert page is not None
            assert paged.charged <= limit
        assert paged.get_component("large", "second").nbytes == limit, "a whole component still can be had"


def test_whole_models_beside_their_parts(path: Path) -> None:
    """A mapped model costs nothing more when its parts are in memory, and the other way round."""
    with opened(path, "component", source="map") as paged:
        paged.get_component("large", "first")
        paged.get_component("large", "second")
        before = paged.charged
        whole = paged.get_model("large")
        assert paged.stats().misses == 3
        assert paged.charged <= before + BLOCK
        assert paged.evict("large")
        assert paged.charged == 0
        assert whole == PAYLOADS["large"]
        assert not paged.evict("large")


def test_pages_of_a_file_that_changes(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.apbundle"
    copy.write_bytes(path.read_bytes())
    for granularity in GRANULARITIES:
        with opened(copy, granularity, 9000) as paged:
            pages = paged.iter_pages("raw")
            next(pages)
            copy.write_bytes(copy.read_bytes())
            with pytest.raises(BundleError) as caught:
                list(pages)
            assert caught.value.code == "changed_on_disk"
            assert caught.value.path == str(copy)


def test_views_of_one_model_are_of_one_memory(path: Path) -> None:
    with opened(path, "model") as paged:
        views = [paged.read("raw", begin, 10) for begin in (0, 5)]
        assert all(one.obj is other.obj for one, other in pairwise(views))
        views[0].release()
        assert paged.get_model("raw") == PAYLOADS["raw"], "a range is the caller's own view"
