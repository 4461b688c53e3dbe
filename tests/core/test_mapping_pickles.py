"""Mapped files that are pickled: they open their file again, and insist on its content."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from apbundle.errors import BundleClosed, ChangedOnDisk
from apbundle.mapping import MappedFile, MemoryMappedFile

CONTENT = bytes(range(256)) * 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("kind", [MappedFile, MemoryMappedFile])
def test_unpickled_it_insists_on_its_file(path: Path, kind: type[MappedFile | MemoryMappedFile]) -> None:
    with kind.open(path) as mapped:
        frozen = pickle.dumps(mapped)
    with pickle.loads(frozen) as again:
        piece = again.slice(1, 9) if isinstance(again, MappedFile) else again.read_at(1, 8)
        assert piece == CONTENT[1:9]
    path.write_bytes(CONTENT[1:])
    with pytest.raises(ChangedOnDisk):
        pickle.loads(frozen)


def test_a_closed_mapped_file_is_not_pickled(path: Path) -> None:
    mapped = MappedFile.open(path)
    mapped.close()
    with pytest.raises(BundleClosed):
        pickle.dumps(mapped)
