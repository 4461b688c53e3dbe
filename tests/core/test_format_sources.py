"""Inputs of a bundle: buffers, files and other bundles, none of which may change while it is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apbundle.errors import BundleError
from apbundle.fileio import InputFile
from apbundle.format.reader import BundleReader
from apbundle.format.sources import BuffersSource, FileSource, ModelSource, NewModel, StoredSource
from apbundle.format.verify import verify
from apbundle.format.writer import WriteOptions, write_bundle
from support.faults import without_fsync
from support.forge import bundle, digest_section, entry, patched, sealed
from support.opened import opened

MIB = 1 << 20
OLD = b"what was there before"


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A destination, with something there already, in a folder of its own."""
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "target.apbundle"
    path.write_bytes(OLD)
    return path


def model(name: str, data: bytes = b"data") -> NewModel:
    return NewModel(name, BuffersSource([memoryview(data)]))


def untouched(target: Path) -> bool:
    """Whether the destination is as it was and alone."""
    return target.read_bytes() == OLD and os.listdir(target.parent) == [target.name]


# What happens to an input, and when: at which of the questions whether to cancel.
def shrinks(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def grows(path: Path) -> None:
    os.truncate(path, path.stat().st_size + 1)


def is_rewritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"!")
    os.utime(path, ns=(1, 1))


def vanishes(path: Path) -> None:
    path.unlink()


def is_replaced(path: Path) -> None:
    (path.parent / "other").write_bytes(bytes(path.stat().st_size))
    os.replace(path.parent / "other", path)


def becomes_a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES = [shrinks, grows, is_rewritten, vanishes, is_replaced, becomes_a_fifo]
IN_PLACE = [shrinks, grows, is_rewritten]


@pytest.mark.parametrize("change", CHANGES)
def test_an_input_that_changes_before_it_is_read(tmp_path: Path, target: Path, change: Callable[[Path], None]) -> None:
    path = tmp_path / "input"
    path.write_bytes(bytes(100))
    models = [model("a"), NewModel("b", FileSource(path))]
    change(path)
    with pytest.raises(BundleError) as caught:
        write_bundle(target, models, WriteOptions())
    assert (caught.value.code, caught.value.path) == ("source_changed", str(path))
    assert untouched(target)


@pytest.mark.parametrize("change", IN_PLACE)
@pytest.mark.parametrize("compress", [False, True])
def test_an_input_that_changes_while_it_is_read(
    tmp_path: Path, target: Path, change: Callable[[Path], None], compress: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "input"
    read_into = InputFile.read_into
    for number in range(3):
        path.write_bytes(bytes(9 * MIB))
        source = FileSource(path)
        reads = 0

        def read_and_change(self: InputFile, *arguments: object, number: int = number, **options: object) -> None:
            nonlocal reads
            if self.path == str(path):
                if reads == number:
                    change(path)
                reads += 1
            read_into(self, *arguments, **options)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(InputFile, "read_into", read_and_change)
            with pytest.raises(BundleError) as caught:
                write_bundle(target, [NewModel("b", source, compress=compress)], WriteOptions())
        assert (caught.value.code, caught.value.path) == ("source_changed", str(path))
        assert untouched(target)


def test_an_input_that_is_removed_while_it_is_open_is_still_read(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(bytes(5 * MIB))

    class Removing(FileSource):
        def read_into(self, offset: int, buffer: memoryview) -> None:
            if path.exists():
                path.unlink()
            super().read_into(offset, buffer)

    write_bundle(target, [NewModel("a", Removing(path))], WriteOptions())
    with BundleReader.open(target) as reader:
        assert reader.entry("a").size == 5 * MIB


def test_what_is_no_file_is_no_input(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", tmp_path / "none", "/dev/zero"):
        with pytest.raises(OSError, match=r"."):
            FileSource(path)


class Broken:
    """An input whose reading fails."""

    path = None
    size = 10

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.closed = 0

    def open(self) -> None: ...

    def close(self) -> None:
        self.closed += 1
        raise RuntimeError("not the one to tell")

    def read_into(self, offset: int, buffer: memoryview) -> None:
        raise self.error


@pytest.mark.parametrize("error", [OSError(5, "I/O error"), MemoryError(), KeyboardInterrupt(), ValueError("x")])
def test_an_input_that_cannot_be_read(target: Path, error: BaseException) -> None:
    source: ModelSource = Broken(error)
    for compress in (False, True):
        with pytest.raises(type(error)) as caught:
            write_bundle(target, [model("a"), NewModel("b", source, compress=compress)], WriteOptions())
        assert caught.value is error
        assert untouched(target)


@pytest.mark.parametrize(
    "parts", [[], [b""], [b"", b"", b""], [b"abc"], [b"", b"a", b"", b"", b"bcd", b""], [b"x" * 50, b"y"]]
)
def test_buffers_follow_each_other(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    source = BuffersSource([memoryview(part) for part in parts])
    source.open()
    assert source.size == len(whole)
    for begin in range(len(whole) + 1):
        for end in range(begin, len(whole) + 1):
            buffer = bytearray(end - begin)
            source.read_into(begin, memoryview(buffer))
            assert buffer == whole[begin:end]
    source.close()


def saved(folder: Path, raw: bytes, target: Path, *, compress: bool = False) -> None:
    with opened(folder, raw) as reader:
        models = [
            NewModel(e.name, StoredSource(reader, e), e.metadata, compress, e.compression) for e in reader.manifest
        ]
        write_bundle(target, models, WriteOptions())


@pytest.mark.parametrize("compress", [False, True])
def test_copying_from_a_bundle_never_seals_damage(tmp_path: Path, target: Path, compress: bool) -> None:
    models = [("a", b"0123456789"), ("b", b"abc"), ("none", b"")]
    for raw in (sealed(models), bundle(models), bundle(models, sections=[digest_section(models)])):
        saved(tmp_path, raw, target, compress=compress)
        with BundleReader.open(target) as reader:
            assert reader.read_all_models() == dict(models)
            assert verify(reader).status == "verified"
        target.write_bytes(OLD)
    for at in (-1, -4):
        raw = sealed(models)
        damaged = patched(raw, len(raw) + at, b"!")
        with pytest.raises(BundleError) as caught:
            saved(tmp_path, damaged, target, compress=compress)
        assert caught.value.code == "checksum_mismatch"
        assert caught.value.path == str(tmp_path / "case.apbundle")
        assert untouched(target)


def test_a_bundle_that_changes_while_it_is_copied(tmp_path: Path, target: Path) -> None:
    with opened(tmp_path, bundle([], entries=[entry("a", 100, 0)], data=bytes(100))) as reader:
        models = [NewModel(e.name, StoredSource(reader, e)) for e in reader.manifest]
        os.utime(reader.path, ns=(1, 1))
        with pytest.raises(BundleError) as caught:
            write_bundle(target, models, WriteOptions())
    assert caught.value.code == "changed_on_disk"
    assert untouched(target)
