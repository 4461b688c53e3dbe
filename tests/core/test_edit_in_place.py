"""A change in place: whatever call fails or is the last one, the next who opens the bundle finds the old or the new.

``APBUNDLE_KILLS`` is the number of children killed.
"""

from __future__ import annotations

import os
import random
import signal
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from apbundle import BundleReader, MappedFile, MemoryMappedFile, ModelBundle, ModelMetadata, PagedBundle
from apbundle.edit.changes import Change, Describe, Lay, Reorder, SetMetadata
from apbundle.edit.plan import edit_bundle, plan_edit
from apbundle.errors import BundleError, DurabilityUnknown
from apbundle.fileio import locks, syscalls
from apbundle.fileio.journal import Journal
from support.children import fork, run_forked, wait_for
from support.faults import Call, Fault, failing, faults_of, recorded, watched, without_fsync

KILLS = int(os.environ.get("APBUNDLE_KILLS", "60"))
CHANGES: dict[str, list[Change]] = {
    "metadata": [SetMetadata("a", ModelMetadata("2.0", custom={"note": "n" * 500}))],
    "all that fits": [
        Describe("another one", 5, {"owner": "us"}),
        Reorder(["b"]),
        Lay(digest="sha256"),
    ],
}


@pytest.fixture(autouse=True)
def _spare_the_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(locks, "pause", lambda seconds: None)
    with without_fsync():
        yield


class Scene:
    """A folder with a bundle, and what a change makes of it."""

    def __init__(self, folder: Path, changes: list[Change]) -> None:
        self.folder, self.changes = folder, changes
        self.path = folder / "m.apbundle"
        self.journal = folder / "m.apbundle.journal"
        builder = ModelBundle.builder(self.path).with_created_at(1).with_description("a bundle")
        builder.add_model("a", b"a" * 3000, version="1.0").add_model("b", b"b" * 70)
        builder.build().close()
        self.old = self.path.read_bytes()
        assert edit_bundle(self.path, changes).in_place
        self.new = self.path.read_bytes()
        assert len(self.new) == len(self.old)
        assert self.new != self.old
        self.reset()
        with failing(Fault("flock", 1, "EPERM", forever=True)):  # where there are no locks, all is written anew
            assert not edit_bundle(self.path, changes).in_place
        self.rewritten = self.path.read_bytes()
        self.reset()

    def reset(self) -> None:
        for name in os.listdir(self.folder):
            if name != self.path.name:
                (self.folder / name).unlink()
        self.path.write_bytes(self.old)

    def edit(self) -> None:
        edit_bundle(self.path, self.changes)

    def found(self) -> bytes:
        """What is there once somebody has opened the bundle; beside it at most a journal that was never finished."""
        with BundleReader.open(self.path) as reader:
            assert reader.extension_error is None
            whole = reader.header_bytes + reader.manifest_bytes
        if self.journal.exists():
            assert Journal.parse(self.journal.read_bytes()) is None
            self.journal.unlink()
        assert os.listdir(self.folder) == [self.path.name]
        assert self.path.read_bytes().startswith(whole)
        return self.path.read_bytes()


@pytest.fixture(params=CHANGES)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    return Scene(tmp_path, CHANGES[request.param])


@pytest.fixture
def plain_scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, CHANGES["metadata"])


def test_only_the_head_changes_and_it_verifies(scene: Scene) -> None:
    scene.edit()
    assert scene.found() == scene.new
    with ModelBundle.load(scene.path) as bundle:
        assert bundle.verify().status == "verified"
        assert scene.new[bundle.data_offset :] == scene.old[bundle.data_offset :]


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC", "EACCES", "EINTR", "interrupt", "short"])
def test_each_call_fails(plain_scene: Scene, kind: str) -> None:
    scene = plain_scene
    with recorded() as calls:
        scene.edit()
    for fault in faults_of(calls, [kind]):
        if (fault.call, kind) == ("close", "interrupt"):  # where it would come from a finaliser, nobody hears it
            continue
        scene.reset()
        held = len(os.listdir("/proc/self/fd"))
        error: BaseException | None = None
        with failing(fault):
            try:
                scene.edit()
            except (BundleError, OSError, KeyboardInterrupt) as caught:
                error = caught
        now = scene.found()
        new = scene.rewritten if fault.call == "flock" and kind not in ("short", "interrupt") else scene.new
        assert now in (scene.old, scene.new, new), fault
        if error is None or isinstance(error, DurabilityUnknown):
            assert now in (scene.new, new), fault
        elif not isinstance(error, KeyboardInterrupt):
            assert now == scene.old, fault
        error = None
        assert len(os.listdir("/proc/self/fd")) == held, fault


