"""Recipes: what they say, how they are read and written, what is kept of them, and the bundles they build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apbundle import BundleConfig, BundleError, BundleReader, ModelBundle, ModelMetadata
from apbundle.recipe.building import OpenRecipe, build_recipe
from apbundle.recipe.keeping import kept_text
from apbundle.recipe.model import BundledModel, Recipe, RecipeModel
from apbundle.recipe.reading import parse_recipe, read_recipe
from apbundle.recipe.schema import BUNDLE_KEYS, MODEL_KEYS
from apbundle.recipe.writing import recipe_text, write_recipe
from support.faults import without_fsync

WRITTEN = '''\
# what we ship
recipe = 1 # the first version

# about the bundle
[bundle]
digest = 'sha256' # slow, but known
alignment = 64
description = """two
[[model]]
lines"""

# the encoder
[[model]]
source = "weights/a.bin" # from the run of May
name = "a"

# the head
[[model]]
name = "b"
source = {bundle = "old.apbundle", model = "head"}
compression = "zstd"
[model.custom]
author = "me" # and she
'''


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


def test_what_a_recipe_says() -> None:
    recipe = parse_recipe(WRITTEN, "/models")
    assert recipe == Recipe(
        (
            RecipeModel("a", "/models/weights/a.bin"),
            RecipeModel(
                "b",
                BundledModel("/models/old.apbundle", "head"),
                compress=True,
                metadata=ModelMetadata(custom={"author": "me"}),
            ),
        ),
        description="two\n[[model]]\nlines",
        digest="sha256",
    )


def test_the_document_names_every_key(root: Path) -> None:
    text = (root / "core" / "RECIPE.md").read_text(encoding="utf-8")
    _, bundle, model = text.split("\n## `[", 2)
    for part, keys in ((bundle, BUNDLE_KEYS), (model.split("\n## ")[0], MODEL_KEYS)):
        assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == list(keys)
    example = text.split("```toml\n")[1].split("```")[0]
    assert [item.name for item in parse_recipe(example).models] == ["encoder", "head"]


def test_times_are_seconds_or_dates() -> None:
    for written in ("1700000000", "2023-11-14T22:13:20Z", "2023-11-15T00:13:20+02:00"):
        assert parse_recipe(f"recipe = 1\n[bundle]\ncreated_at = {written}").created_at == 1_700_000_000


MODEL = '[[model]]\nname = "a"\nsource = "a"\n'

REFUSED = {
    "": "does not say that it is a recipe",
    "recipe = 2": "line 1: the recipe is of another version",
    "\nrecipe = 1\ncomment = 3": "line 3: there is no key 'comment' here",
    "recipe = 1\nx = [": "not TOML",
    "recipe = 1\n[bundle]\n\nx y": "line 4: this is not TOML",
    "recipe = 1\nbundle = 3": "line 2: bundle is a table",
    "recipe = 1\n[model]\nname = 'a'": "line 2: models are tables",
    "recipe = 1\n[bundle]\ndigset = 'sha256'": r"line 3: \[bundle\]: there is no key 'digset'.*Did you mean digest",
    "recipe = 1\n[bundle]\ndigest = 'md5'": "line 3: .*digest cannot be used.*'xxh3-128', 'sha256', 'none'",
    "recipe = 1\n[bundle]\nalignment = 3": "line 3: .*power of two",
    "recipe = 1\n[bundle]\nalignment = true": "line 3: .*power of two",
    "recipe = 1\n[bundle]\ncreated_at = 2023-11-14T22:13:20": "line 3: .*seconds since 1970",
    "recipe = 1\n[bundle]\ncreated_at = -1": "line 3: .*seconds since 1970",
    "recipe = 1\n[bundle]\noutput = ''": "line 3: .*path",
    "recipe = 1\n[bundle.metadata]\nlayers = 12": 'line 2: .*write layers = "12"',
    "recipe = 1\n[bundle]\nextension = false\n\ndigest = 'sha256'": "line 5: .*digest needs the extension",
    "recipe = 1\n[bundle]\nextension = false\nalignment = 64": "line 4: .*alignment needs the extension",
    f"recipe = 1\n[bundle]\nextension = false\n{MODEL}version = '1'": "cannot hold the metadata of 'a'",
    f"recipe = 1\n[bundle]\nextension = false\n{MODEL}compression = 'zstd'": "cannot hold the compression of 'a'",
    "recipe = 1\n[[model]]\nsource = 'a'": "line 2: model 1: the model has no name",
    "recipe = 1\n[[model]]\nname = 'a'": "line 2: model 1: the model has no source",
    f"recipe = 1\n{MODEL}\n{MODEL}": "line 7: model 2: two models are named 'a' .the other one is in line 3.",
    f"recipe = 1\n{MODEL}enabled = 1": "line 5: model 1: enabled cannot be used.*true or false",
    f"recipe = 1\n{MODEL}compression = 'gzip'": "line 5: model 1: .*'none', 'zstd'",
    f"recipe = 1\n{MODEL}components = 'x'": "line 5: model 1: .*list of texts",
    f"recipe = 1\n{MODEL}\n[model.custom]\na = 1": 'line 6: model 1: .*write a = "1"',
    "recipe = 1\n[[model]]\nname = 'a'\nsource = {bundle = 'b'}": "line 4: model 1: .*write a path, or",
    f"recipe = 1\n[bundle]\ndescription = '''\n[[model]]\n'''\n{MODEL}sourec = 'x'": "line 9: model 1: .*Did you mean",
    "x = " + "[" * 5000: "nests too deeply|not TOML",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused_with_line_and_key(text: str) -> None:
    with pytest.raises(BundleError) as caught:
        parse_recipe(text, path="r.toml")
    assert (caught.value.code, caught.value.path) == ("bad_recipe", "r.toml")
    assert re.search(REFUSED[text], str(caught.value), re.IGNORECASE | re.DOTALL), str(caught.value)


def test_files_that_are_no_recipes(tmp_path: Path, golden: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"recipe = 1 # \xe4")
    for path, said in ((tmp_path / "latin.toml", "UTF-8"), (golden / "empty.apbundle", "a bundle"), (tmp_path, "file")):
        with pytest.raises(BundleError, match=said) as caught:
            read_recipe(path)
        assert caught.value.code == "bad_recipe"
    with pytest.raises(FileNotFoundError):
        read_recipe(tmp_path / "missing.toml")


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
tables = st.dictionaries(names, names, max_size=3)
sources = st.one_of(
    st.sampled_from(["/m/a.bin", "/m/sub/ä b.gguf", '/m/"q"\\x', "/other/#.npy"]),
    st.builds(BundledModel, st.just("/m/old.apbundle"), names),
)
metadata = st.builds(
    ModelMetadata, names, names, tables, tables, st.lists(names, max_size=3), st.sampled_from(["", "gguf"])
)
models = st.lists(
    st.builds(RecipeModel, names, sources, st.booleans(), st.booleans(), metadata),
    max_size=4,
    unique_by=lambda model: model.name,
)
recipes = st.builds(
    Recipe,
    models.map(tuple),
    names,
    st.none() | st.integers(0, 2**64 - 1),
    st.sampled_from([1, 64, 1 << 20]),
    st.sampled_from([None, "sha256", "xxh3-128"]),
    metadata=tables,
    output=st.sampled_from([None, "/m/out.apbundle"]),
)


@settings(max_examples=60)
@given(recipes)
def test_what_is_written_is_what_is_read(recipe: Recipe) -> None:
    text = recipe_text(recipe, "/m")
    assert parse_recipe(text, "/m") == normal(recipe)
    assert kept_text(text, recipe, "/m") == text


@settings(max_examples=40)
@given(recipes, recipes)
def test_any_change_of_a_recipe_arrives(old: Recipe, new: Recipe) -> None:
    assert parse_recipe(kept_text(recipe_text(old, "/m"), new, "/m"), "/m") == normal(new)


def normal(recipe: Recipe) -> Recipe:
    """``recipe`` with its paths as reading gives them."""
    return parse_recipe(recipe_text(recipe, "/m"), "/m")


def test_what_did_not_change_stays_as_it_was_written() -> None:
    recipe = parse_recipe(WRITTEN, "/models")
    first, second = recipe.models
    assert kept_text(WRITTEN, recipe, "/models") == WRITTEN
    second = replace(second, metadata=ModelMetadata("2", custom={"author": "me", "run": "7"}))
    changed = replace(
        recipe,
        models=(second, RecipeModel("c", "/models/c.bin"), replace(first, enabled=False)),
        alignment=4096,
        metadata={"owner": "us"},
    )
    text = kept_text(WRITTEN, changed, "/models")
    assert parse_recipe(text, "/models") == changed
    for kept in (
        "# what we ship",
        "# the first version",
        "'sha256' # slow",
        '"""two\n[[model]]\nlines"""',
        "# and she",
    ):
        assert kept in text
    assert '# the encoder\n[[model]]\nsource = "weights/a.bin" # from the run of May\nname = "a"\n' in text
    assert text.index("# the head\n[[model]]") < text.index('name = "c"') < text.index("# the encoder")
    without = kept_text(text, replace(changed, models=changed.models[2:]), "/models")
    assert "# the head" not in without
    assert "# the encoder" in without


def test_recipe_in_a_file(tmp_path: Path) -> None:
    recipe = Recipe((RecipeModel("a", str(tmp_path / "in" / "a.bin")),), created_at=5)
    path = tmp_path / "r.toml"
    assert write_recipe(recipe, path) == str(path)
    assert 'source = "in/a.bin"' in path.read_text()
    path.write_text(path.read_text() + "# mine\n")
    write_recipe(replace(recipe, created_at=6), path)
    assert read_recipe(path) == replace(recipe, created_at=6)
    assert path.read_text().endswith("# mine\n")
    with pytest.raises(FileExistsError):
        write_recipe(recipe, path, overwrite=False)
    path.write_text("anything else")
    write_recipe(recipe, path)
    assert read_recipe(path) == recipe
    with pytest.raises(BundleError, match="not UTF-8"):
        write_recipe(Recipe((RecipeModel("a", "/x/\udcff"),)), path)


@pytest.mark.parametrize("plain", [False, True])
def test_the_bytes_of_a_builder(tmp_path: Path, plain: bool) -> None:
    (tmp_path / "a").write_bytes(b"a" * 5000)
    (tmp_path / "b").write_bytes(bytes(range(256)) * 9)
    said = ModelMetadata() if plain else ModelMetadata("1", custom={"k": "v"}, format="npy")
    builder = ModelBundle.builder(tmp_path / "built.apbundle").with_created_at(7).with_description("d")
    builder.with_config(BundleConfig(alignment=1 if plain else 4096, digest=None if plain else "sha256", plain=plain))
    builder.add_model("a", tmp_path / "a", metadata=said).add_model("b", tmp_path / "b", compress=not plain)
    builder.build().close()
    recipe = Recipe(
        (
            RecipeModel("a", str(tmp_path / "a"), metadata=said),
            RecipeModel("off", str(tmp_path / "missing"), enabled=False),
            RecipeModel("b", str(tmp_path / "b"), compress=not plain),
        ),
        "d",
        7,
        4096,
        "sha256",
        extension=not plain,
        output=str(tmp_path / "out.apbundle"),
    )
    assert build_recipe(recipe) == str(tmp_path / "out.apbundle")
    assert (tmp_path / "out.apbundle").read_bytes() == (tmp_path / "built.apbundle").read_bytes()


def test_models_of_other_bundles(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    old = ModelBundle.builder(tmp_path / "old.apbundle").add_model("packed", data, compress=True)
    old.add_model("raw", data).build().close()
    source = str(tmp_path / "old.apbundle")
    models = [
        RecipeModel(f"{name} {compress}", BundledModel(source, name), compress)
        for name in ("packed", "raw")
        for compress in (False, True)
    ]
    build_recipe(Recipe(tuple(models)), tmp_path / "new.apbundle")
    with BundleReader.open(tmp_path / "new.apbundle") as reader:
        assert [entry.compressed for entry in reader.manifest] == [False, True, False, True]
        assert all(reader.read_model(name) == data for name in reader.manifest.model_names)
    build_recipe(Recipe(tuple(models[:1])), source)  # over the bundle it is taken from
    with BundleReader.open(source) as reader:
        assert reader.read_all_models() == {"packed False": data}
    with pytest.raises(BundleError, match=r"no model named 'raw'.*takes 'raw True' from it"):
        OpenRecipe(Recipe((models[3],)))
    with pytest.raises(ValueError, match="names no output"):
        build_recipe(Recipe())


def test_damage_is_not_decoded_into_a_new_bundle(tmp_path: Path) -> None:
    path = tmp_path / "old.apbundle"
    ModelBundle.builder(path).add_model("m", bytes(range(256)) * 100, compress=True).build().close()
    with BundleReader.open(path) as reader:
        at = reader.data_offset + reader.entry("m").offset
    raw = bytearray(path.read_bytes())
    raw[at + 30] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BundleError) as caught:
        build_recipe(Recipe((RecipeModel("m", BundledModel(str(path), "m")),)), tmp_path / "new.apbundle")
    assert caught.value.code == "checksum_mismatch"
    assert not (tmp_path / "new.apbundle").exists()
