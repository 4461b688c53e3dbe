"""Paged bundles on real files: what they hand out, what they hold, and what they cost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apbundle import ModelBundle
from apbundle.errors import BundleClosed, BundleError, ModelNotFound
from apbundle.format.manifest import BundleManifest
from apbundle.mapping import FileMap
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paged import engine as engine_module
from apbundle.paging.stats import PagingStats
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind
from support import forge
from support.children import run_forked
from support.conditions import wait_until
from support.mixed import LARGE, MIB, MODELS, pack_mixed

SOURCES = ["map", "read"]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_mixed(tmp_path_factory.mktemp("mixed") / "mixed.apbundle")


def config(max_memory: int | str = 100 * MIB, **settings: Any) -> PagingConfig:
    return PagingConfig(**{"max_memory": max_memory, "prefetch": False, **settings})


@pytest.mark.parametrize("source", [*SOURCES, "auto"])
def test_every_model_as_it_was_packed(mixed: Path, source: str) -> None:
    with PagedBundle(mixed, config(source=source)) as paged:
        assert paged.model_names == list(MODELS)
        assert len(paged) == len(MODELS)
        assert "large 0" in paged
        assert "unknown" not in paged
        for name, data in MODELS.items():
            assert not paged.is_cached(name)
            view = paged.get_model(name)
            assert view == data
            assert view.readonly
            assert view.format == "B"
            assert paged.is_cached(name)
            assert paged.get_model(name) is view
        raw = sum(map(len, MODELS.values()))
        assert paged.stats() == PagingStats(len(MODELS), len(MODELS), 0, raw, raw, 0)
        assert paged.memory_used == raw
        assert paged.cached_count == len(MODELS)
        assert sorted(paged.cached_names) == sorted(MODELS)


def test_what_is_known_of_a_model(mixed: Path) -> None:
    with PagedBundle.open(mixed) as paged:
        entry = paged.entry("compressed")
        assert entry.compressed
        assert (entry.raw_size, paged.get_metadata("compressed")) == (len(MODELS["compressed"]), entry.metadata)
        assert paged.get_metadata("small 1").version == "1.0"
        for ask in (paged.entry, paged.get_metadata, paged.get_model):
            with pytest.raises(ModelNotFound) as caught:
                ask("unknown")
            assert caught.value.code == "model_not_found"
            assert isinstance(caught.value, KeyError)
        paged.prefetch_hint("unknown")
        assert not paged.evict("unknown")
        assert not paged.is_cached("unknown")
        assert paged.stats() == PagingStats()


def test_settings_are_kept(mixed: Path) -> None:
    with PagedBundle(mixed) as paged:
        assert paged.config == PagingConfig()
        assert paged.max_memory == 100 * MIB
        assert paged.path == str(mixed)
        assert "0 of" in repr(paged)
    with PagedBundle(mixed, config("2GiB")) as paged:
        assert paged.max_memory == 2 << 30
    with PagedBundle(mixed, config("auto")) as paged:
        assert paged.max_memory >= 1024
        assert paged.config.max_memory == "auto"
    with pytest.raises(TypeError, match="PagingConfig"):
        PagedBundle(mixed, {"max_memory": 1})  # type: ignore[arg-type]


def test_relative_paths_survive_a_change_of_folder(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mixed.parent)
    with PagedBundle(mixed.name) as paged:
        monkeypatch.chdir("/")
        assert paged.path == str(mixed)
        assert paged.get_model("small 1") == MODELS["small 1"]


def test_files_that_are_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no bundle")
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "text", tmp_path / "fifo"):
        with pytest.raises(BundleError) as caught:
            PagedBundle(path)
        assert caught.value.code == "not_a_bundle"
    with pytest.raises(FileNotFoundError):
        PagedBundle(tmp_path / "missing")


@pytest.mark.parametrize("open_it", [PagedBundle, PagedBundle.open, ModelBundle.load_paged])
def test_what_is_no_path(mixed: Path, open_it: Callable[..., PagedBundle]) -> None:
    for path in ("", b"", "a\0b"):
        with pytest.raises(ValueError, match="path is no path"):
            open_it(path)
        with pytest.raises(ValueError, match="record is no path"):
            open_it(mixed, record=path)
    for path in (None, 3, ["a"]):
        with pytest.raises(TypeError, match="path is a path, not"):
            open_it(path)


def test_settings_that_do_not_exist(mixed: Path) -> None:
    with pytest.raises(TypeError, match=r"no setting 'limit'; there are max_memory, page_size, .*granularity"):
        ModelBundle.load_paged(mixed, limit=5)
    for settings in ({"granularity": "tensor"}, {"page_size": -1}, {"max_memory": "lots"}, {"eviction": "mru"}):
        with pytest.raises(ValueError, match=r"granularity|page_size|size|eviction"):
            ModelBundle.load_paged(mixed, **settings)


@pytest.mark.parametrize("code", ["not_a_bundle", "truncated", "unsupported_version", "bad_manifest_length"])
def test_errors_of_opening_say_which_file_and_what_to_do(mixed: Path, tmp_path: Path, code: str) -> None:
    data = mixed.read_bytes()
    broken = {
        "not_a_bundle": b"PK" + data[2:],
        "truncated": data[:15],
        "unsupported_version": data[:8] + b"\x02" + data[9:],
        "bad_manifest_length": data[:300],
    }
    path = tmp_path / "broken.apbundle"
    path.write_bytes(broken[code])
    with pytest.raises(BundleError) as caught:
        PagedBundle(path)
    assert (caught.value.code, caught.value.path) == (code, str(path))
    assert caught.value.hint


def statm() -> int:
    """Bytes this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("source", SOURCES)