@contextmanager
def dead_from(at: int, within: Callable[[str, Call, tuple[Any, ...]], object] | None = None) -> Iterator[None]:
    """Let nothing happen from the ``at``-th call on, as if killed there; ``within`` is what still does of that call."""
    number = 0

    def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        nonlocal number
        number += 1
        if number < at or name == "close":  # which the system does for the dead
            return call(*arguments)
        if number == at and within is not None:
            within(name, call, arguments)
        raise KeyboardInterrupt

    with watched(watch), pytest.raises(KeyboardInterrupt):
        yield


def test_stopped_at_each_call(scene: Scene) -> None:
    with recorded() as calls:
        scene.edit()
    seen = []
    for at, name in enumerate(calls, 1):
        if name != "close":
            scene.reset()
            with dead_from(at):
                scene.edit()
            seen.append(scene.found() == scene.new)
    assert seen == sorted(seen)
    assert set(seen) == {False, True}


@pytest.mark.parametrize("kind", ["EIO", "ENOSPC"])
def test_nothing_works_from_some_call_on(scene: Scene, kind: str) -> None:
    with recorded() as calls:
        scene.edit()
    for at in range(1, len(calls) + 1):
        scene.reset()
        try:
            with failing(Fault(None, at, kind, forever=True)):
                scene.edit()
        except (BundleError, OSError):
            pass
        assert scene.found() in (scene.old, scene.new)


def test_a_write_that_stops_halfway(scene: Scene) -> None:
    """Killed inside a write, after any of its bytes, or with bytes of it missing."""
    rng = random.Random(1)
    with recorded() as calls:
        scene.edit()

    def half(name: str, call: Call, arguments: tuple[Any, ...]) -> None:
        descriptor, data, offset = arguments
        begin = rng.randrange(len(data))
        call(descriptor, data[begin : begin + 1 + rng.randrange(len(data))], offset + begin)

    for at in (at for at, name in enumerate(calls, 1) if name == "pwrite"):
        for _ in range(8):
            scene.reset()
            with dead_from(at, half):
                scene.edit()
            assert scene.found() == scene.old


