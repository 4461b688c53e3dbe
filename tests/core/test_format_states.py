"""A bundle and a dictionary do the same, whatever is done to them in whatever order."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from apbundle import BundleConfig, ModelBundle
from apbundle.errors import BundleError
from apbundle.format.reader import BundleReader
from support.faults import Fault, failing, without_fsync


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


def contents(made: ModelBundle) -> dict[str, bytes]:
    return {name: bytes(made.get_model(name)) for name in made}


class Bundles(RuleBasedStateMachine):
    """A bundle and a dictionary do the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.made = ModelBundle(created_at=1)
        self.expected: dict[str, bytes] = {}
        self.saved: dict[str, bytes] | None = None
        self.number = 0

    @rule(data=st.binary(max_size=300), compress=st.booleans(), large=st.booleans())
    def add(self, data: bytes, compress: bool, large: bool) -> None:
        name = f"m{self.number}"
        self.number += 1
        data = data * 50 if large else data
        self.made.add_model(name, data, compress=compress)
        self.expected[name] = data

    @precondition(lambda self: self.expected)
    @rule()
    def add_again(self) -> None:
        with pytest.raises(BundleError):
            self.made.add_model(next(iter(self.expected)), b"")

    @rule(alignment=st.sampled_from([1, 64, 4096]), digest=st.sampled_from(["xxh3-128", "sha256", None]))
    def save(self, alignment: int, digest: str | None) -> None:
        self.made.save(self.folder / "x", BundleConfig(alignment=alignment, digest=digest))
        self.saved = dict(self.expected)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def save_again(self) -> None:
        self.made.save()
        self.saved = dict(self.expected)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def fail_to_save(self) -> None:
        self.made.add_model(f"m{self.number}", b"lost?")
        self.expected[f"m{self.number}"] = b"lost?"
        self.number += 1
        with failing(Fault("fsync", 1, "EIO")), pytest.raises(OSError, match=r"."):
            self.made.save()

    @precondition(lambda self: self.saved is not None)
    @rule(mapped=st.booleans())
    def reload(self, mapped: bool) -> None:
        assert self.saved is not None
        self.made.close()
        self.made = ModelBundle.load(self.folder / "x", mapped=mapped)
        self.expected = dict(self.saved)

    @invariant()
    def same(self) -> None:
        assert self.made.model_names == list(self.expected)
        assert contents(self.made) == self.expected

    @invariant()
    def file_is_whole(self) -> None:
        if self.saved is not None:
            with BundleReader.open(self.folder / "x") as reader:
                assert reader.read_all_models() == self.saved
            assert os.listdir(self.folder) == ["x"]

    def teardown(self) -> None:
        self.made.close()
        shutil.rmtree(self.folder)


TestBundles = Bundles.TestCase
TestBundles.settings = settings(max_examples=30, stateful_step_count=20)
