"""Broken and hostile bundles in the window: the right card or badge, the place, what can still be seen."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy, QTest
from pytestqt.qtbot import QtBot

from apbundle.errors import bundle_error
from apbundle_gui import resources
from apbundle_gui.models import text as words
from apbundle_gui.models.field_table import Column as FieldColumn
from apbundle_gui.models.model_table import Column
from apbundle_gui.services import OpenFailure, Services
from support import forge
from support.inspecting import InspectBench

CORPUS = Path(__file__).parent.parent / "malformed"
CASES: dict[str, dict[str, Any]] = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def bench(qtbot: QtBot, services: Services) -> InspectBench:
    return InspectBench(qtbot, services)


def test_every_file_that_cannot_be_read_shows_its_card(bench: InspectBench) -> None:
    for name, case in CASES.items():
        if case["opens"]:
            continue
        bench.open(CORPUS / case["file"])
        failure = bench.page.failure
        assert bench.shows == "failure", name
        assert failure.card._code.text() == case["error"], name
        assert failure.card._title.text() != "This did not work", name
        assert failure.card._message.text(), name
        assert failure.card._path.text() == str(CORPUS / case["file"]), name
        assert failure.card._offset.text().startswith("0x"), name
        assert "Nothing was changed" in failure.card._seen.text(), name
        size = (CORPUS / case["file"]).stat().st_size
        assert failure._seen.isVisible() == bool(size), name
        bench.page.grab()


def test_every_file_that_opens_shows_what_is_odd(bench: InspectBench) -> None:
    for name, case in CASES.items():
        if not case["opens"]:
            continue
        bench.open(CORPUS / case["file"])
        assert bench.shows == "content", name
        error = case["extension_error"]
        if error is not None:
            assert bench.badge == "Extension unusable", name
            assert bench.said[0] == error, name
        else:
            assert bench.badge in ("Not verified yet", "No checksums"), name
        if case["warnings"] is not None:
            assert sorted(code for code in bench.said if code != error) == sorted(case["warnings"]), name
        bench.page.grab()
        bench.verify()
        if error is not None:
            assert bench.badge == "Extension unusable", name
        elif "verify" in case:
            badge = {"verified": "Verified", "failed": "Failed", "no_checksums": "No checksums"}[case["verify"]]
            assert bench.badge == badge, name
            assert bool(bench.said) or badge != "Failed", name
        for place in (1, 2, 0):
            bench.show_tab(place)
            bench.page.grab()
        bench.services.session.close(str(CORPUS / case["file"]))


def test_the_bytes_around_the_fault_are_shown_and_it_is_marked(bench: InspectBench) -> None:
    bench.open(CORPUS / "M12.apbundle")
    pane = bench.page.failure.bytes
    assert pane.toPlainText().splitlines()[0].startswith("00000000  41 50 42 55 4E 44 4C 45")
    (mark,) = pane.extraSelections()
    assert mark.cursor.selectedText() == "01"  # the name's length, at byte 0x3E
    assert mark.cursor.blockNumber() == 3


def test_the_card_offers_the_ways_on(bench: InspectBench, golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.open(golden / "unicode.apbundle")
    bench.open(CORPUS / "M12.apbundle")
    failure = bench.page.failure
    bench.page.action_requested.disconnect()
    asked = QSignalSpy(bench.page.action_requested)
    again = QSignalSpy(failure.again_wanted)
    buttons = {button.text().replace("&", ""): button for button in failure.card.findChildren(type(failure._back))}
    bench.click(buttons["Open Another…"])
    assert asked.at(0)[0] == "file.open"
    bench.click(buttons["Try Again"])
    bench.settle()
    assert again.count() == 1
    assert bench.shows == "failure"
    assert not bench.window.actions_["inspect.verify"].isEnabled()
    bench.click(buttons["Back to unicode.apbundle"])
    assert bench.shows == "content"
    assert bench.window.actions_["inspect.verify"].isEnabled()


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo"])
def test_what_is_no_regular_file_is_refused_at_once(bench: InspectBench, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing.apbundle"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    bench.open(path)
    assert bench.shows == "failure"
    expected = "FileNotFoundError" if kind == "missing" else "not_a_bundle"
    assert bench.page.failure.card._code.text() == expected
    assert not bench.page.failure._seen.isVisible()


def test_any_error_has_its_card(bench: InspectBench, tmp_path: Path) -> None:
    for error in (
        PermissionError(13, "Permission denied", "/there"),
        bundle_error("limit_exceeded", "<b>too much</b>", offset=2**63, hint="a\nb"),
        MemoryError(),
    ):
        bench.services.session.failed.emit(OpenFailure(str(tmp_path / "gone"), error))
        bench.settle()
        assert bench.shows == "failure"
        bench.page.grab()


def test_a_remark_leads_to_its_field(bench: InspectBench) -> None:
    bench.open(CORPUS / "X01.apbundle")
    view = bench.page.remarks.view
    remark = bench.page.remarks.list.record(0)
    assert remark.offset is not None
    view.setFocus()
    view.setCurrentIndex(bench.page.remarks.list.index(0, 0))
    QTest.keyClick(view, Qt.Key.Key_Return)
    bench.settle()
    tab = bench.page.manifest_tab
    assert bench.page.tabs.current is tab
    fields = bench.inspection.fields
    assert fields is not None
    row = tab.view.currentIndex().row()
    assert tab.rows.index_of(row) == fields.at_offset(remark.offset)
    assert tab.rows.marks(row) == [remark]
    assert remark.message in tab.panel._note.text()
    assert remark.message.split()[0] in str(tab.rows.index(row, FieldColumn.NAME).data(Qt.ItemDataRole.ToolTipRole))


def test_a_remark_about_a_model_leads_to_the_model(bench: InspectBench, tmp_path: Path) -> None:
    raw = bytearray(resources.sample_path().read_bytes())
    raw[0x6CD00] ^= 4
    path = tmp_path / "damaged.apbundle"
    path.write_bytes(raw)
    bench.open(path)
    bench.verify()
    assert bench.badge == "Failed"
    assert bench.said == ["checksum_mismatch"]
    states = [bench.cell(row, Column.STATE) for row in range(len(bench.names))]
    assert [name for name, state in zip(bench.names, states, strict=True) if state == "Damaged"] == ["colour-map"]
    assert states.count("Verified") == len(states) - 1
    bench.show_tab(1)
    view = bench.page.remarks.view
    bench.qtbot.mouseClick(
        view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(bench.page.remarks.list.index(0, 1)).center()
    )
    assert bench.page.tabs.current is bench.page.models_tab
    assert bench.page.models_tab.panel.title.text() == "colour-map"
    assert bench.page.models_tab.panel._badge.text() == "Damaged"


def test_what_verifying_adds_to_a_warning_is_said_once(bench: InspectBench) -> None:
    bench.open(CORPUS / "M30.apbundle")
    assert bench.said == ["trailing_data"]
    bench.verify()
    assert bench.said == ["trailing_data"]
    remark = bench.page.remarks.list.record(0)
    assert remark.tone == "danger"
    assert remark.message.startswith("22 bytes follow the last model. ")


def test_very_many_findings_are_cut_short(bench: InspectBench, tmp_path: Path) -> None:
    models = [(f"m{number}", b"x") for number in range(400)]
    raw = forge.sealed(models)
    path = tmp_path / "damaged.apbundle"
    path.write_bytes(raw[:-400] + b"y" * 400)
    bench.open(path)
    bench.verify()
    assert bench.said == ["checksum_mismatch"] * 200 + ["more"]
    assert bench.page.remarks.list.record(200).message == "There are 200 more."


def test_an_impossible_date_is_shown_as_the_number(bench: InspectBench) -> None:
    bench.open(CORPUS / "M34.apbundle")
    assert bench.fact("Created") == f"{bench.inspection.bundle.created_at} (not a date)"


def test_a_file_that_changes_while_it_is_verified_is_told(
    bench: InspectBench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "changing.apbundle"
    shutil.copyfile(resources.sample_path(), path)
    bench.open(path)
    os.truncate(path, 40_000)
    bench.verify()
    assert bench.badge == "Not verified yet"
    assert bench.said == ["changed_on_disk"]
    assert bench.window.banner.isVisible()
    caplog.clear()


def test_sizes_above_four_gibibytes_are_exact(bench: InspectBench, tmp_path: Path) -> None:
    size, at = 5_000_000_000, (1 << 32) + 7
    entries = [forge.entry("near", 3, 0), forge.entry("far", size, at)]
    head = forge.manifest(entries)
    path = tmp_path / "far.apbundle"
    with path.open("wb") as file:
        file.write(forge.header(len(head)) + head)
        file.truncate(20 + len(head) + at + size)
    bench.open(path)
    begin = bench.inspection.bundle.data_offset + at
    assert bench.cell(1, Column.SIZE, Qt.ItemDataRole.ToolTipRole) == words.tooltip(f"{size:,} bytes")
    assert bench.cell(1, Column.OFFSET) == f"0x{begin:X}"
    assert bench.inspection.model_at(begin + size - 1) == 1
    assert bench.inspection.model_at(begin - 1) is None
    bench.show_tab(1)
    bench.search(f"{size}")
    assert bench.page.manifest_tab.rows.rowCount() == 1
