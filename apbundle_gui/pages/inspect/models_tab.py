"""The tab of the models: all of them in a table, the selected one beside it, and the ways out of the bundle."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu

from apbundle_gui import theme
from apbundle_gui.models import copies
from apbundle_gui.models import text as words
from apbundle_gui.models.byte_map import Stretch
from apbundle_gui.models.model_table import Column, ModelTable
from apbundle_gui.pages.inspect.byte_map_bar import ByteMapBar
from apbundle_gui.pages.inspect.columns import Width
from apbundle_gui.pages.inspect.copy_menu import add_copy
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.pages.inspect.drag_view import DragView
from apbundle_gui.pages.inspect.model_panel import ModelPanel
from apbundle_gui.pages.inspect.places import place_of_span, span_of
from apbundle_gui.pages.inspect.selection import Selection
from apbundle_gui.pages.inspect.table_tab import TableTab
from apbundle_gui.services import Services
from apbundle_gui.services.drag_files import DragFiles
from apbundle_gui.services.inspection import Inspection

WIDTHS = (
    Width(132, grow=6),
    Width(124, grow=1, drop=1),
    Width(84),
    Width(84, drop=4),
    Width(88, drop=2),
    Width(98, drop=3),
    Width(134),
    Width(72, drop=5),
    Width(120, grow=3, drop=6),
)
LEAST_HEIGHT = 290
"""Of the tab, in pixels: in less the map is compact."""


class ModelsTab(TableTab):
    """The tab of the models.

    Attributes
    ----------
    extract_wanted
        The selected models should be extracted.
    compare_wanted
        Emitted with the indices of two models that should be compared.
    """

    extract_wanted = Signal()
    compare_wanted = Signal(int, int)

    title = "Overview"
    noun = "model"
    placeholder = "Filter by name, format or architecture"
    nothing = "This bundle holds no models."
    widths = WIDTHS

    def __init__(self, services: Services, selection: Selection, drag_files: DragFiles) -> None:
        self.table = ModelTable(services.jobs)
        self.table_view = DragView("model")
        set_delegates(self.table_view, mono=(Column.OFFSET, Column.DIGEST), toned=(Column.NAME, Column.STATE))
        self.panel = ModelPanel(services)
        super().__init__(services, selection, self.table, self.table_view, self.panel)
        self.table.setParent(self)
        self.map = ByteMapBar()
        self.map.chosen.connect(self._stretch_chosen)
        self.column.insertWidget(0, self.map)
        self._drag_files = drag_files
        self._stretch: tuple[int, int] | None = None
        self.view.selectionModel().selectionChanged.connect(self._rows_selected)
        self.view.selectionModel().currentChanged.connect(self._rows_selected)
        self.table.arranged.connect(self._arranged)
        self.table_view.customContextMenuRequested.connect(self._show_menu)
        self.table_view.drag_wanted.connect(self._drag)

    def show_inspection(self, inspection: Inspection | None) -> None:
        if self.inspection is not None:
            self.inspection.formats.changed.disconnect(self.panel.refresh)
            self.inspection.contents.changed.disconnect(self.panel.refresh)
            self.inspection.groups.found.disconnect(self.selection_changed)
            self.inspection.verification.changed.disconnect(self.panel.refresh)
            self.inspection.fields_ready.disconnect(self.panel.show_fields)
        self.inspection = inspection
        if inspection is not None:
            extension = inspection.reader.extension
            described = extension.models.values() if extension is not None else ()
            self.columns.set_available(
                {
                    Column.RAW_SIZE: bool(extension and extension.compression),
                    Column.VERSION: any(model.version for model in described),
                    Column.ARCHITECTURE: any(model.architecture for model in described),
                }
            )
            inspection.formats.changed.connect(self.panel.refresh)
            inspection.contents.changed.connect(self.panel.refresh)
            inspection.groups.found.connect(self.selection_changed)
            inspection.verification.changed.connect(self.panel.refresh)
            inspection.fields_ready.connect(self.panel.show_fields)
        self.map.show_inspection(inspection)
        if self._stretch is not None:
            self.map.view.show_stretch(*self._stretch)
        self.table.show_inspection(inspection)
        self.panel.show_models(inspection, self.selection.models, self.selection.current)

    def keep_view(self) -> None:
        super().keep_view()
        self._stretch = self.map.view.visible

    def let_go(self) -> None:
        super().let_go()
        self._stretch = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.map.set_compact(self.height() < LEAST_HEIGHT)

    # -- selection -----------------------------------------------------------------------------------------------

    def _rows_selected(self) -> None:
        if self.following:
            return
        models = self.selected_indices()
        row = self.view.currentIndex().row()
        current = self.table.index_of(row) if row >= 0 and self._is_selected(row) else None
        self.selection.select(models, current)

    def _is_selected(self, row: int) -> bool:
        return self.view.selectionModel().isSelected(self.table.index(row, 0))

    def _stretch_chosen(self, stretch: Stretch) -> None:
        if self.inspection is not None:
            self.selection.go(place_of_span(self.inspection, stretch.start, stretch.end - stretch.start))

    def selection_changed(self) -> None:
        selection, place = self.selection, self.selection.place
        if self.inspection is not None:
            self.inspection.need_fields()
            if place.model is not None:
                self.inspection.contents.want(place.model)
            self.map.view.mark(span_of(self.inspection, place))
        if not self._shows(selection.current):
            self.show_selected(selection.models, selection.current)
        self.panel.show_models(self.inspection, selection.models, selection.current)

    def _shows(self, current: int | None) -> bool:
        row = self.view.currentIndex().row()
        if current is None:
            return not self.view.selectionModel().hasSelection()
        return row >= 0 and self.table.index_of(row) == current and self._is_selected(row)

    def _arranged(self) -> None:
        """What is not shown any more is not selected any more: nobody extracts what they do not see."""
        selection, models = self.selection, self.selection.models
        if self.table.rowCount() < self.table.count():
            models = [model for model in models if self.table.row_of(model) >= 0]
            if not models and self.table.rowCount():
                models = [self.table.index_of(0)]
        current = selection.current if selection.current in models else None
        selection.select(models, current)
        self.show_selected(selection.models, selection.current)

    # -- the context menu ----------------------------------------------------------------------------------------

    def _show_menu(self, at: QPoint) -> None:
        if self.selection.current is not None:
            self.menu().popup(self.table_view.viewport().mapToGlobal(at))

    def menu(self) -> QMenu:
        """What can be done with the selected models."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        extract = QAction(theme.icon("extract"), "&Extract…", menu)
        extract.triggered.connect(self.extract_wanted)
        menu.addAction(extract)
        pair = tuple(self.selection.models[:3])
        compare = QAction(theme.icon("compare"), "Co&mpare Both", menu)
        compare.setEnabled(len(pair) == 2)
        compare.triggered.connect(lambda _checked: self.compare_wanted.emit(*sorted(pair)))
        menu.addAction(compare)
        menu.addSeparator()
        inspection, current = self.inspection, self.selection.current
        if inspection is None or current is None:
            return menu
        entry = self.table.entry(current)
        start = words.hex_offset(inspection.reader.data_offset + entry.offset)
        path, found = inspection.path, inspection.formats[current]
        copy = partial(add_copy, menu)
        copy("Copy &Name", lambda: entry.name)
        copy("Copy &Offset", lambda: start)
        copy("Copy &Digest", (lambda: entry.digest.hex if entry.digest else "") if entry.digest else None)
        menu.addSeparator()
        copy("Copy as &Python", lambda: copies.python_snippet(path, entry, found))
        copy("Copy as &Command Line", lambda: copies.command_line(path, entry))
        return menu

    # -- dragging out --------------------------------------------------------------------------------------------

    def _drag(self) -> None:
        inspection, models = self.inspection, self.selected_indices()
        if inspection is None or not models:
            self.table_view.no_drag()
            return
        size = sum(inspection.reader.manifest.sizes[model] for model in models[: DragFiles.MOST + 1])
        if not DragFiles.fits(len(models), size):
            self.services.messages.warning("This is too much to drag at once. Extract it to a folder instead.")
            self.table_view.no_drag()
            return
        names = [inspection.names[model] for model in models]
        self._drag_files.prepare(inspection, names, self._files_ready, self.table_view.no_drag)

    def _files_ready(self, paths: list[str]) -> None:
        if not self.table_view.drag(paths):
            them = "it" if len(paths) == 1 else "them"
            self.services.messages.info(f"{words.count(len(paths), 'file')} ready: drag again to take {them} along.")
