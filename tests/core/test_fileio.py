"""Reading files: regular ones only, exactly the bytes asked for, and no change unnoticed."""

from __future__ import annotations

import dataclasses
import os
import pickle
import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import ChangedOnDisk
from apbundle.fileio import PIECE, FileIdentity, InputFile, NotRegularFile, syscalls, system
from support.children import run_forked
from support.faults import ERRORS, Fault, failing, faults_of, recorded

DATA = bytes(range(256)) * 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(DATA)
    os.utime(made, ns=(1, 1))  # so that any later write changes the time, whatever the clock's resolution
    return made


# Opening


def test_open(path: Path) -> None:
    status = path.stat()
    with InputFile.open(path) as file:
        assert file.path == str(path)
        assert file.size == len(DATA)
        assert file.identity == FileIdentity(status.st_dev, status.st_ino, len(DATA), 1)
        assert os.fstat(file.fileno()).st_ino == status.st_ino
        assert not os.get_inheritable(file.fileno())
        assert not file.closed
        assert repr(file) == f"InputFile({str(path)!r}, size={len(DATA)})"
    assert file.closed
    assert repr(file) == f"InputFile({str(path)!r}, size={len(DATA)}, closed)"


def test_identity(path: Path) -> None:
    status = path.stat()
    identity = FileIdentity.of(status)
    assert identity.matches(status)
    for field in ("device", "inode", "size", "mtime_ns"):
        assert not dataclasses.replace(identity, **{field: getattr(identity, field) + 1}).matches(status)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, make_socket])
def test_what_is_not_a_file_is_refused_at_once(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "it")
    (tmp_path / "link").symlink_to("it")
    for name in ("it", "link"):
        with recorded() as calls, pytest.raises(NotRegularFile, match="not a regular file") as caught:
            InputFile.open(tmp_path / name)
        assert caught.value.filename == str(tmp_path / name)
        assert calls == ["stat"], "opening it might wait, or do something"


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/tty", "/"])
def test_devices_are_refused(device: str) -> None:
    with pytest.raises(NotRegularFile) as caught:
        InputFile.open(device)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), copy.filename, copy.errno) == (NotRegularFile, device, caught.value.errno)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_what_takes_the_place_of_a_file_while_it_is_opened(path: Path, make: Callable[[Path], object]) -> None:
    stat = os.stat

    def slow(text: str) -> os.stat_result:
        status = stat(text)
        path.unlink()
        make(path)
        return status

    syscalls.stat = slow  # type: ignore[method-assign, assignment]
    try:
        with pytest.raises(NotRegularFile):
            InputFile.open(path)
    finally:
        del syscalls.stat


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("missing", "dangling", "missing/file"):
        with pytest.raises(FileNotFoundError):
            InputFile.open(tmp_path / name)
    with pytest.raises(OSError, match="symbolic links"):
        InputFile.open(tmp_path / "loop")


def test_what_may_not_be_read(path: Path) -> None:
    path.chmod(0)

    def child() -> None:
        if os.geteuid() == 0:
            path.parent.chmod(0o755)
            os.chdir(path.parent)
            os.setuid(65534)
        with pytest.raises(PermissionError) as caught:
            InputFile.open("file")
        assert caught.value.filename == "file"

    assert run_forked(child) == 0


def test_links_are_followed(path: Path) -> None:
    (path.parent / "link").symlink_to("file")
    with InputFile.open(path.parent / "link") as file:
        assert file.read(0, 256) == DATA[:256]


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    raw = os.path.join(os.fsencode(tmp_path), b"mod\xff\xfeel")
    for name in (raw, os.fsdecode(raw)):
        with open(raw, "wb") as made:
            made.write(DATA)
        with InputFile.open(name) as file:  # type: ignore[arg-type]
            assert os.fsencode(file.path) == raw
            assert file.read(1, 2) == DATA[1:3]
            os.truncate(raw, 1)
            with pytest.raises(ChangedOnDisk) as caught:
                file.read(0, 5)
            assert str(caught.value).encode("utf-8")
    os.unlink(raw)


@pytest.mark.parametrize("wrong", [None, 3, [], object()])
def test_what_is_no_path(wrong: object) -> None:
    with pytest.raises(TypeError):
        InputFile.open(wrong)  # type: ignore[arg-type]


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="needs /proc")
def test_a_file_that_says_it_is_empty() -> None:
    with InputFile.open("/proc/self/maps") as file:
        assert file.size == 0
        with pytest.raises(ValueError, match="not inside"):
            file.read(0, 1)


# Reading


@given(st.data())
def test_any_range(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(DATA)))
    size = data.draw(st.integers(0, len(DATA) - offset))
    path = tmp_path_factory.getbasetemp() / "any range"
    if not path.exists():
        path.write_bytes(DATA)
    with InputFile.open(path) as file:
        assert file.read(offset, size, checked=data.draw(st.booleans())) == DATA[offset : offset + size]
        buffer = bytearray(b"?" * (size + 2))
        file.read_into(offset, memoryview(buffer)[1:-1])
        assert buffer == b"?" + DATA[offset : offset + size] + b"?"


