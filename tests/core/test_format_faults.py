"""Real builds, saves and extractions in which any one call fails: the old file or the new one, and nothing else.

Children that are killed while they build, files that may not grow, and small disks promise the same.
``APBUNDLE_KILLS`` is the number of children killed.
"""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apbundle import BundleConfig, ModelBundle
from apbundle.errors import BundleError, DiskFull, DurabilityUnknown
from apbundle.fileio import stale_parts
from support.children import fork, run_forked, wait_for
from support.faults import Call, Fault, failing, faults_of, recorded, watched, without_fsync

KILLS = int(os.environ.get("APBUNDLE_KILLS", "200"))
KINDS = ("EIO", "ENOSPC", "EACCES", "EDQUOT", "EFBIG", "EINTR", "EPERM", "interrupt", "short")
NO_ROOM = ("ENOSPC", "EDQUOT", "EFBIG")
INPUT = bytes(range(256)) * 30
TARGET = "target.apbundle"


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


def build(folder: Path, **settings: Any) -> None:
    """A bundle of a file, a compressed file and a buffer, over what is there."""
    plain = settings.get("plain", False)
    builder = ModelBundle.builder(folder / TARGET).with_created_at(1).with_config(BundleConfig(**settings))
    builder.add_model("file", folder / "input", version="" if plain else "1")
    builder.add_model("packed", folder / "input", compress=not plain)
    builder.add_model("buffer", b"buffer" * 50)
    builder.build().close()


def build_old(folder: Path) -> None:
    ModelBundle.builder(folder / TARGET).with_created_at(1).add_model("old", b"old" * 500).build().close()


def save_over_itself(folder: Path) -> None:
    """After a failure the object goes on as it was."""
    with ModelBundle.load(folder / TARGET) as bundle:
        bundle.add_model("more", folder / "input")
        try:
            bundle.save()
        finally:
            assert bundle.get_model("old") == b"old" * 500
            assert "more" in bundle


def build_faults(calls: list[str]) -> Iterator[Fault]:
    """All faults but interruptions of ``close``: input files close in finalizers, which swallow those."""
    return (fault for fault in faults_of(calls, KINDS) if (fault.call, fault.kind) != ("close", "interrupt"))


@dataclass(frozen=True)
class Workload:
    """Something that writes the target, given what stands there before."""

    work: Callable[[Path], None]
    prepare: Callable[[Path], None] = build_old


WORKLOADS = {
    "over an old bundle": Workload(build),
    "where nothing is": Workload(build, lambda folder: None),
    "plain": Workload(lambda folder: build(folder, plain=True)),
    "sha256 at 4 KiB": Workload(lambda folder: build(folder, digest="sha256", alignment=4096)),
    "saved over itself": Workload(save_over_itself),
}


def clear(folder: Path) -> None:
    for name in os.listdir(folder):
        (folder / name).unlink()
    (folder / "input").write_bytes(INPUT)
    os.utime(folder / "input", ns=(1, 1))


def content(folder: Path) -> bytes | None:
    target = folder / TARGET
    return target.read_bytes() if target.exists() else None


def check_fault(folder: Path, workload: Workload, fault: Fault, old: bytes | None, new: bytes) -> None:
    clear(folder)
    if old is not None:
        (folder / TARGET).write_bytes(old)
    error: BaseException | None = None
    held = len(os.listdir("/proc/self/fd"))
    with failing(fault):
        try:
            workload.work(folder)
        except (BundleError, OSError, KeyboardInterrupt) as caught:
            error = caught
    now = content(folder)
    if error is None or isinstance(error, DurabilityUnknown):
        assert now == new
    elif isinstance(error, KeyboardInterrupt):
        assert now in (old, new)
    elif now != old:  # only opening the published file can have failed
        assert now == new
        assert fault.call in ("open", "stat", "lstat", "fstat", "preadv", None)
    left_behind = getattr(error, "left_behind", None)
    others = set(os.listdir(folder)) - {"input", TARGET}
    for name in others:
        kept = left_behind is not None and os.path.basename(left_behind) == name
        cannot_go = fault.call in (None, "unlink") and (fault.forever or isinstance(error, KeyboardInterrupt))
        assert kept or (cannot_go and (name in str(error) or isinstance(error, KeyboardInterrupt)))
        if kept:
            assert (folder / name).read_bytes() == new
    if fault.kind in NO_ROOM and fault.call in ("pwrite", "posix_fallocate"):
        assert isinstance(error, DiskFull)
    error = None
    if len(os.listdir("/proc/self/fd")) != held:
        gc.collect(1)  # a chain of exceptions may hold the frames it passed
    assert len(os.listdir("/proc/self/fd")) == held