def test_memory_stays_within_the_limit(mixed: Path, source: str) -> None:
    """All models, several times the limit, looked at byte by byte: the process never grows beyond it."""
    limit = 13 * MIB

    def walk() -> None:
        with PagedBundle(mixed, config(limit, source=source)) as paged:
            np.frombuffer(paged.get_model("small 1"), np.uint8).sum()
            paged.clear_cache()
            before = statm()
            for _ in range(2):
                for name in MODELS:
                    np.frombuffer(paged.get_model(name), np.uint8).max(initial=0)
                    assert paged.charged <= limit
                    assert paged.resident <= limit
                    assert statm() - before <= limit + 2 * MIB
            assert paged.stats().evictions > len(LARGE)
            paged.clear_cache()
            assert paged.charged == 0
            if source == "map":
                assert paged.resident <= 64 * 1024

    assert run_forked(walk) == 0


def test_a_model_larger_than_the_limit_is_given_by_the_map(mixed: Path) -> None:
    with PagedBundle(mixed, config(4 * MIB, source="map")) as paged:
        small = paged.get_model("small 1")
        view = paged.get_model("large 0")
        size = len(MODELS["large 0"])
        assert paged.is_cached("small 1"), "nothing has to leave for what is not brought in"
        assert paged.stats() == PagingStats(0, 2, 0, len(small) + size, len(small) + size, 0)
        assert paged.charged == len(small)
        assert paged.resident < MIB
        assert view == MODELS["large 0"]
        assert paged.resident >= size, "what a caller touches is told"
        assert paged.get_model("large 0") is view
        assert paged.evict("large 0")
        assert paged.resident < MIB
        assert view[-5:] == MODELS["large 0"][-5:]


def test_models_larger_than_the_limit_do_not_pile_up(tmp_path: Path) -> None:
    path, size = tmp_path / "large.apbundle", 5 * MIB
    builder = ModelBundle.builder(path)
    for number in range(3):
        builder.add_model(f"large {number}", bytes([number]) * size)
    builder.add_model("small", b"weights").build().close()
    with PagedBundle(path, config(4 * MIB, source="map")) as paged:
        paged.get_model("small")
        for number in range(3):
            assert bytes(paged.get_model(f"large {number}")) == bytes([number]) * size
            assert sorted(paged.cached_names) == [f"large {number}", "small"]
            assert paged.resident <= size + 4 * MIB
        paged.evict("small")
        paged.get_model("small")
        assert paged.cached_names == ("small",)
        assert paged.stats() == PagingStats(0, 5, 4, 3 * size + 14, 7, 0)


@pytest.mark.parametrize("prefetch", ["inline", "background"])
def test_what_was_asked_for_does_not_leave_for_a_prediction(tmp_path: Path, prefetch: str) -> None:
    path = tmp_path / "large.apbundle"
    ModelBundle.builder(path).add_model("large", bytes(5 * MIB)).add_model("small", b"weights").build().close()
    with PagedBundle(path, config(4 * MIB, source="map", prefetch=prefetch)) as paged:
        paged.get_model("large")
        paged.get_model("small")
        paged.evict("small")
        paged.get_model("large")
        if paged._pager._background is not None:
            paged._pager._background.close()
        assert paged.cached_names == ("large",)


