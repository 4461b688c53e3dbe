"""Drafts that survive: a crash of the program, a recipe, a command line, Python."""

from __future__ import annotations

import os
import runpy
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from apbundle import BundleConfig, ModelBundle
from apbundle.cli import main
from apbundle.format.model import ModelMetadata
from apbundle.recipe.building import build_recipe
from apbundle.recipe.model import BundledModel, Recipe, RecipeModel
from apbundle_gui.models.build_draft import Draft, Options, Row
from apbundle_gui.models.draft_copies import NoCommand, pack_command, pack_python
from apbundle_gui.models.draft_document import document_of, draft_from
from apbundle_gui.models.draft_recipe import draft_of, recipe_of
from apbundle_gui.services import Services
from apbundle_gui.services.details import NO_METADATA, Detail, Group, Origin
from apbundle_gui.services.pacing import Pace
from support.drafting import Bench, safetensors

CREATED = "1700000000"
CARRIED = ModelMetadata(components=("a", "b"), format="gguf", extra={"other": [1]})
DETAILS = (
    Detail(Group.VERSION, "", "1", Origin.YOU),
    Detail(Group.HYPERPARAMETERS, "layers", "12", Origin.CONFIG),
    Detail(Group.CUSTOM, "a b", "it's", Origin.HEADER),
)
ROWS = (
    Row(1, "a\udcff\x1b", os.fsdecode(b"/x/\xff.bin"), False, True, DETAILS),
    Row(2, "b", BundledModel("/y.apbundle", "inner"), carried=CARRIED),
)
DRAFT = Draft(ROWS, "words\nmore", "/out", Options(4096, None), (("k", "v"),), 5)


def alike(draft: Draft | None) -> Draft:
    """The draft with the row ids of ``DRAFT``."""
    assert draft is not None
    rows = tuple(
        Row(n, r.name, r.source, r.enabled, r.compress, r.details, r.carried) for n, r in enumerate(draft.rows, 1)
    )
    return Draft(rows, draft.description, draft.output, draft.options, draft.metadata, draft.created_at)


def test_a_draft_comes_back_from_its_document() -> None:
    lines = list(document_of(DRAFT, Pace()))
    assert alike(draft_from(lines, Pace())) == DRAFT
    assert draft_from([], Pace()) is None
    for broken in (b"{", b"[]", b'{"draft": 2}', b"null", lines[0].replace(b"4096", b"3"), lines[0].replace(b"k", b"")):
        assert draft_from([broken], Pace()) is None or broken.startswith(b'{"draft": 1')
    for broken in (b"{}", b'{"name": 1, "path": "x"}', b'{"name": "a", "path": "b", "details": [["x"]]}', b'"a"'):
        assert draft_from([lines[0], broken], Pace()) is None


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", CREATED)
    made = Bench(qtbot, services)
    made.page.keeping.pending.setInterval(0)
    folder = tmp_path / "models"
    folder.mkdir()
    made.add([safetensors(folder / "one.safetensors", "a"), safetensors(folder / "it's.safetensors", "a", "b")])
    made.page.store.put(str(tmp_path / "made.apbundle"))
    ids = [row.id for row in made.page.store.draft.rows]
    made.page.store.tell(ids[:1], Detail(Group.HYPERPARAMETERS, "n", "1", Origin.YOU))
    made.page.store.compress(ids[1:], True)
    made.settle()
    return made


def click(bench: Bench, text: str) -> None:
    next(b for b in bench.page.banner.findChildren(QPushButton) if b.text() == text and b.isVisible()).click()
    bench.settle()


def kept(bench: Bench) -> list[str]:
    folder = bench.page.keeping.files.path.parent
    return sorted(name for name in os.listdir(folder) if name.endswith(".draft")) if folder.is_dir() else []


def test_the_draft_is_kept_until_it_is_built_or_the_window_closes(bench: Bench) -> None:
    bench.qtbot.waitUntil(lambda: len(kept(bench)) == 1)
    assert bench.page.unsaved()
    bench.page.build()
    bench.qtbot.waitUntil(lambda: bool(bench.opened), timeout=20_000)
    bench.settle()
    assert kept(bench) == []
    bench.page.store.describe("changed")
    bench.qtbot.waitUntil(lambda: len(kept(bench)) == 1)
    bench.page.keeping.close()
    assert kept(bench) == []


_CRASHING = """
import os, signal, sys
from pathlib import Path
from apbundle_gui.services.draft_files import locked
path = Path(sys.argv[1])
path.write_bytes(sys.stdin.buffer.read())
lock = locked(path)
print("kept", flush=True)
sys.stdin.close()
signal.pause()
"""


