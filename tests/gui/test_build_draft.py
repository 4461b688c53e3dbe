"""The draft as a value, its problems, its history and its table."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelectionModel, QPersistentModelIndex, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from apbundle.fileio import FileIdentity, NotRegularFile
from apbundle.names import safe_file_name
from apbundle_gui.models.build_draft import Draft, Options, Row, default_output
from apbundle_gui.models.build_problems import Remedy, find_problems
from apbundle_gui.models.build_rows import FreshNames, new_rows, suggested_name
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.build_table import FIX_ROLE, PROBLEM_ROLE, Column, DraftTable
from apbundle_gui.services.details import Group
from apbundle_gui.services.sources import OutputFacts, SourceFacts

FINE = SourceFacts(FileIdentity(1, 2, 5_000_000_000, 4), "safetensors", 3)


def rows(*names: str) -> tuple[Row, ...]:
    return tuple(Row(number, name, f"/models/{number}.bin") for number, name in enumerate(names, 1))


def names(draft: Draft) -> str:
    return "".join(row.name for row in draft.rows)


def found(*given: Row, facts: SourceFacts = FINE, output: OutputFacts | None = None, changed: bool = False) -> list:
    problems = find_problems(
        given, {row.path: facts for row in given}, output, {row.path for row in given} if changed else set()
    )
    return [problems.rows.get(row.id) for row in given]


# -- the value ---------------------------------------------------------------------------------------------------


def test_rows_move_together_and_keep_their_order() -> None:
    draft = Draft(rows("a", "b", "c", "d", "e"))
    assert names(draft.moved({2, 4}, 0)) == "bdace"
    assert names(draft.moved({2, 4}, 5)) == "acebd"
    assert names(draft.moved({2, 4}, 3)) == "acbde"
    assert names(draft.moved({1}, 1)) == "abcde"
    assert names(draft.stepped({2, 3}, -1)) == "bcade"
    assert names(draft.stepped({1, 2}, -1)) == "abcde"
    assert names(draft.stepped({1, 5}, 1)) == "bacde"
    assert names(draft.removed({1, 5})) == "bcd"
    assert names(draft.inserted(1, [Row(9, "x", "")])) == "axbcde"


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)), st.integers(0, 6))
def test_moving_loses_nothing(order: list[int], ids: set[int], at: int) -> None:
    draft = Draft(tuple(Row(number, str(number), "") for number in order))
    moved = draft.moved(ids, at)
    assert sorted(row.id for row in moved.rows) == list(range(6))
    assert [row for row in moved.rows if row.id not in ids] == [row for row in draft.rows if row.id not in ids]
    assert [row for row in moved.rows if row.id in ids] == [row for row in draft.rows if row.id in ids]
    for step in (-1, 1):
        assert sorted(row.id for row in draft.stepped(ids, step).rows) == list(range(6))


def test_names_are_suggested_from_the_file() -> None:
    assert suggested_name("/a/encoder.v2.safetensors") == "encoder.v2"
    assert suggested_name("/a/.bin") == ".bin"
    assert suggested_name(os.fsdecode(b"/a/caf\xe9.bin")) == "caf\ufffd"


def test_suggested_names_are_unique() -> None:
    made = new_rows(["/a/x.npy", "/b/x.npy", "/c/x.onnx", "/d/x-2.npy"], ["x-3", "y"])
    assert [row.name for row in made] == ["x", "x-2", "x-4", "x-2-2"]
    assert len({row.id for row in made}) == 4
    fresh = FreshNames({"y", "y-2"})
    assert [fresh.take("y"), fresh.take("y"), fresh.take("z")] == ["y-3", "y-4", "z"]


def test_the_output_is_beside_the_first_source() -> None:
    assert default_output(()) == ""
    assert Draft(rows("a")).target == "/models/models.apbundle"
    assert Draft((Row(1, "a", "/a.bin"),)).target == "/models.apbundle"
    assert Draft(rows("a"), output="/x/y.apbundle").target == "/x/y.apbundle"


def test_plain_means_no_digest_and_no_alignment() -> None:
    config = Options(4096, "sha256", plain=True).config
    assert (config.alignment, config.digest, config.plain) == (1, None, True)
    assert Options(4096, "sha256").config.alignment == 4096


# -- problems ----------------------------------------------------------------------------------------------------


def test_a_sound_draft_has_no_problems() -> None:
    assert found(*rows("a", "b")) == [None, None]


def test_a_name_that_is_taken_is_a_problem_of_the_later_row() -> None:
    first, second, third = found(*rows("a", "a", "a"))
    assert first is None
    assert second.title == "Same name as row 1"
    assert (second.fix.remedy, second.fix.value) == (Remedy.RENAME, "a-2")
    assert third.fix.value == "a-3"


def test_a_missing_name_comes_from_the_file() -> None:
    (problem,) = found(Row(1, "", "/m/encoder.gguf"))
    assert (problem.title, problem.fix.value, problem.blocking) == ("No name", "encoder", True)


@pytest.mark.parametrize(
    ("name", "title", "clean", "blocking"),
    [
        ("a\u202eb\x1b", "Invisible characters", "ab", False),
        ("\x00", "Invisible characters", "model", False),
        ("\udcff", "Not valid text", "?", True),
        ("n" * 70_000, "Too long", "n" * 63, True),
        ("é" * 200, "Long name", None, False),
        ("../../etc/passwd", "Unsafe as a file name", safe_file_name("../../etc/passwd"), False),
        ("/abs", "Unsafe as a file name", safe_file_name("/abs"), False),
        ("C:\\x", "Unsafe as a file name", safe_file_name("C:\\x"), False),
    ],
)
def test_names_that_are_odd(name: str, title: str, clean: str | None, blocking: bool) -> None:
    (problem,) = found(Row(1, name, "/m/x"))
    assert (problem.title, problem.blocking) == (title, blocking)
    assert (problem.fix.value if problem.fix else None) == clean


@pytest.mark.parametrize(
    ("error", "title", "remedy"),
    [
        (FileNotFoundError(2, "gone", "/m/1"), "Missing", Remedy.LOCATE),
        (NotRegularFile("/m/1"), "Not a regular file", Remedy.REMOVE),
        (PermissionError(13, "Permission denied", "/m/1"), "Cannot be read", Remedy.LOOK),
    ],
)
def test_sources_that_cannot_be_used(error: OSError, title: str, remedy: Remedy) -> None:
    (problem,) = found(*rows("a"), facts=SourceFacts(error=error))
    assert (problem.title, problem.fix.remedy, problem.blocking) == (title, remedy, True)


def test_a_source_that_changed_is_only_a_remark() -> None:
    (problem,) = found(*rows("a"), changed=True)
    assert (problem.title, problem.blocking, problem.fix.remedy) == ("Changed on disk", False, Remedy.ACCEPT)


def test_the_output_must_not_be_a_source() -> None:
    output = OutputFacts("/m/out.apbundle", exists=True, facts=FINE)
    (problem,) = found(*rows("a"), output=output)
    assert (problem.fix.remedy, problem.fix.value) == (Remedy.OUTPUT, "/m/out-bundle.apbundle")


def test_where_the_output_cannot_be() -> None:
    for output, title in (
        (OutputFacts("/x/y", folder=False), "No such folder"),
        (OutputFacts("/x/y", writable=False), "Folder not writable"),
        (OutputFacts("/x/y", exists=True, facts=SourceFacts(error=NotRegularFile("/x/y"))), "Not a file"),
    ):
        problems = find_problems((), {}, output, set())
        assert problems.output is not None
        assert (problems.output.title, problems.blocking) == (title, 1)


def test_what_is_not_known_yet_is_no_problem() -> None:
    assert not find_problems(rows("a"), {}, None, set()).rows


# -- history -----------------------------------------------------------------------------------------------------


def test_every_change_can_be_taken_back(qapp: object) -> None:
    store = DraftStore()
    store.insert(0, rows("a", "b", "c"))
    store.rename({2: "B"})
    store.step({3}, -1)
    store.move({1}, 3)
    store.remove({2})
    store.describe("text")
    store.put("/out")
    store.relocate(3, "/elsewhere")
    store.set_options(Options(4096))
    store.clear()
    stack = store.undo_stack
    texts = [stack.text(index) for index in range(stack.count())]
    assert texts[:3] == ["Add 3 models", "Rename to B", "Move c up"]
    seen = [store.draft]
    while stack.canUndo():
        stack.undo()
        seen.append(store.draft)
    assert store.draft == Draft()
    assert len(seen) == len(texts) + 1
    for draft in reversed(seen[:-1]):
        stack.redo()
        assert store.draft == draft


def test_what_is_typed_in_one_go_is_one_change(qapp: object) -> None:
    store = DraftStore()
    for text in ("h", "he", "hey"):
        store.describe(text)
    store.put("/o", typed=True)
    store.put("/ou", typed=True)
    assert store.undo_stack.count() == 2
    store.pause()
    store.put("/out", typed=True)
    assert store.undo_stack.count() == 3
    store.undo_stack.undo()
    assert store.draft.output == "/ou"


def test_a_change_that_changes_nothing_is_none(qapp: object) -> None:
    store = DraftStore()
    store.insert(0, rows("a", "b"))
    store.step({1}, -1)
    store.rename({1: "a"})
    store.remove(())
    store.insert(0, [])
    assert store.undo_stack.count() == 1


# -- the table ---------------------------------------------------------------------------------------------------


@pytest.fixture
def table(qtmodeltester: ModelTester, qapp: object) -> DraftTable:
    made = DraftTable()
    qtmodeltester.check(made, force_py=True)
    return made


def test_the_table_follows_every_change(table: DraftTable) -> None:
    a, b, c, d = rows("a", "b", "c", "d")
    for shown in ((a, b, c), (c, b, a), (b,), (d, b, a), (), (a, b, c, d), (d, c, b, a), (d, Row(3, "C", ""), a)):
        table.show_rows(shown)
        assert table.rows == shown
        assert [table.index(at, Column.NAME).data() for at in range(len(shown))] == [row.name for row in shown]


@given(st.lists(st.permutations(range(8)).map(lambda order: order[: len(order) - order[0]]), min_size=1, max_size=6))
def test_places_follow_their_rows(steps: list[list[int]]) -> None:
    table = DraftTable()
    everything = rows(*"abcdefgh")
    table.show_rows(everything)
    kept = {row.id: QPersistentModelIndex(table.index(at, 1)) for at, row in enumerate(everything)}
    alive = set(kept)
    for step in steps:
        shown = tuple(everything[at] for at in step)
        table.show_rows(shown)
        alive &= {row.id for row in shown}
        for at, row in enumerate(shown):
            if row.id in alive:
                assert kept[row.id].row() == at
    assert all(not kept[row].isValid() for row in set(kept) - alive)


def test_many_scattered_changes_show_the_table_anew(table: DraftTable) -> None:
    many = rows(*map(str, range(400)))
    table.show_rows(many)
    table.show_rows(many[::2])
    assert table.rows == many[::2]


def test_cells(table: DraftTable) -> None:
    row = Row(1, "enc<b>\x1b", "/models/" + "x" * 5000 + ".bin")
    table.show_rows((row,))
    assert table.index(0, Column.SIZE).data() == "…"
    table.show_facts({row.path: FINE})
    assert [table.index(0, column).data() for column in Column if column != Column.SOURCE] == [
        "enc<b>\\x1b",
        "1",
        "safetensors",
        "",
        "",
        "3",
        "",
        "4.66 GiB",
    ]
    assert len(table.index(0, Column.SOURCE).data()) <= 256
    tip = table.index(0, Column.NAME).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "<qt>enc&lt;b&gt;\\x1b</qt>"
    assert table.index(0, Column.SIZE).data(Qt.ItemDataRole.ToolTipRole) == "<qt>5,000,000,000 bytes</qt>"


def test_problems_are_shown_at_the_row(table: DraftTable) -> None:
    given = rows("a", "a")
    facts = {row.path: FINE for row in given}
    table.show_rows(given)
    table.show_problems(find_problems(given, facts, None, set()).rows)
    index = table.index(1, Column.SOURCE)
    assert (index.data(PROBLEM_ROLE), index.data(FIX_ROLE)) == ("Same name as row 1", "Rename to a-2")
    assert index.data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert table.index(0, Column.SOURCE).data(PROBLEM_ROLE) is None


def test_what_can_be_edited(table: DraftTable, qtbot: QtBot) -> None:
    table.show_rows(rows("a"))
    with qtbot.waitSignal(table.renamed) as signal:
        assert table.setData(table.index(0, Column.NAME), "b")
    assert signal.args == [1, "b"]
    assert not table.setData(table.index(0, Column.SIZE), "b")
    assert not table.setData(table.index(0, Column.NAME), 3)
    editable = [bool(table.flags(table.index(0, column)) & Qt.ItemFlag.ItemIsEditable) for column in range(len(Column))]
    assert [Column(at) for at, can in enumerate(editable) if can] == [Column.NAME, Column.ARCHITECTURE, Column.VERSION]
    with qtbot.waitSignal(table.told) as signal:
        assert table.setData(table.index(0, Column.VERSION), "2.0")
    assert signal.args == [1, Group.VERSION, "2.0"]
    with qtbot.waitSignal(table.switched) as signal:
        assert table.setData(table.index(0, Column.NAME), Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole)
    assert signal.args == [1, False]


def test_ten_thousand_rows_move_and_keep_their_places(qapp: object) -> None:
    table = DraftTable()
    many = rows(*map(str, range(10_000)))
    draft = Draft(many)
    table.show_rows(draft.rows)
    marked = QPersistentModelIndex(table.index(9_999, 0))
    table.show_rows(draft.moved({10_000}, 0).rows)
    assert marked.row() == 0
    selection = QItemSelectionModel(table)
    selection.select(table.index(5, 0), QItemSelectionModel.SelectionFlag.Select)
    assert len(find_problems(table.rows, {row.path: FINE for row in many}, None, set()).rows) == 0
    assert Path(table.index(0, Column.SOURCE).data()).name == "10000.bin"
