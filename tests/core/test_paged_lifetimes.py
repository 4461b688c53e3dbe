"""Paged bundles and what happens around them: threads, forks, pickles, and files that change."""

from __future__ import annotations

import errno
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apbundle import ModelBundle
from apbundle.errors import BundleClosed, BundleError
from apbundle.fileio import InputFile
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paging.stats import PagingStats
from apbundle.trace.recording import RecordingReader
from support.children import fork, run_forked, wait_for
from support.conditions import wait_until
from support.mixed import LARGE, MIB, MODELS, pack_mixed

TRUNCATIONS = int(os.environ.get("APBUNDLE_TRUNCATIONS", "20"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_mixed(tmp_path_factory.mktemp("mixed") / "mixed.apbundle")


@pytest.fixture
def mixed(original: Path, tmp_path: Path) -> Path:
    """A copy to be written to."""
    return Path(shutil.copy(original, tmp_path / "mixed.apbundle"))


def config(max_memory: int = 100 * MIB, **settings: Any) -> PagingConfig:
    return PagingConfig(**{"max_memory": max_memory, "prefetch": False, **settings})


@pytest.fixture(params=["map", "read"])
def paged(mixed: Path, request: pytest.FixtureRequest) -> Iterator[PagedBundle]:
    with PagedBundle(mixed, config(source=request.param)) as bundle:
        yield bundle


def test_threads_and_a_disk_that_fails(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real threads on a real file, with failing reads, until it is closed under them."""
    chance = random.Random(2)

    def check_unchanged(file: InputFile, check: Callable[[InputFile], None] = InputFile.check_unchanged) -> None:
        if chance.random() < 0.02:
            raise OSError(errno.EIO, "broken disk")
        check(file)

    monkeypatch.setattr(InputFile, "check_unchanged", check_unchanged)
    paged = PagedBundle(original, PagingConfig(max_memory=14 * MIB))
    enough = threading.Barrier(5, timeout=30)

    def work(seed: int) -> int:
        mine, done, names = random.Random(seed), 0, list(MODELS)
        for turn in range(1_000_000):
            if turn == 150:
                enough.wait()
            name = mine.choice(names)
            try:
                view = paged.get_model(name)
                assert len(view) == len(MODELS[name])
                assert view[-1:] == MODELS[name][-1:]
                done += 1
                if turn % 5 == 0:
                    paged.evict(mine.choice(names))
                if turn % 7 == 0:
                    paged.prefetch_hint(mine.choice(names))
            except BundleClosed:
                return done
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
        raise AssertionError("never closed")

    with ThreadPoolExecutor(4) as executor:
        workers = [executor.submit(work, seed) for seed in range(4)]
        enough.wait()
        paged.close()
        done = sum(worker.result() for worker in workers)
    stats = paged.stats()
    assert stats.hits + stats.misses == done
    assert stats.memory_used == paged.charged == 0


def test_a_forked_child_begins_anew(paged: PagedBundle, tmp_path: Path) -> None:
    view = paged.get_model("large 1")
    paged.get_model("small 1")

    def child() -> None:
        assert view == MODELS["large 1"]
        assert "0 of 17" in repr(paged)
        assert paged.stats() == PagingStats()
        for name, data in MODELS.items():
            assert paged.get_model(name) == data
        assert paged.stats().misses == len(MODELS)
        paged.close()
        assert view == MODELS["large 1"]

    assert run_forked(child) == 0
    assert paged.stats() == PagingStats(0, 2, 0, paged.memory_used, paged.memory_used, 0)
    assert paged.get_model("large 1") is view


def test_a_fork_in_the_middle_of_everything(original: Path) -> None:
    """Other threads hold the lock, load and prefetch at the moment of the fork; the child owes them nothing."""
    stop = threading.Event()
    with PagedBundle(original, PagingConfig(max_memory=14 * MIB)) as paged:

        def work(seed: int) -> None:
            mine = random.Random(seed)
            while not stop.is_set():
                paged.get_model(mine.choice(LARGE))
                paged.prefetch_hint(mine.choice(LARGE))

        def child() -> None:
            for name in (*LARGE, *LARGE):
                assert paged.get_model(name)[-1] == MODELS[name][-1]
            paged.prefetch_hint("small 1")
            paged.close()

        with ThreadPoolExecutor(2) as executor:
            workers = [executor.submit(work, seed) for seed in range(2)]
            try:
                wait_until(lambda: paged.stats().misses > 5)
                assert [run_forked(child) for _ in range(10)] == [0] * 10
            finally:
                stop.set()
            for worker in workers:
                worker.result()


def test_a_child_of_a_child(paged: PagedBundle) -> None:
    def grandchild() -> None:
        assert paged.cached_count == 0
        assert paged.get_model("small 1") == MODELS["small 1"]

    def child() -> None:
        paged.get_model("small 2")
        assert run_forked(grandchild) == 0
        assert paged.cached_names == ("small 2",)

    assert run_forked(child) == 0


def test_a_child_of_a_closed_bundle(paged: PagedBundle) -> None:
    paged.close()

    def child() -> None:
        with pytest.raises(BundleClosed):
            paged.get_model("small 1")

    assert run_forked(child) == 0


def test_a_child_that_only_closes(paged: PagedBundle) -> None:
    def child() -> None:
        paged.close()
        with pytest.raises(BundleClosed):
            paged.get_model("small 1")

    assert run_forked(child) == 0
    assert paged.get_model("small 1") == MODELS["small 1"]


def test_a_child_finds_another_file(paged: PagedBundle, mixed: Path) -> None:
    paged.get_model("small 1")
    pack_mixed(mixed)  # takes the name; the parent keeps what it has

    def child() -> None:
        for _ in range(2):
            with pytest.raises(BundleError) as caught:
                paged.get_model("small 1")
            assert caught.value.code == "changed_on_disk"

    assert run_forked(child) == 0
    assert paged.get_model("large 1") == MODELS["large 1"]


def test_only_the_parent_records(original: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.aptrace"
    with PagedBundle(original, config(), record=path) as paged, RecordingReader.open(path) as reader:
        paged.get_model("small 1")

        def child() -> None:
            paged.get_model("small 2")
            assert paged.recording is None
            paged.close()

        assert run_forked(child) == 0
        paged.get_model("small 3")
        assert reader.poll()["unit"].tolist() == [1, 3]
        assert reader.status == "live"
    with RecordingReader.open(path) as reader:
        assert len(reader.poll()) == 3, "closing lets all go at once"
        assert reader.status == "ended"


def test_a_forked_child_that_cannot_record_says_so_when_it_can_be_used(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook that hears of it may ask the bundle for something: the lock of waking up is free by then."""
    with PagedBundle(original, config()) as paged:
        names = paged.model_names

        def child() -> None:
            signal.alarm(20)  # ends a child that waits for ever
            heard = []

            def hook(*warning: object, **more: object) -> None:
                heard.append(bytes(paged.get_model(names[0])))

            monkeypatch.setenv("APBUNDLE_RECORD", str(original / "no folder"))
            warnings.simplefilter("always")
            monkeypatch.setattr(warnings, "showwarning", hook)
            assert len(paged.get_model(names[1])) > 0
            assert len(heard) == 1

        assert run_forked(child) == 0


def test_the_end_of_a_recording_is_seen_though_children_live(original: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.aptrace"
    reading, writing = os.pipe()
    paged = PagedBundle(original, config(), record=path)
    child = fork(lambda: os.read(reading, 1))
    paged._recorder.abandon()  # type: ignore[union-attr]  # as if it had died
    with RecordingReader.open(path) as reader:
        wait_until(lambda: (reader.poll(), reader.status)[1] == "abandoned")
    os.write(writing, b"x")
    assert wait_for(child) == 0
    os.close(reading)
    os.close(writing)
    paged.close()


def test_pickled(paged: PagedBundle) -> None:
    paged.get_model("small 1")
    with pickle.loads(pickle.dumps(paged)) as copy:
        assert copy.config == paged.config
        assert copy.path == paged.path
        assert copy.stats() == PagingStats()
        assert copy.get_model("large 1") == MODELS["large 1"]
    assert paged.cached_count == 1


def test_pickled_and_changed(paged: PagedBundle, mixed: Path) -> None:
    data = pickle.dumps(paged)
    pack_mixed(mixed)
    with pytest.raises(BundleError) as caught:
        pickle.loads(data)
    assert caught.value.code == "changed_on_disk"
    paged.close()
    with pytest.raises(BundleClosed):
        pickle.dumps(paged)


def test_worker_processes(original: Path) -> None:
    """As a data loader uses it: the bundle travels to a fresh process and is read there."""
    program = "import pickle, sys; print(len(pickle.load(sys.stdin.buffer).get_model('large 1')))"
    with PagedBundle(original, config()) as paged:
        done = subprocess.run(
            [sys.executable, "-c", program], input=pickle.dumps(paged), capture_output=True, check=True
        )
    assert done.stderr == b""
    assert int(done.stdout) == len(MODELS["large 1"])


@pytest.mark.parametrize("name", ["small 1", "compressed", "large 1"])
def test_changes_are_noticed_at_the_next_load(paged: PagedBundle, mixed: Path, name: str) -> None:
    kept = paged.get_model("small 2")
    before = paged.stats()
    with mixed.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    for _ in range(2):
        with pytest.raises(BundleError) as caught:
            paged.get_model(name)
        assert caught.value.code == "changed_on_disk"
    with pytest.raises(BundleError):
        paged.prefetch_hint(name)
    assert paged.stats() == before
    assert paged.charged == len(kept)
    assert paged.get_model("small 2") is kept


@pytest.mark.parametrize("name", ["small 7", "compressed", "large 5"])
def test_files_cut_short(paged: PagedBundle, mixed: Path, name: str) -> None:
    entry = paged.entry(name)
    with mixed.open("r+b") as file:
        file.truncate(paged._reader.data_offset + entry.offset + entry.size // 2)
    with pytest.raises(BundleError) as caught:
        paged.get_model(name)
    assert caught.value.code == "changed_on_disk"


def test_files_cut_short_at_any_moment(original: Path, mixed: Path) -> None:
    """No load dies of it, and none gives anything but the right bytes or an error."""

    def child(seed: int) -> None:
        chance = random.Random(seed)
        with PagedBundle(mixed, config(14 * MIB, source="map" if seed % 2 else "read")) as paged:
            cutter = threading.Timer(chance.random() * 0.01, os.truncate, (mixed, chance.randrange(1 << 20)))
            cutter.start()
            code = ""
            while not code:
                name = chance.choice(list(MODELS))
                try:
                    view = paged.get_model(name)
                    paged.clear_cache()
                    assert seed % 2 or view == MODELS[name]
                except BundleError as error:
                    code = error.code
            cutter.join()
            assert code == "changed_on_disk"

    for seed in range(TRUNCATIONS):
        shutil.copy(original, mixed)
        assert run_forked(lambda seed=seed: child(seed)) == 0


def test_files_that_lose_their_name(paged: PagedBundle, mixed: Path) -> None:
    mixed.unlink()
    assert paged.get_model("large 1") == MODELS["large 1"]
    assert paged.get_model("compressed") == MODELS["compressed"]


@pytest.mark.parametrize("source", ["auto", "read"])
def test_an_array_keeps_its_memory_from_being_used_again(tmp_path: Path, source: str) -> None:
    path = tmp_path / "models.apbundle"
    arrays = {name: np.full(1_000_000, number, np.uint8) for number, name in enumerate("abc", 1)}
    ModelBundle.builder(path).add_model("net", arrays).build().close()
    config = PagingConfig(max_memory=1_500_000, granularity="component", source=source, prefetch=False)
    with PagedBundle.open(path, config) as paged:
        kept = paged.get_component("net", "a")
        for name in "bcbc":
            paged.get_component("net", name)
            assert not paged.is_cached("net", "a")
            assert (kept == 1).all()