def test_a_draft_that_a_crash_left_is_offered(bench: Bench, qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    bench.page.keeping.close()
    path = tmp_path / "drafts" / "other.draft"
    path.parent.mkdir(exist_ok=True)
    document = b"".join(document_of(bench.page.store.draft, Pace()))
    with subprocess.Popen(
        [sys.executable, "-c", _CRASHING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(document)
        program.stdin.close()
        assert program.stdout.readline() == b"kept\n"
        alive = Bench(qtbot, services)
        alive.settle()
        assert not alive.page.banner.isVisible()  # its program still runs
        program.send_signal(signal.SIGKILL)
    after = Bench(qtbot, services)
    after.page.keeping.pending.setInterval(0)
    after.settle()
    assert "a draft of 2 models was kept" in after.page.banner.text
    click(after, "Restore")
    assert after.names == bench.names
    assert after.page.store.draft.rows[0].details == bench.page.store.draft.rows[0].details
    after.qtbot.waitUntil(lambda: not path.exists())
    assert len(kept(after)) == 1
    after.page.undo()
    after.settle()
    assert after.names == []


def test_a_kept_draft_is_discarded(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    path = tmp_path / "drafts" / "other.draft"
    path.parent.mkdir()
    path.write_bytes(b"".join(document_of(DRAFT, Pace())))
    (path.parent / "odd.draft").write_bytes(b"odd")
    bench = Bench(qtbot, services)
    bench.settle()
    click(bench, "Discard")
    assert not path.exists()
    assert not bench.page.banner.isVisible()


# -- recipes, commands, Python -----------------------------------------------------------------------------------


def test_what_is_copied_and_saved_builds_the_same_bytes(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.page.store.describe("it's described")
    bench.settle()
    made = tmp_path / "made.apbundle"
    bench.page.build()
    bench.qtbot.waitUntil(lambda: bool(bench.opened), timeout=20_000)
    bench.settle()
    wanted = made.read_bytes()
    made.unlink()
    bench.window.do("build.copy_command")
    bench.settle()
    command = shlex.split(QGuiApplication.clipboard().text())
    assert command[:2] == ["apbundle", "pack"]
    assert main(command[1:]) == 0
    assert made.read_bytes() == wanted
    made.unlink()
    bench.window.do("build.copy_python")
    bench.settle()
    script = tmp_path / "build.py"
    script.write_text(QGuiApplication.clipboard().text())
    runpy.run_path(str(script))
    assert made.read_bytes() == wanted
    made.unlink()
    recipe = tmp_path / "recipe.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(recipe.with_suffix("")), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(recipe), ""))
    bench.window.do("build.save_recipe")
    bench.settle()
    assert main(["pack", str(recipe)]) == 0
    assert made.read_bytes() == wanted
    before = bench.page.store.draft
    assert bench.page.unsaved() == ""
    bench.window.do("build.new")
    bench.window.do("build.open_recipe")
    bench.settle()
    assert [(row.name, row.path, row.compress) for row in bench.page.store.draft.rows] == [
        (row.name, row.path, row.compress) for row in before.rows
    ]
    assert bench.page.store.draft.rows[0].details[0].origin is Origin.RECIPE
    bench.page.undo()
    bench.page.undo()
    assert bench.page.store.draft == before


def test_what_a_command_cannot_say_is_said(bench: Bench, golden: Path) -> None:
    row = Row(9_999_999, "inner", BundledModel(str(golden / "three_models.apbundle"), "encoder"))
    bench.page.store.insert(2, [row])
    bench.settle()
    bench.page.recipes.copy_command()
    bench.settle()
    assert "models of other bundles" in bench.page.banner.text
    for model in (
        RecipeModel("a=b", "/x"),
        RecipeModel("a", "/x", metadata=CARRIED),
        RecipeModel("a", "/x", metadata=ModelMetadata(custom={"b=c": "x"})),
    ):
        with pytest.raises(NoCommand):
            pack_command(Recipe((model,)))
    mistaken = RecipeModel("a", "/x", metadata=ModelMetadata(custom={"x": "y"}))
    with pytest.raises(NoCommand):
        pack_command(Recipe((mistaken, RecipeModel("a.custom", "/y"))))
    with pytest.raises(NoCommand):
        pack_command(Recipe((), metadata={"a": "b"}))


def test_python_of_everything(tmp_path: Path, golden: Path) -> None:
    out = tmp_path / "made.apbundle"
    bundle = str(golden / "three_models.apbundle")
    inner = draft_of(Recipe(()))
    assert inner.rows == ()
    rows = (
        Row(1, "x", BundledModel(bundle, "encoder"), details=DETAILS, carried=CARRIED),
        Row(2, "off", "/gone", False),
    )
    draft = Draft(rows, "words", str(out), Options(64, "sha256"), (("k", "v"),), 7)
    recipe = recipe_of(draft)
    exec(compile(pack_python(recipe), "copied", "exec"), {})
    written = out.read_bytes()
    out.unlink()
    build_recipe(recipe, out)
    assert out.read_bytes() == written
    plain = recipe_of(Draft(rows, options=Options(plain=True)))
    assert plain.models[0].metadata == NO_METADATA
    assert "plain=True" in pack_python(plain)


def test_a_bundle_is_edited_as_a_draft(
    qtbot: QtBot, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.apbundle"
    made = ModelBundle("as it was", created_at=7).add_model("a", b"1" * 500, version="1").add_model("b", b"2" * 500)
    made.write(path, BundleConfig(alignment=4096, digest="sha256"))
    before = path.read_bytes()
    bench = Bench(qtbot, services)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    bench.window.do("build.edit_bundle")
    bench.settle()
    assert bench.names == ["a", "b"]
    assert bench.page.unsaved() == ""
    assert bench.page.store.draft.options == Options(4096, "sha256")
    assert bench.page.store.draft.rows[0].details == (Detail(Group.VERSION, "", "1", Origin.BUNDLE),)
    replace_by_build(bench)
    assert path.read_bytes() == before
    bench.page.store.tell([bench.page.store.draft.rows[0].id], Detail(Group.VERSION, "", "2", Origin.YOU))
    bench.settle()
    assert bench.page.unsaved()
    replace_by_build(bench)
    with ModelBundle.load(path) as now:
        assert now.reader.entry("a").metadata.version == "2"
        assert now.created_at == 7


def replace_by_build(bench: Bench) -> None:
    bench.opened.clear()
    bench.page.build()
    bench.qtbot.waitUntil(lambda: bool(bench.opened) or bench.page.building.question is not None)
    if (box := bench.page.building.question) is not None:
        next(b for b in box.buttons() if b.text().replace("&", "") == "Replace").click()
    bench.qtbot.waitUntil(lambda: bool(bench.opened), timeout=20_000)
    bench.settle()
