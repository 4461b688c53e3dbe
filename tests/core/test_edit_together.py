"""Several programs at one bundle: no change is lost, no reader sees half of one, killed writers leave it whole."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apbundle import ModelBundle, ModelMetadata
from apbundle.edit.changes import Change, Describe, Lay, Remove, SetMetadata
from apbundle.edit.plan import edit_bundle, plan_edit
from apbundle.errors import BundleError, ChangedOnDisk, DestinationBusy
from apbundle.fileio import locks
from apbundle.fileio.system import LOCK_EXCLUSIVE
from support.campaign import rounds
from support.children import fork, wait_for
from support.faults import Call, watched, without_fsync


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "m.apbundle"
    ModelBundle.builder(made).add_model("a", b"a" * 5000).add_model("b", b"b").build().close()
    edit_bundle(made, said("0"))
    return made


def said(text: str) -> list[Change]:
    """A change that says one thing in three places."""
    return [Describe(text, metadata={"text": text}), SetMetadata("a", ModelMetadata(text))]


def check(path: Path) -> None:
    """The three places say one thing."""
    with ModelBundle.load(path) as bundle:
        text = bundle.metadata["text"]
        assert (bundle.description, bundle.get_metadata("a").version) == (text, text)
        assert bundle.extension_error is None
        assert not bundle.warnings


def write(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(rounds(30)):
        changes = said(str(rng.randrange(10**9)))
        try:
            edit_bundle(path, [*changes, Lay(rng.choice([64, 512]))] if rng.random() < 0.1 else changes)
        except (ChangedOnDisk, DestinationBusy):
            pass  # the other one was faster


def read(path: Path) -> None:
    for _ in range(rounds(60)):
        try:
            check(path)
        except (ChangedOnDisk, DestinationBusy):
            pass


def write_until_killed(path: Path) -> None:
    while True:
        write(path, os.getpid())


def test_writers_readers_and_the_dead(path: Path) -> None:
    works: list[Callable[[], None]] = [lambda: write(path, 1), lambda: write(path, 2), lambda: read(path)]
    pids = [fork(work) for work in works]
    for seed in range(rounds(10)):
        victim = fork(lambda: write_until_killed(path))
        for _ in range(random.Random(seed).randrange(3)):
            read_once(path)
        os.kill(victim, signal.SIGKILL)
        assert wait_for(victim) == -signal.SIGKILL
    assert [wait_for(pid) for pid in pids] == [0, 0, 0]
    check(path)


def read_once(path: Path) -> None:
    try:
        check(path)
    except (ChangedOnDisk, DestinationBusy):
        pass


def test_another_file_takes_the_name_at_the_last_moment(path: Path, tmp_path: Path) -> None:
    """Just before the lock, which is then one on a file that has no name any more."""
    other = tmp_path / "other"
    shutil.copy(path, other)

    def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        if name == "flock" and arguments[1] & LOCK_EXCLUSIVE and other.exists():
            other.replace(path)
        return call(*arguments)

    before = path.read_bytes()
    with ModelBundle.load(path) as bundle:
        plan = plan_edit(bundle.reader, said("1"))
        with watched(watch), pytest.raises(ChangedOnDisk):
            plan.apply()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_a_journal_of_a_living_writer_is_left_alone(path: Path, tmp_path: Path) -> None:
    """Its bundle lost the name to another one, which somebody wants to change too."""
    other = tmp_path / "other"
    shutil.copy(path, other)
    with ModelBundle.load(other) as bundle:
        bundle.save()
    refused: list[BundleError] = []

    def watch(name: str, call: Call, arguments: tuple[Any, ...]) -> Any:
        if name == "unlink" and other.exists():
            other.replace(path)
            try:
                edit_bundle(path, said("2"))
            except BundleError as error:
                refused.append(error)
        return call(*arguments)

    with watched(watch):
        edit_bundle(path, said("1"))
    assert [error.code for error in refused] == ["destination_busy"]
    check(path)
    assert os.listdir(tmp_path) == [path.name]


def test_nothing_is_changed_in_place_while_a_new_file_is_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "pause", lambda seconds: None)
    with ModelBundle.load(path) as bundle:
        plan = plan_edit(bundle.reader, [Remove("b")])
        seen: list[str] = []

        def progress(phase: str, done: int, total: int) -> None:
            if phase == "copy" and not seen:
                seen.append(phase)
                with pytest.raises(DestinationBusy):
                    edit_bundle(path, said("1"))

        plan.apply(progress=progress)
    assert seen
    check(path)
