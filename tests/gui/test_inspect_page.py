"""The Inspect page under real events: what a bundle is, what is in it, and one selection in every part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from apbundle_gui import resources, theme
from apbundle_gui.models import text as words
from apbundle_gui.models.field_table import Column as FieldColumn
from apbundle_gui.models.metadata_table import Column as MetadataColumn
from apbundle_gui.models.model_table import Column
from apbundle_gui.services import Services
from support import forge
from support.dragging import drop_onto, mime_of_files
from support.inspecting import InspectBench

Control = Qt.KeyboardModifier.ControlModifier
Shift = Qt.KeyboardModifier.ShiftModifier
GOLDEN = sorted(path.stem for path in (Path(__file__).parent.parent / "golden").glob("*.apbundle"))


@pytest.fixture
def bench(qtbot: QtBot, services: Services) -> InspectBench:
    return InspectBench(qtbot, services)


@pytest.fixture
def sample(bench: InspectBench, tmp_path: Path) -> InspectBench:
    path = tmp_path / "sample.apbundle"
    shutil.copyfile(resources.sample_path(), path)
    bench.open(path)
    return bench


# -- beginning ---------------------------------------------------------------------------------------------------


def test_without_a_bundle_the_page_says_how_to_begin(bench: InspectBench, tmp_path: Path) -> None:
    page = bench.page
    page.action_requested.disconnect()
    page.paths_dropped.disconnect()
    assert bench.shows == "empty"
    asked = QSignalSpy(page.action_requested)
    for button in page.empty.state.findChildren(QPushButton):
        bench.click(button)
    assert [asked.at(n)[0] for n in range(asked.count())] == ["file.open", "file.sample"]
    dropped = QSignalSpy(page.paths_dropped)
    assert drop_onto(page.empty.state, mime_of_files([tmp_path / "a.apbundle"]))
    assert dropped.at(0)[0] == [str(tmp_path / "a.apbundle")]
    assert not any(command.enabled() for command in page.commands().values())


def test_the_recent_bundles_are_offered(bench: InspectBench, golden: Path) -> None:
    bench.open(golden / "unicode.apbundle")
    bench.services.session.close(str(golden / "unicode.apbundle"))
    assert bench.shows == "empty"
    view = bench.page.empty.view
    assert view.isVisible()
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Return)
    bench.settle()
    assert bench.shows == "content"
    assert bench.page.card.name.text() == "unicode.apbundle"


@pytest.mark.parametrize("name", GOLDEN)
def test_every_golden_bundle_shows_its_numbers(bench: InspectBench, golden: Path, name: str) -> None:
    expected: dict[str, Any] = json.loads((golden / f"{name}.json").read_text(encoding="utf-8"))
    bench.open(golden / f"{name}.apbundle")
    assert bench.shows == "content"
    models = expected["models"]
    assert bench.fact("Size") == words.size((golden / f"{name}.apbundle").stat().st_size)
    assert bench.fact("Models") == str(len(models))
    assert bench.fact("Created") == words.timestamp(expected["created_at"])
    assert bench.fact("Data offset") == words.hex_offset(expected["data_offset"])
    assert bench.names == [words.safe(model["name"]) or "(no name)" for model in models]
    for row, model in enumerate(models):
        assert bench.cell(row, Column.SIZE) == words.size(model["size"])
        assert bench.cell(row, Column.OFFSET) == words.hex_offset(expected["data_offset"] + model["offset"])
        digest = model.get("digest")
        assert bench.cell(row, Column.DIGEST) == (f"{digest[:8]}…" if digest else words.NONE)
    verdict = expected.get("verify", "no_checksums")
    assert bench.badge == {"verified": "Not verified yet", "no_checksums": "No checksums"}[verdict]
    assert bench.said == [code for code in expected.get("warnings", []) if code != "no_checksums"]
    bench.verify()
    assert bench.badge == {"verified": "Verified", "no_checksums": "No checksums"}[verdict]
    states = {bench.cell(row, Column.STATE) for row in range(len(models))}
    assert states <= {"Verified" if verdict == "verified" else "No checksum"}


def test_a_bundle_without_models_says_so(bench: InspectBench, golden: Path) -> None:
    bench.open(golden / "empty.apbundle")
    assert bench.page.tabs.count.text() == "0 models"
    assert bench.page.models_tab._message.isVisible()
    assert bench.page.models_tab._message.text() == "This bundle holds no models."
    assert not bench.page.card.extract.isEnabled()
    assert not bench.window.actions_["inspect.extract"].isEnabled()
    assert bench.window.actions_["inspect.verify"].isEnabled()


def test_a_long_description_is_folded(bench: InspectBench, tmp_path: Path) -> None:
    path = tmp_path / "long.apbundle"
    path.write_bytes(forge.bundle([("a", b"x")], description=b"many words " * 4000))
    bench.open(path)
    folded = bench.page.card.description
    assert len(folded._short.text()) <= 180
    bench.click(folded._more)
    assert folded.unfolded
    assert len(folded._whole.toPlainText()) <= words.SHOWN_IN_DETAIL
    bench.click(folded._more)
    assert not folded.unfolded


# -- one selection -----------------------------------------------------------------------------------------------


def test_the_first_model_is_selected_and_shown(sample: InspectBench) -> None:
    page = sample.page
    assert list(page.selection.models) == [0]
    assert page.models_tab.panel.title.text() == sample.inspection.names[0]
    assert page.models_tab.panel._fields.rowCount() == 4
    assert page.models_tab.panel._metadata.rowCount() > 0


def test_selecting_a_model_moves_manifest_and_metadata(sample: InspectBench) -> None:
    page = sample.page
    sample.click_row(4)
    assert page.selection.current == 4
    name = sample.inspection.names[4]
    assert page.models_tab.panel.title.text() == name
    sample.show_tab(1)
    row = page.manifest_tab.view.currentIndex().row()
    assert page.manifest_tab.rows.index(row, FieldColumn.VALUE).data() == name
    assert page.manifest_tab.panel.title.text() == "models[4].name"
    sample.show_tab(2)
    row = page.metadata_tab.view.currentIndex().row()
    assert page.metadata_tab.table.index(row, MetadataColumn.MODEL).data() == name


def test_selecting_a_field_or_a_value_selects_its_model(sample: InspectBench) -> None:
    page = sample.page
    sample.show_tab(1)
    fields = sample.inspection.fields
    assert fields is not None
    view = page.manifest_tab.view
    view.setCurrentIndex(page.manifest_tab.rows.index(fields.rows_of_model(7).start + 2, 0))
    assert list(page.selection.models) == [7]
    sample.show_tab(2)
    table = page.metadata_tab.table
    index = table.first_of(9)
    assert index is not None
    page.metadata_tab.view.setCurrentIndex(table.index(table.row_of(index), 0))
    assert list(page.selection.models) == [9]
    sample.show_tab(0)
    assert page.models_tab.view.selected_rows() == [9]


def test_a_field_of_the_panel_leads_to_the_manifest(sample: InspectBench) -> None:
    panel = sample.page.models_tab.panel
    view = panel._fields_view
    view.setFocus()
    view.setCurrentIndex(panel._fields.index(2, field_column()))
    QTest.keyClick(view, Qt.Key.Key_Return)
    sample.settle()
    assert sample.page.tabs.current is sample.page.manifest_tab
    assert sample.page.manifest_tab.panel.title.text() == "models[0].size"


def field_column() -> FieldColumn:
    return FieldColumn.NAME


def test_several_models_are_summed_up(sample: InspectBench) -> None:
    sample.click_row(1)
    sample.click_row(3, Shift)
    assert list(sample.page.selection.models) == [1, 2, 3]
    panel = sample.page.models_tab.panel
    assert panel.title.text() == "3 models selected"
    stored = sum(sample.inspection.reader.manifest.sizes[1:4])
    assert f"{stored:,}" in panel._sum._values["Stored"].text()
    assert not panel._metadata_part.isVisible()


# -- filtering and sorting ---------------------------------------------------------------------------------------


def test_filtering_shows_what_matches_every_word(sample: InspectBench) -> None:
    everything = sample.names
    sample.search("GGUF")
    assert sample.names == [name for name in everything if name == "licence-lm-q8"]
    assert sample.page.tabs.count.text() == f"1 of {len(everything)} models"
    assert list(sample.page.selection.models) == [everything.index("licence-lm-q8")]
    sample.search("spirals onnx")
    assert sample.names == ["spirals-onnx"]
    sample.search("no such thing")
    assert sample.names == []
    assert sample.page.models_tab._message.text() == "Nothing matches “no such thing”."
    assert not sample.window.actions_["inspect.extract"].isEnabled()
    QTest.keyClick(sample.page.tabs.search, Qt.Key.Key_Escape)
    sample.settle()
    assert sample.names == everything


def test_each_tab_keeps_its_own_query(sample: InspectBench) -> None:
    sample.search("lm")
    sample.show_tab(1)
    assert sample.page.tabs.search.text() == ""
    clear = sample.page.tabs.search.findChild(QToolButton)
    assert clear is not None
    sample.qtbot.waitUntil(lambda: clear.property("opacity") == 0)  # there is nothing to clear
    sample.search("digest")
    assert sample.page.manifest_tab.rows.rowCount() > 0
    sample.show_tab(0)
    assert sample.page.tabs.search.text() == "lm"
    assert sample.page.tabs.search.placeholderText() == sample.page.models_tab.placeholder


@pytest.mark.parametrize("column", list(Column))
def test_a_header_sorts_up_then_down_then_not(sample: InspectBench, column: Column) -> None:
    everything = sample.names
    tab = sample.page.models_tab
    sample.window.resize(1920, 1080)
    QApplication.processEvents()
    header = tab.view.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(column) + 12, header.height() // 2)
    orders = []
    for _ in range(3):
        sample.click(header.viewport(), place)
        sample.settle()
        orders.append([tab.table.index_of(row) for row in range(tab.table.rowCount())])
    up, down, none = orders
    key = tab.table.key(column)
    assert [key(model) for model in up] == sorted(map(key, range(len(everything))))
    assert [key(model) for model in down] == sorted(map(key, range(len(everything))), reverse=True)
    assert up == sorted(range(len(everything)), key=lambda model: (key(model), model))
    assert none == list(range(len(everything)))
    assert list(sample.page.selection.models) == [0]
    assert tab.view.selected_rows() == [tab.table.row_of(0)]


# -- remembering, keys, copying ----------------------------------------------------------------------------------


def test_tab_columns_and_splitter_are_remembered(qtbot: QtBot, services: Services, golden: Path) -> None:
    first = InspectBench(qtbot, services)
    first.window.resize(1920, 1080)
    first.open(golden / "ext_metadata.apbundle")
    first.show_tab(2)
    first.page.models_tab.view.horizontalHeader().resizeSection(Column.FORMAT, 171)
    first.page.shutdown()
    again = InspectBench(qtbot, Services.create(services.settings.path))
    again.window.resize(1920, 1080)  # narrower ones show fewer columns
    assert again.page.tabs.current is again.page.metadata_tab
    assert again.page.models_tab.view.horizontalHeader().sectionSize(Column.FORMAT) == 171


def test_everything_is_done_by_keys(sample: InspectBench) -> None:
    sample.key(Qt.Key.Key_F, Control)
    assert sample.page.tabs.search.hasFocus()
    sample.key(Qt.Key.Key_V, Control | Shift)
    sample.settle()
    assert sample.badge == "Verified"
    view = sample.page.models_tab.view
    view.setFocus()
    sample.key(Qt.Key.Key_Down, widget=view)
    assert list(sample.page.selection.models) == [1]
    sample.key(Qt.Key.Key_A, Control, view)
    assert len(sample.page.selection.models) == len(sample.names)
    bar = sample.page.tabs.bar
    bar.setFocus()
    sample.key(Qt.Key.Key_Right, widget=bar)
    assert sample.page.tabs.current is sample.page.manifest_tab


def test_every_control_has_a_name(sample: InspectBench) -> None:
    controls = [w for w in sample.page.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
    nameless = [
        type(control).__name__
        for control in controls
        if not control.accessibleName() and not (isinstance(control, QAbstractButton) and control.text())
    ]
    assert not nameless
    assert any(isinstance(control, QLineEdit) for control in controls)


def test_the_context_menu_copies(sample: InspectBench) -> None:
    sample.click_row(0)
    menu = sample.page.models_tab.menu()
    copied = {}
    for action in menu.actions():
        if action.text().startswith("Copy"):
            action.trigger()
            copied[action.text().replace("&", "")] = QGuiApplication.clipboard().text()
    menu.deleteLater()
    entry = sample.inspection.reader.entry("gabor-filters")
    assert entry.digest is not None
    assert copied["Copy Name"] == "gabor-filters"
    assert copied["Copy Offset"] == "0x2400"
    assert copied["Copy Digest"] == entry.digest.hex
    assert "bundle.arrays('gabor-filters')" in copied["Copy as Python"]
    assert copied["Copy as Command Line"].startswith("apbundle extract -o . -- ")


def test_metadata_is_searched_and_copied(sample: InspectBench) -> None:
    sample.show_tab(2)
    sample.search("architecture onnx")
    tab = sample.page.metadata_tab
    assert tab.table.rowCount() == 1
    tab.view.setCurrentIndex(tab.table.index(0, 0))
    sample.click(tab.panel._copy)
    assert QGuiApplication.clipboard().text() == tab.table.item(tab.table.index_of(0)).value


def test_the_theme_changes_at_once(sample: InspectBench) -> None:
    before = sample.page.grab().toImage()
    theme.manager().choose(theme.Choice.DARK)
    QApplication.processEvents()
    assert sample.page.grab().toImage() != before


# -- several bundles ---------------------------------------------------------------------------------------------


def test_bundles_are_switched_and_keep_what_was_found_out(bench: InspectBench, golden: Path) -> None:
    one, two = str(golden / "ext_metadata.apbundle"), str(golden / "three_models.apbundle")
    bench.open(one)
    bench.verify()
    bench.open(two)
    assert bench.page.card.name.text() == "three_models.apbundle"
    assert bench.badge == "No checksums"
    bench.services.session.select(one)
    bench.settle()
    assert bench.badge == "Verified"
    bench.services.session.close(one)
    bench.settle()
    assert bench.page.card.name.text() == "three_models.apbundle"
    bench.services.session.close(two)
    assert bench.shows == "empty"


def test_reloading_keeps_selection_and_filter(sample: InspectBench) -> None:
    sample.search("spirals")
    sample.click_row(1)
    assert sample.page.selection.current == 6
    sample.window.do("file.reload")
    sample.settle()
    assert sample.page.tabs.search.text() == "spirals"
    assert sample.names == ["spirals", "spirals-int8", "spirals-onnx"]
    assert list(sample.page.selection.models) == [6]
    assert sample.badge == "Not verified yet"


def test_closing_while_jobs_run_says_nothing(bench: InspectBench, golden: Path) -> None:
    path = str(golden / "many.apbundle")
    bench.window.open_bundles([path])
    bench.qtbot.waitUntil(lambda: bench.page.inspection is not None)
    bench.page.verify()
    bench.services.session.close(path)
    bench.settle()
    assert bench.shows == "empty"
    assert not [message for message in bench.services.messages.kept if message.error is not None]


def test_the_example_is_ready_when_all_is_known(sample: InspectBench) -> None:
    sample.page.show_example(str(resources.sample_path()))
    assert not sample.page.example_ready()
    sample.settle()
    assert sample.page.example_ready()
    assert sample.badge == "Verified"
