"""Models leave the bundle: by dialog into a folder, and by dragging to other programs. Nothing leaves by itself."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDrag
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from apbundle_gui import resources
from apbundle_gui.services import Services
from apbundle_gui.services.drag_files import DragFiles
from apbundle_gui.services.extraction import suffix_of
from apbundle_gui.widgets import local_paths
from support import forge, pointer
from support.hostile import HOSTILE_NAMES
from support.inspecting import InspectBench

Control = Qt.KeyboardModifier.ControlModifier
Shift = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def bench(qtbot: QtBot, services: Services) -> InspectBench:
    return InspectBench(qtbot, services)


@pytest.fixture
def sample(bench: InspectBench, tmp_path: Path) -> InspectBench:
    path = tmp_path / "sample.apbundle"
    shutil.copyfile(resources.sample_path(), path)
    bench.open(path)
    return bench


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the dialog will answer."""
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(folder))
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# -- by dialog ---------------------------------------------------------------------------------------------------


def test_the_selected_models_are_extracted(sample: InspectBench, out: Path) -> None:
    sample.click_row(2)  # stored compressed
    sample.click_row(4, Control)
    sample.click(sample.page.card.extract)
    sample.settle()
    reader = sample.inspection.reader
    expected = {name: reader.read_model(name) for name in ("mel-filters", "dct-basis")}
    assert files(out) == {
        "mel-filters.safetensors": expected["mel-filters"],
        "dct-basis.npy": expected["dct-basis"],
    }
    assert sample.window.status.remark.startswith("Extracted 2 models")
    assert not sample.page.banner.isVisible()
    assert not any(path.stat().st_mode & stat.S_IXUSR for path in out.iterdir())


def test_all_models_are_extracted_by_key(sample: InspectBench, out: Path) -> None:
    sample.key(Qt.Key.Key_E, Control | Shift)
    sample.settle()
    assert len(files(out)) == len(sample.names)


def test_cancelling_the_dialog_does_nothing(sample: InspectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: "")
    sample.key(Qt.Key.Key_E, Control)
    assert not sample.services.jobs.jobs


@pytest.mark.parametrize("way", ["Overwrite", "Skip These", "Cancel"])
def test_existing_files_are_asked_about(sample: InspectBench, out: Path, way: str) -> None:
    (out / "xor.safetensors").write_bytes(b"mine")
    sample.page.extract_all()
    sample.settle()
    dialog = sample.page.extracting.dialog
    assert dialog is not None
    assert dialog.isVisible()
    assert dialog.sentence.text().startswith(f"1 of {len(sample.names)} files exist in ")
    (default,) = [button for button in dialog.buttons if button.isDefault()]
    assert default.text() == "&Skip These"
    sample.click(next(button for button in dialog.buttons if button.text().replace("&", "") == way))
    sample.settle()
    written = files(out)
    if way == "Overwrite":
        assert written["xor.safetensors"] == sample.inspection.reader.read_model("xor")
        assert len(written) == len(sample.names)
    elif way == "Skip These":
        assert written["xor.safetensors"] == b"mine"
        assert len(written) == len(sample.names)
        assert "1 skipped because the file exists" in sample.page.banner.text
    else:
        assert written == {"xor.safetensors": b"mine"}
    assert sample.page.extracting.dialog is None


def test_what_is_damaged_is_not_written_and_listed(bench: InspectBench, out: Path, tmp_path: Path) -> None:
    raw = bytearray(resources.sample_path().read_bytes())
    raw[0x6CD00] ^= 4
    (tmp_path / "damaged.apbundle").write_bytes(raw)
    bench.open(tmp_path / "damaged.apbundle")
    bench.page.extract_all()
    bench.settle()
    assert "colour-map.safetensors" not in files(out)
    assert len(files(out)) == len(bench.names) - 1
    assert "1 failed" in bench.page.banner.text
    bench.click(bench.page.banner.findChildren(type(bench.page.card.verify))[0])
    dialog = bench.page.extracting.dialog
    assert dialog is not None
    dialog.grab()
    bench.click(dialog.buttons[-1])


