"""Maps: what is loaded is what was opened, other threads run meanwhile, and views outlive everything."""

from __future__ import annotations

import errno
import gc
import mmap
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import BundleClosed, ChangedOnDisk
from apbundle.fileio import InputFile
from apbundle.mapping import FileMap, MappedFile, advice

PAGE = mmap.PAGESIZE
SIZE = 10 * PAGE + 100
CONTENT = bytes(range(256)) * (SIZE // 256 + 1)

linux = pytest.mark.skipif(sys.platform != "linux", reason="ranges are loaded through Linux's madvise")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(CONTENT[:SIZE])
    return path


@pytest.fixture
def file(path: Path) -> Iterator[InputFile]:
    with InputFile.open(path) as file:
        yield file


def resident(path: Path) -> int:
    """Bytes of maps of ``path`` in this process's memory."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split()[0]
        if not head.endswith(":"):
            inside = line.endswith(f" {path}")
        elif inside and head == "Rss:":
            total += int(line.split()[1]) * 1024
    return total


def maps(path: Path) -> int:
    """How many maps of ``path`` this process has."""
    return sum(line.rstrip().endswith(str(path)) for line in Path("/proc/self/maps").read_text().splitlines())


@linux
def test_a_range_is_loaded_and_let_go(file: InputFile, path: Path):
    with FileMap(file) as mapped:
        assert mapped.size == len(mapped.view) == SIZE
        assert mapped.view.readonly
        assert resident(path) == 0
        mapped.populate(0, SIZE)
        assert resident(path) == 11 * PAGE
        assert mapped.view == CONTENT[:SIZE]
        mapped.release(0, SIZE)
        assert resident(path) == 0
        assert mapped.view == CONTENT[:SIZE]  # read again when touched
        assert mapped.populate_mode == "populate"


@linux
@pytest.mark.parametrize(
    ("offset", "length", "pages"),
    [
        (0, PAGE, 1),
        (1, PAGE, 0),
        (1, 2 * PAGE - 1, 1),
        (PAGE - 1, PAGE + 2, 1),
        (5, 10, 0),
        (9 * PAGE + 1, SIZE - 9 * PAGE - 1, 1),  # the end of the file ends a page
        (10 * PAGE, 99, 0),
        (0, 0, 0),
        (SIZE, 0, 0),
    ],
)
def test_only_whole_pages_are_let_go(file: InputFile, path: Path, offset: int, length: int, pages: int):
    with FileMap(file) as mapped:
        mapped.populate(0, SIZE)
        mapped.release(offset, length)
        assert resident(path) == (11 - pages) * PAGE


@linux
@pytest.mark.parametrize(("offset", "length"), [(0, 1), (PAGE - 1, 2), (PAGE, PAGE), (3 * PAGE + 5, 10), (SIZE - 1, 1)])
def test_all_pages_of_a_range_are_loaded(file: InputFile, monkeypatch: pytest.MonkeyPatch, offset: int, length: int):
    asked = []
    monkeypatch.setattr(advice, "advise", lambda address, size, what: asked.append((address, size, what)))
    with FileMap(file) as mapped:
        start = advice.address_of(mapped.view.obj)  # type: ignore[arg-type]
        mapped.populate(offset, length)
    ((address, size, what),) = asked
    assert what == 22
    assert address % PAGE == 0
    assert address <= start + offset < address + PAGE
    assert address + size == start + offset + length


@pytest.mark.parametrize("method", ["populate", "release"])
@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, SIZE + 1), (SIZE, 1), (1 << 64, 1), (1, 1 << 64)])
def test_ranges_outside_are_wrong_use(file: InputFile, method: str, offset: int, length: int):
    with FileMap(file) as mapped, pytest.raises(ValueError, match="not inside"):
        getattr(mapped, method)(offset, length)


@linux
def test_large_ranges_are_loaded_in_interruptible_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "sparse"
    with path.open("wb") as sparse:
        sparse.truncate((200 << 20) + 1)
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(advice, "advise", lambda address, size, what: asked.append((address, size)))
    with InputFile.open(path) as file, FileMap(file) as mapped:
        mapped.populate(0, file.size)
    assert sum(size for _, size in asked) == file.size
    assert [size for _, size in asked] == [64 << 20] * 3 + [(8 << 20) + 1]
    assert [address - asked[0][0] for address, _ in asked] == [0, 64 << 20, 128 << 20, 192 << 20]


@linux
def test_other_threads_run_while_the_disk_works():
    """The call that waits is a foreign one, made without the interpreter lock."""
    libc = advice._libc()
    assert type(libc).__name__ == "CDLL"
    assert not libc._func_flags_ & 0x4  # FUNCFLAG_PYTHONAPI would keep the lock


@linux
def test_interruptions_are_taken_up_again(monkeypatch: pytest.MonkeyPatch):
    answers = [errno.EINTR, errno.EINTR, 0]

    class Libc:
        @staticmethod
        def madvise(address: int, size: int, what: int) -> int:
            advice.ctypes.set_errno(answers.pop(0))
            return -1 if answers else 0

    monkeypatch.setattr(advice, "_libc", Libc)
    advice.advise(0, PAGE, advice.POPULATE_READ)
    assert answers == []


@linux
@pytest.mark.parametrize("change", ["cut", "grown", "rewritten", "emptied"])
def test_a_changed_file_is_never_loaded(file: InputFile, path: Path, change: str):
    with FileMap(file) as mapped:
        if change == "rewritten":
            path.write_bytes(bytes(SIZE))
            os.utime(path, ns=(1, 1))
        else:
            os.truncate(path, {"cut": PAGE, "grown": SIZE + 1, "emptied": 0}[change])
        with pytest.raises(ChangedOnDisk) as caught:
            mapped.populate(0, 1)
        assert caught.value.path == str(path)


@linux
def test_a_file_cut_short_between_check_and_load(file: InputFile, path: Path, monkeypatch: pytest.MonkeyPatch):
    """The kernel reports what would have been a bus error; nothing dies."""
    original = advice.advise

    def cut_first(address: int, size: int, what: int) -> None:
        os.truncate(path, 0)
        original(address, size, what)

    with FileMap(file) as mapped:
        monkeypatch.setattr(advice, "advise", cut_first)
        with pytest.raises(ChangedOnDisk):
            mapped.populate(0, SIZE)


@linux
def test_a_file_written_to_during_the_load(file: InputFile, path: Path, monkeypatch: pytest.MonkeyPatch):
    with FileMap(file) as mapped:
        monkeypatch.setattr(advice, "advise", lambda *_: os.utime(path, ns=(1, 1)))
        with pytest.raises(ChangedOnDisk):
            mapped.populate(0, SIZE)


@linux
@pytest.mark.parametrize("number", [errno.EFAULT, errno.ENOMEM, errno.EIO])
def test_what_the_kernel_refuses_is_an_oserror_with_the_path(
    file: InputFile, path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    def refuse(address: int, size: int, what: int) -> None:
        raise OSError(number, os.strerror(number))

    with FileMap(file) as mapped:
        monkeypatch.setattr(advice, "advise", refuse)
        with pytest.raises(OSError, match="bin") as caught:
            mapped.populate(0, SIZE)
        assert caught.value.errno == (errno.EIO if number == errno.EFAULT else number)  # unchanged: the disk failed
        assert caught.value.filename == str(path)
        mapped.release(0, SIZE)  # only a wish


@linux
@pytest.mark.parametrize(("offset", "length"), [(0, SIZE), (PAGE + 5, 3), (SIZE - 1, 1), (7, 0)])
def test_a_kernel_without_the_call(
    file: InputFile, path: Path, monkeypatch: pytest.MonkeyPatch, offset: int, length: int
):
    original = advice.advise

    def old_kernel(address: int, size: int, what: int) -> None:
        original(address, size, 99 if what == advice.POPULATE_READ else what)

    monkeypatch.setattr(advice, "advise", old_kernel)
    with FileMap(file) as mapped:
        mapped.populate(offset, length)
        assert mapped.populate_mode == ("touch" if length else "populate")
        assert (resident(path) > 0) == (length > 0)
        os.truncate(path, PAGE)
        with pytest.raises(ChangedOnDisk):
            mapped.populate(offset, length)


@linux
def test_without_the_call_a_file_cut_short_is_still_an_error(
    file: InputFile, path: Path, monkeypatch: pytest.MonkeyPatch
):
    def cut_and_refuse(address: int, size: int, what: int) -> None:
        os.truncate(path, PAGE)
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(advice, "advise", cut_and_refuse)
    with FileMap(file) as mapped, pytest.raises(ChangedOnDisk):
        mapped.populate(0, SIZE)


def test_a_replaced_file_stays_readable(file: InputFile, path: Path, tmp_path: Path):
    with FileMap(file) as mapped:
        other = tmp_path / "other"
        other.write_bytes(b"other")
        other.replace(path)
        mapped.populate(0, SIZE)
        assert mapped.view == CONTENT[:SIZE]


def test_views_outlive_the_map_and_the_file(path: Path):
    file = InputFile.open(path)
    mapped = FileMap(file)
    view = mapped.view[100:200]
    mapped.close()
    mapped.close()
    file.close()
    assert mapped.closed
    assert view == CONTENT[100:200]
    assert maps(path) == 1
    del view
    assert maps(path) == 0


def test_a_closed_map_says_so(file: InputFile):
    mapped = FileMap(file)
    mapped.close()
    with pytest.raises(BundleClosed):
        mapped.view  # noqa: B018
    with pytest.raises(BundleClosed):
        mapped.populate(0, 1)
    mapped.release(0, SIZE)
    assert "closed" in repr(mapped)


def test_a_map_of_a_closed_file_loads_nothing(path: Path):
    file = InputFile.open(path)
    with FileMap(file) as mapped:
        file.close()
        with pytest.raises(BundleClosed):
            mapped.populate(0, 1)


def test_an_empty_file(tmp_path: Path):
    path = tmp_path / "empty"
    path.touch()
    with InputFile.open(path) as file, FileMap(file) as mapped:
        assert mapped.view == b""
        mapped.populate(0, 0)
        mapped.release(0, 0)
        with pytest.raises(ValueError, match="not inside"):
            mapped.populate(0, 1)
    with MappedFile.open(path) as mapped_file:
        assert mapped_file.as_slice() == b""
        mapped_file.advise_random()


def test_a_file_that_changed_before_the_map(file: InputFile, path: Path):
    os.truncate(path, PAGE)
    with pytest.raises(ChangedOnDisk):
        FileMap(file)


def test_a_file_cut_short_while_it_is_mapped(file: InputFile, path: Path, monkeypatch: pytest.MonkeyPatch):
    original = mmap.mmap

    def cut_first(*arguments: int, **more: int) -> mmap.mmap:
        os.truncate(path, PAGE)
        return original(*arguments, **more)

    monkeypatch.setattr(mmap, "mmap", cut_first)
    with pytest.raises(ChangedOnDisk):
        FileMap(file)


@linux
def test_closing_under_other_threads(file: InputFile):
    """A map closed while others load, let go and read never pulls the memory from under them."""
    errors: list[BaseException] = []

    def work(mapped: FileMap) -> None:
        try:
            while True:
                mapped.populate(0, SIZE)
                assert mapped.view[SIZE - 1] == CONTENT[SIZE - 1]
                mapped.release(0, SIZE)
        except BundleClosed:
            pass
        except BaseException as error:
            errors.append(error)

    for _ in range(50):
        mapped = FileMap(file)
        threads = [threading.Thread(target=work, args=(mapped,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        mapped.close()
        for thread in threads:
            thread.join()
    assert errors == []


@linux
def test_nothing_is_kept(path: Path):
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(1000):
        with InputFile.open(path) as file, FileMap(file) as mapped:
            mapped.populate(0, 1)
        with MappedFile.open(path) as mapped_file:
            mapped_file.as_slice()
    assert maps(path) == 0
    assert len(os.listdir("/proc/self/fd")) == descriptors


@linux
def test_supported_on_this_disk_and_not_from_afar(file: InputFile, monkeypatch: pytest.MonkeyPatch):
    assert FileMap.supported(file)
    for kind in (0x6969, 0xFF534D42, 0x65735546):
        monkeypatch.setattr(advice, "_libc", lambda kind=kind: FileSystem(kind))
        assert not FileMap.supported(file)
    monkeypatch.setattr(advice, "_libc", lambda: FileSystem(0xEF53, answer=-1))
    assert not FileMap.supported(file)
    monkeypatch.setattr(advice, "_libc", lambda: FileSystem(0x9123683E))  # negative in a signed 32-bit number
    assert FileMap.supported(file)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not FileMap.supported(file)


class FileSystem:
    def __init__(self, kind: int, answer: int = 0) -> None:
        self.kind, self.answer = kind, answer

    def fstatfs(self, descriptor: int, status: object) -> int:
        status[:4] = self.kind.to_bytes(4, sys.byteorder)  # type: ignore[index]
        return self.answer


DEATH = """
import os, sys
from apbundle.fileio import InputFile
from apbundle.mapping import FileMap
file = InputFile.open(sys.argv[1])
mapped = FileMap(file)
mapped.populate(0, file.size)
view = mapped.view[:]
os.truncate(sys.argv[1], 0)
view[0]
"""


@linux
def test_what_the_documentation_warns_of(path: Path):
    """Touching a view of a file that was cut short since is a bus error: if not, the warning can go."""
    died = subprocess.run([sys.executable, "-c", DEATH, str(path)], check=False, capture_output=True, cwd=path.parent)
    assert died.returncode == -signal.SIGBUS


@linux
@given(st.lists(st.tuples(st.booleans(), st.integers(0, SIZE), st.integers(0, SIZE)), max_size=10))
def test_any_loads_and_releases_leave_the_bytes_alone(steps: list[tuple[bool, int, int]]):
    descriptor = os.memfd_create("data")
    try:
        os.write(descriptor, CONTENT[:SIZE])
        file = InputFile.open(f"/proc/self/fd/{descriptor}")
        with file, FileMap(file) as mapped:
            for load, offset, end in steps:
                offset, end = sorted((offset, end))
                (mapped.populate if load else mapped.release)(offset, end - offset)
                assert mapped.view[offset:end] == CONTENT[offset:end]
    finally:
        os.close(descriptor)
