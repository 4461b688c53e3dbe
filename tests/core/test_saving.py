"""What a bundle becomes when it is written or pickled, and what is refused before anything is."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apbundle import BundleConfig, BundleError, ModelBundle
from support.faults import without_fsync


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with without_fsync():
        config = BundleConfig(alignment=4096, digest="sha256")
        ModelBundle.builder(tmp_path / "a.apbundle").with_config(config).add_model("m", b"x" * 100).build().close()
    return tmp_path / "a.apbundle"


def test_manifest_with_models_added_is_the_one_that_is_saved(path: Path) -> None:
    with ModelBundle.load(path) as bundle:
        planned = bundle.add_model("n", b"y" * 100).manifest
        with without_fsync():
            bundle.save()
        assert bundle.manifest.to_bytes() == planned.to_bytes()
        assert planned.offsets == [0, 4096]


def set_and_save(**wrong: Any) -> Callable[[ModelBundle], Any]:
    def save(bundle: ModelBundle) -> None:
        for name, value in wrong.items():
            setattr(bundle, name, value)
        bundle.save()

    return save


WRONG: dict[str, Callable[[ModelBundle], Any]] = {
    "description": set_and_save(description=None),
    "metadata": set_and_save(metadata={1: "a"}),
    "config": lambda bundle: bundle.save(config={"digest": "sha256"}),  # type: ignore[arg-type]
    "metadata of a model": lambda bundle: bundle.add_model("n", b"", metadata={"version": "1"}),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_of_a_wrong_type_is_told_before_anything_is_written(path: Path, what: str) -> None:
    before = path.read_bytes()
    with ModelBundle.load(path) as bundle, pytest.raises(TypeError, match=f"^{what.split()[0]} "):
        WRONG[what](bundle)
    assert path.read_bytes() == before
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_pickled_bundle_insists_on_its_file(path: Path) -> None:
    with ModelBundle.load(path) as bundle:
        frozen = pickle.dumps(bundle)
    with pytest.raises(BundleError) as closed:
        pickle.dumps(bundle)
    assert closed.value.code == "closed"
    with without_fsync():
        ModelBundle.builder(path).build().close()
    with pytest.raises(BundleError) as changed:
        pickle.loads(frozen)
    assert changed.value.code == "changed_on_disk"


@pytest.mark.parametrize("compress", [False, True])
def test_an_input_is_never_written_over(tmp_path: Path, compress: bool) -> None:
    given = tmp_path / "weights.bin"
    given.write_bytes(b"precious" * 100)
    with pytest.raises(BundleError) as refused, without_fsync():
        ModelBundle.builder(given).add_model("m", given, compress=compress).build()
    assert refused.value.code == "target_refused"
    assert given.read_bytes() == b"precious" * 100
    assert [child.name for child in tmp_path.iterdir()] == [given.name]
