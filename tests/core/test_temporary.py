"""Temporary files: they keep two writers apart, are found when their writer is dead, and hold data without a name."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import DestinationBusy, DiskFull
from apbundle.fileio import (
    OutputFile,
    remove_stale_part,
    staging_file,
    stale_parts,
    syscalls,
    temporary,
    write_atomically,
)
from support.children import fork, run_forked, wait_for
from support.faults import Fault, failing

RACES = int(os.environ.get("APBUNDLE_RACES", "20"))


def filler(data: bytes) -> Callable[[OutputFile], None]:
    return lambda out: out.write_at(0, data)


def write(target: str | Path, data: bytes = b"new", **options: object) -> str:
    return write_atomically(target, size=len(data), fill=filler(data), **options)  # type: ignore[arg-type]


# Names


@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=90), st.binary(max_size=9))
def test_temporary_names_fit_and_are_told_apart(name: str, random_bytes: bytes) -> None:
    path = temporary.temporary_path(f"/folder/{name}")
    assert os.path.dirname(path) == "/folder"
    assert len(os.fsencode(os.path.basename(path))) <= 255
    assert os.path.basename(path).startswith(temporary.temporary_prefix(name))
    other = temporary.temporary_prefix(f"{name}{random_bytes.hex()}!")
    assert other != temporary.temporary_prefix(name)


# Two writers


def test_the_second_writer_is_told_and_the_first_goes_on(tmp_path: Path) -> None:
    target = tmp_path / "file"
    (tmp_path / "link").symlink_to("file")

    def fill(out: OutputFile) -> None:
        for name in ("file", "link"):
            with pytest.raises(DestinationBusy) as caught:
                write(tmp_path / name, b"second")
            assert caught.value.path == str(target)
        write(tmp_path / "file2", b"another")
        write(tmp_path / "fil", b"another")
        assert len(os.listdir(tmp_path)) == 4
        out.write_at(0, b"first")

    write_atomically(target, size=5, fill=fill)
    assert target.read_bytes() == b"first"
    write(target, b"later")
    assert sorted(os.listdir(tmp_path)) == ["fil", "file", "file2", "link"]


def test_names_that_differ_only_at_their_end_are_two_destinations(tmp_path: Path) -> None:
    write_atomically(
        tmp_path / ("n" * 250 + "1"),
        size=3,
        fill=lambda out: (write(tmp_path / ("n" * 250 + "2")), filler(b"one")(out))[1],
    )
    assert len(os.listdir(tmp_path)) == 2


def test_writers_in_other_threads_and_processes(tmp_path: Path) -> None:
    target = tmp_path / "file"
    results: list[type | None] = []

    def attempt() -> None:
        try:
            write(target, b"second")
        except DestinationBusy as error:
            results.append(type(error))

    def child() -> None:
        with pytest.raises(DestinationBusy):
            write(target, b"second")

    def fill(out: OutputFile) -> None:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
        assert run_forked(child) == 0
        out.write_at(0, b"first")

    write_atomically(target, size=5, fill=fill)
    assert results == [DestinationBusy]
    assert target.read_bytes() == b"first"


def test_of_two_that_start_together_one_goes_on(tmp_path: Path) -> None:
    """The second looks around only when the first has done so: otherwise each would give way to the other."""
    target = tmp_path / "file"
    listdir, flock = syscalls.listdir, syscalls.flock
    seconds: list[threading.Thread] = []
    tried, looked = threading.Event(), threading.Event()
    outcomes: list[str] = []

    def second() -> None:
        try:
            write(target, b"second")
        except DestinationBusy:
            outcomes.append("busy")

    def look(folder: str) -> list[str]:
        if not seconds:
            seconds.append(threading.Thread(target=second))
            seconds[0].start()
            assert tried.wait(10)
        names = listdir(folder)
        looked.set()
        return names

    def lock(descriptor: int, operation: int) -> None:
        try:
            flock(descriptor, operation)
        finally:
            if threading.current_thread() in seconds:
                tried.set()
                if operation == temporary.LOCK_EXCLUSIVE:  # on its own file: stay until the first has looked
                    looked.wait(10)

    def fill(out: OutputFile) -> None:
        seconds[0].join()
        out.write_at(0, b"first")

    syscalls.listdir, syscalls.flock = look, lock  # type: ignore[method-assign, assignment]
    try:
        write_atomically(target, size=5, fill=fill)
    finally:
        del syscalls.listdir, syscalls.flock
    assert outcomes == ["busy"]
    assert target.read_bytes() == b"first"


def test_a_temporary_name_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / f".file.{1:016x}.part"
    theirs.write_bytes(b"theirs")
    monkeypatch.setattr(temporary.secrets, "token_hex", lambda size: f"{1:016x}")
    with pytest.raises(FileExistsError):
        write(tmp_path / "file")
    assert theirs.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == [theirs.name]


def test_without_locks_the_last_complete_file_wins(tmp_path: Path) -> None:
    target = tmp_path / "file"

    def fill(out: OutputFile) -> None:
        write(target, b"second")
        out.write_at(0, b"first")

    with failing(Fault("flock", 1, "EIO", forever=True)):
        write_atomically(target, size=5, fill=fill)
    assert target.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_locked_by_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "_TURN_ATTEMPTS", 2)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        syscalls.flock(descriptor, temporary.LOCK_EXCLUSIVE)
        write_atomically(tmp_path / "file", size=3, fill=lambda out: (busy(tmp_path / "file"), filler(b"new")(out))[1])
    finally:
        os.close(descriptor)
    assert (tmp_path / "file").read_bytes() == b"new"


def busy(target: Path) -> None:
    with pytest.raises(DestinationBusy):
        write(target)


@pytest.mark.parametrize("writers", [2, 8])
def test_many_writers_leave_one_complete_file(tmp_path: Path, writers: int) -> None:
    target = tmp_path / "file"

    def work(number: int) -> None:
        rng = random.Random(number)
        written = 0
        for _ in range(RACES):
            size = rng.randrange(1, 50_000)
            try:
                write(target, bytes([number]) * size)
                written += 1
            except DestinationBusy:
                pass
            content = target.read_bytes() if written else b""
            assert len(set(content)) <= 1

    children = [fork(lambda number=number: work(number)) for number in range(1, writers + 1)]  # type: ignore[misc]
    assert [wait_for(child) for child in children] == [0] * writers
    content = target.read_bytes()
    assert len(set(content)) == 1
    assert os.listdir(tmp_path) == ["file"]


def test_of_two_that_want_a_free_name_one_gets_it(tmp_path: Path) -> None:
    target = tmp_path / "file"
    inside = threading.Barrier(2)
    outcomes: list[str] = []

    def work(data: bytes) -> None:
        try:
            write(target, data, overwrite=False, check=lambda path: inside.wait() and None)
            outcomes.append(data.decode())
        except FileExistsError:
            outcomes.append("exists")

    threads = [threading.Thread(target=work, args=(data,)) for data in (b"one", b"two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["exists", "one"], ["exists", "two"])
    assert target.read_text() in outcomes
    assert os.listdir(tmp_path) == ["file"]


# What dead writers leave


def leave(path: Path, age: float = 48 * 3600.0) -> None:
    path.write_bytes(b"left")
    os.utime(path, (time.time() - age, time.time() - age))


def test_stale_parts_are_found_and_removed(tmp_path: Path) -> None:
    for number in range(50):
        leave(tmp_path / f".model {number}.apbundle.{number:016x}.part")
    held = tmp_path / f".model 7.apbundle.{7:016x}.part"
    descriptor = os.open(held, os.O_RDONLY)
    try:
        syscalls.flock(descriptor, temporary.LOCK_EXCLUSIVE)
        found = stale_parts(tmp_path)
        assert len(found) == 49
        assert str(held) not in found
        assert all(remove_stale_part(path) for path in found)
        assert not remove_stale_part(held)
        assert os.listdir(tmp_path) == [held.name]
    finally:
        os.close(descriptor)
    assert stale_parts(tmp_path) == [str(held)]


def test_what_is_not_a_stale_part(tmp_path: Path) -> None:
    leave(tmp_path / f".young.{1:016x}.part", age=60)
    for name in (
        "model.part",
        ".model.part",
        f"model.{1:016x}.part",
        f".model.{1:016x}.party",
        f".model.{1:017x}.part",
        f".{1:016x}.part",
    ):
        leave(tmp_path / name)
    (tmp_path / f".folder.{1:016x}.part").mkdir()
    (tmp_path / f".link.{1:016x}.part").symlink_to("model.part")
    os.mkfifo(tmp_path / f".fifo.{1:016x}.part")
    for name in ("folder", "link", "fifo"):
        os.utime(tmp_path / f".{name}.{1:016x}.part", (0, 0), follow_symlinks=False)
    assert stale_parts(tmp_path, min_age=3600) == []
    names = sorted(os.listdir(tmp_path))
    assert not any(remove_stale_part(tmp_path / name) for name in names)
    assert sorted(os.listdir(tmp_path)) == names
    assert stale_parts(tmp_path, min_age=30) == [str(tmp_path / f".young.{1:016x}.part")]
    with pytest.raises(FileNotFoundError):
        stale_parts(tmp_path / "nowhere")


def test_a_write_under_way_is_not_stale(tmp_path: Path) -> None:
    def fill(out: OutputFile) -> None:
        os.utime(out.path, (0, 0))
        assert stale_parts(tmp_path) == []
        assert not remove_stale_part(out.path)
        out.write_at(0, b"new")

    write_atomically(tmp_path / "file", size=3, fill=fill)
    assert (tmp_path / "file").read_bytes() == b"new"


def test_leftovers_do_not_stop_the_next_writer(tmp_path: Path) -> None:
    leave(tmp_path / f".file.{1:016x}.part", age=0)
    write(tmp_path / "file")
    assert len(os.listdir(tmp_path)) == 2


# Staging


def test_staging_holds_data_without_a_name(tmp_path: Path) -> None:
    with staging_file(tmp_path) as stage:
        assert os.listdir(tmp_path) == []
        assert repr(stage) == f"StagingFile(in {str(tmp_path)!r})"
        stage.write_at(5, b"world")
        stage.write_at(0, memoryview(b"hello"))
        buffer = bytearray(10)
        stage.read_into(0, buffer)
        assert bytes(buffer) == b"helloworld"
        with pytest.raises(OSError, match="10 bytes were expected at 5, 5 are there"):
            stage.read_into(5, buffer)
        assert os.fstat(stage.fileno()).st_nlink == 0
    with pytest.raises(FileNotFoundError), staging_file(tmp_path / "nowhere"):
        pass


def test_staging_on_a_full_disk(tmp_path: Path) -> None:
    with failing(Fault("open", 1, "ENOSPC", forever=True)), pytest.raises(DiskFull), staging_file(tmp_path):
        pass
    with (
        staging_file(tmp_path) as stage,
        failing(Fault("pwrite", 1, "EDQUOT")),
        pytest.raises(DiskFull, match="quota") as caught,
    ):
        stage.write_at(0, b"data")
    assert caught.value.path == str(tmp_path)