@pytest.mark.parametrize(
    ("offset", "size"), [(-1, 1), (0, -1), (0, len(DATA) + 1), (len(DATA), 1), (len(DATA) + 1, 0), (1, 1 << 63)]
)
def test_ranges_that_were_never_inside(path: Path, offset: int, size: int) -> None:
    with InputFile.open(path) as file, recorded() as calls:
        with pytest.raises(ValueError, match="not inside a file of"):
            file.read(offset, size)
        if 0 <= size <= 2 * len(DATA):
            with pytest.raises(ValueError, match="not inside a file of"):
                file.read_into(offset, bytearray(size))
    assert calls == []


def test_buffers(path: Path) -> None:
    with InputFile.open(path) as file:
        numbers = memoryview(bytearray(16)).cast("I", (2, 2))
        file.read_into(3, numbers)
        assert numbers.tobytes() == DATA[3:19]
        with pytest.raises((TypeError, BufferError)):
            file.read_into(0, memoryview(bytearray(16))[::2])


def test_a_large_read_takes_its_size_once(path: Path) -> None:
    os.truncate(path, 3 * PIECE)
    with InputFile.open(path) as file:
        tracemalloc.start()
        try:
            data = file.read(0, 3 * PIECE)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert len(data) == 3 * PIECE
    assert data.startswith(DATA)
    assert peak < 3 * PIECE + 100_000


def test_a_failed_read_lets_go_of_the_buffer(path: Path) -> None:
    """Or the traceback holds it: a cycle that the garbage collector of Python 3.12 does not survive."""
    buffer = bytearray(100)
    with InputFile.open(path) as file:
        with failing(Fault("preadv", 1, "EIO")), pytest.raises(OSError, match="Input/output error") as failed:
            file.read_into(0, buffer)
        buffer.append(0)  # BufferError while there is a view of it
        os.truncate(path, 10)
        with pytest.raises(ChangedOnDisk) as changed:
            file.read_into(0, buffer)
        buffer.append(0)
    assert failed.tb is not None
    assert changed.tb is not None


def test_offsets_beyond_32_bits(path: Path) -> None:
    with open(path, "r+b") as made:
        made.seek((5 << 30) + 7)
        made.write(b"far")
    with InputFile.open(path) as file:
        assert file.size == (5 << 30) + 10
        assert file.read((5 << 30) + 5, 5) == b"\0\0far"


@pytest.mark.parametrize("forever", [False, True])
def test_short_and_interrupted_reads_are_completed(path: Path, forever: bool) -> None:
    with InputFile.open(path) as file:
        with failing(Fault("preadv", 1, "short", forever)):
            assert file.read(0, len(DATA)) == DATA
        with failing(Fault("preadv", 1, "EINTR")):
            assert file.read(0, len(DATA)) == DATA
        with failing(Fault("preadv", 1, "EINTR", forever=True)), pytest.raises(InterruptedError):
            file.read(0, len(DATA))


@pytest.mark.parametrize("kind", [*ERRORS, "interrupt"])
def test_each_call_fails(path: Path, kind: str) -> None:
    def work() -> None:
        with InputFile.open(path) as file:
            for offset in range(0, len(DATA), len(DATA) // 4):
                file.read(offset, len(DATA) // 4, checked=True)

    with recorded() as calls:
        work()
    assert calls.count("preadv") == 4
    assert calls.count("fstat") == 9
    for fault in faults_of(calls, [kind]):
        before = len(os.listdir("/proc/self/fd"))
        with failing(fault):
            if fault.call == "close" or (fault.call, fault.kind, fault.forever) == ("preadv", "EINTR", False):
                if kind != "interrupt":
                    work()
                continue
            with pytest.raises(KeyboardInterrupt if kind == "interrupt" else OSError) as caught:
                work()
        if fault.call == "preadv" and kind != "interrupt":
            assert caught.value.filename == str(path)  # type: ignore[attr-defined]
        del caught
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_bad_sector_spoils_only_what_lies_in_it(path: Path) -> None:
    with InputFile.open(path) as file:
        with failing(Fault("preadv", 1, "EIO")), pytest.raises(OSError, match="Input/output error"):
            file.read(0, 100)
        assert file.read(100, 100) == DATA[100:200]


@pytest.mark.parametrize("missing", ["preadv", "pread"])
def test_systems_without_positional_vectors(path: Path, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls, "preadv", system._preadv)
    if missing == "pread":
        monkeypatch.setattr(syscalls, "pread", system._pread)
    with InputFile.open(path) as file:
        assert file.read(300, 4000) == DATA[300:4300]
        os.truncate(path, 4000)
        with pytest.raises(ChangedOnDisk):
            file.read(300, 4000)


def test_systems_without_positional_writes(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    try:
        assert system._pwrite(descriptor, memoryview(b"abc"), 2) == 3
        assert system._pread(descriptor, 9, 1) == b"\0abc"
    finally:
        os.close(descriptor)
