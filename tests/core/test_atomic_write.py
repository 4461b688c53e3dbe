"""Writing files: what is accepted as a destination, what it looks like afterwards, and who may write it when."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apbundle.errors import Cancelled, DiskFull, TargetRefused
from apbundle.fileio import (
    OutputFile,
    syscalls,
    write_atomically,
)
from apbundle.progress import Reporter
from support.faults import Fault, failing, recorded


def filler(data: bytes) -> Callable[[OutputFile], None]:
    return lambda out: out.write_at(0, data)


def write(target: str | Path, data: bytes = b"new", **options: object) -> str:
    return write_atomically(target, size=len(data), fill=filler(data), **options)  # type: ignore[arg-type]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


# What is written


def test_new_and_replaced(tmp_path: Path) -> None:
    target = tmp_path / "file"
    assert write(target, b"one") == str(target)
    assert write(str(target), b"second") == str(target)
    assert target.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_one_may_not_write_to_is_told_of_the_target(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with recorded() as calls:
        write(target)
    last = calls.count("open")
    with failing(Fault("open", last, "EACCES")), pytest.raises(PermissionError) as caught:
        write(target, b"other")
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"new"


def test_empty(tmp_path: Path) -> None:
    write_atomically(tmp_path / "empty", size=0, fill=lambda out: None)
    assert (tmp_path / "empty").read_bytes() == b""


def test_pieces_in_any_order_and_gaps_of_zeros(tmp_path: Path) -> None:
    def fill(out: OutputFile) -> None:
        assert out.size == 12
        assert os.fstat(out.fileno()).st_ino == os.stat(out.path).st_ino
        assert repr(out) == f"OutputFile({out.path!r}, size=12)"
        out.write_at(9, memoryview(b"abc"))
        out.write_at(0, bytearray(b"head"))
        out.write_at(2, memoryview(b"x1y2z3")[::1])
        out.write_at(4, b"")

    write_atomically(tmp_path / "file", size=12, fill=fill)
    assert (tmp_path / "file").read_bytes() == b"hex1y2z3\0abc"


def test_buffers_of_any_element_type(tmp_path: Path) -> None:
    numbers = memoryview(bytearray(range(16))).cast("I", (2, 2))
    write_atomically(tmp_path / "file", size=16, fill=lambda out: out.write_at(0, numbers))
    assert (tmp_path / "file").read_bytes() == bytes(range(16))


@pytest.mark.parametrize(("offset", "data"), [(-1, b"a"), (2, b"ab"), (4, b"a"), (0, b"abcd"), (1 << 70, b"a")])
def test_nothing_is_written_outside_the_announced_size(tmp_path: Path, offset: int, data: bytes) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        write_atomically(tmp_path / "file", size=3, fill=lambda out: out.write_at(offset, data))
    assert os.listdir(tmp_path) == []


def test_the_last_byte_must_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only 2 of 3 bytes"):
        write_atomically(tmp_path / "file", size=3, fill=filler(b"ab"))
    assert os.listdir(tmp_path) == []


def test_large_pieces_are_not_copied(tmp_path: Path) -> None:
    piece = memoryview(bytearray(1 << 20))
    seen = []

    def pwrite(descriptor: int, data: memoryview, offset: int) -> int:
        seen.append(data.obj)
        return os.pwrite(descriptor, data, offset)

    syscalls.pwrite = pwrite  # type: ignore[method-assign]
    try:
        write_atomically(tmp_path / "file", size=len(piece), fill=lambda out: out.write_at(0, piece))
    finally:
        del syscalls.pwrite
    assert [owner is piece.obj for owner in seen] == [True]


def test_the_check_sees_the_complete_file_before_it_has_its_name(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write(target, b"old")

    def check(path: str) -> None:
        assert Path(path).parent == tmp_path
        assert Path(path).read_bytes() == b"new"
        assert target.read_bytes() == b"old"

    write(target, check=check)
    assert target.read_bytes() == b"new"


def test_a_check_that_refuses(tmp_path: Path) -> None:
    def check(path: str) -> None:
        raise ValueError("no")

    write(tmp_path / "file", b"old")
    with pytest.raises(ValueError, match="no"):
        write(tmp_path / "file", check=check)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt(), MemoryError(), SystemExit(3)])
def test_a_fill_that_raises(tmp_path: Path, error: BaseException) -> None:
    def fill(out: OutputFile) -> None:
        out.write_at(0, b"n")
        raise error

    write(tmp_path / "file", b"old")
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "file", size=3, fill=fill)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


# What it looks like afterwards


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_what_the_umask_leaves(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        write(tmp_path / "file")
        write(tmp_path / "other", overwrite=False)
    assert mode_of(tmp_path / "file") == mode_of(tmp_path / "other") == 0o666 & ~mask


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o644, 0o755, 0o400])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    target.chmod(mode)
    seen = []
    with umask(0o022):
        write(target, check=lambda path: seen.append(mode_of(Path(path))))
    assert mode_of(target) == mode
    assert seen == [0o600]


def test_set_user_id_is_not_inherited(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o4755)
    write(tmp_path / "file")
    assert mode_of(tmp_path / "file") == 0o755


def test_open_readers_keep_the_old_file(tmp_path: Path) -> None:
    write(tmp_path / "file", b"old")
    with open(tmp_path / "file", "rb") as reader:
        write(tmp_path / "file")
        assert reader.read() == b"old"


# Which destinations


def test_links_are_followed_to_the_file_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    real = tmp_path / "folder" / "real"
    real.write_bytes(b"old")
    (tmp_path / "middle").symlink_to("folder/real")
    (tmp_path / "link").symlink_to("middle")
    assert write(tmp_path / "link") == str(real)
    assert real.read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()
    assert os.listdir(tmp_path / "folder") == ["real"]


def test_a_link_to_nothing_makes_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    assert write(tmp_path / "link") == str(tmp_path / "real")
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        write(tmp_path / "a")


def test_links_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "twin").hardlink_to(tmp_path / "real")
    for name in ("link", "dangling", "twin", "real"):
        with pytest.raises(TargetRefused):
            write(tmp_path / name, follow_links=False)
    assert (tmp_path / "real").read_bytes() == b"old"
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "twin").unlink()
    write(tmp_path / "real", follow_links=False)
    assert (tmp_path / "real").read_bytes() == b"new"


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, make_socket, lambda path: path.symlink_to("/dev/null")])
def test_what_is_not_a_file_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "target")
    before = os.lstat(tmp_path / "target")
    for options in ({}, {"follow_links": False}):
        with pytest.raises(TargetRefused):
            write(tmp_path / "target", **options)
    assert os.lstat(tmp_path / "target") == before
    assert os.listdir(tmp_path) == ["target"]


def test_devices_are_refused() -> None:
    with pytest.raises(TargetRefused):
        write("/dev/null")


@pytest.mark.parametrize("name", ["", "."])
def test_the_folder_itself_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetRefused):
        write(name)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "no" / "file")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        write(tmp_path / "file" / "file")


def test_an_input_is_no_destination(tmp_path: Path) -> None:
    source, other = tmp_path / "source", tmp_path / "other"
    source.write_bytes(b"data")
    other.write_bytes(b"else")
    (tmp_path / "hard").hardlink_to(source)
    (tmp_path / "soft").symlink_to("source")
    for target in ("source", "hard", "soft"):
        for named in ("source", "hard", "soft"):
            with pytest.raises(TargetRefused, match="one of the inputs"):
                write(tmp_path / target, inputs=[other, tmp_path / "gone", tmp_path / named])
    assert source.read_bytes() == b"data"
    write(other, inputs=[source])
    write(tmp_path / "fresh", inputs=[source])


def test_relative_paths_and_names_that_are_not_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"mod\xff\xfeel")
    assert write(name) == os.path.join(tmp_path, name)
    assert os.listdir(os.fsencode(tmp_path)) == [b"mod\xff\xfeel"]
    os.unlink(name)


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "名" * 85])
def test_the_longest_names(tmp_path: Path, name: str) -> None:
    with recorded() as calls:
        write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert calls.count("replace") == 1


# Only a name that is free


def make_file(path: Path) -> None:
    path.write_bytes(b"theirs")


def make_dangling_link(path: Path) -> None:
    path.symlink_to("elsewhere")


def test_nothing_existing_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    before = sorted(os.listdir(tmp_path))
    for name in before:
        with pytest.raises(FileExistsError):
            write(tmp_path / name, overwrite=False)
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("make", [make_file, make_dangling_link])
def test_a_name_taken_meanwhile_is_not_replaced(tmp_path: Path, make: Callable[[Path], object], links: bool) -> None:
    target = tmp_path / "file"
    with failing(Fault("link", 1 if not links else 100, "EPERM")), pytest.raises(FileExistsError):
        write(target, check=lambda path: make(target), overwrite=False)
    assert os.listdir(tmp_path) == ["file"]
    assert target.is_symlink() or target.read_bytes() == b"theirs"


def test_a_name_reserved_without_links_is_given_back(tmp_path: Path) -> None:
    with failing(Fault("link", 1, "EPERM")):
        syscalls.replace = refuse  # type: ignore[method-assign]
        with pytest.raises(TargetRefused) as caught:
            write(tmp_path / "file", overwrite=False)
    assert os.listdir(tmp_path) == [os.path.basename(caught.value.left_behind or "")]


def refuse(source: str, target: str) -> None:
    raise PermissionError(13, "no")


# Room, and stopping


def test_a_file_larger_than_the_disk_fails_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    status = os.statvfs(tmp_path)
    size = status.f_blocks * status.f_frsize * 2
    with pytest.raises(DiskFull) as caught:
        write_atomically(tmp_path / "file", size=size, fill=lambda out: pytest.fail("nothing should be copied"))
    assert caught.value.path == str(tmp_path / "file")
    assert caught.value.left_behind is None
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_phases(tmp_path: Path) -> None:
    phases: list[str] = []
    report = Reporter(lambda name, done, total: phases.append(name))

    def fill(out: OutputFile) -> None:
        report.phase("copy", 3)
        out.write_at(0, b"new")
        report.advance(3)

    write_atomically(tmp_path / "file", size=3, fill=fill, reporter=report)
    assert phases == ["reserve", "copy", "copy", "check", "publish"]


def test_cancelling_counts_until_the_data_go_to_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    asked = 0

    def run(stop_at: int) -> list[str]:
        nonlocal asked
        asked = 0

        def cancel() -> bool:
            nonlocal asked
            asked += 1
            return asked == stop_at

        report = Reporter(None, cancel)

        def fill(out: OutputFile) -> None:
            for at in range(20):
                out.write_at(at, b"n")
                report.advance(1)

        with recorded() as calls:
            write_atomically(tmp_path / "file", size=20, fill=fill, reporter=report)
        return calls

    for stop_at in range(1, 24):
        with pytest.raises(Cancelled):
            run(stop_at)
        assert asked == stop_at
        assert (tmp_path / "file").read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["file"]
    run(24)
    assert asked == 23
    assert (tmp_path / "file").read_bytes() == b"n" * 20
