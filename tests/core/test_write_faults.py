"""Whatever call fails, once or for good: the destination is the old file or the new one, and nothing else remains."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apbundle.errors import BundleError, DiskFull, DurabilityUnknown
from apbundle.fileio import OutputFile, atomic, publishing, staging, staging_file, syscalls, write_atomically
from support.faults import ERRORS, Fault, failing, faults_of, recorded, without_fsync

OLD = b"old content, longer than the new one" * 40
NEW = bytes(range(256)) * 4
PIECE = 300
NO_ROOM = ("ENOSPC", "EDQUOT", "EFBIG")


@dataclass(frozen=True)
class Workload:
    """One way to write a file, and where it lands."""

    write: Callable[[Path], object]
    target: str = "target"
    has_old: bool = True


def fill(out: OutputFile) -> None:
    for start in range(0, len(NEW), PIECE):
        out.write_at(start, NEW[start : start + PIECE])


def check(path: str) -> None:
    if Path(path).read_bytes() != NEW:
        raise ValueError("not what was written")


def write_plain(folder: Path) -> None:
    write_atomically(folder / "target", size=len(NEW), fill=fill)


def write_checked(folder: Path) -> None:
    inputs = [folder / "source", folder / "gone"]
    write_atomically(folder / "target", size=len(NEW), fill=fill, check=check, inputs=inputs)


def write_through_link(folder: Path) -> None:
    write_atomically(folder / "link", size=len(NEW), fill=fill)


def write_without_links(folder: Path) -> None:
    write_atomically(folder / "target", size=len(NEW), fill=fill, follow_links=False)


def write_fresh(folder: Path) -> None:
    write_atomically(folder / "fresh", size=len(NEW), fill=fill)


def write_exclusive(folder: Path) -> None:
    write_atomically(folder / "fresh", size=len(NEW), fill=fill, overwrite=False)


def write_staged(folder: Path) -> None:
    with staging_file(folder) as stage:
        stage.write_at(0, NEW)

        def copy(out: OutputFile) -> None:
            buffer = bytearray(len(NEW))
            stage.read_into(0, buffer)
            out.write_at(0, buffer)

        write_atomically(folder / "target", size=len(NEW), fill=copy)


WORKLOADS = {
    "plain": Workload(write_plain),
    "checked": Workload(write_checked),
    "through a link": Workload(write_through_link),
    "links refused": Workload(write_without_links),
    "fresh": Workload(write_fresh, "fresh", has_old=False),
    "exclusive": Workload(write_exclusive, "fresh", has_old=False),
    "staged": Workload(write_staged),
}


class Scene:
    """A folder with an old file, a link to it and an input."""

    def __init__(self, folder: Path, workload: Workload) -> None:
        self.folder = folder
        self.target = folder / workload.target
        self.workload = workload
        (folder / "source").write_bytes(b"input")
        (folder / "link").symlink_to("target")
        self.reset()

    def reset(self) -> None:
        """The state before the write."""
        for name in os.listdir(self.folder):
            if name not in ("source", "link"):
                (self.folder / name).unlink()
        (self.folder / "target").write_bytes(OLD)
        (self.folder / "target").chmod(0o640)

    def content(self) -> bytes | None:
        """What the destination holds, ``None`` when it is not there."""
        return self.target.read_bytes() if self.target.exists() else None

    def parts(self) -> list[Path]:
        """Files that are neither the destination nor were there before."""
        return [
            self.folder / name for name in os.listdir(self.folder) if name not in ("source", "link", "target", "fresh")
        ]


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture(params=WORKLOADS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    return Scene(tmp_path, WORKLOADS[request.param])


def verify(scene: Scene, fault: Fault) -> None:
    """Write under ``fault`` and hold the result to the promise."""
    scene.reset()
    open_before = len(os.listdir("/proc/self/fd"))
    error: BaseException | None = None
    with failing(fault):
        try:
            scene.workload.write(scene.folder)
        except (BundleError, OSError, KeyboardInterrupt) as caught:
            error = caught
    assert len(os.listdir("/proc/self/fd")) == open_before

    old = OLD if scene.workload.has_old else None
    content = scene.content()
    interrupted = isinstance(error, KeyboardInterrupt)
    if error is None or isinstance(error, DurabilityUnknown):
        assert content == NEW
    elif not interrupted:
        assert content == old
    assert content in (old, NEW)
    if scene.workload.has_old and fault.call != "fchmod":
        assert stat.S_IMODE(scene.target.stat().st_mode) == 0o640

    left_behind = getattr(error, "left_behind", None)
    if left_behind is not None:
        assert Path(left_behind).read_bytes() == NEW
    for part in scene.parts():
        cannot_remove = fault.call in (None, "unlink") and (fault.forever or interrupted)
        assert str(part) == left_behind or cannot_remove
        assert interrupted or part.name in str(error)
    if fault.kind in NO_ROOM and fault.call in ("pwrite", "posix_fallocate"):
        assert isinstance(error, DiskFull)


@pytest.mark.parametrize("kind", [*ERRORS, "interrupt", "short"])
def test_each_call_fails(scene: Scene, kind: str) -> None:
    with recorded() as calls:
        scene.workload.write(scene.folder)
    assert scene.content() == NEW
    assert scene.parts() == []
    for fault in faults_of(calls, [kind]):
        try:
            verify(scene, fault)
        except AssertionError as wrong:
            raise AssertionError(f"{fault}: {wrong}") from wrong


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC"])
def test_everything_fails_from_some_call_on(scene: Scene, kind: str) -> None:
    with recorded() as calls:
        scene.workload.write(scene.folder)
    for at in range(1, len(calls) + 1):
        verify(scene, Fault(None, at, kind, forever=True))


@pytest.mark.parametrize("call", ["posix_fallocate", "flock", "fchmod", "link"])
@pytest.mark.parametrize("kind", ["EPERM", "ENOSYS", "EOPNOTSUPP"])
def test_what_a_file_system_lacks_is_done_without(
    scene: Scene, call: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ERRORS, kind, getattr(errno, kind))
    with failing(Fault(call, 1, kind, forever=True)):
        scene.workload.write(scene.folder)
    assert scene.content() == NEW
    assert scene.parts() == []


def test_staging_without_anonymous_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "O_TMPFILE", 0)
    scene = Scene(tmp_path, WORKLOADS["staged"])
    with recorded() as calls:
        scene.workload.write(scene.folder)
    assert scene.content() == NEW
    assert scene.parts() == []
    for fault in faults_of(calls, ["EIO", "ENOSPC", "interrupt"]):
        verify(scene, fault)


def test_a_short_count_of_every_write_is_completed(scene: Scene) -> None:
    with failing(Fault("pwrite", 1, "short", forever=True)):
        scene.workload.write(scene.folder)
    assert scene.content() == NEW


def test_a_write_that_was_lost_is_not_published(tmp_path: Path) -> None:
    scene = Scene(tmp_path, WORKLOADS["checked"])
    for at in range(1, 5):
        with failing(Fault("pwrite", at, "lost")), pytest.raises(ValueError, match="not what was written"):
            scene.workload.write(scene.folder)
    with failing(Fault("posix_fallocate", 1, "EPERM")):  # then the size itself tells
        syscalls.pwrite = lambda descriptor, data, offset: len(data)  # type: ignore[method-assign]
        with pytest.raises(OSError, match="1024 bytes were written, 0 arrived"):
            write_plain(tmp_path)
    assert scene.content() == OLD
    assert scene.parts() == []


def test_a_finished_file_that_cannot_be_moved_is_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path, WORKLOADS["plain"])
    with failing(Fault("replace", 1, "EACCES", forever=True)), pytest.raises(BundleError) as caught:
        scene.workload.write(scene.folder)
    assert caught.value.code == "target_refused"
    assert caught.value.left_behind is not None
    assert Path(caught.value.left_behind).read_bytes() == NEW
    assert scene.content() == OLD


def test_a_destination_that_windows_holds_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class InUse(PermissionError):
        winerror = 32

    scene = Scene(tmp_path, WORKLOADS["plain"])
    replace, pauses = syscalls.replace, []
    monkeypatch.setattr(publishing, "pause", pauses.append)

    def held(source: str, target: str) -> None:
        if len(pauses) < 3:
            raise InUse(13, "in use")
        replace(source, target)

    monkeypatch.setattr(syscalls, "replace", held)
    scene.workload.write(scene.folder)
    assert scene.content() == NEW
    assert len(pauses) == 3

    def always_held(source: str, target: str) -> None:
        raise InUse(13, "in use")

    pauses.clear()
    monkeypatch.setattr(syscalls, "replace", always_held)
    with pytest.raises(BundleError) as caught:
        scene.workload.write(scene.folder)
    assert caught.value.code == "destination_busy"
    assert caught.value.left_behind is not None
    assert len(pauses) <= 10
    assert sum(pauses) <= 2.5


def test_a_directory_that_does_not_confirm(tmp_path: Path) -> None:
    scene = Scene(tmp_path, WORKLOADS["plain"])
    with failing(Fault("fsync", 2, "EIO")), pytest.raises(DurabilityUnknown, match="did not confirm") as caught:
        scene.workload.write(scene.folder)
    assert caught.value.path == str(scene.target)
    assert scene.content() == NEW
    assert scene.parts() == []


@pytest.mark.parametrize("kind", ["EINVAL", "ENOSYS", "ENOTSUP"])
def test_a_file_system_that_syncs_no_directories(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ERRORS, kind, getattr(errno, kind))
    scene = Scene(tmp_path, WORKLOADS["plain"])
    with failing(Fault("fsync", 2, kind)):
        scene.workload.write(scene.folder)
    assert scene.content() == NEW


def test_only_what_was_made_is_said_to_remain(tmp_path: Path) -> None:
    scene = Scene(tmp_path, WORKLOADS["plain"])
    with recorded() as calls:
        scene.workload.write(scene.folder)
    before = calls[: calls.index("posix_fallocate")]
    made = len(before) - before[::-1].index("open")
    for at, remains in ((made, False), (made + 1, True)):
        fault = Fault(None, at, "EIO", forever=True)
        with failing(fault), pytest.raises(OSError, match="Input/output error") as caught:
            scene.workload.write(scene.folder)
        assert ("could not be removed" in str(caught.value)) == remains
        assert len(scene.parts()) == remains


def test_a_write_that_makes_no_progress_fails(tmp_path: Path) -> None:
    scene = Scene(tmp_path, WORKLOADS["plain"])
    with failing(Fault("link", 1, "EIO")):
        syscalls.pwrite = lambda descriptor, data, offset: 0  # type: ignore[method-assign]
        with pytest.raises(OSError, match="nothing could be written"):
            scene.workload.write(scene.folder)
    assert scene.content() == OLD


def test_fsync_is_never_retried(tmp_path: Path) -> None:
    scene = Scene(tmp_path, WORKLOADS["plain"])
    with failing(Fault("fsync", 1, "EINTR")), recorded() as calls, pytest.raises(InterruptedError):
        scene.workload.write(scene.folder)
    assert calls.count("fsync") == 1
    assert scene.content() == OLD


def test_the_order_that_survives_a_power_cut(scene: Scene) -> None:
    with recorded() as calls:
        scene.workload.write(scene.folder)
    name = "link" if "link" in calls else "replace"
    synced, published, confirmed = calls.index("fsync"), calls.index(name), len(calls) - 1 - calls[::-1].index("fsync")
    last_change = max(i for i, call in enumerate(calls) if call in ("pwrite", "fchmod", "posix_fallocate"))
    assert last_change < synced < published < confirmed
    assert calls.count(name) == 1


def test_systems_that_open_no_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "O_DIRECTORY", 0)
    scene = Scene(tmp_path, WORKLOADS["plain"])
    scene.workload.write(scene.folder)
    assert scene.content() == NEW
    assert scene.parts() == []
