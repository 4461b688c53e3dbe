"""The preview of a drop: what becomes a model and why the rest does not, to be agreed to before the draft changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHBoxLayout, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ICON_ROLE, TONE_ROLE
from apbundle_gui.models.preview_table import Candidate, PreviewTable, candidates_of
from apbundle_gui.pages.build.delegates import MarkedDelegate
from apbundle_gui.services.finding import Found
from apbundle_gui.theme import Space
from apbundle_gui.widgets import PageTitle, SecondaryLabel, TableView, button

SIZE: Final = QSize(860, 520)
WIDTHS: Final = (220, 160, 110, 84, 190)


class _PreviewView(TableView):
    """The lines; the space key ticks all that are selected."""

    def __init__(self, table: PreviewTable) -> None:
        super().__init__(sortable=False, framed=True)
        self.setModel(table)
        self._table = table
        self.setAccessibleName("What was found")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setItemDelegate(MarkedDelegate(ICON_ROLE, TONE_ROLE, self))
        self.set_widths(list(WIDTHS), 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        rows = self.selected_rows()
        if event.key() == Qt.Key.Key_Space and rows:
            self._table.choose(rows, not all(self._table.is_chosen(row) for row in rows))
        else:
            super().keyPressEvent(event)


class Preview(QDialog):
    """Shows what was found; what is ticked is added.

    Parameters
    ----------
    found
        What the drop holds.
    add
        Called with the candidates chosen.
    open_instead
        Called when bundles shall be opened rather than taken apart.
    """

    def __init__(
        self,
        found: Found,
        add: Callable[[list[Candidate]], object],
        open_instead: Callable[[], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._add = add
        self._open = open_instead
        where = [*found.folders, *found.bundles]
        name = words.file_name(where[0]) if len(where) == 1 else ""
        title = f"Add from {name}" if name else "Add to the draft"
        self.setWindowTitle(title)
        candidates = candidates_of(found)
        self.table = PreviewTable(candidates, len(found.taken), self)
        self.view = _PreviewView(self.table)
        self.said = SecondaryLabel(_summary(found), wrap=True)
        self.all = button("&All", lambda: self.table.choose(range(len(candidates)), True), kind="quiet")
        self.none = button("&None", lambda: self.table.choose(range(len(candidates)), False), kind="quiet")
        self.open_button = button("&Open Instead", self._open_instead, tip="Look into the bundle in Inspect")
        self.open_button.setVisible(bool(found.bundles) and not found.folders)
        self.cancel = button("Cancel", self.reject)
        self.add_button = button("Add", self._accept, kind="primary")
        self.add_button.setDefault(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        layout.setSpacing(Space.M)
        layout.addWidget(PageTitle(title))
        layout.addWidget(self.said)
        layout.addWidget(self.view, 1)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        for each in (self.all, self.none):
            row.addWidget(each)
        row.addStretch(1)
        for each in (self.open_button, self.cancel, self.add_button):
            row.addWidget(each)
        layout.addLayout(row)
        self.table.chosen_changed.connect(self._show_chosen)
        self._show_chosen()
        self.resize(SIZE)
        self.view.setFocus()
        if candidates:
            self.view.selectRow(0)

    def _show_chosen(self) -> None:
        chosen = self.table.chosen
        size = sum(each.facts.size for each in chosen)
        what = f"Add {words.count(len(chosen), 'Model')}"
        self.add_button.setText(f"{what} ({words.size(size)})" if chosen else "Add")
        self.add_button.setEnabled(bool(chosen))

    def _accept(self) -> None:
        chosen = self.table.chosen
        self.accept()
        self._add(chosen)

    def _open_instead(self) -> None:
        self.reject()
        self._open()


def _summary(found: Found) -> str:
    """What was found, in a sentence or two."""
    inside = sum(1 for source in found.taken if not isinstance(source, str))
    files = len(found.taken) - inside
    said = []
    if files:
        said.append(words.count(files, "model file"))
    if inside:
        said.append(f"{words.count(inside, 'model')} inside of bundles")
    text = f"Found {' and '.join(said)}." if said else "No models were found."
    if found.config:
        folder = words.file_name(os.path.dirname(found.config[0]))
        where = f" of {folder}" if len(found.config) == 1 else f" of {words.count(len(found.config), 'folder')}"
        text += f" The config.json{where} fills architecture and hyperparameters."
    others = sum(1 for each in found.left_out if each.path not in found.bundles)
    if others:
        text += f" {words.count(others, 'other file')} left out; tick what shall be packed all the same."
    return text
