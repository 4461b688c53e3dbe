"""How models come out of a loaded bundle when something stands in the way."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import apbundle.bundle
from apbundle import BundleConfig, BundleError, ModelBundle, PagedBundle, PagingConfig
from apbundle.errors import LimitExceeded
from apbundle.fileio import InputFile
from apbundle.format.sources import FileSource
from apbundle.inputs import read_whole
from support.faults import without_fsync


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[ModelBundle]:
    with without_fsync():
        made = ModelBundle.builder(tmp_path / "a.apbundle").add_model("m", b"x" * 100).build()
    with made:
        yield made


def test_no_address_space_for_a_map(bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(apbundle.bundle.FileMap):
        def __init__(self, file: InputFile) -> None:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(apbundle.bundle, "FileMap", Refused)
    assert bundle.get_model("m") == b"x" * 100


@pytest.mark.parametrize(("data", "said"), [(b"x" * 100, "format is not known"), (b"GGUF" * 10, "GGUF version")])
def test_arrays_of_something_else(data: bytes, said: str) -> None:
    with pytest.raises(BundleError, match=said) as caught:
        ModelBundle().add_model("m", data).arrays("m")
    assert caught.value.code == "unsupported_feature"


def test_no_memory_for_a_file_that_was_added(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    source = FileSource(tmp_path / "x")
    source.size = sys.maxsize
    with pytest.raises(LimitExceeded):
        read_whole(source)


def test_settings_of_a_bundle_reach_the_pager(bundle: ModelBundle) -> None:
    config = BundleConfig(max_memory=5000, page_size=1024, prefetch=False)
    with PagedBundle.open(bundle.reader.path, config.paging()) as paged:
        assert paged.max_memory == 5000
        assert paged.config == PagingConfig(max_memory=5000, page_size=1024, prefetch="off")
    assert BundleConfig().paging() == PagingConfig()
