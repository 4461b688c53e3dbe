"""The particulars of the selected tensors: the one that is looked at, or the totals of many."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QWidget

from apbundle.payload.tensors import TensorInfo
from apbundle_gui.models import copies
from apbundle_gui.models import text as words
from apbundle_gui.models.tensor_table import TensorTableModel, shape_text
from apbundle_gui.pages.inspect.panes import SidePanel
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.widgets import Facts, SecondaryLabel, button

_STORED = {"": "as an array", "deflate": "deflated", "varint": "as varints", "external": "in another file"}


class TensorPanel(SidePanel):
    """Says of a tensor what it is and where, and how one gets at it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Selected tensors", parent)
        self._inspection: Inspection | None = None
        self._thing: int | None = None
        self._facts = Facts()
        for caption, mono in (
            ("Model", False),
            ("Type", False),
            ("Shape", False),
            ("Elements", False),
            ("Size", False),
            ("Stored", False),
            ("Bytes", True),
        ):
            self._facts.add(caption, mono=mono)
        self.content.addWidget(self._facts)
        self._totals = SecondaryLabel(wrap=True)
        self.content.addWidget(self._totals)
        buttons = QHBoxLayout()
        self.copy_name = button("Copy &Name", self._copy_name, icon="copy", tip="Put the name on the clipboard")
        self.copy_python = button(
            "Copy as &Python", self._copy_python, icon="copy", tip="Put Python that reads the tensor on the clipboard"
        )
        buttons.addWidget(self.copy_name)
        buttons.addWidget(self.copy_python)
        buttons.addStretch(1)
        self.content.addLayout(buttons)
        self.content.addStretch(1)

    def show_tensors(
        self, inspection: Inspection | None, table: TensorTableModel, things: Sequence[int], current: int | None
    ) -> None:
        """Show the tensor ``current`` of the table, and the totals of ``things`` if they are several."""
        self._inspection, self._thing = inspection, current
        single = inspection is not None and current is not None
        for widget in (self._facts, self.copy_name, self.copy_python):
            widget.setVisible(single)
        self._totals.setVisible(len(things) > 1)
        if inspection is None or current is None:
            self.title.setText("No tensor selected")
            return
        model, tensor = inspection.contents.at(current)
        self._show(inspection, model, tensor, table.record(current))
        if len(things) > 1:
            elements, size = table.totals(things)
            self._totals.setText(
                f"{words.count(len(things), 'tensor')} selected, together {words.count(elements, 'element')} "
                f"in {words.size(size)} ({words.exact_size(size)})."
            )

    def _show(self, inspection: Inspection, model: int, tensor: int, info: TensorInfo) -> None:
        self.title.setText(info.name or "(no name)")
        self._facts.set("Model", inspection.names[model])
        kind = info.dtype
        if info.block is not None:
            kind = f"{kind}, {info.block.elements} elements in {words.exact_size(info.block.bytes)}"
        self._facts.set("Type", kind)
        self._facts.set("Shape", shape_text(info.shape))
        self._facts.set("Elements", words.count(info.elements))
        self._facts.set("Size", f"{words.size(info.size)} ({words.exact_size(info.size)})")
        stored = _STORED.get(info.encoding, info.encoding)
        if not info.encoding and info.strides is not None:
            stored = "as a view with strides " + ", ".join(map(str, info.strides))
        elif not info.encoding and info.order == "F" and len(info.shape) > 1:
            stored = "as an array, columns first"
        self._facts.set("Stored", stored)
        span = inspection.span_of(model, tensor)
        if span is None:
            where = "none of its own: the model is compressed" if info.encoding != "external" else "not in this file"
        else:
            where = f"{words.hex_offset(span[0])} – {words.hex_offset(span[0] + max(span[1] - 1, 0))}"
        self._facts.set("Bytes", where)

    def _named(self) -> tuple[str, str, str] | None:
        """Path, model and tensor."""
        inspection, thing = self._inspection, self._thing
        if inspection is None or thing is None:
            return None
        model, _ = inspection.contents.at(thing)
        return inspection.path, inspection.names[model], inspection.contents.info(thing).name

    def _copy_name(self) -> None:
        if named := self._named():
            QGuiApplication.clipboard().setText(named[2])

    def _copy_python(self) -> None:
        if named := self._named():
            QGuiApplication.clipboard().setText(copies.tensor_snippet(*named))
