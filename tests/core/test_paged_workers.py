"""Worker processes of a data loader read components of a bundle that was opened by their parent."""

from __future__ import annotations

import os
import random
import sys
import zlib
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from apbundle.errors import BundleError
from apbundle.paged import PagedBundle, PagingConfig
from support.components import ARRAYS, MIB, pack_components
from support.loading import Components, held, load_all, loader

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

METHODS = ("fork", "spawn")
LIMIT = 4 * MIB


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return pack_components(tmp_path / "components.apbundle")


@pytest.fixture(scope="module", autouse=True)
def _tracker() -> None:
    """The helper of ``multiprocessing`` stays once it runs: not for a test to leave behind."""
    resource_tracker.ensure_running()


@pytest.mark.parametrize(
    ("method", "granularity"), [("fork", "model"), ("fork", "component"), ("fork", "page"), ("spawn", "component")]
)
def test_workers_read_what_their_parent_opened(path: Path, method: str, granularity: str) -> None:
    config = PagingConfig(LIMIT, 9000, granularity=granularity)
    with PagedBundle(path, config) as paged:
        data = Components(paged)
        for index in range(len(data)):  # the parent has a cache, a thread that loads ahead, and learned what follows
            assert data[index][3] == os.getpid()
        paged.resize(LIMIT + 1)
        before = paged.stats()
        order = list(range(len(data))) * 3
        random.Random(4).shuffle(order)
        with loader(data, method, 2) as processes:
            items = load_all(processes, order)
            mine = [data[index] for index in order[:5]]
            charged, limit = held(processes)
        assert limit == LIMIT + 1, "the limit is that of the moment"
        assert charged <= limit
        assert [item[:2] for item in items] == [data.places[index] for index in order]
        for model, name, checksum, process in [*items, *mine]:
            assert checksum == zlib.crc32(ARRAYS[model][name].tobytes())
            assert process != os.getpid() or (model, name, checksum, process) in mine
        after = paged.stats()
        assert after.hits + after.misses - before.hits - before.misses <= 5 * 40, "workers count for themselves"


@pytest.mark.parametrize("method", METHODS)
def test_workers_insist_on_the_file(path: Path, method: str) -> None:
    with PagedBundle(path, PagingConfig(LIMIT, granularity="component")) as paged:
        data = Components(paged)
        path.unlink()
        pack_components(path)
        if method == "spawn":
            with pytest.raises(Exception, match="terminated"), loader(data, method, 1) as processes:
                load_all(processes, [0])
        else:
            with loader(data, method, 1) as processes, pytest.raises(BundleError) as caught:
                load_all(processes, [0])
            assert caught.value.code == "changed_on_disk"
            assert caught.value.path == str(path)
            assert caught.value.hint
        assert data[0][3] == os.getpid(), "who has it open keeps it"
