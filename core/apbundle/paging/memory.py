"""How much memory there is to use: what the control groups of this process and the machine leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

SHARE = 0.5
"""Of what is left, how much one bundle may take by itself."""


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that can be had before this process runs into a limit; ``None`` where nobody says.

    The least of what the machine and each control group (version 1 or 2) around this process leave. Page cache that
    the kernel gives up on demand counts as left.
    """
    left = [*_machine(root), *_groups(root)]
    return max(min(left), 0) if left else None


def automatic_limit(default: int, root: Path = Path("/")) -> int:
    """The share of the memory that is left, or ``default`` where nobody says what that is."""
    left = available_memory(root)
    return default if left is None else int(left * SHARE)


def _machine(root: Path) -> Iterator[int]:
    for key, value in _fields(root / "proc/meminfo"):
        if key == "MemAvailable:":
            yield value * 1024


def _groups(root: Path) -> Iterator[int]:
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0" and not controllers:
            base = root / "sys/fs/cgroup"
            names = ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        for folder in _upwards(base, path):
            yield from _group(folder, *names)


def _upwards(base: Path, path: str) -> Iterator[Path]:
    """The group at ``path`` and all around it; inside a container the path may name what only the host can see."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for depth in range(len(parts), -1, -1):
        yield base.joinpath(*parts[:depth])


def _group(folder: Path, limit_file: str, usage_file: str, reclaimable: str) -> Iterator[int]:
    limit, usage = _number(folder / limit_file), _number(folder / usage_file)
    if limit is not None and usage is not None:
        freed = sum(value for key, value in _fields(folder / "memory.stat") if key == reclaimable)
        yield limit - usage + freed


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):  # no such file, or "max"
        return None


def _fields(path: Path) -> Iterator[tuple[str, int]]:
    """The lines of a file that begin with a name and a number."""
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) >= 2 and words[1].isdigit():
            yield words[0], int(words[1])
