"""The particulars of the difference that is looked at."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QWidget

from apbundle_gui.models import copies
from apbundle_gui.models import text as words
from apbundle_gui.models.compare_table import Column, number_text, side_text, status_sentence, values_of
from apbundle_gui.pages.inspect.panes import SidePanel
from apbundle_gui.services.comparing import Difference
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Facts, button

_NUMBERS = {"Largest": Column.LARGEST, "Mean": Column.MEAN, "Cosine": Column.COSINE}


class DifferencePanel(SidePanel):
    """Says what differs, and how far, and leads to it.

    Attributes
    ----------
    values_wanted, bytes_wanted
        What is selected should be shown: its values, its bytes.
    other_wanted
        What is selected should be shown in the other bundle, which alone has it.
    """

    values_wanted = Signal()
    bytes_wanted = Signal()
    other_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Selected difference", parent)
        self._paths = ("", "")
        self._facts = Facts()
        for caption in ("Model", "Status", "Before", "After", "Differing", *_NUMBERS):
            self._facts.add(caption)
        self.content.addWidget(self._facts)
        self.show_values = button("&Values", self.values_wanted.emit, icon="tensor", tip="Show its values")
        self.show_bytes = button("&Bytes", self.bytes_wanted.emit, icon="file", tip="Show its bytes in the file")
        ways = QHBoxLayout()
        ways.setSpacing(Space.S)
        ways.addWidget(self.show_values)
        ways.addWidget(self.show_bytes)
        self.show_other = button(
            "Show in &Other", self.other_wanted.emit, icon="open", tip="Show it in the other bundle, which alone has it"
        )
        ways.addWidget(self.show_other)
        ways.addStretch(1)
        self.content.addLayout(ways)
        self.copy = button(
            "Copy Command Line", self._copy, icon="copy", tip="Put the command that compares both on the clipboard"
        )
        self.content.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignLeft)
        self.content.addStretch(1)
        self.show_difference(None)

    def show_bundles(self, before: str, after: str) -> None:
        """The paths of both bundles; empty when two models of one are compared."""
        self._paths = before, after
        self.copy.setVisible(bool(before))

    def show_difference(self, row: Difference | None) -> None:
        """Show one, or none."""
        self._facts.setVisible(row is not None)
        here = row is not None and row.where is not None and row.kind in ("model", "tensor")
        self.show_values.setVisible(here and row is not None and row.kind == "tensor")
        self.show_bytes.setVisible(here)
        self.show_other.setVisible(row is not None and row.where is None and row.kind in ("model", "tensor"))
        if row is None:
            self.title.setText("Nothing selected")
            return
        self.title.setText(words.name(row.name, words.SHOWN_IN_DETAIL))
        self._facts.set("Model", row.model)
        self._facts.show_row("Model", row.kind in ("field", "tensor"))
        self._facts.set("Status", status_sentence(row))
        for caption, after in (("Before", False), ("After", True)):
            size = row.sizes[after]
            exact = "" if size is None else f" ({words.exact_size(size)})"
            self._facts.set(caption, side_text(row, after=after) + exact)
        found = values_of(row)
        if found is not None:
            share = number_text(found, Column.SHARE)
            different = f"{words.count(found.different)} of {words.count(found.elements)}"
            self._facts.set("Differing", f"{different} ({share})")
        for caption, column in _NUMBERS.items():
            self._facts.set(caption, number_text(found, column))
        for caption in ("Differing", *_NUMBERS):
            self._facts.show_row(caption, found is not None)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(copies.diff_command(*self._paths))
