"""Components of models: what they are read as, from which units, and how they fail."""

from __future__ import annotations

import json
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apbundle import ModelBundle
from apbundle.errors import BundleClosed, BundleError, ComponentNotFound, ModelNotFound, UnsupportedFeature
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paged import listing as listing_module
from apbundle.payload.tensors import BlockType
from support import forge
from support.components import ARRAYS, MIB, PAYLOADS, Array, floats, is_same, pack_components, safetensors

GRANULARITIES = ["model", "component", "page"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_components(tmp_path_factory.mktemp("components") / "components.apbundle")


def opened(path: Path, granularity: str, max_memory: int = 64 * MIB, **settings: Any) -> PagedBundle:
    config = {"max_memory": max_memory, "granularity": granularity, "prefetch": False, **settings}
    return PagedBundle(path, PagingConfig(**config))


def packed(folder: Path, models: dict[str, bytes]) -> Path:
    path = folder / "made.apbundle"
    path.write_bytes(forge.bundle(list(models.items())))
    return path


@pytest.mark.parametrize("source", ["map", "read"])
@pytest.mark.parametrize("max_memory", [64 * MIB, 10_000])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_every_component(path: Path, granularity: str, max_memory: int, source: str) -> None:
    with opened(path, granularity, max_memory, source=source, page_size=1000) as paged:
        for name in PAYLOADS:
            expected = ARRAYS.get(name, {})
            assert sorted(paged.components(name)) == sorted(expected)
            for component in expected:
                array = paged.get_component(name, component)
                assert is_same(array, name, component)
                assert not array.flags.writeable
                assert is_same(paged.get_component(name, component), name, component)
            found = dict(paged.iter_components(name))
            assert found.keys() == expected.keys()
            assert all(is_same(array, name, component) for component, array in found.items())


def test_arrays_outlive_evictions_and_closing(path: Path) -> None:
    arrays: list[tuple[Array, str, str]] = []
    for granularity in GRANULARITIES:
        for source in ("map", "read"):
            with opened(path, granularity, 5 * MIB, source=source) as paged:
                for name, components in ARRAYS.items():
                    arrays += [(paged.get_component(name, component), name, component) for component in components]
                paged.clear_cache()
    for array, name, component in arrays:
        assert is_same(array, name, component)
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_tensors_that_begin_anywhere(path: Path) -> None:
    """Views of the file as it lies: whatever numpy does with them, it does with unaligned ones too."""
    with opened(path, "component", source="map") as paged:
        for name in ("first", "second"):
            array = paged.get_component("large", name)
            assert not array.flags.aligned
            expected = ARRAYS["large"][name]
            assert np.array_equal(array.view(f"u{array.itemsize}"), expected.view(f"u{array.itemsize}"))
            assert (array.astype(np.float64) * 2).tobytes() == (expected.astype(np.float64) * 2).tobytes()
            assert array.base is not None


def test_components_of_a_unit_share_it(path: Path) -> None:
    with opened(path, "component") as paged:
        paged.get_component("mixed", "matrix")
        paged.get_component("mixed", "matrix")
        paged.get_component("mixed", "last")
        assert (paged.stats().hits, paged.stats().misses) == (1, 2)
        assert paged.memory_used == 2400 + 6000
        assert paged.cached_names == ()
        paged.get_component("mixed", "empty")
        assert paged.stats().misses == 2, "nothing has to be loaded for nothing"
    with opened(path, "model") as paged:
        for component in ARRAYS["mixed"]:
            paged.get_component("mixed", component)
        assert (paged.stats().hits, paged.stats().misses) == (5, 1)
        assert paged.cached_names == ("mixed",)


def test_tensors_of_several_pieces_count_while_they_are_looked_at(path: Path) -> None:
    """Their pieces may leave before that, and would come back unseen."""
    with opened(path, "model", 5 * MIB, source="map") as paged:
        view = paged.get_component("large", "second")
        assert paged.stats().misses == 2
        paged.clear_cache()
        assert paged.charged >= view.nbytes
        other = paged.get_component("large", "first")
        assert paged.stats().misses == 4
        del view
        paged.clear_cache()
        assert other.nbytes <= paged.charged
    with opened(path, "page", 16 * MIB, source="map", page_size=2 * MIB) as paged:
        view = paged.get_component("large", "second")
        assert paged.resident >= view.nbytes
        paged.clear_cache()
        assert 16 * MIB >= paged.charged >= view.nbytes
        part = view[-1:]
        del view
        paged.clear_cache()
        assert paged.charged > 0, "a part of it is looked at"
        del part
        paged.clear_cache()
        assert paged.charged == 0


def test_copies_count(path: Path) -> None:
    limit = 30_000
    with opened(path, "component", limit) as paged:
        assert paged.get_model("archive") == PAYLOADS["archive"]
        charged = paged.charged
        array = paged.get_component("deflated", "matrix")
        assert charged < paged.charged <= limit
        assert paged.charged - paged.memory_used >= array.nbytes
        paged.clear_cache()
        assert paged.charged == array.nbytes
        del array
        assert paged.charged == 0
        kept = [paged.get_component("deflated", "matrix") for _ in range(6)]
        assert paged.charged >= 6 * kept[0].nbytes > limit, "what callers keep is counted, whatever the limit"
        paged.get_component("mixed", "scalar")
        del kept
        assert paged.charged <= limit


def test_room_for_copies_is_made_before_they_are(path: Path) -> None:
    with opened(path, "page", 20_000, page_size=512) as paged:
        for _ in range(3):
            paged.get_component("mixed", "last")
        for _ in paged.iter_pages("raw"):
            assert paged.charged <= 20_000
        paged.clear_cache()
        array = paged.get_component("mixed", "last")
        assert paged.charged <= 20_000
        again = paged.get_component("mixed", "last")
        assert paged.charged <= 20_000, "every page was there, and there was no room for a second copy beside them"
        assert array.tobytes() == again.tobytes()
        assert paged.stats().evictions


def test_quantised_blocks_come_with_their_description(path: Path) -> None:
    with opened(path, "component") as paged:
        info = paged.component("quantised", "blocks")
        assert (info.dtype, info.shape, info.block) == ("Q8_0", (5, 256), BlockType("Q8_0", 32, 34))
        assert paged.get_component("quantised", "blocks").shape == (info.size,)
        assert paged.stats().misses == 1, "a description loads nothing"


def test_what_is_not_there(path: Path) -> None:
    with opened(path, "component") as paged:
        for ask in (paged.get_component, paged.component):
            with pytest.raises(
                ComponentNotFound, match=r"no component named 'matrx'.*Did you mean 'matrix'\?"
            ) as caught:
                ask("mixed", "matrx")
            assert isinstance(caught.value, KeyError)
            assert (caught.value.code, caught.value.path) == ("component_not_found", str(path))
            with pytest.raises(ModelNotFound, match=r"Did you mean 'mixed'\?") as missing:
                ask("mixd", "matrix")
            assert missing.value.path == str(path)
        for name, said in (("raw", "its format is"), ("nothing", "its format is"), ("mixed", "listed in components")):
            with pytest.raises(ComponentNotFound) as caught:
                paged.get_component(name, "?")
            assert said in str(caught.value.hint)
        for iterate in (paged.iter_components, paged.iter_pages):
            with pytest.raises(ModelNotFound):
                iterate("mixd")
        with pytest.raises(ModelNotFound):
            paged.components("mixd")


def test_payloads_that_are_damaged(tmp_path: Path) -> None:
    whole = safetensors({"a": floats(10), "b": floats(10)})
    models = {"cut": whole[:-3], "cut in the header": whole[:30]}
    for granularity in GRANULARITIES:
        with opened(packed(tmp_path, models), granularity) as paged:
            for name, data in models.items():
                with pytest.raises((ComponentNotFound, UnsupportedFeature)) as caught:
                    paged.get_component(name, "b")
                assert caught.value.hint
                assert caught.value.path == paged.path
                assert b"".join(map(bytes, paged.iter_pages(name))) == data, "its bytes are there all the same"


def test_components_that_cannot_be_decoded(tmp_path: Path) -> None:
    data = bytearray(PAYLOADS["deflated"])
    with opened(packed(tmp_path, {"a": bytes(data)}), "component") as paged:
        info = paged.component("a", "vector")
    half = zlib.decompressobj(-15).decompress(data[info.offset :], info.skip + 3600)
    deflate = zlib.compressobj(wbits=-15)
    start = deflate.compress(half) + deflate.flush(zlib.Z_FULL_FLUSH) + b"\x07"  # then a block of no known type
    data[info.offset : info.offset + len(start)] = start
    with opened(packed(tmp_path, {"a": bytes(data)}), "component") as paged:
        with pytest.raises(UnsupportedFeature, match="'vector' of 'a' cannot be read") as caught:
            paged.get_component("a", "vector")
        assert "get_model and read" in str(caught.value.hint)
        assert is_same(paged.get_component("a", "matrix"), "deflated", "matrix")
        components = paged.iter_components("a")
        assert next(components)[0] == "matrix"
        with pytest.raises(UnsupportedFeature) as caught:
            next(components)
        assert caught.value.path == paged.path


def test_no_memory_for_a_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path, "component") as paged:
        monkeypatch.setattr("apbundle.paged.components.decoded_size", lambda info: sys.maxsize)
        with pytest.raises(BundleError, match="no memory") as caught:
            paged.get_component("deflated", "matrix")
        assert caught.value.code == "limit_exceeded"
        assert caught.value.hint