@pytest.mark.parametrize("name", WORKLOADS)
def test_each_call_of_a_build_fails(tmp_path: Path, name: str) -> None:
    workload = WORKLOADS[name]
    clear(tmp_path)
    workload.prepare(tmp_path)
    old = content(tmp_path)
    with recorded() as calls:
        workload.work(tmp_path)
    new = content(tmp_path)
    assert new is not None
    assert new != old
    for fault in build_faults(calls):
        try:
            check_fault(tmp_path, workload, fault, old, new)
        except AssertionError as wrong:
            raise AssertionError(f"{fault}: {wrong}") from wrong


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "EPERM"])
def test_everything_fails_from_some_call_on(tmp_path: Path, kind: str) -> None:
    workload = WORKLOADS["over an old bundle"]
    clear(tmp_path)
    workload.prepare(tmp_path)
    old = content(tmp_path)
    with recorded() as calls:
        workload.work(tmp_path)
    new = content(tmp_path)
    assert new is not None
    for at in range(1, len(calls) + 1):
        check_fault(tmp_path, workload, Fault(None, at, kind, forever=True), old, new)


def test_each_call_of_an_extraction_fails(tmp_path: Path) -> None:
    models = {"one": b"1" * 5000, "two": INPUT, "none": b""}
    builder = ModelBundle.builder(tmp_path / TARGET)
    for name, data in models.items():
        builder.add_model(name, data, compress=name == "two")
    out = tmp_path / "out"
    out.mkdir()
    with builder.build() as bundle:
        with recorded() as calls:
            bundle.extract(None, out)
        for fault in build_faults(calls):
            for name in os.listdir(out):
                (out / name).unlink()
            (out / "one").write_bytes(b"mine")
            told: list[str] = []
            with failing(fault):
                try:
                    report = bundle.extract(None, out, force=True)
                    told = [str(failed.error) for failed in report.failed]
                    written = {done.name for done in report.written}
                    unsure = {f.name for f in report.failed if getattr(f.error, "code", "") == "durability_unknown"}
                except (BundleError, OSError, KeyboardInterrupt):
                    written = unsure = set()
            for name in os.listdir(out):
                data = (out / name).read_bytes()
                if name in models:
                    assert data == models[name] or (name == "one" and data == b"mine" and name not in written), fault
                    assert name not in written | unsure or data == models[name], fault
                else:
                    assert any(name in text for text in told) or fault.kind == "interrupt", fault
            assert written <= set(os.listdir(out)), fault


def survivor(folder: Path, allowed: tuple[bytes | None, ...]) -> None:
    """The target is whole; what is left of the writer is dead and at most one file."""
    assert content(folder) in allowed
    others = [str(folder / name) for name in sorted(os.listdir(folder)) if name not in ("input", TARGET)]
    assert len(others) <= 1
    assert stale_parts(folder, min_age=-60) == others
    for path in others:
        os.unlink(path)


@pytest.fixture
def old_and_new(tmp_path: Path) -> tuple[bytes, bytes]:
    clear(tmp_path)
    build_old(tmp_path)
    old = content(tmp_path)
    build(tmp_path)
    new = content(tmp_path)
    assert old is not None
    assert new is not None
    return old, new


