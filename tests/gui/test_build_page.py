"""The Build page under real events: drops, keys, clicks, typing; everything can be taken back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDragLeaveEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from apbundle_gui.models.build_draft import Options
from apbundle_gui.models.build_rows import new_rows
from apbundle_gui.models.build_table import Column
from apbundle_gui.pages.build.draft_view import rows_mime
from apbundle_gui.services import Services
from apbundle_gui.services.sources import SourceFacts
from apbundle_gui.theme import Tone
from support.drafting import Bench, model_files, safetensors
from support.dragging import drag_onto, drop_onto, mime_of_files
from support.hostile import HOSTILE_NAMES

Control = Qt.KeyboardModifier.ControlModifier
Shift = Qt.KeyboardModifier.ShiftModifier
Alt = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def bench(qtbot: QtBot, services: Services) -> Bench:
    return Bench(qtbot, services)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return model_files(tmp_path)


@pytest.fixture
def full(bench: Bench, files: list[Path]) -> Bench:
    bench.add(files)
    return bench


def undo(bench: Bench) -> None:
    bench.key(Qt.Key.Key_Z, Control)
    bench.settle()


def redo(bench: Bench) -> None:
    bench.key(Qt.Key.Key_Z, Control | Shift)
    bench.settle()


# -- adding ------------------------------------------------------------------------------------------------------


def test_an_empty_draft_offers_to_begin(bench: Bench) -> None:
    assert bench.page.empty.isVisible()
    assert {b.text() for b in bench.page.empty.findChildren(QPushButton)} == {"Add Files…", "Add Folder…"}
    assert not bench.window.actions_["build.build"].isEnabled()
    assert bench.window.actions_["build.add_files"].isEnabled()
    assert bench.page.unsaved() == ""


def test_files_dropped_on_the_empty_page_become_a_table(full: Bench, files: list[Path]) -> None:
    assert full.names == ["a", "bb", "ccc", "dddd"]
    assert full.page.bench.isVisible()
    assert full.cell(1, Column.FORMAT) == "safetensors"
    assert full.cell(3, Column.TENSORS) == "4"
    total = sum(path.stat().st_size for path in files)
    assert full.page.bench.footer.total.text() == f"4 models  ·  {total} B"
    assert full.page.panel.output.text().endswith(
        os.path.join(files[0].parent.name, f"{files[0].parent.name}.apbundle")
    )
    assert full.window.actions_["build.build"].isEnabled()
    assert full.page.unsaved() == "The draft of 4 models was not built."
    assert QApplication.focusWidget() is full.page.view


def test_the_page_shows_that_it_takes_a_drop(bench: Bench, files: list[Path]) -> None:
    before = bench.page.empty.grab().toImage()
    assert bench.drag(bench.page, mime_of_files(files), QPoint(100, 100))
    assert bench.page.empty.grab().toImage() != before
    QApplication.sendEvent(bench.page, QDragLeaveEvent())
    bench.qtbot.waitUntil(bench.page.targets.isHidden)
    assert bench.page.empty.grab().toImage() == before


def test_a_drag_offers_two_targets_and_the_table_below(full: Bench, files: list[Path], tmp_path: Path) -> None:
    page, targets = full.page, full.page.targets
    bundle = str(tmp_path / "y.apbundle")
    assert drag_onto(page, mime_of_files(files))
    assert targets.isVisible()
    assert not targets.open_target.isEnabled()
    full.drag(page.view.viewport(), mime_of_files([bundle, *files]), full.gap(1))
    assert targets.geometry().bottom() < page.view.mapTo(page, QPoint(0, 0)).y() + 60
    assert targets.open_target.isEnabled()
    assert drop_onto(targets.open_target, mime_of_files([bundle, *files]))
    assert (full.opened, targets.isVisible(), full.names) == ([bundle], False, ["a", "bb", "ccc", "dddd"])
    drag_onto(page, mime_of_files(files[:1]))
    assert drop_onto(targets.add_target, mime_of_files([safetensors(tmp_path / "new", "x")]))
    full.settle()
    assert full.names[-1] == "new"
    drag_onto(page, mime_of_files(files))
    QApplication.sendEvent(page, QDragLeaveEvent())
    full.qtbot.waitUntil(targets.isHidden)


def test_a_drop_between_rows_inserts_there(full: Bench, tmp_path: Path) -> None:
    new = [safetensors(tmp_path / "one", "x"), safetensors(tmp_path / "two", "x")]
    viewport = full.page.view.viewport()
    assert full.drag(viewport, mime_of_files(new), full.gap(2))
    assert full.page.view.drop_at == 2
    full.page.view.grab()
    assert full.drop(viewport, mime_of_files(new), full.gap(2))
    assert full.page.view.drop_at is None
    full.settle()
    assert full.names == ["a", "bb", "one", "two", "ccc", "dddd"]
    assert full.page.view.selected_rows() == [2, 3]
    undo(full)
    assert full.names == ["a", "bb", "ccc", "dddd"]


def test_a_drop_below_the_rows_appends(full: Bench, tmp_path: Path) -> None:
    at = QPoint(60, full.page.view.viewport().height() - 4)
    assert full.drop(full.page.view.viewport(), mime_of_files([safetensors(tmp_path / "z", "x")]), at)
    full.settle()
    assert full.names[-1] == "z"


def test_a_drag_that_leaves_takes_its_mark_along(full: Bench, files: list[Path]) -> None:
    full.drag(full.page.view.viewport(), mime_of_files(files), full.gap(1))
    QApplication.sendEvent(full.page.view.viewport(), QDragLeaveEvent())
    assert full.page.view.drop_at is None


def test_files_and_folders_are_chosen_in_dialogs(
    bench: Bench, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(files[0])], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(files[0].parent))
    bench.window.do("build.add_files")
    bench.settle()
    assert bench.names == ["a"]
    bench.window.do("build.add_folder")
    bench.settle()
    assert bench.preview is not None
    bench.preview.add_button.click()
    bench.settle()
    assert bench.names == ["a", "bb", "ccc", "dddd"]


def test_names_are_made_unique(full: Bench, files: list[Path]) -> None:
    full.add(files[:1])
    full.add([files[0], files[1]])
    assert full.names == ["a", "bb", "ccc", "dddd", "a-2", "a-3", "bb-2"]


# -- handling ----------------------------------------------------------------------------------------------------


def test_a_name_is_edited_in_place(full: Bench) -> None:
    full.type_name(1, "encoder")
    assert full.names == ["a", "encoder", "ccc", "dddd"]
    undo(full)
    assert full.names[1] == "bb"
    redo(full)
    assert full.names[1] == "encoder"


def test_escape_leaves_a_name_as_it_was(full: Bench) -> None:
    full.select(0)
    full.page.view.setFocus()
    full.key(Qt.Key.Key_F2)
    editor = QApplication.focusWidget()
    QTest.keyClicks(editor, "other")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert full.names[0] == "a"
    assert not full.page.store.undo_stack.canRedo()
    assert full.page.store.undo_stack.count() == 1


def test_a_name_that_is_taken_is_marked_while_it_is_typed(full: Bench) -> None:
    full.select(1)
    full.page.view.setFocus()
    full.key(Qt.Key.Key_F2)
    editor = QApplication.focusWidget()
    full.key(Qt.Key.Key_A, Control)
    QTest.keyClicks(editor, "a")
    assert editor.property("tone") == "danger"
    QTest.keyClicks(editor, "x")
    assert not editor.property("tone")
    QTest.keyClick(editor, Qt.Key.Key_Escape)


def test_rows_are_reordered_with_keys(full: Bench) -> None:
    full.select(2)
    full.page.view.setFocus()
    full.key(Qt.Key.Key_Up, Alt)
    assert full.names == ["a", "ccc", "bb", "dddd"]
    assert full.page.view.selected_rows() == [1]
    full.key(Qt.Key.Key_Up, Alt)
    full.key(Qt.Key.Key_Up, Alt)
    assert full.names == ["ccc", "a", "bb", "dddd"]
    full.key(Qt.Key.Key_Down, Alt)
    assert full.names == ["a", "ccc", "bb", "dddd"]
    for _ in range(3):
        undo(full)
    assert full.names == ["a", "bb", "ccc", "dddd"]


def test_rows_are_reordered_by_dragging(full: Bench) -> None:
    full.select(0, 2)
    assert full.page.view.make_drag().mimeData().hasFormat(rows_mime().formats()[0])
    assert full.drop(full.page.view.viewport(), rows_mime(), full.gap(3), copy=False)
    assert full.names == ["bb", "a", "ccc", "dddd"]
    assert full.page.view.selected_rows() == [1, 2]
    undo(full)
    assert full.names == ["a", "bb", "ccc", "dddd"]


def test_delete_removes_and_selects_what_follows(full: Bench) -> None:
    full.select(1, 2)
    full.page.view.setFocus()
    full.key(Qt.Key.Key_Delete)
    assert full.names == ["a", "dddd"]
    assert full.page.view.selected_rows() == [1]
    full.key(Qt.Key.Key_Delete)
    full.key(Qt.Key.Key_Delete)
    full.settle()
    assert full.page.empty.isVisible()
    undo(full)
    undo(full)
    undo(full)
    assert full.names == ["a", "bb", "ccc", "dddd"]
    assert full.page.bench.isVisible()


def test_a_new_draft_can_be_taken_back(full: Bench) -> None:
    full.window.do("build.new")
    full.settle()
    assert full.names == []
    undo(full)
    assert full.names == ["a", "bb", "ccc", "dddd"]


def test_the_menu_of_a_row_does_what_the_keys_do(full: Bench) -> None:
    full.select(0)
    menu = full.page.menu()
    texts = [action.text() for action in menu.actions()]
    assert texts[0] == "&Rename"
    menu.actions()[texts.index("Re&move")].trigger()
    assert full.names == ["bb", "ccc", "dddd"]
    menu.deleteLater()


# -- the settings ------------------------------------------------------------------------------------------------


def test_the_description_is_typed_and_taken_back_as_one(full: Bench) -> None:
    field = full.page.panel.description
    field.setFocus()
    QTest.keyClicks(field, "two words")
    assert full.page.store.draft.description == "two words"
    full.page.panel.output.setFocus()
    field.setFocus()
    QTest.keyClicks(field, "!")
    assert full.page.store.draft.description == "two words!"
    undo(full)
    assert field.toPlainText() == "two words"
    undo(full)
    assert field.toPlainText() == ""
    redo(full)
    assert full.page.store.draft.description == "two words"


def test_the_output_is_typed(full: Bench, tmp_path: Path) -> None:
    field = full.page.panel.output
    default = field.text()
    field.setFocus()
    full.key(Qt.Key.Key_A, Control)
    QTest.keyClicks(field, "other.apbundle")
    full.page.panel.description.setFocus()
    assert full.page.store.draft.output == str(tmp_path / "other.apbundle")
    assert field.text() == str(tmp_path / "other.apbundle")
    field.setFocus()
    full.key(Qt.Key.Key_A, Control)
    full.key(Qt.Key.Key_Delete)
    assert full.page.store.draft.output == ""
    full.page.panel.description.setFocus()
    assert field.text() == default


def test_the_output_is_chosen_in_a_dialog(full: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(tmp_path / "chosen"), ""))
    full.window.do("build.choose_output")
    assert full.page.store.draft.output == str(tmp_path / "chosen.apbundle")


def test_where_nothing_can_be_written_is_said_beside_the_field(full: Bench, tmp_path: Path) -> None:
    full.page.store.put(str(tmp_path / "no" / "x.apbundle"))
    full.settle()
    assert full.page.panel.output_note.text() == "The folder of the output does not exist."
    assert not full.page.can_build()
    (tmp_path / "old.apbundle").write_bytes(b"something else")
    full.page.store.put(str(tmp_path / "old.apbundle"))
    full.settle()
    assert full.page.panel.output_note.text() == "Replaces the file that is there, which is not a bundle."
    assert full.page.can_build()


def test_options_are_part_of_the_draft(full: Bench) -> None:
    panel = full.page.panel
    panel.alignment.setFocus()
    full.key(Qt.Key.Key_Down)
    panel.digest.setFocus()
    full.key(Qt.Key.Key_Down)
    assert full.page.store.draft.options == Options(4096, "sha256")
    panel.plain.setFocus()
    full.key(Qt.Key.Key_Space)
    assert full.page.store.draft.options.plain
    assert not panel.digest.isEnabled()
    undo(full)
    assert panel.digest.isEnabled()
    undo(full)
    assert panel.digest.currentText() == "XXH3-128"


# -- names of strangers, and many of them ------------------------------------------------------------------------


def test_hostile_names_are_shown_as_text(full: Bench, tmp_path: Path) -> None:
    names = [name.replace("{marker}", str(tmp_path / "marker")) for name in HOSTILE_NAMES]
    full.page.store.insert(4, new_rows([f"/x/{number}" for number in range(len(names))], []))
    ids = [row.id for row in full.page.store.draft.rows[4:]]
    full.page.store.rename(dict(zip(ids, names, strict=True)))
    full.settle()
    for row in range(4, 4 + len(names)):
        for column in Column:
            assert len(str(full.cell(row, column))) <= 256
            tip = full.cell(row, column, Qt.ItemDataRole.ToolTipRole)
            assert not tip or (tip.startswith("<qt>") and "<img" not in tip)
    full.page.view.selectAll()
    for tab in (full.page.side.details, full.page.side.history):
        full.page.side.show_tab(tab)
        full.settle()
        full.page.grab()
    assert not (tmp_path / "marker").exists()
    full.page.store.put("/tmp/<img src=x>/\x1b.apbundle")
    full.settle()
    assert "\x1b" not in full.page.panel.output.text()
    full.page.menu().deleteLater()


def test_the_name_that_is_edited_is_the_whole_one(full: Bench) -> None:
    ids = [row.id for row in full.page.store.draft.rows]
    full.page.store.rename({ids[0]: "a\u202eb"})
    full.settle()
    full.select(0)
    full.page.view.edit_name()
    editor = QApplication.focusWidget()
    assert editor.text() == "a\u202eb"
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert full.names[0] == "a\u202eb"


def test_ten_thousand_rows(bench: Bench) -> None:
    page = bench.page
    paths = [f"/nowhere/{number:05}.bin" for number in range(10_000)]
    page.sources.learn(dict.fromkeys(paths, SourceFacts(format="gguf")))
    page.store.insert(0, new_rows(paths, []))
    bench.settle()
    page.store.rename(dict.fromkeys((row.id for row in page.store.draft.rows), "same"))
    bench.settle()
    assert page.bench.footer.remark.text() == "10,000 problems"  # the first name is free, the folder is not there
    page.bench.footer.fix_all.click()
    bench.settle()
    assert len(set(bench.names)) == 10_000
    page.view.scrollToBottom()
    page.view.selectRow(9_999)
    page.view.setFocus()
    bench.key(Qt.Key.Key_Up, Alt)
    page.view.selectAll()
    assert page.bench.footer.total.text().startswith("10,000 models  ·  0 B  ·  10,000 selected")
    bench.key(Qt.Key.Key_Delete)
    bench.settle()
    assert bench.names == []
    undo(bench)
    assert bench.names[-2:] == ["same-10000", "same-9999"]


# -- the rest ----------------------------------------------------------------------------------------------------


def test_everything_is_reached_and_named(full: Bench) -> None:
    panel = full.page.panel
    for widget in (panel.output, panel.choose, panel.description, panel.alignment, panel.digest, full.page.view):
        assert widget.accessibleName()
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus or widget is panel.choose
    seen = set()
    full.page.view.setFocus()
    for _ in range(40):
        seen.add(QApplication.focusWidget())
        full.key(Qt.Key.Key_Tab)
    assert {full.page.view, panel.output, panel.description, panel.alignment, panel.digest, panel.plain} <= seen
    side = full.page.side
    assert {full.page.bench.ruler.ruler, side.tabs.tabBar()} <= seen
    side.tabs.tabBar().setFocus()
    for _ in range(2):
        full.key(Qt.Key.Key_Right)
    assert side.history.isVisible()
    full.select(0)
    full.key(Qt.Key.Key_I, Control)
    assert QApplication.focusWidget() is side.details.view
    full.key(Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is side.details.add_hyperparameter


def test_the_example_fills_the_page(bench: Bench, root: Path) -> None:
    bench.page.show_example(str(root / "resources" / "sample.apbundle"))
    bench.settle()
    assert bench.page.example_ready()
    assert len(bench.names) == 16
    assert bench.page.panel.description.toPlainText().startswith("Sixteen small models")
    assert bench.page.can_build()
    assert bench.page.bench.header.state.property("tone") == Tone.NEUTRAL.value


def test_the_splitter_is_remembered(qtbot: QtBot, bench: Bench, files: list[Path], services: Services) -> None:
    bench.add(files)
    bench.page.bench.splitter.setSizes([500, 500])
    sizes = bench.page.bench.splitter.sizes()
    bench.page.shutdown()
    other = Bench(qtbot, services)
    other.add(files)
    assert other.page.bench.splitter.sizes() == sizes
