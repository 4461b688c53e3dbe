"""What a change of a bundle costs, what it makes of the bundle, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apbundle import BundleConfig, BundleError, BundleReader, ModelBundle, ModelMetadata
from apbundle.edit.changes import (
    Add,
    Change,
    Compress,
    Describe,
    Lay,
    Remove,
    Rename,
    Reorder,
    Replace,
    SetMetadata,
)
from apbundle.edit.drafted import wanted_by
from apbundle.edit.merge import merge_bundles
from apbundle.edit.plan import edit_bundle, plan_edit
from apbundle.edit.wanted import Wanted
from apbundle.errors import DuplicateName, ModelNotFound
from apbundle.format.sources import BuffersSource
from apbundle.recipe.building import OpenRecipe
from apbundle.recipe.model import BundledModel, Recipe, RecipeModel
from apbundle.recipe.taking import recipe_of
from support import forge
from support.faults import without_fsync
from support.reference_reader import read_reference


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


def source(data: bytes) -> BuffersSource:
    return BuffersSource([memoryview(data)])


def make(path: Path, config: BundleConfig | None = None, *, plain: bool = False) -> Path:
    """A bundle of ``a`` (3000 bytes), ``b`` (70) and ``none`` (0)."""
    config = config or (BundleConfig(alignment=1, digest=None, plain=True) if plain else BundleConfig())
    builder = ModelBundle.builder(path).with_created_at(1).with_config(config).with_description("old")
    builder.add_model("a", b"a" * 3000, version="" if plain else "1.0")
    builder.add_model("b", b"b" * 70).add_model("none", b"").build().close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make(tmp_path / "m.apbundle")


def plan_of(path: Path, *changes: Change) -> tuple[bool, str]:
    """Whether the change is made in place, and what is said of it."""
    before = path.read_bytes()
    with BundleReader.open(path) as reader:
        plan = plan_edit(reader, changes)
    assert path.read_bytes() == before
    return plan.in_place, plan.cost


def verified(path: Path) -> bool:
    with ModelBundle.load(path) as bundle:
        return bundle.verify().status == "verified"


IN_PLACE: dict[str, Change] = {
    "metadata": SetMetadata("a", ModelMetadata("2.0", "net", {"layers": "12"}, {"author": "me"})),
    "no metadata": SetMetadata("a", ModelMetadata()),
    "description": Describe("a new and longer one"),
    "time": Describe(created_at=2**40),
    "bundle's metadata": Describe(metadata={"owner": "us"}),
    "names": Rename({"a": "a longer name", "none": "x"}),
    "swapped names": Rename({"a": "b", "b": "a"}),
    "order": Reorder(["b", "none"]),
    "a model without bytes": Remove("none"),
    "digest": Lay(digest="sha256"),
    "no digest": Lay(digest=None),
}


@pytest.mark.parametrize("what", IN_PLACE)
def test_what_fits_is_written_over_in_place(path: Path, what: str) -> None:
    before = path.read_bytes()
    in_place, cost = plan_of(path, IN_PLACE[what])
    assert in_place
    assert cost.startswith("Reads 3.00 KiB for the digests, and" if what == "digest" else "Rewrites ")
    assert cost.endswith(" in place.")
    inode = path.stat().st_ino
    plan = edit_bundle(path, [IN_PLACE[what]])
    after = path.read_bytes()
    assert path.stat().st_ino == inode
    assert len(after) == len(before)
    changed = [n for n in range(len(before)) if before[n] != after[n]]
    assert changed[-1] < len(before) - 3070
    assert changed[-1] - changed[0] < plan.bytes_written + (32 * 3 if what == "digest" else 1)
    assert verified(path) == (what != "no digest")
    with BundleReader.open(path) as reader:
        assert Wanted.as_it_is(reader).models != ()
        assert {bytes(data[:1]) for data in reader.read_all_models().values()} == {b"a", b"b", b""} - (
            {b""} if what == "a model without bytes" else set()
        )


ANEW: dict[str, tuple[Change, str]] = {
    "add": (Add("c", source(b"c")), "models are put in"),
    "replace": (Replace("a", source(b"c")), "models are put in"),
    "remove": (Remove("b"), "models are taken out"),
    "compress": (Compress("a"), "models are stored in another way"),
    "align": (Lay(4096), "models move to other places"),
    "much metadata": (SetMetadata("a", ModelMetadata(custom={"k": "v" * 9000})), "its manifest would need"),
}


@pytest.mark.parametrize("what", ANEW)
def test_what_does_not_fit_is_written_anew(path: Path, what: str) -> None:
    change, reason = ANEW[what]
    in_place, cost = plan_of(path, change)
    assert not in_place
    assert reason in cost
    plan = edit_bundle(path, [change])
    assert plan.bytes_written >= path.stat().st_size
    assert verified(path)
    with BundleReader.open(path) as reader:
        assert reader.manifest.created_at == 1
        assert "gap" not in {finding.code for finding in reader.warnings}
        assert reader.has_digests


def test_in_place_and_anew_say_the_same(tmp_path: Path) -> None:
    changes = [change for what, change in IN_PLACE.items() if what not in ("no digest", "swapped names", "names")]
    both = []
    there_and_back = [Add("c", source(b"c")), Remove("c"), Compress("a"), Compress("a", False)]
    for name, more in (("one", []), ("two", there_and_back)):
        path = make(tmp_path / name)
        for change in [*changes, *more]:
            edit_bundle(path, [change])
        with ModelBundle.load(path) as bundle:
            said = bundle.model_names, bundle.metadata, bundle.description
            both.append((said, bundle.entry("a"), read_models(bundle)))
    (one, first, models), (two, second, others) = both
    assert (one, first.digest, models) == (two, second.digest, others)


def read_models(bundle: ModelBundle) -> dict[str, bytes]:
    return bundle.reader.read_all_models()


def test_an_old_plain_bundle(tmp_path: Path) -> None:
    path = make(tmp_path / "old.apbundle", plain=True)
    assert plan_of(path, Rename({"a": "z"})) == (True, "Rewrites 1 B in place.")
    edit_bundle(path, [Rename({"a": "z"})])
    with BundleReader.open(path) as reader:
        assert (reader.extension, reader.manifest.model_names) == (None, ["z", "b", "none"])
    for change in (Rename({"z": "longer"}), Remove("b"), Describe("another")):
        assert not plan_of(path, change)[0]
    edit_bundle(path, [Rename({"z": "longer"})])
    with BundleReader.open(path) as reader:
        assert reader.extension is None  # what nobody asked for stays out
    edit_bundle(path, [Lay(4096, "sha256")])
    assert verified(path)
    with BundleReader.open(path) as reader:
        assert reader.alignment == 4096
        assert reader.extension is not None
        assert reader.extension.digests is not None
        assert reader.extension.digests.algorithm.name == "sha256"
    view = read_reference(path)
    assert [bytes(data)[:1] for data in view.models.values()] == [b"a", b"b", b""]


def test_metadata_brings_the_usual_extension_to_a_plain_bundle(tmp_path: Path) -> None:
    path = make(tmp_path / "old.apbundle", plain=True)
    edit_bundle(path, [SetMetadata("a", ModelMetadata("1"))])
    assert verified(path)
    with BundleReader.open(path) as reader:
        assert reader.alignment == 64
    path = make(tmp_path / "other.apbundle", plain=True)
    edit_bundle(path, [Lay(digest=None)])
    with BundleReader.open(path) as reader:
        assert (reader.alignment, reader.has_digests) == (64, False)


def test_a_bundle_edited_as_a_recipe(path: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "other.apbundle")
    edit_bundle(other, [Compress("a")])

    def edit(recipe: Recipe) -> str:
        with BundleReader.open(path) as reader, OpenRecipe(recipe) as opened:
            plan = plan_edit(reader, wanted_by(recipe, opened, reader))
            plan.apply()
            return plan.cost

    with BundleReader.open(path) as reader:
        recipe = recipe_of(reader)
    assert edit(recipe) == "Nothing changes."
    first, *rest = recipe.models
    said = replace(first, name="z", metadata=ModelMetadata("2"))
    assert edit(replace(recipe, models=(*rest, said), description="new")).endswith("in place.")
    more = RecipeModel("more", BundledModel(str(other), "a"), compress=True)
    with BundleReader.open(path) as reader:
        recipe = recipe_of(reader)
    assert "models are put in" in edit(replace(recipe, models=(*recipe.models, more)))
    with BundleReader.open(path) as reader:
        assert reader.manifest.model_names == ["b", "none", "z", "more"]
        assert reader.entry("z").metadata.version == "2"
        assert reader.entry("more").compressed
        assert reader.read_model("more") == reader.read_model("z") == b"a" * 3000
        recipe = recipe_of(reader)
    twin = replace(recipe.models[0], name="twin")
    assert "models are put in" in edit(replace(recipe, models=(*recipe.models, twin)))
    assert verified(path)


def test_nothing_to_do(path: Path) -> None:
    for changes in ([], [Describe("old")], [Rename({"a": "c"}), Rename({"c": "a"})], [Reorder(["a", "b", "none"])]):
        assert plan_of(path, *changes) == (True, "Nothing changes.")
        status = path.stat()
        assert not edit_bundle(path, changes).changes
        assert path.stat().st_mtime_ns == status.st_mtime_ns


REFUSED: dict[str, tuple[Change, str]] = {
    "unknown": (Remove("x"), "model_not_found"),
    "unknown to rename": (Rename({"x": "y"}), "model_not_found"),
    "taken": (Rename({"a": "b"}), "duplicate_name"),
    "added twice": (Add("a", source(b"")), "duplicate_name"),
    "long": (Rename({"a": "n" * 70_000}), "limit_exceeded"),
    "too much": (SetMetadata("a", ModelMetadata(custom={"k": "v" * (5 << 20)})), "limit_exceeded"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(path: Path, what: str) -> None:
    before = path.read_bytes()
    change, code = REFUSED[what]
    with pytest.raises(BundleError) as caught:
        edit_bundle(path, [change])
    assert caught.value.code == code
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="alignment"):
        edit_bundle(path, [Lay(3)])


MODELS: list[tuple[str | bytes, bytes]] = [("a", b"a" * 100), ("b", b"b" * 50)]


def test_what_other_writers_put_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "m.apbundle"
    document = {"tool": 1, "models": {"a": {"paper": [1], "version": "1"}}}
    path.write_bytes(forge.sealed(MODELS, document=document, others=[forge.section(77, b"mine")], slack=4096))
    with BundleReader.open(path) as reader:
        said = reader.entry("a").metadata
    for change in (SetMetadata("b", ModelMetadata("2")), Describe("x"), Lay(64)):
        edit_bundle(path, [change])
        with BundleReader.open(path) as reader:
            assert reader.extension is not None
            assert [bytes(section.payload) for section in reader.extension.unknown] == [b"mine"]
            assert reader.extension.extra == {"tool": 1}
            assert reader.entry("a").metadata == said
        assert verified(path)


@pytest.mark.parametrize(
    "raw",
    [
        forge.bundle(MODELS, tail=b"unknown!"),
        forge.rebuilt_block(forge.sealed(MODELS), lambda block: block.__setitem__(8, 9)),
    ],
    ids=["tail", "unknown block"],
)
def test_nothing_is_lost_unseen(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "m.apbundle"
    path.write_bytes(raw)
    with pytest.raises(BundleError) as caught:
        edit_bundle(path, [Describe("x")])
    assert caught.value.code == "unsupported_feature"
    assert path.read_bytes() == raw


def test_a_stale_block_is_not_sealed_again(path: Path) -> None:
    """Its digests are held against the models first, and the one that is wrong is told."""
    raw = bytearray(path.read_bytes())
    raw[24] ^= 1
    path.write_bytes(raw)
    in_place, cost = plan_of(path, Describe("x"))
    assert not in_place
    assert "held against their digests" in cost
    edit_bundle(path, [Describe("x")])
    assert verified(path)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    for change in (Lay(4096), Lay(digest="sha256")):
        with pytest.raises(BundleError) as caught:
            edit_bundle(path, [change])
        assert caught.value.code == "checksum_mismatch"
    assert path.read_bytes() == raw


def test_another_program_replaces_the_bundle_meanwhile(path: Path) -> None:
    with BundleReader.open(path) as reader:
        plan = plan_edit(reader, [Remove("a")])
        make(path, BundleConfig(alignment=4096))
        now = path.read_bytes()
        with pytest.raises(BundleError) as caught:
            plan.apply()
    assert caught.value.code == "changed_on_disk"
    assert path.read_bytes() == now
    assert [child.name for child in path.parent.iterdir()] == [path.name]


texts = st.text("ab\u00e9\U0001f600", max_size=5)
said = st.builds(ModelMetadata, texts, texts, st.dictionaries(texts, texts, max_size=2))
changes = st.one_of(
    st.builds(SetMetadata, st.sampled_from("abc"), said),
    st.builds(Describe, texts, st.integers(0, 9), st.dictionaries(texts, texts, max_size=2)),
    st.builds(Remove, st.sampled_from("abc")),
    st.builds(lambda name, data: Add(name, source(data)), st.sampled_from("abcd"), st.binary(max_size=300)),
    st.builds(lambda name, data: Replace(name, source(data)), st.sampled_from("abc"), st.binary(max_size=300)),
    st.builds(lambda old, new: Rename({old: new}), st.sampled_from("abc"), st.sampled_from("abcd")),
    st.builds(Reorder, st.lists(st.sampled_from("abc"), max_size=2)),
    st.builds(Compress, st.sampled_from("abc"), st.booleans()),
    st.builds(Lay, st.sampled_from([None, 1, 64, 512]), st.sampled_from([None, "sha256", "xxh3-128"])),
)


@settings(max_examples=40)
@given(st.lists(changes, max_size=5), st.booleans())
def test_any_changes_do_what_they_say(
    tmp_path_factory: pytest.TempPathFactory, asked: list[Change], plain: bool
) -> None:
    path = make(tmp_path_factory.mktemp("any") / "m.apbundle", plain=plain)
    models = {"a": b"a" * 3000, "b": b"b" * 70, "none": b""}
    for change in asked:
        before = path.read_bytes()
        try:
            plan = edit_bundle(path, [change])
        except (ModelNotFound, DuplicateName):
            assert path.read_bytes() == before
            continue
        models = expected(models, change)
        with ModelBundle.load(path) as bundle:
            assert read_models(bundle) == models
            assert bundle.model_names == list(models)
            assert bundle.verify().status != "failed"
            assert bundle.file_size <= plan.file_size or not plan.in_place
            if not any(entry.compressed for entry in bundle.reader.manifest):
                assert plan.layout.offsets == tuple(bundle.reader.manifest.offsets)
                assert plan.layout.data_offset == bundle.reader.data_offset
            if isinstance(change, SetMetadata):
                assert bundle.reader.entry(change.name).metadata == change.metadata
        assert [child.name for child in path.parent.iterdir()] == [path.name]


def expected(models: dict[str, bytes], change: Change) -> dict[str, bytes]:
    """The models after a change, worked out the plain way."""
    if isinstance(change, Remove):
        return {name: data for name, data in models.items() if name != change.name}
    if isinstance(change, Rename):
        return {change.names.get(name, name): data for name, data in models.items()}
    if isinstance(change, Reorder):
        return {name: models[name] for name in [*change.names, *models]}
    if isinstance(change, Add | Replace):
        data = bytearray(change.source.size)
        change.source.read_into(0, memoryview(data))
        return {**models, change.name: bytes(data)}
    return models


def test_merging(tmp_path: Path) -> None:
    one = make(tmp_path / "one.apbundle", BundleConfig(alignment=4096, digest="sha256"))
    two = tmp_path / "two.apbundle"
    ModelBundle.builder(two).with_metadata({"k": "v"}).add_model("c", b"c" * 9000, compress=True).build().close()
    with BundleReader.open(one) as first, BundleReader.open(two) as second:
        merge_bundles([first, second], tmp_path / "all.apbundle", created_at=5)
        with pytest.raises(BundleError) as clash:
            merge_bundles([first, second, first], tmp_path / "x.apbundle", created_at=5)
        merge_bundles([first, second, first], tmp_path / "x.apbundle", created_at=5, prefix=True)
        with pytest.raises(BundleError) as own:
            merge_bundles([first, second], two, created_at=5)
    assert (clash.value.code, own.value.code) == ("duplicate_name", "target_refused")
    assert "--prefix" in str(clash.value)
    assert "'a'" in str(clash.value)
    with ModelBundle.load(tmp_path / "all.apbundle") as bundle:
        assert bundle.model_names == ["a", "b", "none", "c"]
        assert (bundle.description, bundle.metadata, bundle.alignment) == ("old", {"k": "v"}, 4096)
        assert bundle.entry("c").compressed
        assert bundle.get_metadata("a").version == "1.0"
        assert bundle.verify().status == "verified"
    with BundleReader.open(tmp_path / "x.apbundle") as reader:
        assert reader.manifest.model_names[3:5] == ["two/c", "one-2/a"]


def test_merging_loses_nothing(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.apbundle", "two.apbundle", "odd.apbundle")]
    for path, text in zip(paths, "xy", strict=False):
        ModelBundle.builder(path).with_metadata({"owner": text}).add_model(text, b"").build().close()
    paths[2].write_bytes(forge.sealed(MODELS, others=[forge.section(77, b"x")]))
    one, two, odd = (BundleReader.open(path) for path in paths)
    with one, two, odd:
        with pytest.raises(BundleError, match="'owner'"):
            merge_bundles([one, two], tmp_path / "all", created_at=1)
        with pytest.raises(BundleError, match="another writer"):
            merge_bundles([one, odd], tmp_path / "all", created_at=1)
        merge_bundles([one, two], tmp_path / "all", created_at=1, prefix=True)
    assert not (tmp_path / "all.apbundle").exists()
    with ModelBundle.load(tmp_path / "all") as bundle:
        assert bundle.metadata == {"one/owner": "x", "two/owner": "y"}
