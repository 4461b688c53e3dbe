"""Problems of a draft, marked at their rows and solved with one click or key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from apbundle import ModelBundle
from apbundle_gui.models.build_table import PROBLEM_ROLE, Column
from apbundle_gui.services import Services, sources, twins
from support.drafting import Bench, model_files, safetensors


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


def click_fix(bench: Bench, row: int) -> None:
    viewport = bench.page.view.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=bench.page.view.fix_rect(row).center())
    bench.settle()


def test_a_duplicate_name_is_solved_with_one_click(full: Bench) -> None:
    full.type_name(2, "a")
    assert full.cell(2, Column.SOURCE, PROBLEM_ROLE) == "Same name as row 1"
    assert full.page.bench.header.state.text() == "1 problem"
    assert not full.window.actions_["build.build"].isEnabled()
    full.page.view.grab()
    click_fix(full, 2)
    assert full.names == ["a", "bb", "a-2", "dddd"]
    assert full.page.can_build()
    full.page.undo()
    full.page.undo()
    assert full.names == ["a", "bb", "ccc", "dddd"]


def test_return_solves_the_problem_of_the_current_row(full: Bench) -> None:
    full.type_name(0, "")
    assert full.cell(0, Column.NAME) == "(no name)"
    full.select(0)
    full.page.view.setFocus()
    full.key(Qt.Key.Key_Return)
    assert full.names[0] == "a"


def test_all_problems_are_solved_at_once(full: Bench) -> None:
    full.page.store.rename({row.id: "x" for row in full.page.store.draft.rows})
    full.settle()
    assert full.page.bench.footer.fix_all.text() == "Fix All 3"
    full.page.bench.footer.fix_all.click()
    full.settle()
    assert full.names == ["x", "x-2", "x-3", "x-4"]
    assert not full.page.bench.footer.fix_all.isVisible()


def test_a_source_that_went_away_is_located(
    full: Bench, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files[1].rename(tmp_path / "moved")
    full.page.activate()
    full.settle()
    assert full.cell(1, Column.SOURCE, PROBLEM_ROLE) == "Missing"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "moved"), ""))
    click_fix(full, 1)
    assert full.cell(1, Column.SOURCE) == str(tmp_path / "moved")
    assert full.cell(1, Column.TENSORS) == "2"
    assert full.page.can_build()


def test_a_source_that_changed_is_remarked_when_the_user_comes_back(full: Bench, files: list[Path]) -> None:
    safetensors(files[0], "p", "q", "r")
    full.page.activate()
    full.settle()
    assert full.cell(0, Column.SOURCE, PROBLEM_ROLE) == "Changed on disk"
    assert full.cell(0, Column.TENSORS) == "3"
    assert full.page.can_build()
    click_fix(full, 0)
    assert full.cell(0, Column.SOURCE, PROBLEM_ROLE) is None


def test_a_pipe_is_refused_at_its_row(bench: Bench, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    bench.add([tmp_path / "pipe"])
    assert bench.cell(0, Column.SOURCE, PROBLEM_ROLE) == "Not a regular file"
    click_fix(bench, 0)
    assert bench.names == []


def test_the_output_must_not_be_a_source(full: Bench, files: list[Path]) -> None:
    full.page.store.put(str(files[2]))
    full.settle()
    assert full.cell(2, Column.SOURCE, PROBLEM_ROLE) == "Is the output"
    click_fix(full, 2)
    assert full.page.store.draft.output == str(files[2].with_name("ccc-bundle.apbundle"))
    assert full.page.can_build()


def test_equal_contents_are_remarked_and_one_is_dropped(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "PIECE", 100_000)
    same, other = bytes(200_000), bytes(199_999) + b"x"
    inner = bytes(100_000) + b"y" + bytes(99_999)
    for name, data in (("a", same), ("b", other), ("c", same), ("d", inner)):
        (tmp_path / name).write_bytes(data)
    ModelBundle().add_model("inside", same).write(tmp_path / "e.apbundle")
    bench.add([tmp_path / name for name in "abcd"])
    bench.add([tmp_path / "e.apbundle"])
    said = [bench.cell(row, Column.SOURCE, PROBLEM_ROLE) for row in range(5)]
    assert said == [None, None, "Same content as row 1", None, "Same content as row 1"]
    assert "stored twice" in str(bench.cell(2, Column.SOURCE, Qt.ItemDataRole.ToolTipRole))
    assert bench.page.can_build()
    assert not bench.page.bench.footer.fix_all.isVisible()  # which of them goes is a matter of taste
    click_fix(bench, 2)
    assert bench.names == ["a", "b", "d", "inside"]


def test_too_little_space_is_said_before_the_build(
    full: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_free", lambda folder: 1000)
    full.page.outlook.forget()
    full.settle()
    assert full.page.bench.header.state.text() == "1 problem"
    assert "too little" in full.page.panel.output_note.text()
    assert not full.page.can_build()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(tmp_path / "else.apbundle"), ""))
    monkeypatch.setattr(sources, "_free", lambda folder: 1 << 40)
    full.page.panel.output_fix.click()
    full.settle()
    assert full.page.store.draft.output == str(tmp_path / "else.apbundle")
    assert full.page.can_build()


def test_a_bundle_whose_models_are_taken_may_be_written_over(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "own.apbundle"
    ModelBundle().add_model("a", b"1" * 500).add_model("b", b"2" * 500).write(path)
    bench.add([path])
    bench.page.store.remove([bench.page.store.draft.rows[0].id])
    bench.page.store.put(str(path))
    bench.settle()
    assert bench.page.can_build()
    bench.page.build()
    bench.qtbot.waitUntil(lambda: bench.page.building.question is not None)
    next(b for b in bench.page.building.question.buttons() if b.text().replace("&", "") == "Replace").click()
    bench.qtbot.waitUntil(lambda: bool(bench.opened), timeout=20_000)
    bench.settle()
    with ModelBundle.load(path) as made:
        assert (list(made), made.get_model("b")) == (["b"], b"2" * 500)
    assert bench.cell(0, Column.SOURCE, PROBLEM_ROLE) is None  # it was changed by the program itself