def test_closed(path: Path) -> None:
    paged = opened(path, "component")
    array = paged.get_component("mixed", "matrix")
    components = paged.iter_components("mixed")
    paged.close()
    for ask in (paged.get_component, paged.component, paged.evict, paged.prefetch_hint, paged.is_cached):
        with pytest.raises(BundleClosed, match="Open it again") as caught:
            ask("mixed", "matrix")
        assert caught.value.path == str(path)
    for iterate in (paged.components, paged.iter_components, paged.iter_pages, paged.read):
        with pytest.raises(BundleClosed):
            iterate("mixed")
    with pytest.raises(BundleClosed):
        next(components)
    assert is_same(array, "mixed", "matrix")


def test_two_tensors_over_the_same_bytes(tmp_path: Path) -> None:
    """Tied weights, and views into each other, are one unit."""
    array = np.arange(1000, dtype=np.float32)
    places = {"a": (1000, 0, 4000), "b": (500, 2000, 4000)}
    entries = {
        name: {"dtype": "F32", "shape": [size], "data_offsets": [begin, end]}
        for name, (size, begin, end) in places.items()
    }
    header = json.dumps(entries).encode()
    payload = len(header).to_bytes(8, "little") + header + array.tobytes()
    with opened(packed(tmp_path, {"tied": payload}), "component") as paged:
        for name, expected in (("a", array), ("b", array[500:])):
            if name in paged.components("tied"):
                assert np.array_equal(paged.get_component("tied", name), expected)
        assert paged.stats().misses <= 1


