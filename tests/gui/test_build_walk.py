"""One walk through the whole: a model folder is dropped, mended, described, built, opened, verified, and changed again.

With ``APBUNDLE_PICTURES`` naming a folder, it is recorded there, a picture a step.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from apbundle import ModelBundle
from apbundle.cli import main
from apbundle.payload.safetensors import serialize
from apbundle_gui.models.build_table import PROBLEM_ROLE, Column
from apbundle_gui.pages.inspect.page import InspectPage
from apbundle_gui.services import Services
from fetch_models import is_complete, models_folder
from support.controls import controls, name_of, path_of
from support.drafting import Bench
from support.dragging import mime_of_files

REAL = "silero_vad/data/silero_vad_16k.safetensors"
Key, Control = Qt.Key, Qt.KeyboardModifier.ControlModifier


def model_folder(folder: Path) -> Path:
    """A model folder as hubs lay it out, of real weights where they are."""
    folder.mkdir()
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    header, buffers = serialize({"head.weight": np.eye(64, dtype=np.float32)}, {"format": "pt"})
    for shard in shards:
        (folder / shard).write_bytes(b"".join([header, *buffers]))
    if is_complete(models_folder()):
        shutil.copyfile(models_folder() / REAL, folder / shards[0])
    index = {"metadata": {}, "weight_map": {f"part.{shard}": shard for shard in shards}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps({"architectures": ["SileroVAD"], "hidden_size": 128}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "README.md").write_text("# A model")
    return folder


class Walk(Bench):
    """Nothing but what a hand does: drops, keys and clicks."""

    def __init__(self, qtbot: QtBot, services: Services) -> None:
        super().__init__(qtbot, services, InspectPage)
        self._pictures = 0

    @property
    def inspect(self) -> InspectPage:
        page = self.window.page("inspect")
        assert isinstance(page, InspectPage)
        return page

    def picture(self, name: str) -> None:
        if folder := os.environ.get("APBUNDLE_PICTURES"):
            self._pictures += 1
            self.window.grab().save(str(Path(folder) / f"walk-{self._pictures:02}-{name}.png"))

    def type_version(self, text: str) -> None:
        """Ctrl+I, then the version of the selected row."""
        self.key(Key.Key_I, Control)
        details = self.page.side.details
        self.settle()
        details.view.setCurrentIndex(details.table.index(0, 1))
        self.key(Key.Key_F2)
        editor = QApplication.focusWidget()
        assert editor is not None
        assert editor.accessibleName() == "Value of the field"
        self.key(Key.Key_A, Control)
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, Key.Key_Return)
        self.qtbot.waitUntil(lambda: details.view.state() != details.view.State.EditingState)
        self.settle()

    def build(self) -> None:
        """Ctrl+Return, until Inspect shows the result; then verify it."""
        with self.qtbot.waitSignal(self.services.session.opened, timeout=20_000):
            self.key(Key.Key_Return, Control)
        self.settle()
        assert self.window.page_name == "inspect"
        self.key(Key.Key_V, Control | Qt.KeyboardModifier.ShiftModifier)
        self.qtbot.waitUntil(lambda: self.inspect.card.badge.text() == "Verified", timeout=20_000)
        self.settle()


def test_from_a_folder_to_a_bundle_and_back(
    qtbot: QtBot, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk, folder = Walk(qtbot, services), model_folder(tmp_path / "silero")
    page, store = walk.page, walk.page.store
    assert walk.drop(page, mime_of_files([folder]), QPoint(200, 200))
    walk.settle()
    assert walk.preview is not None
    walk.picture("dropped")
    QTest.keyClick(walk.preview, Key.Key_Return)
    walk.settle()
    walk.activate()
    assert [walk.cell(row, Column.ARCHITECTURE) for row in (0, 1)] == ["SileroVAD"] * 2

    walk.type_name(0, "head")
    walk.type_name(1, "../head")
    (folder / "model-00002-of-00002.safetensors").rename(folder / "moved.safetensors")
    walk.window.do("view.inspect")
    walk.window.do("view.build")  # the files are looked at again
    walk.settle()
    assert [walk.cell(row, Column.SOURCE, PROBLEM_ROLE) for row in (0, 1)] == [None, "Missing"]
    assert not page.can_build()
    walk.picture("problems")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(folder / "moved.safetensors"), ""))
    page.view.fix_wanted.emit(1)
    walk.settle()
    assert walk.cell(1, Column.SOURCE, PROBLEM_ROLE) == "Unsafe as a file name"
    page.bench.footer.fix_all.setFocus()
    walk.key(Key.Key_Space)
    walk.settle()
    assert page.problems.rows == {}
    walk.type_name(1, "tail")

    walk.select(0)
    walk.type_version("6.2")
    page.panel.details.created.setFocus()
    QTest.keyClicks(page.panel.details.created, "2026-01-31")
    page.panel.description.setFocus()
    QTest.keyClicks(page.panel.description, "Voices, found")
    walk.settle()
    walk.picture("described")
    recipe, made, again = tmp_path / "recipe.toml", Path(store.draft.target), tmp_path / "again.apbundle"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(recipe), ""))
    walk.key(Key.Key_S, Control)
    walk.settle()
    walk.build()
    walk.picture("verified")
    assert main(["pack", str(recipe), "-o", str(again)]) == 0
    assert again.read_bytes() == made.read_bytes()

    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(made), ""))
    walk.window.do("view.build")
    walk.window.do("build.edit_bundle")
    walk.settle()
    walk.select(0)
    walk.type_version("6.3")
    assert page.outlook.cost.in_place
    walk.picture("editing")
    inode = made.stat().st_ino
    walk.build()
    walk.picture("changed")
    assert made.stat().st_ino == inode
    with ModelBundle.load(made) as now:
        assert [entry.metadata.version for entry in now.reader.manifest] == ["6.3", ""]
        assert now.description == "Voices, found"


def test_every_control_of_the_page_is_reached_by_keys_and_named(
    qtbot: QtBot, services: Services, tmp_path: Path
) -> None:
    bench = Bench(qtbot, services)
    bench.add([model_folder(tmp_path / "silero")])
    page, side = bench.page, bench.page.side
    page.panel.details.add_field()
    bench.settle()
    bench.key(Key.Key_Escape)
    page.store.put(str(tmp_path / "nowhere" / "x.apbundle"))
    bench.select(0)
    page.bench.result.show()
    page.bench.error_card.show_error(OSError("x"), "/x", "")
    page.bench.error_card.show()
    bench.settle()
    for at in range(side.tabs.count()):
        side.tabs.setCurrentIndex(at)
        page.view.setFocus()
        seen = set()
        while (widget := QApplication.focusWidget()) not in seen:
            seen.add(widget)
            bench.key(Key.Key_Tab)
        wanted = {
            each
            for each in controls(page)
            if each.isVisible() and each.isEnabled() and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        }
        assert not [path_of(each) for each in wanted - seen if each.focusProxy() is None]
        assert not [path_of(each) for each in seen if not name_of(each)]
    assert not [path_of(each) for each in controls(page) if not name_of(each)]
