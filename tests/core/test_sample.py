"""The sample bundle that ships is sound, small, and what its script makes today."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from apbundle import ModelBundle

FROM_FORMULAS = ("gabor-filters", "edge-kernels", "mel-filters", "positions", "licence-bigrams")


@pytest.fixture
def shipped(root: Path) -> Iterator[ModelBundle]:
    with ModelBundle.load(root / "resources" / "sample.apbundle") as bundle:
        yield bundle


@pytest.fixture(scope="module")
def remade_path(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.apbundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(root / "resources"), *sys.path])
        import make_sample

        make_sample.make(path).close()
    return path


@pytest.fixture
def remade(remade_path: Path) -> Iterator[ModelBundle]:
    with ModelBundle.load(remade_path) as bundle:
        yield bundle


def test_sample_is_sound_and_small(shipped: ModelBundle) -> None:
    assert shipped.verify().status == "verified"
    assert not shipped.warnings
    assert shipped.extension_error is None
    assert shipped.file_size < 1_000_000
    assert 10 <= len(shipped.model_names) <= 16


def test_every_model_of_the_sample_says_what_it_is_for(shipped: ModelBundle) -> None:
    for name in shipped.model_names:
        metadata = shipped.get_metadata(name)
        assert metadata.version
        assert metadata.architecture
        assert metadata.custom["task"]


def test_sample_is_what_its_script_makes(shipped: ModelBundle, remade: ModelBundle) -> None:
    assert remade.description == shipped.description
    assert remade.created_at == shipped.created_at
    assert remade.model_names == shipped.model_names
    for name in shipped.model_names:
        ours, theirs = remade.entry(name), shipped.entry(name)
        assert ours.raw_size == theirs.raw_size
        assert ours.metadata.hyperparameters == theirs.metadata.hyperparameters


@pytest.mark.parametrize("name", FROM_FORMULAS)
def test_formulas_give_the_shipped_arrays(shipped: ModelBundle, remade: ModelBundle, name: str) -> None:
    ours, theirs = remade.arrays(name), shipped.arrays(name)
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        np.testing.assert_allclose(array, theirs[key], rtol=1e-5, atol=1e-6)  # another processor may round otherwise
