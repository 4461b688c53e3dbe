"""``pack RECIPE`` and ``extract --recipe``: the same bytes again, or the list of what would differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apbundle import BundleConfig, ModelBundle, ModelMetadata
from apbundle.recipe.reading import read_recipe
from support import forge
from support.cli import Program
from support.faults import without_fsync

GOLDEN = sorted((Path(__file__).resolve().parent.parent / "golden").glob("*.apbundle"))


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


def again(program: Program, bundle: Path, folder: Path) -> bool:
    """Whether a bundle taken apart and put together again is the same; ``extract`` has to know."""
    taken = program.json("extract", bundle, "-o", folder, "--recipe")
    recipe = taken.document["recipe"]
    assert taken.status == (0 if recipe["same_bytes"] else 1)
    assert recipe["same_bytes"] == (not recipe["differences"])
    packed = program.json("pack", recipe["path"], "-o", folder / "again.apbundle")
    assert packed.status == 0
    same = (folder / "again.apbundle").read_bytes() == bundle.read_bytes()
    assert same == recipe["same_bytes"]
    return same


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_bundles_come_out_the_same(program: Program, tmp_path: Path, path: Path) -> None:
    same = again(program, path, tmp_path / "out")
    assert same or path.stem == "ext_compressed"  # whose frames another version of zstd may have made


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
said = st.builds(
    ModelMetadata, texts, texts, st.dictionaries(texts, texts, max_size=2), components=st.lists(texts, max_size=2)
)
contents = st.lists(
    st.tuples(texts, st.binary(max_size=400), said, st.booleans()), max_size=4, unique_by=lambda m: m[0]
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents, texts, st.sampled_from([1, 64, 4096]), st.sampled_from([None, "sha256", "xxh3-128"]), st.booleans())
def test_random_bundles_come_out_the_same(
    program: Program,
    tmp_path_factory: pytest.TempPathFactory,
    models: list[tuple[str, bytes, ModelMetadata, bool]],
    description: str,
    alignment: int,
    digest: str | None,
    plain: bool,
) -> None:
    folder = tmp_path_factory.mktemp("random")
    builder = ModelBundle.builder(folder / "b.apbundle").with_description(description).with_created_at(9)
    builder.with_config(BundleConfig(alignment=alignment, digest=digest, plain=plain))
    for name, data, metadata, compress in models:
        if plain:
            builder.add_model(name, data)
        else:
            builder.add_model(name, data, metadata=metadata, compress=compress)
    if not plain:
        builder.with_metadata({"about": description})
    builder.build().close()
    assert again(program, folder / "b.apbundle", folder / "out")


MODELS: list[tuple[str | bytes, bytes]] = [("a", b"a" * 100), ("b", b"b" * 50)]

FOREIGN = {
    "sections of another writer": (forge.sealed(MODELS, others=[forge.section(77, b"x")], alignment=1), "section 77"),
    "metadata of another writer": (
        forge.sealed(MODELS, document={"models": {"a": {"paper": [1]}}, "tool": 1}, alignment=1),
        "'tool', 'paper'",
    ),
    "slack": (forge.sealed(MODELS, alignment=1, slack=64), "data part would begin"),
    "trailing": (forge.sealed(MODELS, alignment=1) + bytes(9), "after the last model"),
    "no alignment": (forge.sealed(MODELS), "data part would begin"),
    "stale": (forge.patched(forge.sealed(MODELS, alignment=1), 24, forge.u64(5)), "data part would begin"),
    "tail": (forge.bundle(MODELS, tail=b"unknown!"), "8 bytes of the manifest"),
    "damaged": (forge.rebuilt_block(forge.sealed(MODELS), lambda block: block.__setitem__(8, 9)), "damaged"),
    "gap": (
        forge.bundle(
            MODELS,
            entries=[forge.entry("a", 100, 0), forge.entry("b", 50, 110)],
            data=b"a" * 100 + b"\0" * 10 + b"b" * 50,
        ),
        "other places",
    ),
    "frames": (
        forge.bundle(
            [("c", b"")],
            sections=[forge.compression_section(forge.compression_row(0, 0, 4096, []))],
        ),
        "'c' would be compressed",
    ),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_would_differ_is_told(program: Program, tmp_path: Path, what: str) -> None:
    raw, expected = FOREIGN[what]
    (tmp_path / "b.apbundle").write_bytes(raw)
    taken = program.json("extract", tmp_path / "b.apbundle", "-o", tmp_path / "out", "--recipe")
    if what == "damaged":  # a block of another version: no model is read
        assert taken.status == 2
        return
    assert taken.status == 1
    assert expected in " ".join(taken.document["recipe"]["differences"])
    shown = program("extract", tmp_path / "b.apbundle", "-o", tmp_path / "out", "--recipe", "--force")
    assert shown.status == 1
    assert "gives other bytes" in shown.err
    assert program("pack", tmp_path / "out" / "recipe.toml", "-o", tmp_path / "new.apbundle").status == 0
    assert (tmp_path / "new.apbundle").read_bytes() != raw


@pytest.mark.parametrize("at", [24, 4200])
def test_odd_bytes_where_all_else_is_the_same(program: Program, tmp_path: Path, at: int) -> None:
    """The creation time without a binding to it; a byte between two models."""
    path = tmp_path / "b.apbundle"
    ModelBundle.builder(path).add_model("a", b"a", version="1").add_model("b", b"b" * 4096).build().close()
    raw = bytearray(path.read_bytes())
    raw[at if at == 24 else raw.index(b"a" + bytes(40)) + 1] ^= 1
    path.write_bytes(raw)
    assert not again(program, path, tmp_path / "out")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a file, a recipe of it."""
    monkeypatch.chdir(tmp_path)
    Path("a.bin").write_bytes(b"a" * 100)
    Path("r.toml").write_text(
        'recipe = 1\n[bundle]\ncreated_at = 1\noutput = "o.apbundle"\n[[model]]\nname = "a"\nsource = "a.bin"\n'
    )
    return tmp_path


