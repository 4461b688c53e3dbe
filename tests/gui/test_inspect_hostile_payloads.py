"""Hostile models through the whole page: nothing of what their texts name is opened, and what is wrong is said."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PySide6.QtCore import QAbstractItemModel, QPoint, Qt
from PySide6.QtGui import QDrag, QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QApplication, QMenu, QToolTip
from pytestqt.qtbot import QtBot

from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.pages.inspect.tabbed import KINDS
from apbundle_gui.services import Services
from apbundle_gui.widgets import local_paths
from support import forge
from support.inspecting import InspectBench
from support.payloads import gguf_pair, gguf_payload, gguf_tensor, gguf_text
from support.torch_files import Named, Storage, archive, pickled, tensor
from support.witness import Watch

CORPUS = Path(__file__).parent.parent / "malformed"


class Trap:
    """A picture and a pipe, named in every way that has opened files elsewhere; an open of either is seen."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.watch = Watch(folder)
        self.pipe = folder / "pipe"
        os.mkfifo(self.pipe)  # who opens it never comes back
        self.texts = [
            form.format(path)
            for path in (self.watch.marker, self.pipe)
            for form in ('<img src="{}">', "file://{}", "{}", '"><style>@import url({})</style>\n')
        ]


@pytest.fixture
def bench(qtbot: QtBot, services: Services) -> InspectBench:
    return InspectBench(qtbot, services)


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    made = Trap(tmp_path / "watched")
    yield made
    made.watch.close()


def safetensors(texts: list[str]) -> bytes:
    header: dict[str, object] = {
        text: {"dtype": "F32", "shape": [2], "data_offsets": [8 * place, 8 * place + 8]}
        for place, text in enumerate(texts)
    }
    raw = json.dumps({"__metadata__": dict(zip(texts, texts, strict=True)), **header}).encode()
    return struct.pack("<Q", len(raw)) + raw + bytes(8 * len(texts))


def gguf(texts: list[str]) -> bytes:
    raw = [text.encode() for text in texts]
    pairs = [gguf_pair(text, 8, gguf_text(text)) for text in raw]
    tensors = [gguf_tensor(text[:60], [8], 0, 32 * place) for place, text in enumerate(raw)]
    return gguf_payload(pairs, tensors, bytes(32 * len(raw)))


def onnx(texts: list[str]) -> bytes:
    tensors = [numpy_helper.from_array(np.zeros(3, np.float32), text) for text in texts]
    for made in tensors[1:]:
        made.ClearField("raw_data")
        made.data_location = TensorProto.EXTERNAL
        made.external_data.add(key="location", value=made.name)
    node = helper.make_node(texts[0], ["x"], ["y"], domain=texts[1], name=texts[2], doc_string=texts[3])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([node], texts[4], values[:1], values[1:], tensors)
    model = helper.make_model(graph, producer_name=texts[0], opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(zip(texts, texts, strict=True)))
    return model.SerializeToString()


def torch(texts: list[str]) -> bytes:
    storage = Storage("FloatStorage", "0", 4)
    state = {text: tensor(storage, (2, 2), (2, 1)) for text in texts}
    calls = [Named(f"os.{text}".replace("\n", " ")) for text in texts]
    return archive(pickled({"state_dict": state, "hooks": calls, "names": texts}), {"0": bytes(16)})


