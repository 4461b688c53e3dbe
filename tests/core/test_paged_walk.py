"""Models of several times the limit, walked completely: the process never holds more than the limit and a little."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.campaign import rounds
from support.walking import LIMIT, MIB, SLACK, pack_large, rewrite, walk_in_a_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")

GRANULARITIES = ("model", "component", "page")
MODELS = ("plain", "quantised", "compressed")
ALL = [(granularity, model) for granularity in GRANULARITIES for model in MODELS]
MAPPED = [(granularity, model) for granularity, model in ALL if granularity != "page" and model != "compressed"]
"""What depends on how the file lies in the kernel's cache; all else is read."""

PIECES = (4096, 4 * MIB)
FOLDERS = ("disk", "memory")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_large(tmp_path_factory.mktemp("large") / "large.apbundle", 5 * LIMIT, 3 * LIMIT)


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk, or in memory (`tmpfs`)."""
    if request.param == "disk":
        yield tmp_path
    elif os.path.isdir("/dev/shm"):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
            yield Path(name)
    else:
        pytest.skip("there is no /dev/shm")


def check(path: Path, units: list[tuple[str, str]], **settings: Any) -> None:
    worst = walk_in_a_process(path, units, **settings)
    assert len(worst) == 3 * len(units)
    outgrown = {walk: f"{beyond / MIB:.2f} MiB" for walk, beyond in worst.items() if beyond > SLACK}
    assert not outgrown, "more than the limit allows"


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("folder", FOLDERS, indirect=True)
def test_mapped_files(original: Path, folder: Path, piece: int) -> None:
    path = rewrite(original, folder / "large.apbundle", piece)
    units = MAPPED if rounds(1) == 1 else ALL
    check(path, units, source="map")


@pytest.mark.parametrize(
    ("units", "settings"),
    [
        pytest.param([unit for unit in ALL if unit not in MAPPED], {}, id="parts that are read, loaded ahead"),
        pytest.param([("component", model) for model in MODELS], {"source": "read", "eviction": "sieve"}, id="no map"),
    ],
)
def test_units_that_are_read(original: Path, units: list[tuple[str, str]], settings: dict[str, Any]) -> None:
    check(original, units, **settings)