def test_pack_a_recipe(program: Program, folder: Path) -> None:
    assert program("pack", "r.toml").status == 0
    assert program("pack", "b.apbundle", "a.bin", "--created-at", "1").status == 0
    assert program("pack", "-o", "c.apbundle", "a.bin", "--created-at", "1").status == 0
    assert program("pack", "r.toml", "-o", "d.apbundle", "--created-at", "2").status == 0
    first = Path("o.apbundle").read_bytes()
    assert first == Path("b.apbundle").read_bytes() == Path("c.apbundle").read_bytes()
    assert program.json("info", "d.apbundle").document["created_at"] == 2
    assert program("pack", "-o", "e.apbundle", "recipe=r.toml").status == 0  # a recipe as a model
    assert [m["name"] for m in program.json("info", "e.apbundle").document["models"]] == ["recipe"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["r.toml", "a.bin"], "usage"),
        (["r.toml", "-o", "x.toml"], "usage"),
        (["r.toml", "--digest", "sha256"], "usage"),
        (["r.toml", "--meta", "a.version=1"], "usage"),
        (["no.toml"], "usage"),
        (["missing.toml", "-o", "x.apbundle"], "ENOENT"),
        (["bad.toml"], "bad_recipe"),
        (["r.toml", "-o", "w.npy"], "target_refused"),
    ],
)
def test_recipes_refused(program: Program, folder: Path, arguments: list[str], code: str) -> None:
    Path("no.toml").write_text("recipe = 1")
    Path("bad.toml").write_text("recipe = 1\nx = 1")
    Path("w.npy").write_bytes(b"\x93NUMPY\x01\x00" + bytes(100))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = program.json("pack", *arguments)
    assert (result.status, result.error["code"]) == (2, code)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_recipe_beside_models(program: Program, folder: Path) -> None:
    builder = ModelBundle.builder("m.apbundle").add_model("recipe.toml", b"not one").add_model("../x", b"x")
    builder.build().close()
    taken = program.json("extract", "m.apbundle", "-o", "out", "--recipe").document
    assert Path(taken["recipe"]["path"]).name == "recipe-2.toml"
    assert [model.name for model in read_recipe(taken["recipe"]["path"]).models] == ["recipe.toml", "../x"]
    shown = program("extract", "m.apbundle", "-o", "out2", "--recipe")
    assert shown.out.splitlines()[-1].startswith("recipe: ")
    for arguments in (["m.apbundle", "../x", "-o", "out3"], ["m.apbundle", "-o", "-"]):
        assert program.json("extract", *arguments, "--recipe").error["code"] == "usage"


def test_no_recipe_of_half_a_bundle(program: Program, folder: Path) -> None:
    ModelBundle.builder("m.apbundle").add_model("a", b"a").add_model("b", b"b").build().close()
    Path("out").mkdir()
    Path("out/a").write_bytes(b"mine")
    taken = program.json("extract", "m.apbundle", "-o", "out", "--recipe")
    assert (taken.status, taken.document["recipe"]["path"]) == (1, None)
    assert "models are missing" in json.dumps(taken.document)
    Path("out/a").unlink()
    Path("out/b").unlink()
    Path("out/recipe.toml").write_text("mine")
    taken = program.json("extract", "m.apbundle", "-o", "out", "--recipe")
    assert (taken.status, taken.document["recipe"]["error"]["code"]) == (1, "EEXIST")
    assert Path("out/recipe.toml").read_text() == "mine"
    assert program("extract", "m.apbundle", "-o", "out", "--recipe", "--force").status == 0
