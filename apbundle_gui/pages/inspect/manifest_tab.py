"""The tab of the manifest: every field from byte 0 on, and the one that is looked at in full."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.field_table import Column, FieldRows, raw_bytes
from apbundle_gui.models.remarks import Remark
from apbundle_gui.pages.inspect.columns import Width
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.pages.inspect.panes import HexPane, SidePanel, TextPane
from apbundle_gui.pages.inspect.places import field_of
from apbundle_gui.pages.inspect.selection import Place, Selection
from apbundle_gui.pages.inspect.table_tab import TableTab
from apbundle_gui.services import Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Facts, Note, SectionTitle, TableView

WIDTHS = (
    Width(76),
    Width(62, drop=3),
    Width(144, grow=2),
    Width(196, drop=4),
    Width(100, grow=3),
    Width(122, grow=3, drop=1),
)
BYTES_SHOWN = 4096
"""Bytes of one field that the panel lists."""
BYTES_A_ROW = 8
VALUE_HEIGHT, LEAST_PANE = 92, 44
_NAME = 1
"""Which of the fields of a model holds its name."""


class FieldPanel(SidePanel):
    """The particulars of one field."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Selected field", parent)
        self._note = Note()
        self.content.addWidget(self._note)
        self._content = QWidget()
        layout = QVBoxLayout(self._content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        self._facts = Facts()
        self._facts.add("Offset", mono=True)
        self._facts.add("Length")
        self._facts.add("Meaning")
        self._facts.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout.addWidget(self._facts)
        layout.addSpacing(Space.S)
        layout.addWidget(SectionTitle("Value"))
        self._value = TextPane("Value of the field")
        self._value.setMinimumHeight(LEAST_PANE)
        self._value.setMaximumHeight(VALUE_HEIGHT)
        layout.addWidget(self._value)
        layout.addSpacing(Space.S)
        layout.addWidget(SectionTitle("Bytes"))
        self._bytes = HexPane("Bytes of the field", 8, BYTES_A_ROW)
        self._bytes.setMinimumHeight(LEAST_PANE)
        layout.addWidget(self._bytes, 1)
        self.content.addWidget(self._content, 1)
        self.content.addStretch()

    def show_field(self, inspection: Inspection | None, rows: FieldRows, index: int | None) -> None:
        """Show the field at ``index`` of the list, or none."""
        shown = inspection is not None and index is not None
        self._content.setVisible(shown)
        self._note.say("")
        if inspection is None or index is None:
            self.title.setText("No field selected")
            return
        field = rows.field(index)
        marks: Sequence[Remark] = rows.marks(index)
        self.title.setText(field.name)
        self._note.say("\n".join(mark.message for mark in marks), Tone(marks[0].tone) if marks else Tone.NEUTRAL)
        offset = f"{words.hex_offset(field.offset, 4)}   {words.offset_tooltip(field.offset)}"
        self._facts.set("Offset", offset)
        self._facts.set("Length", words.exact_size(field.length))
        self._facts.set("Meaning", field.meaning)
        self._value.show_text(field.value)
        mark = marks[0].offset if marks else None
        self._bytes.show_bytes(raw_bytes(inspection.reader, field, BYTES_SHOWN), field.offset, mark)


class ManifestTab(TableTab):
    """The tab of the manifest."""

    title = "Manifest"
    noun = "field"
    placeholder = "Find a field, a value or an offset such as 0x1c"
    nothing = "Reading the fields…"
    widths = WIDTHS

    def __init__(self, services: Services, selection: Selection) -> None:
        self.rows = FieldRows(services.jobs)
        self.panel = FieldPanel()
        view = TableView(framed=True)
        view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        set_delegates(view, mono=(Column.OFFSET, Column.RAW), toned=(Column.NAME,))
        super().__init__(services, selection, self.rows, view, self.panel)
        self.rows.setParent(self)
        self._remarks: Sequence[Remark] = ()
        self._field: int | None = None
        self.when_chosen(self._row_chosen)
        self.rows.arranged.connect(self._arranged)

    def show_inspection(self, inspection: Inspection | None) -> None:
        if self.inspection is not None:
            self.inspection.fields_ready.disconnect(self._list)
        self.inspection = inspection
        self._field = None
        self._remarks = ()
        if inspection is not None:
            inspection.fields_ready.connect(self._list)
        self._list()
        if self.isVisible():
            self.shown()

    def shown(self) -> None:
        if self.inspection is not None:
            self.inspection.need_fields()
            self.selection_changed()

    def mark(self, remarks: Sequence[Remark]) -> None:
        """Show these remarks at their fields."""
        self._remarks = remarks
        self.rows.mark(remarks)
        self._show_panel()

    def selection_changed(self) -> None:
        """Go to the field whose bytes are selected, else to the name of the model unless one of its fields is shown."""
        inspection, place = self.inspection, self.selection.place
        if inspection is None or inspection.fields is None or not self.isVisible():
            return
        index = None if place.span is None else field_of(inspection, place.span)
        if index is None and place.model is not None:
            rows = inspection.fields.rows_of_model(place.model)
            index = self._field if self._field in rows else rows[_NAME]
        if index is not None and index != self._field:
            self._show_field(index)

    # -- what happens --------------------------------------------------------------------------------------------

    def _list(self) -> None:
        inspection = self.inspection
        if inspection is None or inspection.fields is None:
            self.rows.show_fields(None)
            self._show_panel()
            return
        self.rows.show_fields(inspection.reader, inspection.fields)
        self.rows.mark(self._remarks)
        self.selection_changed()

    def _show_field(self, index: int) -> None:
        if self.rows.row_of(index) < 0 and not self.rows.arranging:
            self.rows.set_query("")
            self.query_dropped.emit()
        self._field = index
        self.show_selected([index], index)
        self._show_panel()

    def _show_panel(self) -> None:
        self.panel.show_field(self.inspection, self.rows, self._field)

    def _row_chosen(self) -> None:
        chosen, inspection = self.chosen(), self.inspection
        if chosen is None or inspection is None or inspection.fields is None:
            return
        self._field = chosen
        self._show_panel()
        field = self.rows.field(chosen)
        self.selection.go(Place(inspection.fields.model_at(chosen), "", None, (field.offset, field.length)))

    def _arranged(self) -> None:
        if self._field is not None:
            self.show_selected([self._field], self._field)
