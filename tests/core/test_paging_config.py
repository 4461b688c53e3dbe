"""Settings: floors, sizes as people write them, what is refused; and how much memory there is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apbundle.paging.config import DEFAULT_MAX_MEMORY, PagingConfig
from apbundle.paging.memory import automatic_limit, available_memory
from apbundle.paging.policy import POLICIES

MIB = 1 << 20


def test_defaults() -> None:
    assert dataclasses.asdict(PagingConfig()) == {
        "max_memory": 100 * MIB,
        "page_size": 4096,
        "prefetch": "background",
        "prefetch_count": 2,
        "eviction": "lru",
        "source": "auto",
        "granularity": "model",
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"max_memory": 0}, 1024),
        ({"max_memory": 1023}, 1024),
        ({"max_memory": 1025}, 1025),
        ({"max_memory": "2GiB"}, 2 << 30),
        ({"max_memory": "10 MB"}, 10_000_000),
        ({"max_memory": "12"}, 1024),
        ({"max_memory": np.int64(5000)}, 5000),
        ({"max_memory": " Auto "}, "auto"),
        ({"page_size": 0}, 512),
        ({"page_size": 513}, 513),
        ({"prefetch": True}, "background"),
        ({"prefetch": False}, "off"),
        ({"prefetch": "inline"}, "inline"),
        ({"prefetch_count": 0}, 0),
        ({"eviction": "LFU"}, "lfu"),
        ({"source": "read"}, "read"),
        ({"granularity": "Page"}, "page"),
        *[({"eviction": name}, name) for name in POLICIES],
    ],
)
def test_what_is_kept(given: dict[str, Any], kept: object) -> None:
    (name,) = given
    value = getattr(PagingConfig(**given), name)
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"max_memory": -1}, ValueError),
        ({"max_memory": "lots"}, ValueError),
        ({"max_memory": "-5"}, ValueError),
        ({"max_memory": 1e9}, TypeError),
        ({"max_memory": True}, TypeError),
        ({"max_memory": None}, TypeError),
        ({"page_size": "4096"}, TypeError),
        ({"page_size": -1}, ValueError),
        ({"prefetch": "maybe"}, ValueError),
        ({"prefetch": 1}, TypeError),
        ({"prefetch": None}, TypeError),
        ({"prefetch_count": -1}, ValueError),
        ({"prefetch_count": 1.5}, TypeError),
        ({"eviction": "random"}, ValueError),
        ({"eviction": None}, TypeError),
        ({"source": "tape"}, ValueError),
        ({"granularity": "byte"}, ValueError),
        ({"granularity": None}, TypeError),
    ],
)
def test_what_is_refused(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"{next(iter(given))}|is not a size"):
        PagingConfig(**given)


def test_settings_are_values() -> None:
    assert PagingConfig(max_memory="1KiB", prefetch=True) == PagingConfig(max_memory=1024, prefetch="background")
    with pytest.raises(dataclasses.FrozenInstanceError):
        PagingConfig().max_memory = 1  # type: ignore[misc]


def test_automatic_limit_is_a_share_of_this_machine() -> None:
    left = available_memory()
    limit = PagingConfig(max_memory="auto").memory_limit()
    assert limit >= 1024
    assert left is None or limit <= left


def system(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


MEMINFO = {"proc/meminfo": "MemTotal: 8000 kB\nMemAvailable:    4000 kB\nHugePages_Total: 0\n"}


def test_nobody_says(tmp_path: Path) -> None:
    assert available_memory(tmp_path) is None
    assert automatic_limit(DEFAULT_MAX_MEMORY, tmp_path) == DEFAULT_MAX_MEMORY


def test_machine_without_groups(tmp_path: Path) -> None:
    assert available_memory(system(tmp_path, MEMINFO)) == 4000 * 1024
    assert automatic_limit(DEFAULT_MAX_MEMORY, tmp_path) == 2000 * 1024


def test_groups_version_2(tmp_path: Path) -> None:
    """The tightest of all groups around the process counts; cache that can be dropped is free."""
    root = system(
        tmp_path,
        {
            **MEMINFO,
            "proc/self/cgroup": "0::/app/worker\n",
            "sys/fs/cgroup/app/worker/memory.max": "max\n",
            "sys/fs/cgroup/app/worker/memory.current": "100\n",
            "sys/fs/cgroup/app/memory.max": "1000000\n",
            "sys/fs/cgroup/app/memory.current": "700000\n",
            "sys/fs/cgroup/app/memory.stat": "anon 5\ninactive_file 50000\nactive_file 7\n",
        },
    )
    assert available_memory(root) == 350_000


def test_groups_version_1(tmp_path: Path) -> None:
    root = system(
        tmp_path,
        {
            **MEMINFO,
            "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "500000\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "600000\n",
            "sys/fs/cgroup/memory/memory.stat": "cache 9\ntotal_inactive_file 20000\n",
        },
    )
    assert available_memory(root) == 0
    assert automatic_limit(DEFAULT_MAX_MEMORY, root) == 0


def test_files_full_of_nonsense(tmp_path: Path) -> None:
    root = system(
        tmp_path,
        {
            "proc/meminfo": "MemAvailable:\nMemAvailable: much kB\n\xff",
            "proc/self/cgroup": "0::/../..\n\n:::\n",
            "sys/fs/cgroup/memory.max": "nine\n",
            "sys/fs/cgroup/memory.current": "1\n",
        },
    )
    assert available_memory(root) is None