def test_extracting_is_cancelled(bench: InspectBench, out: Path, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "large.apbundle"
    entries = [forge.entry("small", 3, 0), forge.entry("large", 1 << 33, 3)]
    head = forge.manifest(entries)
    with path.open("wb") as file:
        file.write(forge.header(len(head)) + head + b"abc")
        file.truncate(20 + len(head) + 3 + (1 << 33))
    bench.open(path)
    bench.page.extract_all()
    qtbot.waitUntil(lambda: any(job.title == "Extracting" and job.done > 3 for job in bench.services.jobs.jobs))
    bench.window.do("view.cancel_job")
    bench.settle()
    assert files(out) == {"small": b"abc"}
    assert bench.window.status.remark == "Extracting was cancelled. 1 of 2 files were written and stay."


def test_verifying_is_cancelled_by_its_button(bench: InspectBench, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "large.apbundle"
    head = forge.manifest([forge.entry("a", 1, 0)])
    with path.open("wb") as file:  # a hole after the model: all of it is read to see that it is zero
        file.write(forge.header(len(head)) + head)
        file.truncate(1 << 34)
    bench.open(path)
    card = bench.page.card
    bench.click(card.verify)
    assert card.verify.text() == "Cancel"
    assert not bench.window.actions_["inspect.verify"].isEnabled()
    qtbot.waitUntil(lambda: card.progress.isVisible() and card.progress._bar.value() > 0)
    bench.click(card.verify)
    bench.settle()
    assert card.verify.text() == "Verify"
    assert not card.progress.isVisible()
    assert bench.badge == "No checksums"
    assert bench.inspection.verification.report is None


def test_names_that_collide_or_lead_elsewhere_become_files_side_by_side(
    bench: InspectBench, out: Path, tmp_path: Path
) -> None:
    names = ["../up", "/abs", "a/b", "A", "a", "é", "e\u0301", "CON", "con", *HOSTILE_NAMES]
    models = [(name, bytes([number])) for number, name in enumerate(names)]
    (tmp_path / "names.apbundle").write_bytes(forge.bundle(models))
    bench.open(tmp_path / "names.apbundle")
    before = sorted(tmp_path.rglob("*"))
    bench.page.extract_all()
    bench.settle()
    written = sorted(files(out).values())
    assert written == sorted(content for _, content in models)
    assert [path for path in sorted(tmp_path.rglob("*")) if path.parent != out] == before


@pytest.mark.parametrize(
    ("name", "found", "suffix"),
    [
        ("a", "safetensors", ".safetensors"),
        ("a.safetensors", "safetensors", ""),
        ("a.SafeTensors", "safetensors", ""),
        ("a.bin", "pytorch", ""),
        ("a.bin", "gguf", ".gguf"),
        ("a", "unknown", ""),
        ("", "npy", ".npy"),
    ],
)
def test_files_end_as_their_content_says(name: str, found: str, suffix: str) -> None:
    assert suffix_of(name, found) == suffix


# -- by dragging -------------------------------------------------------------------------------------------------


class Drags:
    """The drags that began, instead of the system that would carry them out."""

    def __init__(self, bench: InspectBench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.carried: list[list[str]] = []
        monkeypatch.setattr(bench.page.models_tab.table_view, "run_drag", self._carry)

    def _carry(self, drag: QDrag) -> None:
        self.carried.append(local_paths(drag.mimeData()))
        drag.deleteLater()


@pytest.fixture
def drags(sample: InspectBench, monkeypatch: pytest.MonkeyPatch) -> Drags:
    return Drags(sample, monkeypatch)


def begin_drag(bench: InspectBench, row: int) -> QPoint:
    """Press on a selected row and move; the button stays down."""
    view = bench.page.models_tab.view
    place = view.visualRect(bench.page.models_tab.table.index(row, 0)).center()
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    for step in (10, 20, 40):
        pointer.move(view.viewport(), place + QPoint(step, 0), Qt.MouseButton.LeftButton)
    return place


def release(bench: InspectBench, place: QPoint) -> None:
    QTest.mouseRelease(bench.page.models_tab.view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_rows_are_dragged_out_as_files(sample: InspectBench, drags: Drags) -> None:
    sample.click_row(1)
    sample.click_row(4, Control)
    place = begin_drag(sample, 4)
    assert sample.page.models_tab.table_view.preparing
    sample.settle()
    (paths,) = drags.carried
    assert [os.path.basename(path) for path in paths] == ["edge-kernels.safetensors", "dct-basis.npy"]
    assert Path(paths[1]).read_bytes() == sample.inspection.reader.read_model("dct-basis")
    assert stat.S_IMODE(os.stat(os.path.dirname(paths[0])).st_mode) == 0o700
    assert sorted(sample.page.selection.models) == [1, 4]
    release(sample, place)
    sample.window.close()
    assert not os.path.exists(paths[0])


def test_files_of_an_earlier_drag_serve_again_unless_they_changed(sample: InspectBench, drags: Drags) -> None:
    sample.click_row(1)
    place = begin_drag(sample, 1)
    sample.settle()
    release(sample, place)
    ((path,),) = drags.carried
    place = begin_drag(sample, 1)
    assert not sample.services.jobs.jobs
    release(sample, place)
    assert drags.carried == [[path], [path]]
    Path(path).write_bytes(b"changed")
    place = begin_drag(sample, 1)
    sample.settle()
    release(sample, place)
    assert Path(path).read_bytes() == sample.inspection.reader.read_model("edge-kernels")


def test_letting_go_too_early_leaves_the_files_ready(sample: InspectBench, drags: Drags) -> None:
    sample.click_row(1)
    release(sample, begin_drag(sample, 1))
    sample.settle()
    assert not drags.carried
    assert sample.window.status.remark == "1 file ready: drag again to take it along."
    assert not sample.page.models_tab.table_view.preparing


def test_a_damaged_model_is_not_dragged(
    bench: InspectBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    raw = bytearray(resources.sample_path().read_bytes())
    raw[0x6CD00] ^= 4
    (tmp_path / "damaged.apbundle").write_bytes(raw)
    bench.open(tmp_path / "damaged.apbundle")
    drags = Drags(bench, monkeypatch)
    row = bench.names.index("colour-map")
    bench.click_row(row)
    place = begin_drag(bench, row)
    bench.settle()
    release(bench, place)
    assert not drags.carried
    assert "cannot be dragged" in bench.window.banner.text
    assert not bench.page.models_tab.table_view.preparing
    caplog.clear()


def test_too_much_is_not_dragged(
    sample: InspectBench, drags: Drags, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(DragFiles, "MOST", 3)
    sample.key(Qt.Key.Key_A, Control, sample.page.models_tab.view)
    release(sample, begin_drag(sample, 1))
    sample.settle()
    assert not drags.carried
    assert "Extract it to a folder" in sample.window.banner.text
    caplog.clear()


def test_without_a_folder_for_files_nothing_is_dragged(
    sample: InspectBench,
    drags: Drags,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    release(sample, begin_drag(sample, 1))
    sample.settle()
    assert not drags.carried
    assert "No such file" in sample.window.banner.text
    assert not sample.page.models_tab.table_view.preparing
    caplog.clear()
