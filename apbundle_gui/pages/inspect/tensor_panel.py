"""The particulars of the selected tensors: the one that is looked at, or the totals of many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from apbundle.payload.tensors import TensorInfo
from apbundle_gui.models import copies
from apbundle_gui.models import text as words
from apbundle_gui.models.tensor_table import TensorTableModel, shape_text
from apbundle_gui.pages.inspect.panes import SidePanel
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.widgets import Facts, FlowLayout, button

CAPTIONS = ("Model", "Type", "Shape", "Elements", "Size", "Stored", "Bytes")
TOTALS = ("Elements", "Size")
"""What is said of several, added up."""
MOST_COPIED = 10_000
"""Tensors whose names are copied at once at most."""
_STORED = {"": "as an array", "deflate": "deflated", "varint": "as varints", "external": "in another file"}


class TensorPanel(SidePanel):
    """Says of a tensor what it is and where, and how one gets at it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Selected tensors", parent)
        self._inspection: Inspection | None = None
        self._thing: int | None = None
        self._asked = 0
        self._things: Sequence[int] = ()
        self._facts = Facts()
        for caption in CAPTIONS:
            self._facts.add(caption, mono=caption == "Bytes")
        self.content.addWidget(self._facts)
        buttons = FlowLayout()
        self.copy_name = button("Copy &Name", self._copy_name, icon="copy", tip="Put the name on the clipboard")
        self.copy_python = button(
            "Copy as &Python", self._copy_python, icon="copy", tip="Put Python that reads the tensor on the clipboard"
        )
        buttons.addWidget(self.copy_name)
        buttons.addWidget(self.copy_python)
        self.content.addLayout(buttons)
        self.content.addStretch(1)

    def show_tensors(
        self, inspection: Inspection | None, table: TensorTableModel, things: Sequence[int], current: int | None
    ) -> None:
        """Show the tensor ``current`` of the table, or the totals of ``things`` if they are several."""
        self._inspection, self._things = inspection, things if len(things) > 1 else ()
        self._thing = current
        self._asked += 1
        shown = inspection is not None and current is not None
        self._facts.setVisible(shown)
        for copy in (self.copy_name, self.copy_python):
            copy.setVisible(shown)
            copy.setEnabled(len(things) <= MOST_COPIED)
        for caption in CAPTIONS:
            self._facts.show_row(caption, caption in TOTALS or not self._things)
        if inspection is None or current is None:
            self.title.setText("No tensor selected")
        elif self._things:
            self.title.setText(f"{words.count(len(things), 'tensor')} selected")
            for caption in TOTALS:
                self._facts.set(caption, "…")
            table.add_up(things, partial(self._added_up, self._asked))
        else:
            model, tensor = inspection.contents.at(current)
            self._show(inspection, model, tensor, table.record(current))
        self.copy_name.setText("Copy &Names" if self._things else "Copy &Name")

    def _added_up(self, asked: int, elements: int, size: int) -> None:
        if asked == self._asked:
            self._show_totals(elements, size)

    def _show_totals(self, elements: int, size: int) -> None:
        self._facts.set("Elements", words.count(elements))
        self._facts.set("Size", f"{words.size(size)} ({words.exact_size(size)})")

    def _show(self, inspection: Inspection, model: int, tensor: int, info: TensorInfo) -> None:
        self.title.setText(words.name(info.name, words.SHOWN_IN_DETAIL))
        self._facts.set("Model", inspection.names[model])
        kind = info.dtype
        if info.block is not None:
            kind = f"{kind}, {info.block.elements} elements in {words.exact_size(info.block.bytes)}"
        self._facts.set("Type", kind)
        self._facts.set("Shape", shape_text(info.shape))
        self._show_totals(info.elements, info.size)
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

    def _named(self) -> list[tuple[str, str]]:
        """Model and tensor, of each that is selected."""
        inspection, thing = self._inspection, self._thing
        if inspection is None or thing is None:
            return []
        contents = inspection.contents
        things = self._things or (thing,)
        return [(inspection.names[contents.at(thing)[0]], contents.info(thing).name) for thing in things]

    def _copy_name(self) -> None:
        if named := self._named():
            QGuiApplication.clipboard().setText("\n".join(tensor for _, tensor in named))

    def _copy_python(self) -> None:
        if self._inspection is not None and (named := self._named()):
            path = self._inspection.path
            several = len(named) > 1
            text = copies.tensors_snippet(path, named) if several else copies.tensor_snippet(path, *named[0])
            QGuiApplication.clipboard().setText(text)
