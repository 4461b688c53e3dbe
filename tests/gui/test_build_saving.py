"""A bundle edited as a draft: the cost of saving is told, it is saved in place where it fits, the draft goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from apbundle import BundleConfig, ModelBundle
from apbundle.edit.changes import Describe
from apbundle.edit.plan import edit_bundle
from apbundle.fileio import syscalls
from apbundle.recipe.model import BundledModel
from apbundle_gui.models.creation_time import time_of, time_text
from apbundle_gui.services import Services
from apbundle_gui.services.details import Detail, Group, Origin
from support.children import run_forked
from support.drafting import Bench, safetensors

ONE, TWO = b"1" * 5000, b"2" * 5000


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The bundle that is edited."""
    path = tmp_path / "own.apbundle"
    made = ModelBundle("as it was", created_at=7).add_model("a", ONE, version="1").add_model("b", TWO)
    made.write(path, BundleConfig(alignment=4096, digest="sha256"))
    return path


@pytest.fixture
def bench(qtbot: QtBot, services: Services, own: Path) -> Bench:
    made = Bench(qtbot, services)
    made.page.recipes.edit(str(own))
    made.settle()
    return made


def tell(bench: Bench, row: int, text: str) -> None:
    detail = Detail(Group.VERSION, "", text, Origin.YOU)
    bench.page.store.tell([bench.page.store.draft.rows[row].id], detail)
    bench.settle()


def save(bench: Bench) -> None:
    bench.opened.clear()
    bench.page.bench.header.build.click()
    bench.qtbot.waitUntil(lambda: bool(bench.opened), timeout=20_000)
    bench.settle()


def test_metadata_is_saved_in_place_at_the_cost_that_was_told(bench: Bench, own: Path) -> None:
    header, panel = bench.page.bench.header, bench.page.panel
    assert header.build.text() == "Save"
    assert panel.output_note.text() == "Nothing changes."
    before, inode = own.read_bytes(), own.stat().st_ino
    tell(bench, 0, "2")
    cost = bench.page.outlook.cost
    assert cost.in_place
    assert panel.output_note.text() == cost.text == f"Rewrites {cost.written} B in place."
    assert header.said.text().startswith(cost.text.rstrip("."))
    assert cost.text in header.build.toolTip()
    save(bench)
    after = own.read_bytes()
    assert own.stat().st_ino == inode
    places = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert places[-1] - places[0] + 1 == cost.written
    with ModelBundle.load(own) as now:
        assert now.reader.entry("a").metadata.version == "2"
        assert not now.verify().findings
    assert bench.page.bench.result.title.text() == "Saved own.apbundle"
    assert panel.output_note.text() == "Nothing changes."
    assert bench.page.unsaved() == ""
    assert bench.page.problems.rows == {}


def test_the_ruler_shows_the_layout_that_the_change_gives(bench: Bench, own: Path) -> None:
    bench.page.store.step([bench.page.store.draft.rows[1].id], -1)
    bench.settle()
    for rename in (False, True):
        if rename:
            row = bench.page.store.draft.rows[0]
            bench.page.store.rename({row.id: "a far longer name" * 3_800})
            bench.settle()
            assert not bench.page.outlook.cost.in_place
        planned = bench.page.outlook.planned
        save(bench)
        with ModelBundle.load(own) as now:
            reader = now.reader
            assert planned.file_size == own.stat().st_size
            assert planned.data_offset == reader.data_offset
            assert planned.extension_end == reader.extension_range[1]
            assert planned.starts.tolist() == [reader.data_offset + offset for offset in reader.manifest.offsets]


def test_the_draft_goes_on_with_what_was_saved_and_its_history_does_too(
    bench: Bench, own: Path, tmp_path: Path
) -> None:
    store = bench.page.store
    first, second = store.draft.rows
    store.rename({first.id: "b", second.id: "a"})
    bench.add([safetensors(tmp_path / "new.safetensors", "x")])
    store.rename({store.draft.rows[2].id: "c"})
    bench.settle()
    assert bench.page.panel.output_note.text().endswith("models are put in.")
    save(bench)
    assert [row.source for row in store.draft.rows] == [BundledModel(str(own), name) for name in "bac"]
    tell(bench, 2, "3")
    assert bench.page.outlook.cost.in_place
    save(bench)
    while bench.names != ["a", "b"]:
        bench.page.undo()
    bench.settle()
    assert [row.source for row in store.draft.rows] == [BundledModel(str(own), name) for name in "ba"]
    assert "will be gone" in bench.page.panel.output_note.text()
    bench.page.build()
    bench.qtbot.waitUntil(lambda: bench.page.building.question is not None)
    bench.opened.clear()
    next(b for b in bench.page.building.question.buttons() if b.text().replace("&", "") == "Replace").click()
    bench.qtbot.waitUntil(lambda: bool(bench.opened), timeout=20_000)
    bench.settle()
    with ModelBundle.load(own) as now:
        assert [(name, bytes(now.get_model(name))) for name in now] == [("a", ONE), ("b", TWO)]