def test_listings_are_forgotten_when_there_are_too_many(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_module, "MAX_KEPT", 8)
    with opened(path, "component") as paged:
        for _ in range(2):
            for name, components in ARRAYS.items():
                for component in components:
                    assert is_same(paged.get_component(name, component), name, component)
        assert paged._components is not None
        assert len(paged._components.engine.listings._kept) < len(ARRAYS)


def test_many_threads_list_the_same_models(path: Path) -> None:
    with opened(path, "component", 5 * MIB) as paged:
        begin = threading.Barrier(4, timeout=20)

        def work(seed: int) -> int:
            begin.wait()
            order = np.random.default_rng(seed).permutation(list(ARRAYS)).tolist()
            done = 0
            for name in order * 3:
                for component in ARRAYS[name]:
                    assert is_same(paged.get_component(name, component), name, component)
                    done += ARRAYS[name][component].nbytes > 0
            return done

        with ThreadPoolExecutor(4) as executor:
            assert sum(executor.map(work, range(4))) <= paged.stats().hits + paged.stats().misses


def test_the_documented_way(tmp_path: Path) -> None:
    path = tmp_path / "models.apbundle"
    ModelBundle.builder(path).add_model("head", {"weight": floats(4, 4)}).build().close()
    with ModelBundle.load_paged(path, "64KiB", granularity="component", page_size=1024, eviction="sieve") as paged:
        assert paged.get_component("head", "weight").shape == (4, 4)
        assert paged.config.page_size == 1024
