"""The tab of the metadata: the bundle's own and its models', and the value that is looked at in full."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QWidget

from apbundle_gui.models.long_text import lines
from apbundle_gui.models.metadata_table import Column, MetadataItem, MetadataTable, bundle_items
from apbundle_gui.models.text import count, exact_size
from apbundle_gui.models.value_list import ValueList
from apbundle_gui.pages.inspect.columns import Width
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.pages.inspect.panes import SidePanel, TextPane
from apbundle_gui.pages.inspect.selection import Selection
from apbundle_gui.pages.inspect.table_tab import TableTab
from apbundle_gui.services import Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.long_values import LongValue, read_long_value
from apbundle_gui.services.pacing import Pace
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Facts, SecondaryLabel, TableView, button

WIDTHS = (Width(100, grow=1), Width(150, grow=2), Width(130, grow=4))
LEAST_PANE = 60
NUMBER_WIDTH = 86
"""Width of the numbers of elements, in pixels."""


class ValuePanel(SidePanel):
    """One value in full, as far as that can be read.

    Attributes
    ----------
    unfold_wanted
        All of the value should be read and shown.
    """

    unfold_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Selected metadata", parent)
        self._item: MetadataItem | None = None
        self._whole: str | None = None  # that was read
        self._facts = Facts()
        self._facts.add("Of")
        self._facts.add("Length")
        self.content.addWidget(self._facts)
        self._value = TextPane("Value of the metadata")
        self._value.setMinimumHeight(LEAST_PANE)
        self.content.addWidget(self._value, 1)
        self._folded = SecondaryLabel(wrap=True)
        self.content.addWidget(self._folded)
        self.list = ValueList(self)
        self.list_view = TableView(sortable=False)
        self.list_view.setModel(self.list)
        self.list_view.setAccessibleName("Elements of the value")
        set_delegates(self.list_view, mono=(0,))
        self.list_view.set_widths([NUMBER_WIDTH, 0], stretch=1)
        self.content.addWidget(self.list_view, 1)
        self._copy = button("Copy &Value", self.copy, icon="copy", tip="Put the whole value on the clipboard")
        self.unfold = button("Show &All", self.unfold_wanted.emit, icon="down", tip="Read all of this value")
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self._copy)
        row.addWidget(self.unfold)
        row.addStretch(1)
        self.content.addLayout(row)

    def show_item(self, item: MetadataItem | None) -> None:
        """Show a value, or none."""
        self._item, self._whole = item, None
        self.list.show_records(())
        self.list_view.hide()
        self.unfold.setVisible(item is not None and item.rest is not None)
        for widget in (self._facts, self._value, self._copy):
            widget.setVisible(item is not None)
        self._folded.hide()
        if item is None:
            self.title.setText("Nothing selected")
            return
        self.title.setText(item.key)
        self._facts.set("Of", item.owner)
        self._facts.set("Length", count(len(item.value), "character"), exact_size(len(item.value.encode())))
        self._value.show_text(item.value)
        folded = len(item.value) > len(lines(item.value))
        self._folded.setText("The middle is left out here; copying takes all of it.")
        self._folded.setVisible(folded)

    def show_whole(self, item: MetadataItem, value: LongValue) -> None:
        """Show all of the value, if it is still the one that is looked at."""
        if item is not self._item:
            return
        self._whole = value.whole
        self.list.show_records(value.parts)
        self._value.hide()
        self._folded.hide()
        self.unfold.hide()
        self.list_view.show()
        self._facts.set("Length", count(len(value.parts), value.noun))

    def copy(self) -> None:
        """Put the value on the clipboard, all of it where that is shown."""
        if self._item is not None:
            QGuiApplication.clipboard().setText(self._item.value if self._whole is None else self._whole)


class MetadataTab(TableTab):
    """The tab of the metadata."""

    title = "Metadata"
    noun = "value"
    placeholder = "Search models, keys and values"
    nothing = "This bundle holds no metadata."
    widths = WIDTHS

    def __init__(self, services: Services, selection: Selection) -> None:
        self.table = MetadataTable(services.jobs)
        self.panel = ValuePanel()
        view = TableView(framed=True)
        view.setSelectionMode(TableView.SelectionMode.ExtendedSelection)
        set_delegates(view, toned=(Column.MODEL,))
        super().__init__(services, selection, self.table, view, self.panel)
        self.table.setParent(self)
        self._listed = False
        self._item: int | None = None
        self.when_chosen(self._row_chosen)
        self.table.arranged.connect(self._arranged)
        self.panel.show_item(None)
        self.panel.unfold_wanted.connect(self._unfold)

    def show_inspection(self, inspection: Inspection | None) -> None:
        if self.inspection is not None:
            self.inspection.contents.changed.disconnect(self._contents_changed)
        self.inspection = inspection
        if inspection is not None:
            inspection.contents.changed.connect(self._contents_changed)
        self._listed = False
        self._show([])
        if self.isVisible():
            self.shown()

    def shown(self) -> None:
        inspection = self.inspection
        if inspection is None or self._listed:
            return
        self._listed = True
        inspection.contents.want_all()
        self._list(inspection)

    def _contents_changed(self) -> None:
        """Files were looked at: what they say of themselves stands with what the bundle says."""
        inspection = self.inspection
        if inspection is not None and self._listed and not inspection.contents.busy:
            self._list(inspection)

    def _list(self, inspection: Inspection) -> None:
        self.services.jobs.start(
            "Listing the metadata",
            lambda progress, cancel: bundle_items(
                inspection.reader, inspection.names, Pace(cancel), inspection.contents.of
            ),
            on_done=lambda items: self._show(items) if inspection is self.inspection else None,
            key=("inspect.metadata", id(self)),
            abandonable=True,
        )

    def _show(self, items: list[MetadataItem]) -> None:
        shown = None if self._item is None else self.table.item(self._item)
        self._item = 0 if items else None
        if shown is not None and shown in items:
            self._item = items.index(shown)
        self.table.show_items(items)
        self.panel.show_item(items[self._item] if self._item is not None else None)
        self.selection_changed()

    def _row_chosen(self) -> None:
        chosen = self.chosen()
        if chosen is None:
            return
        self._item = chosen
        item = self.table.item(self._item)
        self.panel.show_item(item)
        if item.model >= 0:
            self.selection.select_one(item.model)

    def _unfold(self) -> None:
        inspection, item = self.inspection, None if self._item is None else self.table.item(self._item)
        if inspection is None or item is None or item.rest is None:
            return
        reader, name, rest = inspection.reader, inspection.names[item.model], item.rest
        self.services.jobs.start(
            "Reading the value",
            lambda progress, cancel: read_long_value(reader, name, rest, progress, cancel),
            on_done=lambda value: self.panel.show_whole(item, value),
            key=("inspect.metadata_value", id(self)),
            abandonable=True,
        )

    def selection_changed(self) -> None:
        model = self.selection.current
        if model is None or (self._item is not None and self.table.item(self._item).model == model):
            return
        first = self.table.first_of(model)
        if first is not None:
            self._item = first
            self.show_selected([first], first)
            self.panel.show_item(self.table.item(first))

    def _arranged(self) -> None:
        if self._item is not None:
            self.show_selected([self._item], self._item)
