"""Tensors leave the bundle: as files of the right kind, by dragging, by menu, and as text on the clipboard."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDrag, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from safetensors.numpy import load_file

from apbundle import BundleBuilder
from apbundle.errors import BundleError
from apbundle.format.reader import BundleReader
from apbundle.payload.tensors import BlockType, TensorInfo
from apbundle.progress import Reporter
from apbundle_gui.services import Services
from apbundle_gui.services.tensor_files import ending_of, write_tensor
from apbundle_gui.widgets import local_paths
from support import pointer
from support.inspecting import InspectBench
from support.interpreter import run_python

HOSTILE = "../../etc/<b>p\u202eass</b>"
ARRAYS = {
    "layers.0.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "half": np.arange(6, dtype=np.float16).reshape(2, 3),
    "flags": np.array([True, False]),
    HOSTILE: np.arange(3, dtype=np.int64),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 4), np.int8),
}
RAW = np.arange(24, dtype=np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "models.apbundle"
    builder = BundleBuilder(path).add_model("model", ARRAYS)
    builder.add_model("brain", {"w": np.arange(4).astype(ml_dtypes.bfloat16)})
    builder.add_model("raw", RAW.tobytes())
    builder.add_model("packed", {"layers.0.weight": np.ones(5000, np.float64)}, compress=True)
    builder.build().close()
    return path


# -- files -------------------------------------------------------------------------------------------------------


def written(path: Path, info: TensorInfo, model: str = "raw") -> Path:
    with BundleReader.open(path) as reader:
        target = path.parent / f"tensor{ending_of(info)}"
        write_tensor(reader, model, info, str(target), Reporter(None, None))
    return target


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (TensorInfo("a", "F32", (2, 3), 8, 24), RAW[2:8].reshape(2, 3)),
        (TensorInfo("a", ">F32", (2,), 8, 8), RAW[2:4].view(">f4")),
        (TensorInfo("a", "F32", (2, 3), 0, 24, order="F"), RAW[:6].reshape(3, 2).T),
        (TensorInfo("a", "F32", (3, 2), 0, 24, strides=(1, 3)), RAW[:6].reshape(2, 3).T),
        (TensorInfo("a", "F32", (4, 2), 0, 8, strides=(0, 1)), np.broadcast_to(RAW[:2], (4, 2))),
        (TensorInfo("a", "S8", (3,), 0, 24, block=BlockType("|S8", 1, 8)), RAW[:6].view("S8")),
        (TensorInfo("a", "F32", (), 4, 4), RAW[1]),
    ],
)
def test_numpy_reads_what_it_can_store(path: Path, info: TensorInfo, expected: np.ndarray) -> None:
    found = np.load(written(path, info), allow_pickle=False)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("order", ["C", "F"])
def test_safetensors_has_the_types_that_numpy_has_not(path: Path, order: str) -> None:
    info = TensorInfo("w", "BF16", (2, 3), 0, 12, order="F" if order == "F" else "C")
    target = written(path, info)
    assert target.suffix == ".safetensors"
    stored = RAW.view(np.uint16)[:6]
    expected = stored.reshape(3, 2).T if order == "F" else stored.reshape(2, 3)
    assert load_file(target)["w"].view(np.uint16).tolist() == expected.tolist()


def test_anything_else_is_raw(path: Path) -> None:
    info = TensorInfo("a", "Q8_0", (32,), 0, 34, block=BlockType("Q8_0", 32, 34))
    assert written(path, info).name == "tensor.Q8_0.bin"
    assert written(path, TensorInfo("a", "../x", (2,), 0, 2, block=BlockType("../x", 1, 1))).name == "tensor.bin"
    assert (path.parent / "tensor.Q8_0.bin").read_bytes() == RAW.tobytes()[:34]


@pytest.mark.parametrize(
    "info",
    [
        TensorInfo("a", "F32", (4,), 0, 0, encoding="external"),
        TensorInfo("a", "F32", (4,), 0, 12),
        TensorInfo("a", "F32", (4,), 1 << 40, 16),
        TensorInfo("a", "F32", (1 << 20, 1 << 20), 0, 4, strides=(0, 0)),
        TensorInfo("a", "F32", (4,), 0, 16, encoding="deflate"),
    ],
)
def test_what_cannot_be_had_leaves_no_file(path: Path, info: TensorInfo) -> None:
    before = sorted(path.parent.iterdir())
    with pytest.raises(BundleError, match="'a' cannot be read"):
        written(path, info)
    assert sorted(path.parent.iterdir()) == before


# -- in the window -----------------------------------------------------------------------------------------------


@pytest.fixture
def bench(qtbot: QtBot, services: Services, path: Path) -> InspectBench:
    bench = InspectBench(qtbot, services)
    bench.open(path)
    bench.page.tabs.show_tab(bench.page.tensors_tab)
    bench.settle()
    return bench


def select(bench: InspectBench, *names: str) -> int:
    """Select the first tensors with these names; the answer is the row of the last."""
    view, table = bench.page.tensors_tab.view, bench.page.tensors_tab.table
    view.clearSelection()
    view.setSelectionMode(view.SelectionMode.MultiSelection)
    row = -1
    for name in names:
        row = next(row for row in range(table.rowCount()) if table.record(row).name == name)
        view.selectRow(row)
    view.setSelectionMode(view.SelectionMode.ExtendedSelection)
    return row


def drag(bench: InspectBench, row: int) -> None:
    view = bench.page.tensors_tab.view
    place = view.visualRect(bench.page.tensors_tab.table.index(row, 0)).center()
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    for step in (10, 20, 40):
        pointer.move(view.viewport(), place + QPoint(step, 0), Qt.MouseButton.LeftButton)
    bench.settle()
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_rows_are_dragged_out_as_files(bench: InspectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    carried: list[list[str]] = []

    def carry(made: QDrag) -> None:
        carried.append(local_paths(made.mimeData()))
        made.deleteLater()

    monkeypatch.setattr(bench.page.tensors_tab.table_view, "run_drag", carry)
    drag(bench, select(bench, "layers.0.weight", HOSTILE, "w"))
    drag(bench, select(bench, "layers.0.weight", HOSTILE, "w"))
    assert len(carried) == 2
    assert sorted(carried[0]) == sorted(carried[1]), "they are made once"
    by_name = {os.path.basename(path): path for path in carried[0]}
    assert "layers.0.weight.npy" in by_name
    assert "w.safetensors" in by_name
    assert np.load(by_name["layers.0.weight.npy"]).tolist() == ARRAYS["layers.0.weight"].tolist()
    folders = {os.path.dirname(path) for path in carried[0]}
    assert len(folders) == 1
    folder = Path(folders.pop())
    assert sorted(path.name for path in folder.iterdir()) == sorted(by_name)
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    bench.window.close()
    assert not folder.exists()


def test_they_are_extracted_and_replace_nothing(
    bench: InspectBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "HALF.npy").write_bytes(b"mine")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(out))
    bench.page.tensors_tab.view.selectAll()
    bench.page.tensors_tab.menu().actions()[0].trigger()
    bench.settle()
    assert (out / "HALF.npy").read_bytes() == b"mine"
    found = [np.load(path).tolist() for path in sorted(out.glob("*.npy")) if path.name != "HALF.npy"]
    assert len(found) == len(ARRAYS) + 1
    assert all(array.tolist() in found for array in ARRAYS.values())
    assert bench.window.status.remark.startswith("Extracted 8 tensors to")


def test_copy_as(bench: InspectBench) -> None:
    select(bench, "half")
    actions = {action.text().replace("&", ""): action for action in bench.page.tensors_tab.menu().actions()}
    copied: dict[str, str] = {}
    for title in ("Copy Name", "Copy Offset", "Copy as Python", "Copy as Command Line"):
        actions[title].trigger()
        copied[title] = QGuiApplication.clipboard().text()
    assert copied["Copy Name"] == "half"
    raw = Path(bench.inspection.path).read_bytes()
    assert raw[int(copied["Copy Offset"], 16) :].startswith(ARRAYS["half"].tobytes())
    assert "get_component('model', 'half')" in copied["Copy as Python"]
    _, flag, program = shlex.split(copied["Copy as Command Line"])
    assert flag == "-c"
    assert run_python(program).strip() == str(ARRAYS["half"])


def test_what_has_no_bytes_of_its_own_has_no_offset_to_copy(bench: InspectBench) -> None:
    view, table = bench.page.tensors_tab.view, bench.page.tensors_tab.table
    view.selectRow(next(row for row in range(table.rowCount()) if table.record(row).dtype == "F64" and row > 5))
    (action,) = [a for a in bench.page.tensors_tab.menu().actions() if a.text() == "Copy &Offset"]
    assert not action.isEnabled()