def test_a_model_larger_than_the_limit_is_read_whole(mixed: Path) -> None:
    with PagedBundle(mixed, config(4 * MIB, source="read")) as paged:
        paged.get_model("small 1")
        assert paged.get_model("large 0") == MODELS["large 0"]
        assert paged.cached_names == ("large 0",)
        assert paged.stats().evictions == 1
        paged.get_model("small 1")
        assert paged.cached_names == ("small 1",)


@pytest.mark.parametrize("name", ["small 0", "small 1", "large 0", "compressed"])
def test_no_caller_takes_a_view_from_the_others(mixed: Path, name: str) -> None:
    with PagedBundle(mixed, config()) as paged:
        with pytest.raises(BufferError):
            paged.get_model(name).release()
        with pytest.raises(BufferError), paged.get_model(name) as view:
            assert view == MODELS[name]
        assert paged.get_model(name) == MODELS[name]
        paged.evict(name)
        assert view == MODELS[name]


def test_evicted_views_stay_valid(mixed: Path) -> None:
    for source in SOURCES:
        with PagedBundle(mixed, config(8 * MIB, source=source)) as paged:
            views = {name: np.frombuffer(paged.get_model(name), np.uint8) for name in MODELS}
        for name, view in views.items():
            assert view.tobytes() == MODELS[name]
            assert not view.flags.writeable


@pytest.mark.parametrize("source", SOURCES)
def test_closed(mixed: Path, source: str) -> None:
    paged = PagedBundle(mixed, config(source=source))
    view, array = paged.get_model("small 1"), np.frombuffer(paged.get_model("large 1"), np.uint8)
    paged.get_model("small 1")
    paged.close()
    paged.close()
    assert paged.closed
    assert "closed" in repr(paged)
    assert view == MODELS["small 1"]
    assert array.tobytes() == MODELS["large 1"]
    for use in (paged.get_model, paged.prefetch_hint, paged.evict):
        with pytest.raises(BundleClosed) as caught:
            use("small 1")
        assert caught.value.code == "closed"
    with pytest.raises(BundleClosed):
        paged.clear_cache()
    assert paged.stats().hits == 1
    assert (paged.memory_used, paged.cached_count, paged.charged) == (0, 0, 0)


@pytest.mark.parametrize("prefetch", [False, True])
def test_forgotten_without_closing(mixed: Path, tmp_path: Path, prefetch: bool) -> None:
    """Its memory, thread and files go with it, views stay, and its recording is complete."""

    def use() -> memoryview:
        paged = PagedBundle(mixed, config(source="map", prefetch=prefetch), record=tmp_path / "run.aptrace")
        for _ in range(11):
            paged.get_model("large 1")
        paged.prefetch_hint("large 2")
        wait_until(lambda: paged.is_cached("large 2"))
        return paged.get_model("large 1")

    view = use()
    assert view == MODELS["large 1"]
    with RecordingReader.open(tmp_path / "run.aptrace") as reader:
        assert (reader.poll()["kind"] == Kind.HIT).sum() == 11
        assert reader.status == "ended"


def test_programs_that_end_without_closing(mixed: Path, tmp_path: Path) -> None:
    program = """if True:
        import sys
        from apbundle import PagedBundle
        paged = PagedBundle(sys.argv[1], record=sys.argv[2])
        for _ in range(11): paged.get_model("large 1")
        paged.prefetch_hint("large 2")
    """
    path = tmp_path / "run.aptrace"
    done = subprocess.run([sys.executable, "-c", program, mixed, path], capture_output=True, check=True)
    assert done.stderr == b""
    with RecordingReader.open(path) as reader:
        assert (reader.poll()["kind"] == Kind.HIT).sum() == 10
        assert reader.status == "ended"


def refuse(file: object) -> FileMap:
    raise OSError(errno.ENOMEM, "no address space")