def test_a_change_by_another_program_is_not_overwritten(bench: Bench, own: Path) -> None:
    tell(bench, 0, "2")
    with ModelBundle.load(own) as other:
        other.description = "theirs"
        other.save()
    theirs = own.read_bytes()
    bench.page.build()
    bench.qtbot.waitUntil(lambda: bench.page.building.job is None)
    bench.settle()
    assert bench.page.bench.error_card.isVisible()
    assert own.read_bytes() == theirs


def interrupted_change(path: Path) -> None:
    """A program that dies when its change is written, and not yet final."""

    def die(journal: str) -> None:
        os._exit(9)

    def change() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(syscalls, "unlink", die)
            edit_bundle(path, [Describe("half")])

    assert run_forked(change) == 9


@pytest.mark.skipif(os.name != "posix", reason="changes in place take the locks of POSIX")
def test_an_interrupted_change_is_undone_and_the_user_is_told(bench: Bench, own: Path) -> None:
    before = own.read_bytes()
    interrupted_change(own)
    assert own.read_bytes() != before
    bench.page.recipes.edit(str(own))
    bench.settle()
    assert bench.page.banner.text == "A change of own.apbundle was interrupted; it was undone."
    assert own.read_bytes() == before
    interrupted_change(own)
    with ModelBundle.load(own) as now:
        assert next(iter(now.warnings)).code == "change_undone"
    assert own.read_bytes() == before


# -- the bundle's own metadata -----------------------------------------------------------------------------------


def test_the_bundle_is_described_by_keys_alone(bench: Bench, own: Path) -> None:
    details = bench.page.panel.details
    details.add.setFocus()
    bench.key(Qt.Key.Key_Space)
    for text in ("license", "MIT"):
        editor = QApplication.focusWidget()
        assert isinstance(editor, QLineEdit)
        editor.selectAll()
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, Qt.Key.Key_Return)
        view = details.view
        bench.qtbot.waitUntil(lambda view=view: view.state() != view.State.EditingState)
        if text == "license":
            view.setCurrentIndex(details.table.index(0, 1))
            bench.key(Qt.Key.Key_F2)
    assert bench.page.store.draft.metadata == (("license", "MIT"),)
    details.created.setFocus()
    details.created.selectAll()
    QTest.keyClicks(details.created, "2001-02-03")
    assert bench.page.store.draft.created_at == 981_158_400
    QTest.keyClicks(details.created, "x")
    assert details.note.isVisible()
    bench.key(Qt.Key.Key_Tab)
    assert details.created.text() == "2001-02-03 00:00:00 UTC"
    assert not details.note.isVisible()
    bench.settle()
    save(bench)
    with ModelBundle.load(own) as now:
        assert (dict(now.metadata), now.created_at) == ({"license": "MIT"}, 981_158_400)
    bench.page.undo()
    assert details.created.text() == "1970-01-01 00:00:07 UTC"
    details.view.setFocus()
    details.view.setCurrentIndex(details.table.index(0, 0))
    bench.key(Qt.Key.Key_Delete)
    assert bench.page.store.draft.metadata == ()
    assert not details.view.isVisible()


@pytest.mark.parametrize("text", ["soon", "1969-12-31", "2024-13-01", "99999999999999999999999", "-1", "１２"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        time_of(text)


@pytest.mark.parametrize("seconds", [None, 0, 7, 253_402_300_799, 253_402_300_800, 2**64 - 1])
def test_times_are_read_as_they_are_shown(seconds: int | None) -> None:
    assert time_of(time_text(seconds)) == seconds
    assert time_of("2024-05-01T12:00:00+02:00") == time_of("2024-05-01 10:00") == 1_714_557_600
