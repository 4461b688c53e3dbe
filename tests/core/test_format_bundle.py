"""Bundles as objects: what goes in comes out, saving loses nothing, and no state is half changed."""

from __future__ import annotations

import os
import pickle
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apbundle import BundleConfig, BundleWriter, ModelBundle, ModelMetadata
from apbundle.errors import BundleError
from apbundle.format import layout
from support.faults import Fault, failing, without_fsync
from support.forge import CREATED_AT, bundle, digest_section, patched, sealed, section, u32
from support.reference_reader import read_reference


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my.apbundle"


def contents(made: ModelBundle) -> dict[str, bytes]:
    return {name: bytes(made.get_model(name)) for name in made}


def test_the_example_of_the_reference(path: Path) -> None:
    made = (
        ModelBundle.builder(path)
        .add_model("classifier", b"weights")
        .add_model(
            "encoder",
            b"more weights",
            version="1.0",
            architecture="transformer",
            hyperparameters={"layers": "12"},
            custom={"author": "me"},
        )
        .build()
    )
    with made:
        assert made.model_names == ["classifier", "encoder"]
        assert made.total_size == 19
        assert made.get_model("classifier") == b"weights"
        assert made.get_metadata("encoder") == ModelMetadata("1.0", "transformer", {"layers": "12"}, {"author": "me"})
        assert made.get_metadata("classifier") == ModelMetadata(custom={"size": "7"})
        assert made.verify().status == "verified"
        assert made.entry("encoder").digest is not None
        assert made.path == str(path)
        assert len(made) == 2
        assert list(made) == ["classifier", "encoder"]
        assert "encoder" in made
        assert "other" not in made
        assert repr(made) == f"ModelBundle({str(path)!r}, 2 models)"
    assert repr(made) == f"ModelBundle({str(path)!r}, 2 models, closed)"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"bytes", b"bytes"),
        (bytearray(b"array"), b"array"),
        (memoryview(b"view")[1:3], b"ie"),
        (memoryview(b"strided")[::2], b"srdd"),
        (memoryview(b"backward")[::-1], b"drawkcab"),
        (memoryview(np.arange(3, dtype=">i2")), bytes([0, 0, 0, 1, 0, 2])),
        (memoryview(np.arange(6, dtype="<u2").reshape(2, 3)), bytes([0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0])),
        (memoryview(np.array([(1, 2)], dtype=[("a", "u1"), ("b", "u1")])), bytes([1, 2])),
        (memoryview(np.empty((0, 3), "f4")), b""),
        (memoryview(b""), b""),
        (b"", b""),
    ],
)
def test_buffers_of_all_kinds(path: Path, data: Any, expected: bytes) -> None:
    with ModelBundle.builder(path).add_model("m", data).build() as made:
        assert made.get_model("m") == expected
    unsaved = ModelBundle().add_model("m", data)
    assert unsaved.get_model("m") == expected
    assert unsaved.get_model("m").readonly


def test_files_are_stored_as_they_stand(tmp_path: Path, path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"from a file")
    for given in (file, str(file)):
        with ModelBundle.builder(path).add_model("m", given).build() as made:
            assert made.get_model("m") == b"from a file"
    assert ModelBundle().add_model("m", file).get_model("m") == b"from a file"


@pytest.mark.parametrize("data", [None, 1, 1.5, ["x"], {1, 2}, object()])
def test_what_is_no_model(data: Any) -> None:
    with pytest.raises(TypeError, match="a model is bytes"):
        ModelBundle().add_model("m", data)