def test_builders_killed_at_any_call(tmp_path: Path, old_and_new: tuple[bytes, bytes]) -> None:
    with recorded() as calls:
        build(tmp_path)
    outcomes: set[bytes | None] = set()
    for seed in range(KILLS // 2):
        chance = random.Random(seed)
        at, late = chance.randrange(len(calls)), chance.random() < 0.5
        (tmp_path / TARGET).write_bytes(old_and_new[0])

        def child(at: int = at, late: bool = late) -> None:
            number = -1

            def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
                nonlocal number
                number += 1
                if number == at and not late:
                    os.kill(os.getpid(), signal.SIGKILL)
                try:
                    return call(*arguments)
                finally:
                    if number == at:
                        os.kill(os.getpid(), signal.SIGKILL)

            with watched(watch):
                build(tmp_path)

        assert run_forked(child) == -signal.SIGKILL
        outcomes.add(content(tmp_path))
        survivor(tmp_path, old_and_new)
    assert KILLS < 100 or outcomes == set(old_and_new)


def test_builders_killed_from_outside(tmp_path: Path, old_and_new: tuple[bytes, bytes]) -> None:
    """The child tells of every step and goes on; the blow falls where it is by then."""
    builder = ModelBundle.builder(tmp_path / "probe")
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    builder.add_model("file", tmp_path / "input").add_model("packed", tmp_path / "input", compress=True)
    builder.build(progress=count).close()
    (tmp_path / "probe").unlink()
    for seed in range(KILLS - KILLS // 2):
        chance = random.Random(seed)
        limit, delay = chance.randrange(steps + 1), chance.randrange(2000)
        (tmp_path / TARGET).write_bytes(old_and_new[0])
        reading, writing = os.pipe()

        def child(writing: int = writing) -> None:
            def tell(*_: object) -> None:
                os.write(writing, b".")

            again = ModelBundle.builder(tmp_path / TARGET).with_created_at(1)
            again.add_model("file", tmp_path / "input", version="1")
            again.add_model("packed", tmp_path / "input", compress=True)
            again.add_model("buffer", b"buffer" * 50).build(progress=tell)

        pid = fork(child)
        os.close(writing)
        for _ in range(limit):
            if not os.read(reading, 1):
                break
        for _ in range(delay):
            pass
        os.kill(pid, signal.SIGKILL)
        assert wait_for(pid) in (-signal.SIGKILL, 0)
        os.close(reading)
        survivor(tmp_path, old_and_new)


def test_a_limit_on_the_size_of_files(tmp_path: Path, old_and_new: tuple[bytes, bytes]) -> None:
    old, new = old_and_new
    for limit in [0, 1, 19, 20, 4095, 4096, 5000, 8192, len(new) // 2, len(new) - 1]:
        (tmp_path / TARGET).write_bytes(old)

        def child(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            for reserving in (True, False):
                with failing(Fault("posix_fallocate", 99 if reserving else 1, "EPERM")):
                    with pytest.raises(DiskFull) as caught:
                        build(tmp_path)
                    assert caught.value.left_behind is None

        assert run_forked(child) == 0
        assert content(tmp_path) == old
        assert set(os.listdir(tmp_path)) == {"input", TARGET}
    (tmp_path / TARGET).write_bytes(old)

    def just_enough() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(new), resource.RLIM_INFINITY))
        build(tmp_path)

    assert run_forked(just_enough) == 0
    assert content(tmp_path) == new


DISK = """
import json, os, subprocess, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from apbundle import ModelBundle
from apbundle.errors import DiskFull
from apbundle.fileio import syscalls

place, source = Path({place!r}), Path({source!r})

def unsupported(*arguments):
    raise OSError(95, "not supported")

results = []
for compress in (False, True):
    for reserving in (True, False):
        syscalls.posix_fallocate = os.posix_fallocate if reserving else unsupported
        for room in (64, 128, 192, 256, 320, 384, 512, 1024, 4096):
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={{room}}k", "none", place], check=True)
            target = place / "target"
            old = ModelBundle.builder(target).with_created_at(1).add_model("old", b"old").build()
            before = target.read_bytes()
            try:
                made = ModelBundle.builder(target).add_model("m", source, compress=compress).build()
                outcome = made.verify().status
                made.close()
            except DiskFull as error:
                outcome = "full" if target.read_bytes() == before and error.left_behind is None else "lost"
            old.close()
            results.append([compress, room, outcome, os.listdir(place)])
            subprocess.run(["umount", place], check=True)
print(json.dumps(results))
"""


def test_small_disks(tmp_path: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    place, source = tmp_path / "disk", tmp_path / "source"
    place.mkdir()
    source.write_bytes(random.Random(1).randbytes(300 * 1024))
    if (
        not shutil.which("unshare")
        or subprocess.run(
            [*unshare, "mount", "-t", "tmpfs", "none", place], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system may be mounted here, not even in a user name space")
    program = DISK.format(paths=[path for path in sys.path if path], place=str(place), source=str(source))
    done = subprocess.run([*unshare, sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == 36
    for compress, room, outcome, names in results:
        enough = room >= (1024 if compress else 320)  # a compressed model waits in a file of its own
        assert outcome == ("verified" if enough else "full"), (compress, room)
        assert names == ["target"]
