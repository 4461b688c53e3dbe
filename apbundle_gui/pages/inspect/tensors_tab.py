"""The tab of the tensors: those of all models in one table, searched by a query."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from apbundle_gui import theme
from apbundle_gui.models import copies
from apbundle_gui.models import text as words
from apbundle_gui.models.query_completions import Completions, Occurring, completions, occurring
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
from apbundle_gui.services.tensor_rows import first_with_prefix

WIDTHS = (
    Width(132, grow=5),
    Width(100, grow=2, drop=1),
    Width(66),
    Width(116, grow=1),
    Width(74, drop=3),
    Width(82),
    Width(98, drop=2),
)
MOST_GROUPED = 2000
"""Tensors of a group that is selected at most."""


class TensorsTab(TableTab):
    """The tab of the tensors."""

    title = "Tensors"
    noun = "tensor"
    placeholder = "name~attn dtype:f16 shape:[*,768] size>1MiB"
    nothing = "None of the models lists tensors."
    long_queries = True
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
        self._occurring: tuple[int, Occurring] | None = None
        view.customContextMenuRequested.connect(self._show_menu)
        view.drag_wanted.connect(self._drag)
        self.when_chosen(self._rows_selected)
        self.table.arranged.connect(self.selection_changed)
        self.table.rowsInserted.connect(self._grown)
        self.table.query_judged.connect(self._judged)
        self.panel.show_tensors(None, self.table, (), None)

    def show_inspection(self, inspection: Inspection | None) -> None:
        if self.inspection is not None:
            self.inspection.groups.found.disconnect(self.selection_changed)
        if inspection is not None:
            inspection.groups.found.connect(self.selection_changed)
        self.inspection = inspection
        self._occurring = None
        self.table.show_inspection(inspection)
        if inspection is None:
            self._show_panel()
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
        group = self._group(inspection, place)
        if group:
            selected = self.selected_indices()
            if len(selected) != len(group) or sorted(selected) != group:
                self.show_selected(group, group[0])
        elif thing >= 0 and thing != self.current():
            self.show_selected([thing], thing)
        elif thing < 0 and place.model is not None and self.isVisible() and not self._is_in(place.model, place.group):
            self._show_beginning(inspection, place.model, place.group)
        self._show_panel()

    def _group(self, inspection: Inspection, place: Place) -> list[int]:
        """The tensors of the group that was chosen, as far as they match; none of too many to be selected at once."""
        if place.model is None or place.tensor is not None or not place.group or not self.isVisible():
            return []
        group = inspection.groups.of(place.model, place.group)
        start = inspection.contents.row_of(place.model, 0)
        if group is None or start < 0 or len(group.rows) > MOST_GROUPED:
            return []
        return [thing for thing in (start + group.rows).tolist() if self.table.row_of(thing) >= 0]

    def _is_in(self, model: int, group: str) -> bool:
        """Whether the tensor that is shown is one of a group of a model."""
        thing = self.current()
        if self.inspection is None or thing is None:
            return False
        return self.inspection.contents.at(thing)[0] == model and self.table.record(thing).name.startswith(group)

    def _show_beginning(self, inspection: Inspection, model: int, group: str) -> None:
        """Bring the first tensor of a group of a model into view; none of them is selected."""
        contents = inspection.contents.of(model)
        first = None if contents is None else first_with_prefix(contents.tensors, group)
        self.show_selected([], None)
        if first is not None and (row := self.table.row_of(inspection.contents.row_of(model, first))) >= 0:
            self.show_current(row)

    @property
    def count_text(self) -> str:
        if self.inspection is not None and not self.table.count() and self.inspection.contents.busy:
            return "Reading…"
        return super().count_text

    @property
    def mistake(self) -> str:
        return "" if self._mistake is None else self._mistake.message

    def completions(self, query: str, cursor: int) -> Completions:
        inspection = self.inspection
        if inspection is None:
            return super().completions(query, cursor)
        count = inspection.contents.count
        if self._occurring is None or self._occurring[0] != count:
            self._occurring = count, occurring(inspection)
        return completions(query, cursor, self._occurring[1])

    def _rows_selected(self) -> None:
        chosen = self.chosen()
        if chosen is not None and self.inspection is not None:
            model, tensor = self.inspection.contents.at(chosen)
            self.selection.go(Place(model, "", tensor))
            self._show_panel()

    def _show_panel(self) -> None:
        self.panel.show_tensors(self.inspection, self.table, self.selected_indices(), self.current())

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
        current = self.current()
        thing = things[0] if current is None else current
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
        if self.selection.place.tensor is not None and self.current() is None:
            self.selection_changed()  # it may have been selected before it had a row

    def _judged(self, mistake: QueryError | None) -> None:
        self._mistake = mistake
        self.counted.emit()