class Evil:
    """What a pickle can do to whoever loads it."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, ...]:
        return open, (self.path, "r")


def npz(texts: list[str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for place, text in enumerate(texts):
            array = io.BytesIO()
            np.save(array, np.arange(place + 2.0))
            file.writestr(f"../{text}.npy", array.getvalue())
    return stream.getvalue()


def texts_of(model: QAbstractItemModel) -> Iterator[str]:
    """What the first rows of a model say in their cells and tooltips."""
    for row in range(min(model.rowCount(), 40)):
        for column in range(model.columnCount()):
            for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                yield str(model.index(row, column).data(role) or "")


def look_at_all(bench: InspectBench) -> None:
    """Show every tab, all it says, and all its tooltips."""
    for kind in KINDS:
        bench.page.tabs.show_tab(bench.page.tabs.get(kind))
        bench.settle()
        for view in bench.page.findChildren(QAbstractItemView):
            if view.isVisible() and view.model() is not None:
                for text in texts_of(view.model()):
                    assert text.isprintable()
                    if text.startswith("<qt>"):
                        QToolTip.showText(QPoint(0, 0), text, bench.window)
        bench.page.grab()
    QToolTip.hideText()


def press_all(menu: QMenu) -> list[str]:
    """Do everything in a menu that copies; what was copied."""
    copied = []
    for action in menu.actions():
        if action.text().startswith("Copy") and action.isEnabled():
            action.trigger()
            copied.append(QGuiApplication.clipboard().text())
    menu.deleteLater()
    return copied


@pytest.mark.skipif(sys.platform != "linux", reason="watches a folder with inotify")
def test_nothing_that_is_named_is_opened(
    bench: InspectBench,
    trap: Trap,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    texts = trap.texts
    payloads = [safetensors(texts), gguf(texts), onnx(texts), torch(texts), npz(texts)]
    payloads += [pickle.dumps(Evil(trap.pipe)), b"APR1" + json.dumps(texts).encode(), "\n".join(texts).encode()]
    names = [text.rstrip() for text in texts[: len(payloads)]]
    described = {name: {"version": name, "architecture": name, "custom": {name: name}} for name in names}
    document = {"bundle": dict(zip(texts, texts, strict=True)), "models": described}
    path = tmp_path / "hostile.apbundle"
    models = list(zip(names, payloads, strict=True))
    path.write_bytes(forge.sealed(models, document=document, description=texts[0].encode()))
    bench.open(path)
    page = bench.page
    look_at_all(bench)
    contents = bench.inspection.contents
    assert contents.complete
    found = [contents.of(group.model) for group in contents.groups]
    assert {one.format for one in found if one is not None} == {"safetensors", "gguf", "onnx", "pytorch", "npz"}
    carried: list[str] = []

    def carry(drag: QDrag) -> None:
        carried.extend(local_paths(drag.mimeData()))
        drag.deleteLater()

    monkeypatch.setattr(QGuiApplication, "mouseButtons", lambda: Qt.MouseButton.LeftButton)
    for view in (page.models_tab.table_view, page.tensors_tab.table_view):
        monkeypatch.setattr(view, "run_drag", carry)
    copied: list[str] = []
    for group in contents.groups:
        page.selection.go(Place(group.model, "", len(group.table) - 1))
        for tab in (page.values_tab, page.hex_tab, page.tensors_tab):
            page.tabs.show_tab(tab)
            bench.settle()
            page.grab()
        copied += press_all(page.tensors_tab.menu())
        page.tensors_tab.table_view.startDrag(Qt.DropAction.CopyAction)
        bench.settle()
    for model in range(len(models)):
        page.selection.go(Place(model))
        page.tabs.show_tab(page.models_tab)
        copied += press_all(page.models_tab.menu())
        page.models_tab.table_view.startDrag(Qt.DropAction.CopyAction)
        bench.settle()
    for tab in page.tabs.existing:
        page.tabs.show_tab(tab)
        for query in texts[:2]:
            page.tabs.search.setText(query)
            page.tabs.completions.open()
            bench.settle()
    page.compare_tab.compare_models(0, 1)
    bench.settle()
    look_at_all(bench)
    assert len(copied) > 30
    assert len(carried) > len(models)
    assert all(Path(file).is_file() and trap.pipe.parent not in Path(file).parents for file in carried)
    QApplication.processEvents()
    assert not trap.watch.opened()
    assert all("cannot be dragged" in record.getMessage() for record in caplog.records), "their data is elsewhere"
    caplog.clear()


def deep_json() -> bytes:
    text = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    return struct.pack("<Q", len(text)) + text


def zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)})
        file.writestr("bomb.npy", head.getvalue() + bytes(8 << 20))
        file.writestr("liar.npy", b"\x93NUMPY\x01\x00\xff\xff{")
    return stream.getvalue()


BOMBS = {
    "deep": deep_json(),
    "zip": zip_bomb(),
    "counts": b"GGUF" + struct.pack("<IQQ", 3, 1 << 62, 1 << 62),
    "memos": b"\x80\x02" + b"]q\x00" + b"h\x00h\x00\x86" * 50_000 + b".",
}


def test_what_is_wrong_with_a_payload_is_said(bench: InspectBench, tmp_path: Path) -> None:
    bombs = tmp_path / "bombs.apbundle"
    bombs.write_bytes(forge.sealed(list(BOMBS.items())))
    for path in (bombs, *sorted(CORPUS.glob("P*.apbundle"))):
        bench.open(path)
        inspection, page = bench.inspection, bench.page
        inspection.contents.want_all()
        bench.settle()
        for model in range(len(inspection.names)):
            page.selection.go(Place(model))
            page.navigation.tree.unfold(page.navigation.view.currentIndex().row())
        if inspection.contents.count:
            model, number = inspection.contents.at(0)
            page.selection.go(Place(model, "", number))
        look_at_all(bench)
        table = page.metadata_tab.table
        said = {table.item(row).model for row in range(table.count()) if table.item(row).name == "finding"}
        silent = {inspection.names[model] for model in range(len(inspection.names)) if model not in said}
        assert silent == ({"memos"} if path == bombs else set()), path.name
        bench.services.session.close(str(path))
        assert not [message for message in bench.services.messages.kept if message.error is not None]
