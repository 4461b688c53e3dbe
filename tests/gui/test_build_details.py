"""What is said of models: the form for one row and many, where values come from, and how rows are stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from apbundle.format.model import ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.payload.safetensors import serialize
from apbundle_gui.models.build_draft import Row
from apbundle_gui.models.build_table import PROBLEM_ROLE, Column
from apbundle_gui.models.detail_checks import Kind, key_fault, kind_of, kind_wanted, value_fault
from apbundle_gui.models.detail_table import SEVERAL, DetailTable, entries_of
from apbundle_gui.services import Services
from apbundle_gui.services.details import Detail, Group, Origin, header_details, merged, metadata_of
from support.drafting import Bench

HYPER, CUSTOM = Group.HYPERPARAMETERS, Group.CUSTOM


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path) -> Bench:
    made = Bench(qtbot, services)
    for name, version in (("one", "1.0"), ("two", "2.0")):
        told = {"modelspec.architecture": "resnet", "version": version, "format": "pt", "author": "me"}
        header, buffers = serialize({"w": np.zeros(50_000, np.float32)}, told)
        (tmp_path / f"{name}.safetensors").write_bytes(b"".join([header, *buffers]))
    made.add([tmp_path / "one.safetensors", tmp_path / "two.safetensors"])
    made.page.side.show_tab(made.page.side.details)
    return made


def lines(bench: Bench) -> list[tuple[str, ...]]:
    table = bench.page.side.details.table
    return [tuple(table.index(row, column).data() for column in range(3)) for row in range(table.rowCount())]


def edit(bench: Bench, row: int, column: int, text: str) -> None:
    view = bench.page.side.details.view
    view.edit_field(row, column)
    editor = QApplication.focusWidget()
    assert editor is not None
    QTest.keyClick(editor, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    bench.qtbot.waitUntil(lambda: view.state() != view.State.EditingState)
    bench.settle()


def test_the_form_says_where_values_come_from(bench: Bench) -> None:
    bench.select(0)
    bench.settle()
    assert lines(bench) == [
        ("Version", "1.0", "header"),
        ("Architecture", "resnet", "header"),
        ("Hyperparameters", "", ""),
        ("Custom", "", ""),
        ("author", "me", "header"),
    ]
    edit(bench, 0, 1, "1.1")
    assert lines(bench)[0] == ("Version", "1.1", "you")
    assert bench.cell(0, Column.VERSION) == "1.1"
    assert bench.page.store.undo_stack.undoText() == "Set version of one"
    bench.page.undo()
    assert lines(bench)[0] == ("Version", "1.0", "header")


def test_many_rows_are_described_at_once(bench: Bench) -> None:
    bench.select(0, 1)
    bench.settle()
    details = bench.page.side.details
    assert details.title.text() == "2 models"
    assert lines(bench)[0] == ("Version", SEVERAL, "header")
    assert lines(bench)[1] == ("Architecture", "resnet", "header")
    edit(bench, 0, 1, "3.0")
    assert [bench.cell(row, Column.VERSION) for row in (0, 1)] == ["3.0", "3.0"]
    assert bench.page.store.undo_stack.undoText() == "Set version of 2 models"
    details.add_hyperparameter.click()
    editor = QApplication.focusWidget()
    assert editor is not None
    assert editor.accessibleName() == "Name of the field"
    QTest.keyClick(editor, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(editor, "layers")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    bench.settle()
    row = details.table.row_of((HYPER, "layers"))
    edit(bench, row, 1, "12")
    for each in bench.page.store.draft.rows:
        assert Detail(HYPER, "layers", "12", Origin.YOU) in each.details
    details.view.setCurrentIndex(details.table.index(row, 0))
    details.view.setFocus()
    QTest.keyClick(details.view, Qt.Key.Key_Delete)
    bench.settle()
    assert details.table.row_of((HYPER, "layers")) == -1
    details.grab()


def test_fields_are_judged_while_they_are_typed(bench: Bench) -> None:
    store, details = bench.page.store, bench.page.side.details
    ids = [row.id for row in store.draft.rows]
    store.tell(ids, Detail(HYPER, "hidden", "128", Origin.CONFIG))
    bench.select(0)
    bench.settle()
    row = details.table.row_of((HYPER, "hidden"))
    details.view.edit_field(row, 1)
    editor = QApplication.focusWidget()
    assert editor is not None
    QTest.keyClicks(editor, "x")
    assert editor.property("tone") == "danger"
    assert details.note.text() == "The file has a whole number here."
    QTest.keyClick(editor, Qt.Key.Key_Return)
    bench.settle()
    assert lines(bench)[row][1] == "128"
    bench.qtbot.waitUntil(lambda: not details.note.isVisible())
    edit(bench, row, 1, "256")
    assert lines(bench)[row] == ("hidden", "256", "you")


def test_keys_in_the_form_are_about_the_field(bench: Bench) -> None:
    names, details = bench.names, bench.page.side.details
    bench.select(0)
    bench.key(Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    bench.settle()
    details.add(Group.CUSTOM)
    bench.settle()
    bench.key(Qt.Key.Key_Escape)
    field = (Group.CUSTOM, "new")
    details.view.setCurrentIndex(details.table.index(details.table.row_of(field), 1))
    bench.key(Qt.Key.Key_F2)
    assert QApplication.focusWidget().accessibleName() == "Value of the field"
    bench.key(Qt.Key.Key_Escape)
    bench.key(Qt.Key.Key_Delete)
    bench.settle()
    assert details.table.row_of(field) < 0
    assert bench.names == names


def test_what_may_be_typed() -> None:
    kinds = {"12": Kind.WHOLE, "-1e5": Kind.NUMBER, "true": Kind.TRUTH}
    kinds |= dict.fromkeys(("x", "", " 1.5"), Kind.TEXT)
    assert {text: kind_of(text) for text in kinds} == kinds
    assert kind_wanted(HYPER, "12", Origin.CONFIG) is Kind.WHOLE
    assert kind_wanted(HYPER, "12", Origin.YOU) is kind_wanted(CUSTOM, "12", Origin.CONFIG) is Kind.TEXT
    assert not value_fault("5", Kind.NUMBER)
    assert value_fault("maybe", Kind.TRUTH)
    assert value_fault("\udcff", Kind.TEXT)
    assert [bool(key_fault(text, {"a"})) for text in ("", " ", "a", "b", "\ud800")] == [True, True, True, False, True]


def test_headers_say_what_belongs_into_metadata() -> None:
    gguf = [("general.architecture", "llama"), ("general.name", "Tiny"), ("llama.block_count", 4), ("tokenizer.x", "y")]
    found = header_details("gguf", [*gguf, ("general.alignment", 32), ("general.version", "v1")])
    assert {(each.group, each.key): each.text for each in found} == {
        (Group.ARCHITECTURE, ""): "llama",
        (Group.VERSION, ""): "v1",
        (HYPER, "block_count"): "4",
        (CUSTOM, "name"): "Tiny",
    }
    assert header_details("onnx", [("version", "1")]) == ()
    assert header_details("safetensors", [("a", "\ud800"), ("b", "x" * 5000)]) == ()
    first, second = Detail(CUSTOM, "a", "1", Origin.YOU), Detail(CUSTOM, "a", "2", Origin.CONFIG)
    assert merged((first,), (second,)) == (first,)
    carried = ModelMetadata(components=("enc",), format="gguf", extra={"k": [1]})
    assert metadata_of((first,), carried) == ModelMetadata("", "", {}, {"a": "1"}, ("enc",), "gguf", {"k": [1]})


def test_the_table_of_fields_is_sound(qtmodeltester: ModelTester) -> None:
    def row(number: int, *details: Detail) -> Row:
        return Row(number, str(number), f"/{number}", details=details)

    table = DetailTable()
    qtmodeltester.check(table, force_py=True)
    one = row(1, Detail(Group.VERSION, "", "1", Origin.YOU), Detail(CUSTOM, "<b>", "\x1b", Origin.HEADER))
    table.show_entries(entries_of((one, row(2))))
    assert table.index(0, 1).data() == SEVERAL
    table.show_entries(entries_of((one,)))
    assert table.index(4, 1).data() == "\\x1b"
    assert not table.setData(table.index(2, 1), 5)
    assert not table.flags(table.index(2, 0)) & Qt.ItemFlag.ItemIsEditable


# -- how rows are stored -----------------------------------------------------------------------------------------


def test_rows_are_kept_out_and_put_back(bench: Bench, tmp_path: Path) -> None:
    bench.select(0)
    bench.page.view.setFocus()
    bench.key(Qt.Key.Key_Space)
    bench.settle()
    assert not bench.page.store.draft.rows[0].enabled
    assert bench.page.store.undo_stack.undoText() == "Disable one"
    bench.page.view.grab()
    assert bench.page.outlook.planned is not None
    assert len(bench.page.outlook.planned.starts) == 1
    bench.page.side.details.enabled.click()
    assert bench.page.store.draft.rows[0].enabled
    bench.select(0, 1)
    bench.page.handling.switch()
    bench.settle()
    assert not bench.page.can_build()
    bench.page.handling.switch()
    bench.settle()
    assert bench.page.can_build()


def test_rows_are_doubled_and_sorted(bench: Bench) -> None:
    bench.select(0)
    bench.window.do("build.duplicate")
    bench.settle()
    assert bench.names == ["one", "one-2", "two"]
    assert bench.cell(1, Column.VERSION) == "1.0"
    assert bench.page.view.selected_rows() == [1]
    assert bench.cell(1, Column.SOURCE, PROBLEM_ROLE) == "Same content as row 1"
    header = bench.page.view.horizontalHeader()
    bench.page.handling.sort(Column.NAME)
    assert bench.names == ["two", "one-2", "one"]
    assert bench.page.store.undo_stack.undoText() == "Sort by name, descending"
    at = header.sectionViewportPosition(Column.NAME) + 5
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at, 8))
    assert bench.names == ["one", "one-2", "two"]
    assert bench.page.store.undo_stack.undoText() == "Sort by name"
    bench.window.do("build.sort_size")
    for column in Column:
        bench.page.handling.sort(column)
    bench.page.fixing.fix(1)
    bench.settle()
    assert len(bench.names) in (2, 3)


def test_compression_is_chosen_by_row_and_its_gain_measured(bench: Bench, tmp_path: Path) -> None:
    bench.select(1)
    bench.window.do("build.compress")
    bench.settle()
    assert bench.cell(1, Column.STORED) == "zstd, −100 %"
    assert bench.page.side.details.gain.text() == "−100 %"
    assert bench.cell(1, Column.SOURCE, PROBLEM_ROLE) == "Not for original readers"
    assert bench.page.can_build()
    bench.page.store.put(str(tmp_path / "made.apbundle"))
    bench.settle()
    bench.page.build()
    bench.qtbot.waitUntil(lambda: bool(bench.opened), timeout=20_000)
    bench.settle()
    with BundleReader.open(bench.opened[0]) as reader:
        assert [entry.compressed for entry in reader.manifest] == [False, True]
        assert reader.entry("one").metadata == ModelMetadata("1.0", "resnet", {}, {"author": "me"})
    bench.page.fixing.fix(1)
    assert not bench.page.store.draft.rows[1].compress


def test_the_history_goes_to_any_change(bench: Bench) -> None:
    store = bench.page.store
    for text in ("a", "b", "c"):
        store.rename({store.draft.rows[0].id: text})
    bench.window.do("edit.history")
    history = bench.page.side.history
    assert QApplication.focusWidget() is history
    shown: Sequence[str] = [history.model().index(row, 0).data() for row in range(history.model().rowCount())]
    assert shown == ["As it began", "Add 2 models", "Rename to a", "Rename to b", "Rename to c"]
    history.setCurrentIndex(history.model().index(2, 0))
    assert bench.names[0] == "a"
    history.grab()