def test_what_is_no_name_or_no_metadata() -> None:
    made = ModelBundle()
    with pytest.raises(TypeError, match="a name is a string"):
        made.add_model(b"m", b"")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="strings to strings"):
        made.add_model("m", b"", hyperparameters={"layers": 12})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="version must be a string"):
        made.add_model("m", b"", version=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not both"):
        made.add_model("m", b"", version="1", metadata=ModelMetadata())
    assert len(made) == 0


@pytest.mark.parametrize("metadata", [{"a": 1}, {1: "a"}, {"a": None}])
def test_metadata_of_the_bundle_is_text(path: Path, metadata: Any) -> None:
    with pytest.raises(TypeError, match="strings to strings"):
        ModelBundle.builder(path).with_metadata(metadata).build()
    assert not path.exists()


def test_the_creation_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = int(time.time())
    with ModelBundle.builder(path).build() as made:
        assert before <= made.created_at <= int(time.time())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    with ModelBundle.builder(path).add_model("m", b"x").build() as made:
        assert made.created_at == 1_234_567_890
        first = path.read_bytes()
    with ModelBundle.builder(path).add_model("m", b"x").build():
        assert path.read_bytes() == first
    with ModelBundle.builder(path).with_created_at(5).build() as made:
        assert made.created_at == 5
    assert ModelBundle(created_at=7).created_at == 7
    for wrong in ("now", "-1", "1.5", " 1", "٣"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(ValueError, match="SOURCE_DATE_EPOCH"):
            ModelBundle()


def test_saving_keeps_everything(path: Path) -> None:
    models = [("a", b"0123456789"), ("b", b"xyz"), ("none", b"")]
    document = {"bundle": {"k": "v"}, "models": {"b": {"version": "2", "odd": [1]}}, "tool": {"x": 1}}
    raw = sealed(
        models, document=document, others=[section(9, b"nine"), section(2**31, b"")], slack=7, description=b"d"
    )
    path.write_bytes(raw)
    with ModelBundle.load(path) as made:
        made.add_model("new", b"new model", version="3")
        assert made.save() == str(path)
        assert made.model_names == ["a", "b", "none", "new"]
        assert contents(made) == dict(models) | {"new": b"new model"}
        assert made.created_at == CREATED_AT
        assert made.description == "d"
        assert made.metadata == {"k": "v"}
        assert made.get_metadata("b") == ModelMetadata("2", extra={"odd": [1]})
        assert made.get_metadata("new").version == "3"
        extension = made.reader.extension
        assert extension is not None
        assert [(s.tag, s.payload) for s in extension.unknown] == [(9, b"nine"), (2**31, b"")]
        assert extension.extra == {"tool": {"x": 1}}
        assert made.verify().status == "verified"
        assert made.warnings == ()
        saved = path.read_bytes()
        made.save()
        assert path.read_bytes() == saved


def test_changing_what_is_said_of_a_bundle(path: Path) -> None:
    with ModelBundle.builder(path).add_model("m", b"x").build() as made:
        made.description = "new"
        made.created_at = 9
        made.metadata["k"] = "v"
        made.save()
        assert (made.description, made.created_at, made.metadata) == ("new", 9, {"k": "v"})
    view = read_reference(path)
    assert (view.description, view.created_at) == ("new", 9)


def test_saving_over_itself_keeps_views_valid(path: Path) -> None:
    old = os.urandom(3 << 20)
    with ModelBundle.builder(path).add_model("m", old).build() as made:
        view = made.get_model("m")
        for number in range(3):
            made.add_model(f"n{number}", b"x" * number)
            made.save()
            assert view == old
            assert made.get_model("m") == old
        with ModelBundle.load(path) as again:
            assert again.model_names == ["m", "n0", "n1", "n2"]
            assert again.verify().status == "verified"
    assert view[:9] == old[:9]


def test_a_bundle_and_its_copy_go_separate_ways(path: Path, tmp_path: Path) -> None:
    with ModelBundle.builder(path).add_model("m", b"x").build() as made:
        made.add_model("n", b"y")
        copy = tmp_path / "copy"
        assert made.write(copy) == str(copy)
        assert made.path == str(path)
        assert made.reader.manifest.model_names == ["m"]
        with ModelBundle.load(copy) as again:
            assert again.model_names == ["m", "n"]
        made.save(tmp_path / "moved")
        assert made.path == str(tmp_path / "moved")
    assert BundleWriter.create(tmp_path / "third").write_bundle(ModelBundle().add_model("z", b"z")) == str(
        tmp_path / "third"
    )
    assert read_reference(tmp_path / "third").models == {"z": b"z"}


def test_what_is_not_understood_is_not_lost_silently(path: Path) -> None:
    models = [("a", b"0123456789")]
    cases: dict[str, tuple[bytes, str]] = {
        "a tail": (bundle(models, slack=b"tail"), "unsupported_feature"),
        "a tail after a block": (bundle(models, sections=[section(9)], slack=b"tail"), "unsupported_feature"),
        "a damaged block": (patched(bundle(models, sections=[section(9)]), 90, b"!"), "extension_checksum"),
        "bad metadata": (bundle(models, sections=[section(1, b"{")]), "bad_metadata"),
        "a critical section": (bundle(models, sections=[section(9, b"", 1)]), "unsupported_feature"),
    }
    for name, (raw, code) in cases.items():
        path.write_bytes(raw)
        with ModelBundle.load(path) as made:
            made.add_model("b", b"new")
            with pytest.raises(BundleError) as caught:
                made.save()
            assert caught.value.code == code, name
            assert path.read_bytes() == raw
            assert made.model_names == ["a", "b"]


def test_saving_never_seals_damage(path: Path) -> None:
    raw = sealed([("a", b"0123456789"), ("b", b"xyz")])
    damaged = patched(raw, len(raw) - 1, b"!")
    path.write_bytes(damaged)
    with ModelBundle.load(path) as made:
        with pytest.raises(BundleError) as caught:
            made.save()
        assert caught.value.code == "checksum_mismatch"
        assert path.read_bytes() == damaged
        assert made.get_model("a") == b"0123456789"


def test_saving_an_odd_but_sound_bundle(path: Path) -> None:
    for raw in (
        bundle([("", b"1"), ("a\x1b", b"2")], created_at=2**64 - 1),
        bundle([("a", b"1")], slack=bytes(9)),
        bundle([("a", b"1")]) + bytes(5),
        bundle([("a", b"1")], sections=[digest_section([("a", b"1")])]),
        patched(bundle([("a", b"1")]), 20, u32(7)),
    ):
        path.write_bytes(raw)
        with ModelBundle.load(path) as made:
            before = contents(made)
            made.save()
            assert contents(made) == before
            assert made.verify().status == "verified"


def test_a_failed_save_changes_nothing(path: Path) -> None:
    with ModelBundle.builder(path).add_model("m", b"x" * 1000).build() as made:
        before = path.read_bytes()
        made.add_model("n", b"y")
        with failing(Fault("pwrite", 1, "ENOSPC", forever=True)), pytest.raises(BundleError) as caught:
            made.save()
        assert caught.value.code == "disk_full"
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == [path.name]
        assert made.get_model("m") == b"x" * 1000
        assert made.get_model("n") == b"y"
        made.save()
        assert made.reader.manifest.model_names == ["m", "n"]


def test_compressing_and_back(path: Path, tmp_path: Path) -> None:
    data = {"big": b"compress me " * 200_000, "small": b"s"}
    with (
        ModelBundle.builder(path).add_model("big", data["big"], compress=True).add_model("small", b"s").build() as made
    ):
        entry = made.entry("big")
        assert entry.compressed
        assert entry.size < entry.raw_size == len(data["big"])
        assert made.total_size == len(data["big"]) + 1
        assert contents(made) == data
        assert made.get_metadata("big") == ModelMetadata(custom={"size": str(len(data["big"]))})
        made.save()
        assert made.entry("big").compressed
        assert not made.entry("small").compressed
        made.save(tmp_path / "all", BundleConfig(compress=True))
        assert made.entry("small").compressed
        assert contents(made) == data
        assert made.verify().status == "verified"
        with pytest.raises(BundleError) as caught:
            made.save(tmp_path / "plain", BundleConfig(plain=True))
        assert caught.value.code == "unsupported_feature"
        assert not (tmp_path / "plain").exists()


def test_the_manifest_of_a_bundle_not_saved_is_what_will_be_written(path: Path) -> None:
    made = ModelBundle("d", created_at=3).add_model("a", bytes(5000)).add_model("b", b"x", version="1")
    planned = made.manifest
    made.save(path)
    assert [(e.name, e.size, e.offset) for e in planned] == [(e.name, e.size, e.offset) for e in made.manifest]
    assert (planned.description, planned.created_at) == ("d", 3)
    made.close()


def test_a_bundle_in_memory(path: Path) -> None:
    made = ModelBundle("d").add_model("a", b"1")
    assert made.path is None
    assert made.warnings == ()
    assert made.extension_error is None
    assert not made.closed
    assert repr(made) == "ModelBundle(in memory, 1 models)"
    for call in (lambda: made.file_size, lambda: made.data_offset, made.verify, made.fields, lambda: made.alignment):
        with pytest.raises(BundleError) as caught:
            call()
        assert caught.value.code == "closed"
    with pytest.raises(ValueError, match="say where to save"):
        made.save()
    with pytest.raises(BundleError) as caught:
        made.get_model("b")
    assert caught.value.code == "model_not_found"
    with pytest.raises(BundleError) as caught:
        made.add_model("a", b"2")
    assert caught.value.code == "duplicate_name"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(made)
    made.close()
    assert made.get_model("a") == b"1"


def test_after_closing(path: Path) -> None:
    made = ModelBundle.builder(path).add_model("m", b"x" * 5000).build()
    view = made.get_model("m")
    made.close()
    made.close()
    assert made.closed
    assert view == b"x" * 5000
    calls: list[Callable[[], object]] = [
        lambda: made.get_model("m"),
        lambda: made.add_model("n", b""),
        lambda: made.entry("m"),
        made.save,
        made.verify,
        made.fields,
        lambda: made.reader,
        lambda: made.file_size,
        lambda: made.manifest,
        lambda: made.extract(None, path.parent),
    ]
    for call in calls:
        with pytest.raises(BundleError) as caught:
            call()
        assert caught.value.code == "closed"
    with made as same:
        assert same is made


@pytest.mark.parametrize("mapped", [True, False])
def test_pickling_opens_the_file_again(path: Path, mapped: bool) -> None:
    ModelBundle.builder(path).add_model("m", b"x").build().close()
    with ModelBundle.load(path, mapped=mapped) as made:
        with pickle.loads(pickle.dumps(made)) as again:
            assert again.get_model("m") == b"x"
        made.add_model("n", b"y")
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(made)


@pytest.mark.parametrize("mapped", [True, False])
def test_a_file_that_changes_gives_no_models(path: Path, mapped: bool) -> None:
    data = bytes(range(256)) * 100
    for change in (lambda: os.truncate(path, 300), lambda: os.utime(path, ns=(1, 1))):
        ModelBundle.builder(path).add_model("m", data).build().close()
        with ModelBundle.load(path, mapped=mapped) as made:
            assert made.get_model("m") == data
            change()
            for call in (lambda: made.get_model("m"), made.verify, made.save):
                with pytest.raises(BundleError) as caught:
                    call()
                assert caught.value.code == "changed_on_disk"


def test_models_of_a_file_that_another_one_replaced(path: Path, tmp_path: Path) -> None:
    with ModelBundle.builder(path).add_model("m", b"first").build() as made:
        ModelBundle.builder(path).add_model("m", b"second").build().close()
        assert made.get_model("m") == b"first"
        with ModelBundle.load(path) as again:
            assert again.get_model("m") == b"second"
        shutil.rmtree(tmp_path)
        assert made.get_model("m") == b"first"
        tmp_path.mkdir()


def test_settings_of_a_bundle() -> None:
    made = BundleConfig()
    assert (made.compress, made.max_memory, made.page_size, made.prefetch) == (False, 100 << 20, 4096, True)
    assert (made.alignment, made.digest, made.plain) == (64, "xxh3-128", False)
    assert BundleConfig(max_memory=0, page_size=0).max_memory == 4096
    assert BundleConfig(max_memory=-5, page_size=1).page_size == 512
    for wrong in ({"alignment": 0}, {"alignment": 48}, {"alignment": 2 << 20}, {"digest": "md5"}):
        with pytest.raises(ValueError, match=r"must be"):
            BundleConfig(**wrong)  # type: ignore[arg-type]
    for wrong in ({"max_memory": "1"}, {"page_size": 1.5}, {"alignment": True}):
        with pytest.raises(TypeError, match="number of bytes"):
            BundleConfig(**wrong)  # type: ignore[arg-type]


def test_a_bundle_that_lists_everything_it_refuses(path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        ModelBundle.load(path.parent)
    assert caught.value.code == "not_a_bundle"
    with pytest.raises(FileNotFoundError):
        ModelBundle.load(path)
    with pytest.raises(FileNotFoundError):
        ModelBundle.builder(path).add_model("m", path)
    with pytest.raises(BundleError) as caught:
        ModelBundle.builder(path).add_model("m", b"").add_model("m", b"")
    assert caught.value.code == "duplicate_name"
    assert repr(ModelBundle.builder(path)) == f"BundleBuilder({str(path)!r}, 0 models)"


def test_the_smallest_room_of_metadata_is_kept_when_saving(path: Path) -> None:
    with ModelBundle.builder(path).add_model("m", b"x", version="1").build() as made:
        offset = made.data_offset
        assert offset % layout.DEFAULT_ALIGNMENT == 0
        made.save()
        assert made.data_offset == offset