def test_killed_at_any_call(scene: Scene) -> None:
    with recorded() as calls:
        scene.edit()
    for seed in range(-(-KILLS // 4)):
        at = random.Random(seed).randrange(len(calls))
        scene.reset()

        def child(at: int = at) -> None:
            number = -1

            def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
                nonlocal number
                number += 1
                if number == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments)

            with watched(watch):
                scene.edit()

        assert run_forked(child) == -signal.SIGKILL
        assert scene.found() in (scene.old, scene.new)


def test_killed_from_outside(scene: Scene) -> None:
    """A child changes the bundle over and over, there and back; the blow falls wherever it is by then."""
    for seed in range(-(-KILLS // 4)):
        scene.reset()
        reader, writer = os.pipe()

        def child(writer: int = writer) -> None:
            while True:
                scene.edit()
                os.write(writer, b".")
                edit_bundle(scene.path, back_to_old(scene))

        pid = fork(child)
        os.close(writer)
        for _ in range(random.Random(seed).randrange(1, 4)):
            os.read(reader, 1)
        os.kill(pid, signal.SIGKILL)
        assert wait_for(pid) == -signal.SIGKILL
        os.close(reader)
        assert scene.found() in (scene.old, scene.new)


def back_to_old(scene: Scene) -> list[Change]:
    if scene.changes is CHANGES["metadata"]:
        return [SetMetadata("a", ModelMetadata("1.0"))]
    return [Describe("a bundle", 1, {}), Reorder(["a"]), Lay(digest="xxh3-128")]


def test_the_order_that_survives_a_power_cut(plain_scene: Scene) -> None:
    """The journal is on the disk before the bundle is touched, and the bundle before the journal goes."""
    kinds = {}
    events = []

    def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        result = call(*arguments)
        if name == "open":
            path = os.fspath(arguments[0])
            kinds[result] = "journal" if path.endswith(".journal") else "bundle" if path.endswith("e") else "folder"
        if name in ("pwrite", "fsync"):
            events.append((name, kinds[arguments[0]]))
        if name == "unlink" and events:
            events.append((name, "journal"))
        return result

    with watched(watch):
        plain_scene.edit()
    assert events == [
        ("pwrite", "journal"),
        ("fsync", "journal"),
        ("fsync", "folder"),
        ("pwrite", "bundle"),
        ("fsync", "bundle"),
        ("unlink", "journal"),
        ("fsync", "folder"),
    ]


def interrupted(scene: Scene) -> bytes:
    """Leave the bundle half changed with its journal, and return what is in it."""
    with recorded() as calls:
        scene.edit()
    scene.reset()
    last = len(calls) - calls[::-1].index("pwrite")

    def half(name: str, call: Call, arguments: tuple[Any, ...]) -> None:
        descriptor, data, offset = arguments
        call(descriptor, data[: len(data) // 2], offset)

    with dead_from(last, half):
        scene.edit()
    assert scene.journal.exists()
    return scene.path.read_bytes()


OPENERS: dict[str, Callable[[Path], Any]] = {
    "reader": BundleReader.open,
    "bundle": ModelBundle.load,
    "paged": PagedBundle.open,
    "mapped": MappedFile.open,
    "regions": MemoryMappedFile.open,
}


@pytest.mark.parametrize("name", OPENERS)
@pytest.mark.parametrize("link", [False, True])
def test_whoever_opens_the_bundle_undoes_the_change(plain_scene: Scene, name: str, link: bool) -> None:
    assert interrupted(plain_scene) not in (plain_scene.old, plain_scene.new)
    path = plain_scene.path
    if link:
        (plain_scene.folder / "sub").mkdir()
        path = plain_scene.folder / "sub" / "link"
        path.symlink_to(plain_scene.path)
    with OPENERS[name](path) as first:
        assert plain_scene.path.read_bytes() == plain_scene.old
        assert not plain_scene.journal.exists()
        if name in ("reader", "bundle"):
            assert "change_undone" in {finding.code for finding in first.warnings}
    if name in ("reader", "bundle"):
        with OPENERS[name](path) as second:
            assert "change_undone" not in {finding.code for finding in second.warnings}


@pytest.mark.parametrize("call", ["open", "unlink"])
def test_where_nothing_can_be_written_the_old_bytes_are_shown(
    plain_scene: Scene, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    torn = interrupted(plain_scene)
    real = getattr(syscalls, call)

    def refuse(path: str, flags: int = os.O_RDWR, *more: Any) -> Any:
        if flags & os.O_RDWR:
            raise OSError(30, "Read-only file system", path)
        return real(path, flags, *more)

    monkeypatch.setattr(syscalls, call, refuse)
    with ModelBundle.load(plain_scene.path) as bundle:
        assert bundle.get_metadata("a").version == "1.0"
        assert bytes(bundle.get_model("a")) == b"a" * 3000
        assert bundle.verify().status == "verified"
        assert "change_pending" in {finding.code for finding in bundle.warnings}
        plan = plan_edit(bundle.reader, plain_scene.changes)
        assert plan.reasons == ("an earlier change was interrupted and cannot be undone here",)
    if call == "open":
        assert plain_scene.path.read_bytes() == torn
        with pytest.raises(BundleError, match="cannot be undone where nothing can be written"):
            MappedFile.open(plain_scene.path)


def test_a_journal_that_is_torn_or_of_another_file_changes_nothing(plain_scene: Scene) -> None:
    scene = plain_scene
    torn = interrupted(scene)
    journal = scene.journal.read_bytes()
    assert Journal.parse(journal) is not None
    cut = [journal[:size] for size in (0, 7, 60, 103, len(journal) // 2, len(journal) - 1)]
    flipped = bytearray(journal)
    flipped[len(journal) // 2] ^= 1
    for data in (*cut, bytes(flipped), b"an SQLite journal, say"):
        scene.journal.write_bytes(data)
        scene.path.write_bytes(torn)
        with suppress(BundleError):
            BundleReader.open(scene.path).close()
        assert scene.path.read_bytes() == torn
    scene.journal.write_bytes(journal)
    for other in (b"x" * len(torn), torn[:-1], torn[:100] + bytes([torn[100] ^ 255]) + torn[101:], scene.new + b"\0"):
        scene.path.write_bytes(other)
        with suppress(BundleError):
            BundleReader.open(scene.path).close()
        assert scene.path.read_bytes() == other
        assert scene.journal.read_bytes() == journal


def test_a_journal_made_from_the_specification(plain_scene: Scene) -> None:
    old, new = plain_scene.old, plain_scene.new
    places = [at for at in range(len(old)) if old[at] != new[at]]
    start, end = places[0], places[-1] + 1
    (length,) = struct.unpack_from("<Q", old, 12)
    numbers = struct.pack("<QQQQ", len(old), start, end - start, 20 + length)
    body = b"APBJRNL1" + numbers + sha256(old[: 20 + length]).digest() + old[start:end] + new[start:end]
    plain_scene.journal.write_bytes(body + sha256(body).digest())
    plain_scene.path.write_bytes(new[: start + 9] + old[start + 9 :])
    assert plain_scene.found() == old
    recorded_one: list[bytes] = []

    def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        if name == "unlink" and plain_scene.journal.exists():
            recorded_one.append(plain_scene.journal.read_bytes())
        return call(*arguments)

    with watched(watch):
        plain_scene.edit()
    assert recorded_one == [body + sha256(body).digest()]


def test_a_journal_in_the_way_of_another_change(plain_scene: Scene) -> None:
    """It is of a file that stood here before."""
    scene = plain_scene
    interrupted(scene)
    other = ModelBundle.builder(scene.path).with_created_at(9).add_model("a", b"other", version="1")
    other.build().close()
    assert scene.journal.exists()
    assert edit_bundle(scene.path, scene.changes).in_place
    with BundleReader.open(scene.path) as reader:
        assert reader.entry("a").metadata.version == "2.0"
    assert not scene.journal.exists()


def test_a_file_of_another_program_in_the_way(plain_scene: Scene) -> None:
    plain_scene.journal.write_bytes(b"mine")
    with pytest.raises(BundleError) as caught:
        plain_scene.edit()
    assert caught.value.code == "target_refused"
    assert plain_scene.journal.read_bytes() == b"mine"
    assert plain_scene.path.read_bytes() == plain_scene.old


def test_a_moved_bundle_takes_its_journal_along(plain_scene: Scene) -> None:
    interrupted(plain_scene)
    target = plain_scene.folder / "moved"
    target.mkdir()
    for path in (plain_scene.path, plain_scene.journal):
        (target / path.name).write_bytes(path.read_bytes())
    BundleReader.open(target / plain_scene.path.name).close()
    assert (target / plain_scene.path.name).read_bytes() == plain_scene.old


def test_two_writers(plain_scene: Scene) -> None:
    scene = plain_scene
    with BundleReader.open(scene.path) as reader:
        plan = plan_edit(reader, scene.changes)
        held = os.open(scene.path, os.O_RDONLY)
        syscalls.flock(held, 2)
        with pytest.raises(BundleError) as busy:
            plan.apply()
        assert busy.value.code == "destination_busy"
        BundleReader.open(scene.path).close()  # a lock alone does not keep readers out
        scene.journal.write_bytes(Journal.of(len(scene.old), scene.old[:4096], 200, scene.old[200:210]).pack())
        with pytest.raises(BundleError) as busy:
            BundleReader.open(scene.path)
        assert busy.value.code == "destination_busy"
        os.close(held)
        scene.journal.unlink()
        edit_bundle(scene.path, [Describe("somebody else was faster")])
        now = scene.path.read_bytes()
        with pytest.raises(BundleError) as late:
            plan.apply()
        assert late.value.code == "changed_on_disk"
        assert scene.path.read_bytes() == now


def test_readers_that_were_there_before(plain_scene: Scene) -> None:
    """They keep what they were given, and are told that the file changed when they ask for more."""
    with ModelBundle.load(plain_scene.path) as bundle, PagedBundle.open(plain_scene.path) as paged:
        views = bundle.get_model("a"), paged.get_model("a")
        plain_scene.edit()
        assert all(bytes(view) == b"a" * 3000 for view in views)
        for ask in (lambda: bundle.get_model("b"), lambda: paged.get_model("b")):
            with pytest.raises(BundleError) as caught:
                ask()
            assert caught.value.code == "changed_on_disk"
        del views


def test_the_journal_is_as_private_as_the_bundle(plain_scene: Scene) -> None:
    plain_scene.path.chmod(0o640)
    modes = []

    def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        if name == "unlink" and plain_scene.journal.exists():
            modes.append(stat.S_IMODE(plain_scene.journal.stat().st_mode))
        return call(*arguments)

    with watched(watch):
        plain_scene.edit()
    assert modes == [0o640]


def test_hard_links_and_missing_locks_mean_a_new_file(plain_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    os.link(plain_scene.path, plain_scene.folder / "other")
    with BundleReader.open(plain_scene.path) as reader:
        assert plan_edit(reader, plain_scene.changes).reasons == ("the file has another name as well",)
    (plain_scene.folder / "other").unlink()
    with failing(Fault("flock", 1, "EPERM", forever=True)), BundleReader.open(plain_scene.path) as reader:
        plan = plan_edit(reader, plain_scene.changes)
        assert plan.reasons == ("the file system has no locks",)
        plan.apply()
    with BundleReader.open(plain_scene.path) as reader:
        assert reader.entry("a").metadata.version == "2.0"
