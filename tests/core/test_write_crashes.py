"""Writers that are killed, and disks that are full: the destination is the old file or the new one.

``APBUNDLE_KILLS`` is the number of children killed.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apbundle.errors import DiskFull
from apbundle.fileio import OutputFile, remove_stale_part, stale_parts, write_atomically
from support.children import fork, run_forked, wait_for
from support.faults import Call, Fault, failing, recorded, watched, without_fsync

KILLS = int(os.environ.get("APBUNDLE_KILLS", "200"))
OLD = b"old" * 20_000
NEW = random.Random(1).randbytes(100_000)
PIECE = 7_000


def fill(out: OutputFile, told: Callable[[int], object] = lambda done: None) -> None:
    for start in range(0, len(NEW), PIECE):
        out.write_at(start, NEW[start : start + PIECE])
        told(start + PIECE)


def write(target: Path, **options: Any) -> None:
    write_atomically(target, size=len(NEW), **{"fill": fill, **options})


@pytest.fixture(params=["replaced", "fresh", "exclusive"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / request.param
    with without_fsync():
        yield made


def reset(target: Path) -> None:
    if target.name == "replaced":
        target.write_bytes(OLD)
    else:
        target.unlink(missing_ok=True)


def options_of(target: Path) -> dict[str, Any]:
    return {"overwrite": target.name != "exclusive"}


def check_survivor(target: Path) -> None:
    """The destination is whole, what is left of the writer is dead and can go, and the next writer is free to write."""
    old = OLD if target.name == "replaced" else None
    content = target.read_bytes() if target.exists() else None
    assert content in (old, NEW)
    others = [str(target.parent / name) for name in os.listdir(target.parent) if name != target.name]
    assert len(others) <= 1
    assert stale_parts(target.parent, min_age=-60) == others
    if content is None or target.name != "exclusive":
        write(target, **options_of(target))
        assert target.read_bytes() == NEW
    assert all(remove_stale_part(path, min_age=-60) for path in others)
    assert os.listdir(target.parent) == [target.name]


def test_killed_at_any_call(target: Path) -> None:
    """The child dies before, after or in the middle of a call that chance picks."""
    reset(target)
    with recorded() as calls:
        write(target, **options_of(target))
    for seed in range(-(-KILLS // 6)):
        rng = random.Random(seed)
        at = rng.randrange(len(calls))
        moment = rng.choice(["before", "half", "after"])
        reset(target)

        def child(at: int = at, moment: str = moment) -> None:
            number = -1

            def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
                nonlocal number
                number += 1
                if number == at and moment == "half" and name == "pwrite":
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2], arguments[2])
                if number == at and moment != "after":
                    os.kill(os.getpid(), signal.SIGKILL)
                try:
                    return call(*arguments)
                finally:
                    if number == at:
                        os.kill(os.getpid(), signal.SIGKILL)

            with watched(watch):
                write(target, **options_of(target))

        assert run_forked(child) == -signal.SIGKILL
        check_survivor(target)


def test_killed_from_outside_at_any_byte(target: Path) -> None:
    """The child tells how far it is and goes on; the blow falls wherever it is by then."""
    for seed in range(-(-KILLS // 6)):
        rng = random.Random(seed)
        limit = rng.randrange(len(NEW) + PIECE)
        reset(target)
        reader, writer = os.pipe()

        def child(writer: int = writer) -> None:
            def told(position: int) -> None:
                os.write(writer, b".")

            write(target, fill=lambda out: fill(out, told), check=lambda path: told(0), **options_of(target))

        pid = fork(child)
        os.close(writer)
        done = 0
        while done < limit and os.read(reader, 1):
            done += PIECE
        os.kill(pid, signal.SIGKILL)
        assert wait_for(pid) in (-signal.SIGKILL, 0)
        os.close(reader)
        check_survivor(target)


@pytest.mark.parametrize("early", [True, False], ids=["reserved", "at the byte"])
def test_a_limit_on_the_size_of_files(target: Path, early: bool) -> None:
    for limit in [0, 1, 4095, 4096, 6_999, 7_000, 50_000, 65_536, 98_304, 99_999]:
        reset(target)

        def child(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            with failing(Fault("posix_fallocate", 1 if not early else 100, "EPERM")):
                with pytest.raises(DiskFull, match="limit") as caught:
                    write(target, **options_of(target))
                assert caught.value.left_behind is None

        assert run_forked(child) == 0
        assert (target.read_bytes() if target.exists() else None) == (OLD if target.name == "replaced" else None)
        assert os.listdir(target.parent) == ([target.name] if target.name == "replaced" else [])


DISK = """
import json, os, subprocess, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from apbundle.errors import DiskFull
from apbundle.fileio import syscalls, write_atomically

place, size = Path({place!r}), 1 << 20

def unsupported(*arguments):
    raise OSError(95, "not supported")

def fill(out):
    for start in range(0, size, 4096):
        out.write_at(start, bytes([7]) * 4096)

results = []
for reserving in (True, False):
    if not reserving:
        syscalls.posix_fallocate = unsupported
    for room in [*range(64, 1024, 96), 1024, 1028, 1032, 1100, 2048, 4096]:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={{room}}k", "none", place], check=True)
        target = place / "file"
        target.write_bytes(b"old")
        try:
            write_atomically(target, size=size, fill=fill)
            outcome = "written" if target.read_bytes() == bytes([7]) * size else "torn"
        except DiskFull as error:
            outcome = "full" if target.read_bytes() == b"old" and error.left_behind is None else "lost"
        results.append([room, outcome, os.listdir(place)])
        subprocess.run(["umount", place], check=True)
print(json.dumps(results))
"""


def in_name_space(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command where it may mount file systems that nobody else sees."""
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    return subprocess.run([*unshare, *command], capture_output=True, text=True, check=False)


def test_small_disks(tmp_path: Path) -> None:
    """On real file systems of 64 KiB to 4 MiB."""
    if not shutil.which("unshare") or in_name_space("mount", "-t", "tmpfs", "none", tmp_path).returncode:
        pytest.skip("no file system may be mounted here, not even in a user name space")
    program = DISK.format(paths=[path for path in sys.path if path], place=str(tmp_path))
    done = in_name_space(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == 32
    for room, outcome, names in results:
        assert outcome == ("written" if room >= 1024 + 4 else "full"), f"{room} KiB, with 4 KiB for the old file"
        assert names == ["file"]