def test_refused_maps_are_replaced_by_reads(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = type("Refusing", (), {"supported": FileMap.supported, "__new__": lambda cls, file: refuse(file)})
    monkeypatch.setattr(engine_module, "FileMap", refusing)
    with PagedBundle(mixed, config(source="auto")) as paged:
        assert paged.get_model("large 1") == MODELS["large 1"]
    with pytest.raises(OSError, match="no address space"):
        PagedBundle(mixed, config(source="map"))


def test_file_systems_not_to_be_mapped(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileMap, "supported", staticmethod(lambda file: False))
    with PagedBundle(mixed, config(4 * MIB, source="auto")) as paged:
        paged.get_model("large 0")
        assert paged.charged == len(MODELS["large 0"])


def test_models_of_a_damaged_extension(golden: Path, tmp_path: Path) -> None:
    """What may be compressed is not handed out as if it were not; the rest is."""
    data = bytearray((golden / "ext_compressed.apbundle").read_bytes())
    data[data.index(b"APBXEXT1") + 24] ^= 1
    path = tmp_path / "damaged.apbundle"
    path.write_bytes(data)
    with PagedBundle(golden / "ext_compressed.apbundle") as whole, PagedBundle(path, config()) as damaged:
        for name in whole.model_names:
            if whole.entry(name).compressed:
                with pytest.raises(BundleError) as caught:
                    damaged.get_model(name)
                assert caught.value.code == "extension_checksum"
            else:
                assert damaged.get_model(name) == whole.get_model(name)


def test_models_are_found_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of models, the first access looks at its own alone."""
    path = tmp_path / "many.apbundle"
    path.write_bytes(forge.bundle([(f"model {number}", bytes([number % 256]) * 9) for number in range(3000)]))
    with PagedBundle(path, config()) as paged:

        def refuse(manifest: BundleManifest) -> None:
            raise AssertionError("all models are looked at")

        monkeypatch.setattr(BundleManifest, "__iter__", refuse)
        monkeypatch.setattr(BundleManifest, "model_names", property(refuse))
        assert paged.get_model("model 2999") == bytes([2999 % 256]) * 9
        assert paged.read("model 5", 1, 2) == b"\5\5"
        assert paged.evict("model 2999")
        assert not paged.is_cached("model 7")
        paged.prefetch_hint("model 9")
        assert sorted(paged.cached_names) == ["model 5", "model 9"]
        monkeypatch.undo()


def test_prefetch_by_hint(mixed: Path) -> None:
    with PagedBundle(mixed, config()) as paged:
        paged.prefetch_hint("large 0")
        assert paged.is_cached("large 0")
        size = len(MODELS["large 0"])
        assert paged.stats() == PagingStats(0, 0, 0, size, size, 1)


def test_a_run_as_it_is_recorded(mixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.aptrace"
    with PagedBundle.open(mixed, config(12 * MIB, prefetch="inline"), record=path) as paged:
        assert paged.recording == str(path)
        for name in [*MODELS, *MODELS, "small 1", "small 1"]:
            paged.get_model(name)
        paged.evict("small 1")
        stats = paged.stats()
        identity = paged._identity
    with RecordingReader.open(path) as reader, ModelBundle.load(mixed) as bundle:
        header, events = reader.header, reader.poll()
        assert header.names == tuple(MODELS)
        assert header.sizes.tolist() == list(map(len, MODELS.values()))
        assert header.bundle == str(mixed)
        assert header.identity == {
            "device": identity.device,
            "inode": identity.inode,
            "size": identity.size,
            "mtime_ns": identity.mtime_ns,
        }
        assert header.binding is not None
        assert len(bytes.fromhex(header.binding)) == 32
        assert header.config["max_memory"] == 12 * MIB
        assert header.pid == os.getpid()
        assert bundle.file_size == identity.size
    kinds = events["kind"]
    loads = np.isin(kinds, (Kind.MISS, Kind.PREFETCH))
    assert stats.hits == (kinds == Kind.HIT).sum()
    assert stats.misses == (kinds == Kind.MISS).sum()
    assert stats.prefetches == (kinds == Kind.PREFETCH).sum()
    assert stats.evictions == (kinds == Kind.EVICT).sum()
    assert stats.bytes_loaded == events["bytes"][loads].sum()
    assert (events["latency"][loads] > 0).all()


def test_load_paged_records_too(mixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.aptrace"
    with ModelBundle.load_paged(mixed, "1MiB", record=path, prefetch=False) as paged:
        assert paged.recording == str(path)
        paged.get_model("small 1")
    with RecordingReader.open(path) as reader:
        assert reader.header.config["max_memory"] == MIB
        assert reader.poll()["kind"].tolist() == [Kind.MISS, Kind.CLEAR]


def test_a_recording_that_cannot_be(mixed: Path, tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match="Not recording") as caught:
        paged = PagedBundle(mixed, config(), record=tmp_path / "no" / "run.aptrace")
    assert [warning.filename for warning in caught] == [__file__], "said of the program's line"
    with paged:
        assert paged.recording is None
        assert paged.get_model("small 1") == MODELS["small 1"]
    with pytest.warns(RuntimeWarning, match="not a recording"):
        PagedBundle(mixed, config(), record=mixed).close()
