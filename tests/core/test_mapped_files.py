"""The reference's two kinds of mapped file: what they give, what they keep, what they refuse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apbundle.errors import BundleClosed, ChangedOnDisk
from apbundle.fileio import NotRegularFile
from apbundle.mapping import MappedFile, MappedRegion, MemoryMappedFile

SIZE = 41_060
CONTENT = bytes(range(256)) * (SIZE // 256 + 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(CONTENT[:SIZE])
    return path


def test_mapped_file(path: Path):
    with MappedFile.open(path) as mapped:
        assert (mapped.size, len(mapped), mapped.path) == (SIZE, SIZE, str(path))
        assert mapped.as_slice() == CONTENT[:SIZE]
        assert mapped.as_slice().readonly
        assert mapped.slice(3, 7) == CONTENT[3:7]
        assert mapped.slice(SIZE, SIZE) == b""
        mapped.advise_sequential()
        mapped.advise_random()
        view = mapped.slice(0, 4)
        assert repr(mapped) == f"MappedFile({str(path)!r}, size={SIZE})"
    assert view == CONTENT[:4]
    assert mapped.closed
    for use in (mapped.as_slice, mapped.advise_random, lambda: mapped.slice(0, 0)):
        with pytest.raises(BundleClosed):
            use()
    mapped.close()


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (2, 1), (0, SIZE + 1), (SIZE + 1, SIZE + 1)])
def test_slices_outside_are_wrong_use(path: Path, start: int, end: int):
    with MappedFile.open(path) as mapped, pytest.raises(ValueError, match="not inside a file"):
        mapped.slice(start, end)
    with pytest.raises(ValueError, match="not inside a region"):
        MappedRegion(CONTENT[:SIZE], 5).slice(start, end)


def test_a_changed_file_gives_no_more_slices(path: Path):
    with MappedFile.open(path) as mapped, MemoryMappedFile.open(path) as regions:
        os.truncate(path, SIZE - 1)
        with pytest.raises(ChangedOnDisk):
            mapped.slice(0, 1)
        with pytest.raises(ChangedOnDisk):
            regions.map_region(0, 1)
        with pytest.raises(ChangedOnDisk):
            regions.read_at(0, 1)


@pytest.mark.parametrize("kind", [MappedFile, MemoryMappedFile])
def test_only_regular_files(kind: type[MappedFile] | type[MemoryMappedFile], tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "."):
        with pytest.raises(NotRegularFile):
            kind.open(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        kind.open(tmp_path / "missing")


def test_regions_are_kept(path: Path):
    with MemoryMappedFile.open(path) as file:
        assert (file.size, file.path, file.cached_regions, file.cached_bytes) == (SIZE, str(path), 0, 0)
        region = file.map_region(10, 20)
        assert (region.offset, len(region)) == (10, 20)
        assert region.as_slice() == CONTENT[10:30]
        assert region.as_slice().readonly
        assert region.slice(1, 3) == CONTENT[11:13]
        assert file.map_region(10, 20) is region
        assert file.map_region(10, 5) is region  # a longer one serves
        longer = file.map_region(10, 21)
        assert longer is not region
        assert file.map_region(0, 0).as_slice() == b""
        assert (file.cached_regions, file.cached_bytes) == (3, 41)
        assert file.read_at(SIZE - 1, 1) == CONTENT[SIZE - 1 : SIZE]
        assert file.cached_regions == 3
        assert repr(file) == f"MemoryMappedFile({str(path)!r}, size={SIZE}, cached_regions=3)"
        file.clear_cache()
        assert (file.cached_regions, file.cached_bytes) == (0, 0)
        assert region.slice(0, 1) == CONTENT[10:11]
        assert repr(region) == "MappedRegion(offset=10, size=20)"
        file.map_region(0, 1)
    assert file.closed
    assert file.cached_regions == 0
    with pytest.raises(BundleClosed):
        file.map_region(0, 1)
    with pytest.raises(BundleClosed):
        file.read_at(0, 1)


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, SIZE + 1), (SIZE, 1), (1 << 70, 0)])
def test_regions_outside_are_wrong_use(path: Path, offset: int, length: int):
    with MemoryMappedFile.open(path) as file:
        file.map_region(0, 5)
        for read in (file.map_region, file.read_at):
            with pytest.raises(ValueError, match="not inside"):
                read(offset, length)
        assert file.cached_regions == 1
