"""The tab of the tensors: those of all models in one table, searched by a query."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from apbundle_gui import theme
from apbundle_gui.models import copies
from apbundle_gui.models import text as words
from apbundle_gui.models.tensor_query import QueryError
from apbundle_gui.models.tensor_table import Column, TensorTableModel
from apbundle_gui.pages.inspect.columns import Width
from apbundle_gui.pages.inspect.copy_menu import add_copy
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.pages.inspect.drag_view import DragView
from apbundle_gui.pages.inspect.selection import Place, Selection
from apbundle_gui.pages.inspect.table_tab import TableTab
from apbundle_gui.pages.inspect.tensor_panel import TensorPanel
from apbundle_gui.pages.inspect.tensors_leaving import TensorsLeaving
from apbundle_gui.services import Services
from apbundle_gui.services.drag_files import DragFiles
from apbundle_gui.services.inspection import Inspection

WIDTHS = (
    Width(180, grow=5),
    Width(110, grow=2, drop=2),
    Width(70),
    Width(110, grow=1),
    Width(74, drop=3),
    Width(84),
    Width(98, drop=1),
)


class TensorsTab(TableTab):
    """The tab of the tensors."""

    title = "Tensors"
    noun = "tensor"
    placeholder = "name~attn dtype:f16 shape:[*,768] size>1MiB"
    nothing = "None of the models lists tensors."
    widths = WIDTHS

    def __init__(self, services: Services, selection: Selection, drag_files: DragFiles) -> None:
        self.table = TensorTableModel(services.jobs)
        self.panel = TensorPanel()
        self.table_view = view = DragView("tensor")
        set_delegates(view, mono=(Column.OFFSET,))
        super().__init__(services, selection, self.table, view, self.panel)
        self.table.setParent(self)
        self.leaving = TensorsLeaving(services, view, drag_files, self)
        self._mistake: QueryError | None = None
        view.customContextMenuRequested.connect(self._show_menu)
        view.drag_wanted.connect(self._drag)
        view.selectionModel().selectionChanged.connect(self._rows_selected)
        view.selectionModel().currentRowChanged.connect(self._rows_selected)
        self.table.arranged.connect(self.selection_changed)
        self.table.rowsInserted.connect(self._grown)
        self.table.query_judged.connect(self._judged)
        self.panel.show_tensors(None, self.table, (), None)

    def show_inspection(self, inspection: Inspection | None) -> None:
        self.inspection = inspection
        self.table.show_inspection(inspection)
        if self.isVisible():
            self.shown()

    def shown(self) -> None:
        if self.inspection is not None:
            self.inspection.contents.want_all()
            self.selection_changed()

    def selection_changed(self) -> None:
        inspection, place = self.inspection, self.selection.place
        if inspection is None:
            return
        thing = -1
        if place.model is not None and place.tensor is not None:
            thing = inspection.contents.row_of(place.model, place.tensor)
        if thing >= 0 and not self._is_current(thing):
            self.show_selected([thing], thing)
        self._show_panel()

    @property
    def count_text(self) -> str:
        if self.inspection is not None and not self.table.count() and self.inspection.contents.busy:
            return "Reading…"
        return super().count_text

    @property
    def mistake(self) -> str:
        return "" if self._mistake is None else self._mistake.message

    def _is_current(self, thing: int) -> bool:
        row = self.view.currentIndex().row()
        return row >= 0 and self.table.index_of(row) == thing

    def _rows_selected(self) -> None:
        row = self.view.currentIndex().row()
        if self.following or row < 0 or self.inspection is None:
            return
        model, tensor = self.inspection.contents.at(self.table.index_of(row))
        self.selection.go(Place(model, "", tensor))
        self._show_panel()

    def _show_panel(self) -> None:
        row = self.view.currentIndex().row()
        current = self.table.index_of(row) if 0 <= row < self.table.rowCount() else None
        self.panel.show_tensors(self.inspection, self.table, self.selected_indices(), current)

    # -- the ways out --------------------------------------------------------------------------------------------

    def _show_menu(self, at: QPoint) -> None:
        if self.selected_indices():
            self.menu().popup(self.table_view.viewport().mapToGlobal(at))

    def menu(self) -> QMenu:
        """What can be done with the selected tensors."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        inspection, things = self.inspection, self.selected_indices()
        if inspection is None or not things:
            return menu
        extract = QAction(theme.icon("extract"), "&Extract…", menu)
        extract.triggered.connect(lambda _checked: self.leaving.extract(inspection, things))
        menu.addAction(extract)
        menu.addSeparator()
        row = self.view.currentIndex().row()
        thing = self.table.index_of(row) if 0 <= row < self.table.rowCount() else things[0]
        model, tensor = inspection.contents.at(thing)
        span = inspection.span_of(model, tensor)
        path, owner, name = inspection.path, inspection.names[model], self.table.record(thing).name
        copy = partial(add_copy, menu)
        copy("Copy &Name", lambda: name)
        copy("Copy &Offset", None if span is None else partial(words.hex_offset, span[0]))
        menu.addSeparator()
        copy("Copy as &Python", lambda: copies.tensor_snippet(path, owner, name))
        copy("Copy as &Command Line", lambda: copies.tensor_command(path, owner, name))
        return menu

    def _drag(self) -> None:
        self.leaving.drag(self.inspection, self.selected_indices())

    def _grown(self) -> None:
        self._show_count()

    def _judged(self, mistake: QueryError | None) -> None:
        self._mistake = mistake
        self.counted.emit()
