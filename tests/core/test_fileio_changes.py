"""Files that change, close, fork and travel while they are read."""

from __future__ import annotations

import os
import pickle
import resource
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from apbundle.errors import BundleClosed, ChangedOnDisk
from apbundle.fileio import InputFile, NotRegularFile, syscalls
from support.children import run_forked

DATA = bytes(range(256)) * 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(DATA)
    os.utime(made, ns=(1, 1))  # so that any later write changes the time, whatever the clock's resolution
    return made


# Changes


def test_cut_short_at_every_byte_of_the_last_page(path: Path) -> None:
    with InputFile.open(path) as file:
        begin = len(DATA) - 4096
        for size in range(len(DATA) - 1, begin - 1, -97):
            os.truncate(path, size)
            with pytest.raises(ChangedOnDisk) as caught:
                file.read(begin, 4096)
            assert caught.value.offset == size
            assert caught.value.path == str(path)
        assert file.read(0, begin) == DATA[:begin], "what is still there can be read"
        with pytest.raises(ChangedOnDisk, match="bytes now"):
            file.read(0, begin, checked=True)


@pytest.mark.parametrize("moment", ["preadv", "fstat"])
def test_cut_short_and_grown_again_during_a_read(path: Path, moment: str) -> None:
    """The zeros of the new end have the right size; only the comparison after the read can tell."""
    call = getattr(syscalls, moment)

    def then_change(*arguments: object) -> object:
        result = call(*arguments)
        os.truncate(path, 10)
        os.truncate(path, len(DATA))
        return result

    with InputFile.open(path) as file:
        setattr(syscalls, moment, then_change)
        try:
            with pytest.raises(ChangedOnDisk, match="written to"):
                file.read(0, len(DATA), checked=True)
        finally:
            delattr(syscalls, moment)


def grow(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    with open(path, "r+b") as file:
        file.write(b"X")


@pytest.mark.parametrize(
    "change", [grow, rewrite, lambda path: os.truncate(path, 9)], ids=["grown", "rewritten", "cut"]
)
def test_changes_are_noticed(path: Path, change: Callable[[Path], object]) -> None:
    with InputFile.open(path) as file:
        file.check_unchanged()
        change(path)
        with pytest.raises(ChangedOnDisk) as caught:
            file.check_unchanged()
        assert caught.value.code == "changed_on_disk"
        assert caught.value.path == str(path)
        with pytest.raises(ChangedOnDisk):
            file.read(0, 5, checked=True)


@pytest.mark.parametrize("remove", [False, True])
def test_the_old_file_stays_readable_under_a_new_one(path: Path, remove: bool) -> None:
    with InputFile.open(path) as file:
        if remove:
            path.unlink()
        else:
            (path.parent / "new").write_bytes(b"new")
            os.replace(path.parent / "new", path)
        file.check_unchanged()
        assert file.read(0, len(DATA), checked=True) == DATA


def test_renaming_and_linking_are_no_changes(path: Path) -> None:
    with InputFile.open(path) as file:
        path.rename(path.parent / "other")
        (path.parent / "third").hardlink_to(path.parent / "other")
        (path.parent / "third").chmod(0o600)
        file.check_unchanged()


# Closing


def test_use_after_close(path: Path) -> None:
    file = InputFile.open(path)
    file.close()
    file.close()
    uses: list[Callable[[], object]] = [
        lambda: file.read(0, 1),
        lambda: file.read_into(0, bytearray(1)),
        file.check_unchanged,
        file.fileno,
    ]
    for use in uses:
        with pytest.raises(BundleClosed) as caught:
            use()
        assert caught.value.code == "closed"


def test_a_read_under_way_survives_closing(path: Path) -> None:
    """The descriptor's number must not be given to another file while a thread reads from it."""
    file = InputFile.open(path)
    reading, closed = threading.Event(), threading.Event()
    results: list[bytes] = []

    def slow(*arguments: object) -> int:
        reading.set()
        assert closed.wait(10)
        return os.preadv(*arguments)  # type: ignore[arg-type]

    syscalls.preadv = slow  # type: ignore[method-assign, assignment]
    try:
        thread = threading.Thread(target=lambda: results.append(file.read(0, len(DATA))))
        thread.start()
        assert reading.wait(10)
        file.close()
        (path.parent / "other").write_bytes(bytes(len(DATA)))
        other = InputFile.open(path.parent / "other")
        closed.set()
        thread.join()
    finally:
        del syscalls.preadv
    assert results == [DATA]
    other.close()


def test_dropping_the_last_reference_closes(path: Path) -> None:
    file = InputFile.open(path)
    number = file.fileno()
    del file
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_no_descriptor_is_leaked(path: Path) -> None:
    (path.parent / "folder").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(1000):
        InputFile.open(path).close()
        with pytest.raises(NotRegularFile):
            InputFile.open(path.parent / "folder")
    assert len(os.listdir("/proc/self/fd")) == before


def test_too_many_open_files(path: Path) -> None:
    def child() -> None:
        held = os.open(path, os.O_RDONLY)
        resource.setrlimit(resource.RLIMIT_NOFILE, (held + 1, held + 1))
        with pytest.raises(OSError, match="Too many open files") as caught:
            InputFile.open(path)
        assert caught.value.filename == str(path)
        os.close(held)
        InputFile.open(path).close()

    assert run_forked(child) == 0


# Other processes and threads


def test_pickle(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with InputFile.open("file") as file:
        frozen = pickle.dumps(file)
        os.chdir("/")
        with pickle.loads(frozen) as copy:
            assert copy.identity == file.identity
            assert copy.read(3, 4) == DATA[3:7]
        rewrite(path)
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(ChangedOnDisk) as caught:
            pickle.loads(frozen)
        assert len(os.listdir("/proc/self/fd")) == before
        assert caught.value.path == str(path)
        path.unlink()
        with pytest.raises(FileNotFoundError):
            pickle.loads(frozen)


def test_both_sides_of_a_fork_read(path: Path) -> None:
    with InputFile.open(path) as file:

        def child() -> None:
            assert all(file.read(at, 16) == DATA[at : at + 16] for at in range(0, 4096, 16))
            file.close()

        assert run_forked(child) == 0
        assert file.read(5, 6) == DATA[5:11]


def test_many_threads_read_one_file(path: Path) -> None:
    wrong: list[int] = []
    with InputFile.open(path) as file:

        def work(start: int) -> None:
            places = range(start, len(DATA) - 64, 64)
            wrong.extend(at for at in places if file.read(at, 64) != DATA[at : at + 64])

        threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_values_are_immutable(path: Path) -> None:
    with InputFile.open(path) as file:
        with pytest.raises(AttributeError):
            file.identity.size = 3  # type: ignore[misc]
        with pytest.raises(AttributeError):
            file.other = 3  # type: ignore[attr-defined]
        assert sys.getsizeof(file) < 200
