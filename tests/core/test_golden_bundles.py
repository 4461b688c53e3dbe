"""The reference's bundles, and those of an independent writer: every value read, every byte written again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from apbundle import BundleConfig, ModelBundle, ModelMetadata
from apbundle.format.verify import verify
from support.opened import codes
from support.reference_reader import read_reference

FOLDER = Path(__file__).parent.parent / "golden"
CASES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.with_suffix(".json").read_text()) for path in sorted(FOLDER.glob("*.apbundle"))
}
PLAIN = [name for name in CASES if not name.startswith("ext_")]
EXTENDED = [name for name in CASES if name.startswith("ext_")]
SAME_ZSTD = [name for name in EXTENDED if name != "ext_compressed"]


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.apbundle"


def test_they_are_all_here() -> None:
    assert set(PLAIN) == {"empty", "many", "shell_segments", "three_models", "unicode"}
    assert set(EXTENDED) == {"ext_compressed", "ext_metadata", "ext_placement", "ext_sha256"}


@pytest.mark.parametrize("name", CASES)
def test_every_value_is_read(name: str) -> None:
    expected = CASES[name]
    assert hashlib.sha256(path_of(name).read_bytes()).hexdigest() == expected["file_sha256"]
    with ModelBundle.load(path_of(name)) as bundle:
        assert bundle.created_at == expected["created_at"]
        assert bundle.description == expected["description"]
        assert bundle.file_size == expected["file_size"] == path_of(name).stat().st_size
        assert bundle.data_offset == expected["data_offset"]
        assert bundle.reader.version == expected["format_version"]
        assert bundle.extension_error is None
        assert bundle.model_names == [model["name"] for model in expected["models"]]
        for entry, model in zip(bundle.manifest, expected["models"], strict=True):
            assert (entry.name, entry.size, entry.offset) == (model["name"], model["size"], model["offset"])
            raw = bundle.get_model(entry.name)
            assert raw.readonly
            assert hashlib.sha256(raw).hexdigest() == model.get("sha256", model.get("sha256_raw"))
            assert bytes(raw) == bundle.reader.read_model(entry.name)


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_bundle_says_that_it_has_no_checksums(name: str) -> None:
    with ModelBundle.load(path_of(name)) as bundle:
        assert [finding.code for finding in bundle.warnings] == ["no_checksums"]
        assert bundle.alignment == 1
        assert bundle.verify().status == "no_checksums"
        for model in bundle:
            entry = bundle.entry(model)
            assert entry.metadata == ModelMetadata(custom={"size": str(entry.size)})
            assert entry.digest is None
            assert not entry.compressed


@pytest.mark.parametrize("name", EXTENDED)
def test_every_value_of_an_extension_is_read(name: str) -> None:
    expected = CASES[name]
    metadata = expected["metadata"] or {}
    with ModelBundle.load(path_of(name)) as bundle:
        assert codes(bundle.reader) == expected["warnings"] == []
        assert bundle.warnings == ()
        assert bundle.alignment == expected["alignment"]
        assert bundle.metadata == metadata.get("bundle", {})
        for model in expected["models"]:
            entry = bundle.entry(model["name"])
            assert entry.raw_size == model["raw_size"]
            assert entry.compressed is model["compressed"]
            assert entry.digest is not None
            assert (entry.digest.algorithm, entry.digest.hex) == (expected["digest_algorithm"], model["digest"])
            fields = metadata.get("models", {}).get(entry.name)
            made = ModelMetadata(**fields) if fields else ModelMetadata.fresh(entry.raw_size)
            assert entry.metadata == made == bundle.get_metadata(entry.name)
        report = verify(bundle.reader)
        assert report.status == expected["verify"] == "verified"
        assert report.sound_models == tuple(bundle.model_names)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_writes_what_the_reference_writes(tmp_path: Path, name: str) -> None:
    with ModelBundle.load(path_of(name)) as bundle:
        bundle.write(tmp_path / "again", BundleConfig(plain=True))
        builder = ModelBundle.builder(tmp_path / "built").with_config(BundleConfig(plain=True))
        builder.with_description(bundle.description).with_created_at(bundle.created_at)
        for model in bundle:
            builder.add_model(model, bundle.get_model(model))
        builder.build().close()
    assert (tmp_path / "again").read_bytes() == path_of(name).read_bytes()
    assert (tmp_path / "built").read_bytes() == path_of(name).read_bytes()


@pytest.mark.parametrize("name", EXTENDED)
def test_saving_writes_the_same_bytes_again(tmp_path: Path, name: str) -> None:
    with ModelBundle.load(path_of(name)) as bundle:
        bundle.write(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path_of(name).read_bytes()


def build_again(name: str, path: Path) -> None:
    """Build a golden bundle from its models and its description alone."""
    expected = CASES[name]
    metadata = expected["metadata"] or {}
    config = BundleConfig(alignment=expected["alignment"], digest=expected["digest_algorithm"])
    builder = ModelBundle.builder(path).with_config(config)
    builder.with_description(expected["description"]).with_created_at(expected["created_at"])
    builder.with_metadata(metadata.get("bundle", {}))
    with ModelBundle.load(path_of(name)) as bundle:
        for model in expected["models"]:
            fields = metadata.get("models", {}).get(model["name"])
            builder.add_model(
                model["name"],
                bytes(bundle.get_model(model["name"])),
                metadata=ModelMetadata(**fields) if fields else None,
                compress=model["compressed"],
            )
    builder.build().close()


@pytest.mark.parametrize("name", SAME_ZSTD)
def test_the_same_options_build_the_same_bytes(tmp_path: Path, name: str) -> None:
    build_again(name, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path_of(name).read_bytes()


def test_the_compressed_one_is_built_with_the_same_content(tmp_path: Path) -> None:
    name = "ext_compressed"
    build_again(name, tmp_path / "again")
    with ModelBundle.load(tmp_path / "again") as again, ModelBundle.load(path_of(name)) as bundle:
        assert again.data_offset == bundle.data_offset
        assert again.verify().status == "verified"
        for ours, theirs in zip(again.manifest, bundle.manifest, strict=True):
            assert ours.name == theirs.name
            assert ours.metadata == theirs.metadata
            assert ours.raw_size == theirs.raw_size
            assert bool(ours.compression) is bool(theirs.compression)
            assert again.get_model(ours.name) == bundle.get_model(ours.name)
            if ours.compression and theirs.compression:
                assert ours.compression.chunk == theirs.compression.chunk
                assert len(ours.compression.ends) == len(theirs.compression.ends)


@pytest.mark.parametrize("name", CASES)
def test_the_reference_reads_the_same(name: str) -> None:
    view = read_reference(path_of(name))
    with ModelBundle.load(path_of(name)) as bundle:
        assert list(view.models) == bundle.model_names
        assert (view.created_at, view.description) == (bundle.created_at, bundle.description)
        for entry in bundle.manifest:
            assert view.places[entry.name] == (entry.size, entry.offset)
            if not entry.compressed:
                assert view.models[entry.name] == bundle.get_model(entry.name)


@pytest.mark.parametrize("name", PLAIN)
def test_giving_a_plain_bundle_an_extension_keeps_what_it_held(tmp_path: Path, name: str) -> None:
    with ModelBundle.load(path_of(name)) as bundle:
        bundle.write(tmp_path / "more", BundleConfig(alignment=4096))
        with ModelBundle.load(tmp_path / "more") as more:
            assert more.verify().status == "verified"
            assert more.warnings == ()
            assert {model: bytes(more.get_model(model)) for model in more} == bundle.reader.read_all_models()
            more.write(tmp_path / "back", BundleConfig(plain=True))
    assert (tmp_path / "back").read_bytes() == path_of(name).read_bytes()
