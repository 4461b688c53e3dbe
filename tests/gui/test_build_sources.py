"""Looking at files and folders: what becomes a model, what is left out and why, and what changes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from apbundle import BundleConfig, ModelBundle
from apbundle.fileio import NotRegularFile
from apbundle.format.reader import BundleReader
from apbundle.recipe.model import BundledModel
from apbundle_gui.models.build_draft import Draft, Options, Row
from apbundle_gui.models.build_rows import suggested_name
from apbundle_gui.models.draft_recipe import recipe_of
from apbundle_gui.services import Services
from apbundle_gui.services.example_files import Example, ExampleFiles
from apbundle_gui.services.finding import Found, find_models
from apbundle_gui.services.looking import SourceFacts, look
from apbundle_gui.services.model_folder import read_folder
from apbundle_gui.services.natural import natural
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.planning import Planned, plan, plan_now
from apbundle_gui.services.sources import OutputFacts, Sources, look_at_output
from support.drafting import hub_folder, safetensors


def find(qtbot: QtBot, services: Services, paths: Iterable[Path], **options: object) -> Found:
    found: list[Found] = []
    find_models(services, [str(path) for path in paths], found.append, **options)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: bool(found))
    return found[0]


def taken(found: Found) -> list[str]:
    return [os.path.basename(path) for path in found.taken if isinstance(path, str)]


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    facts = look(str(safetensors(tmp_path / "x.txt", "a", "b")))
    assert (facts.format, facts.tensors, facts.error) == ("safetensors", 2, None)
    assert facts.size == (tmp_path / "x.txt").stat().st_size
    assert look(str(tmp_path / "x.txt"), facts) is facts


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("gone", FileNotFoundError), ("pipe", NotRegularFile), ("", OSError), ("/dev/zero", OSError)):
        facts = look(str(tmp_path / name))
        assert isinstance(facts.error, kind)
        assert (facts.size, facts.file, facts.format) == (0, None, "")


def test_a_broken_header_has_no_tensors(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "x.safetensors", "a")
    path.write_bytes(path.read_bytes() + b"more")
    assert look(str(path)).tensors is None


def test_folders_are_walked_in_natural_order(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    for number in (10, 2, 1):
        safetensors(tmp_path / f"layer{number}.safetensors", "a")
    inner = tmp_path / "inner"
    inner.mkdir()
    np.save(inner / "array.npy", np.zeros(3))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README").write_text("read me")
    (tmp_path / "nothing.bin").touch()
    (tmp_path / ".hidden").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    os.symlink(tmp_path, inner / "loop")
    os.symlink(tmp_path / "gone", tmp_path / "dangling")
    found = find(qtbot, services, [tmp_path])
    assert taken(found) == ["layer1.safetensors", "layer2.safetensors", "layer10.safetensors", "array.npy"]
    reasons = {os.path.basename(item.path): item.reason for item in found.left_out}
    assert reasons == {
        "config.json": "JSON",
        "README": "unknown kind",
        "nothing.bin": "empty",
        ".hidden": "hidden",
        "pipe": "not a regular file",
        "loop": "link to a folder",
        "dangling": "no such file or directory",
    }
    assert {os.path.basename(item.path) for item in found.left_out if item.usable} == {
        "config.json",
        "README",
        "nothing.bin",
    }
    assert found.folders == (str(tmp_path),)


def test_a_file_that_was_chosen_is_taken_whatever_it_is(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    found = find(qtbot, services, [tmp_path / "notes.txt", tmp_path / "gone.gguf"])
    assert taken(found) == ["notes.txt", "gone.gguf"]


def test_a_bundle_offers_its_models_and_itself(qtbot: QtBot, services: Services, tmp_path: Path, golden: Path) -> None:
    bundle = str(golden / "three_models.apbundle")
    found = find(qtbot, services, [Path(bundle)])
    with BundleReader.open(bundle) as reader:
        assert list(found.taken) == [BundledModel(bundle, name) for name in reader.manifest.names]
        for source, facts in found.taken.items():
            entry = reader.entry(source.model)
            assert (facts.range, facts.size) == ((reader.data_offset + entry.offset, entry.size), entry.raw_size)
    assert found.bundles == (bundle,)
    assert [(item.path, item.usable) for item in found.left_out] == [(bundle, True)]
    broken = tmp_path / "broken.apbundle"
    broken.write_bytes(Path(bundle).read_bytes()[:40])
    found = find(qtbot, services, [broken])
    assert not found.taken
    assert "cannot be opened" in found.left_out[0].reason


def test_a_model_folder_of_a_hub(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "tiny-bert")
    found = find(qtbot, services, [folder])
    assert taken(found) == ["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors"]
    first = next(iter(found.taken.values()))
    said = {(detail.group.value, detail.key): (detail.text, detail.origin.value) for detail in first.details}
    assert said["architecture", ""] == ("BertModel", "config.json")
    assert said["hyperparameters", "hidden_size"] == ("128", "config.json")
    assert said["hyperparameters", "rope.theta"] == ("10000.0", "config.json")
    assert said["hyperparameters", "tie"] == ("true", "config.json")
    assert said["custom", "shard"] == ("1 of 3", "index of shards")
    assert said["custom", "author"] == ("me", "payload header")
    reasons = {os.path.basename(item.path): (item.reason, item.usable) for item in found.left_out}
    assert reasons == {
        "config.json": ("read into the metadata", True),
        "model.safetensors.index.json": ("index of shards", True),
        "model-00003-of-00003.safetensors": ("a shard that is missing", False),
        "pytorch_model.bin": ("the same weights as model-00001-of-00003.safetensors", True),
        "tokenizer.json": ("tokenizer", True),
    }
    assert next(map(suggested_name, found.taken)) == "tiny-bert-00001-of-00003"
    both = find(qtbot, services, [folder / "config.json", folder / "model-00001-of-00003.safetensors"])
    assert next(iter(both.taken.values())).details[0].text == "BertModel"


@pytest.mark.parametrize(
    "config",
    ["[1]", "{", '{"a":' * 5000, "null", '{"model_type": 5}', '{"architectures": [], "x": "\\ud800", "y": NaN}'],
)
def test_odd_configurations_are_none(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    about = read_folder(str(tmp_path), ["config.json", "model.safetensors"])
    assert not [detail for detail in about.details if detail.key != "y"]


def test_a_folder_that_is_added_again_adds_what_is_new(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    old, new = safetensors(tmp_path / "old", "a"), safetensors(tmp_path / "new", "a")
    found = find(qtbot, services, [tmp_path], known=[str(old)])
    assert list(found.taken) == [str(new)]
    assert found.left_out[0].reason == "already in the draft"


def test_natural_order() -> None:
    assert sorted(["b", "A10", "a2", "a02b"], key=natural) == ["a2", "a02b", "A10", "b"]


def test_sources_notice_changes(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    path = safetensors(tmp_path / "x", "a")
    sources = Sources(services)
    sources.learn({str(path): look(str(path))})
    assert not sources.changed_sources
    safetensors(path, "a", "b")
    with qtbot.waitSignal(sources.changed):
        sources.refresh([str(path)])
    assert sources.changed_sources == {str(path)}
    assert sources.facts[str(path)].tensors == 2
    sources.accept([str(path)])
    assert not sources.changed_sources
    path.unlink()
    with qtbot.waitSignal(sources.changed):
        sources.refresh([str(path)])
    assert isinstance(sources.facts[str(path)].error, FileNotFoundError)
    assert not sources.changed_sources
    assert sources.refresh([]) is None


def test_a_second_look_says_nothing_when_nothing_changed(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    path = safetensors(tmp_path / "x", "a")
    sources = Sources(services)
    sources.learn({str(path): look(str(path))})
    said: list[bool] = []
    sources.changed.connect(lambda: said.append(True))
    job = sources.refresh([str(path)])
    assert job is not None
    qtbot.waitUntil(lambda: not job.running)
    assert not said


@pytest.mark.parametrize("what", ["nothing", "bundle", "folder", "no folder"])
def test_the_place_of_the_output(qtbot: QtBot, services: Services, tmp_path: Path, golden: Path, what: str) -> None:
    path = tmp_path / "out.apbundle"
    if what == "bundle":
        path.write_bytes((golden / "three_models.apbundle").read_bytes())
    elif what == "folder":
        path.mkdir()
    elif what == "no folder":
        path = tmp_path / "no" / "out.apbundle"
    seen: list[OutputFacts] = []
    look_at_output(services, str(path), seen.append)
    qtbot.waitUntil(lambda: bool(seen))
    facts = seen[0]
    assert (facts.exists, facts.folder) == (what in ("bundle", "folder"), what != "no folder")
    assert (facts.facts.error is not None) == (what == "folder")
    assert facts.facts.format == ("apbundle" if what == "bundle" else "")
    assert facts.path == str(path)
    if what != "no folder":
        assert facts.free is not None


@pytest.mark.parametrize("config", [BundleConfig(), BundleConfig(alignment=1, digest=None, plain=True)])
def test_the_planned_size_is_that_of_the_file(
    qtbot: QtBot, services: Services, tmp_path: Path, config: BundleConfig
) -> None:
    builder = ModelBundle.builder(tmp_path / "out").with_config(config).with_description("words")
    models = [("a", 5), ("b", 70_000), ("c", 0)]
    for name, size in models:
        builder.add_model(name, bytes(size))
    builder.build().close()
    draft = Draft(tuple(Row(number, name, name) for number, (name, _) in enumerate(models)), "words")
    options = Options(plain=True) if config.plain else Options()
    facts = {name: SourceFacts(length=size, range=(0, size)) for name, size in models}
    planned = plan_now(recipe_of(replace(draft, options=options)), facts, Pace())
    assert planned.file_size == (tmp_path / "out").stat().st_size


def test_what_cannot_be_built_has_no_plan(qtbot: QtBot, services: Services) -> None:
    planned: list[Planned | Exception] = []
    twice = Draft((Row(0, "a", "/x"), Row(1, "a", "/y")))
    plan(services, lambda pace: recipe_of(twice, pace), {}, planned.append)
    qtbot.waitUntil(lambda: bool(planned))
    assert "named 'a'" in str(planned[0])


def test_the_example_comes_and_goes(qtbot: QtBot, services: Services, root: Path) -> None:
    example = ExampleFiles(services)
    made: list[Example] = []
    example.unpack(str(root / "resources" / "sample.apbundle"), made.append)
    qtbot.waitUntil(lambda: bool(made))
    assert {os.path.splitext(path)[1] for path in made[0].paths} >= {".safetensors", ".gguf", ".onnx", ".npy"}
    assert all(os.path.isfile(path) for path in made[0].paths)
    example.clear()
    assert not any(os.path.exists(path) for path in made[0].paths)
