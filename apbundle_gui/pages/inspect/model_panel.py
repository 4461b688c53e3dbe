"""The particulars of the selected model, or the sum of the selected models."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from PySide6.QtCore import QModelIndex, QSize, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from apbundle.payload.contents import Contents
from apbundle.payload.table import Integers
from apbundle_gui import theme
from apbundle_gui.models import field_table, metadata_table
from apbundle_gui.models import text as words
from apbundle_gui.models.field_table import FieldRows
from apbundle_gui.models.metadata_table import MetadataTable, model_items
from apbundle_gui.models.model_table import format_text, format_tip
from apbundle_gui.models.remarks import MODEL_BADGES
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.pages.inspect.panes import SidePanel
from apbundle_gui.services import Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Badge, Facts, SecondaryLabel, SectionTitle, TableView, icon_button

MOST_ITEMS: Final = 200
"""How many values of a model are shown here; the tab of the metadata has all of them."""


class _ShortTable(TableView):
    """A table without headers that is as high as its rows, where there is room for them."""

    def __init__(self, model: MetadataTable | FieldRows, name: str, least_rows: int, mono: Sequence[int] = ()) -> None:
        super().__init__(sortable=False)
        self._least_rows = least_rows
        self.setAccessibleName(name)
        self.setModel(model)
        self.horizontalHeader().hide()
        set_delegates(self, mono=mono)
        self.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        model.modelReset.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.model().rowCount() * theme.ROW_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        rows = min(self._least_rows, self.model().rowCount())
        return QSize(super().minimumSizeHint().width(), rows * theme.ROW_HEIGHT)


class ModelPanel(SidePanel):
    """The panel beside the table of models.

    Attributes
    ----------
    field_chosen
        Emitted with the index of a manifest field that should be shown.
    """

    field_chosen = Signal(int)

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__("Selected model", parent)
        self._inspection: Inspection | None = None
        self._models: Sequence[int] = ()
        self._current: int | None = None
        self._first_field = 0
        self._counted: tuple[Contents, str] | None = None
        self._compose_head()
        self._metadata = MetadataTable(services.jobs, self, short=True)
        self._metadata_view = _ShortTable(self._metadata, "Metadata of the model", 2)
        self._metadata_view.hideColumn(metadata_table.Column.MODEL)
        self._metadata_view.set_widths([0, 132, 0], stretch=metadata_table.Column.VALUE)
        self._note = SecondaryLabel(wrap=True)
        self._metadata_part = self._section("Metadata", self._metadata_view, self._note)
        self.content.addWidget(self._metadata_part)
        self._fields = FieldRows(services.jobs, self, short=True)
        self._fields_view = _ShortTable(self._fields, "Manifest fields of the model", 4, (field_table.Column.OFFSET,))
        for column in (field_table.Column.LENGTH, field_table.Column.RAW, field_table.Column.MEANING):
            self._fields_view.hideColumn(column)
        self._fields_view.set_widths([80, 0, 108, 0, 0, 0], stretch=field_table.Column.VALUE)
        self._fields_view.activated.connect(self._choose_field)
        self._fields_part = self._section("In the manifest", self._fields_view)
        self.content.addWidget(self._fields_part)
        self.content.addStretch(1)

    def _compose_head(self) -> None:
        self._badge = Badge()
        self.head.addWidget(self._badge)
        self._facts = Facts()
        for caption in ("Format", "Tensors", "Stored", "Raw"):
            self._facts.add(caption)
        for caption in ("Bytes", "Digest"):
            self._facts.add(caption, mono=True)
        self._sum = Facts()
        for caption in ("Stored", "Raw"):
            self._sum.add(caption)
        for facts in (self._facts, self._sum):
            facts.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
            self.content.addWidget(facts)

    def _section(self, title: str, *contents: QWidget) -> QWidget:
        part = QWidget()
        part.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, Space.S, 0, 0)
        layout.setSpacing(Space.XS)
        row = QHBoxLayout()
        row.addWidget(SectionTitle(title))
        row.addStretch(1)
        if title == "Metadata":
            self._copy_all = icon_button("copy", "Copy the metadata", self._copy_metadata)
            row.addWidget(self._copy_all)
        layout.addLayout(row)
        for widget in contents:
            layout.addWidget(widget)
        return part

    # -- showing -------------------------------------------------------------------------------------------------

    def show_models(self, inspection: Inspection | None, models: Sequence[int], current: int | None) -> None:
        """Show one model, the sum of several, or nothing."""
        self._inspection, self._models, self._current = inspection, models, current
        one = inspection is not None and current is not None and len(models) <= 1
        self._metadata_part.setVisible(one)
        self._fields_part.setVisible(one)
        self.refresh()
        if inspection is not None and current is not None and one:
            name = inspection.names[current]
            items = list(islice(model_items(current, name, inspection.reader.entry(name).metadata), MOST_ITEMS))
            self._metadata.show_items(items)
            self._metadata_view.setVisible(bool(items))
            self._note.setText(_metadata_note(inspection, len(items)))
            self._note.setVisible(bool(self._note.text()))
            self._copy_all.setEnabled(bool(items))
            self.show_fields()

    def refresh(self) -> None:
        """Show anew what a job may have found out."""
        if self._inspection is None or self._current is None:
            self.title.setText("No model selected")
            self._badge.hide()
            self._facts.hide()
            self._sum.hide()
        elif len(self._models) > 1:
            self._show_sum(self._inspection)
        else:
            self._show_one(self._inspection, self._current)

    def show_fields(self) -> None:
        """Show the model's fields, if they are known by now."""
        fields = self._inspection.fields if self._inspection is not None else None
        if self._inspection is None or fields is None or self._current is None:
            self._fields.show_fields(None)
            return
        rows = fields.rows_of_model(self._current)
        self._first_field = rows.start
        self._fields.show_fields(self._inspection.reader, fields[rows.start : rows.stop])

    def _show_one(self, inspection: Inspection, model: int) -> None:
        entry = inspection.reader.entry(inspection.names[model])
        badge = MODEL_BADGES[inspection.verification.model_state(entry)]
        begin = inspection.reader.data_offset + entry.offset
        self.title.setText(words.name(entry.name, words.SHOWN_IN_DETAIL))
        self._badge.set_state(badge.text, Tone(badge.tone))
        self._badge.setToolTip(words.tooltip(badge.meaning))
        self._facts.set("Format", format_text(inspection, model, entry), format_tip(inspection, model, entry))
        self._facts.set("Tensors", self._tensors_of(inspection, model))
        self._facts.set("Stored", _size(entry.size))
        raw = f"{_size(entry.raw_size)}, zstd" if entry.compressed else "as stored"
        self._facts.set("Raw", raw)
        last = words.hex_offset(max(begin, begin + entry.size - 1))
        span = f"byte {begin:,} to {begin + entry.size:,} (exclusive)"
        self._facts.set("Bytes", f"{words.hex_offset(begin)} – {last}" if entry.size else words.hex_offset(begin), span)
        digest = entry.digest
        self._facts.set("Digest", digest.hex if digest else "", f"{digest.algorithm}\n{digest.hex}" if digest else "")
        self._badge.show()
        self._facts.show()
        self._sum.hide()

    def _tensors_of(self, inspection: Inspection, model: int) -> str:
        """How many tensors and parameters a model has, added up once: what is found out of others comes in often."""
        contents = inspection.contents.of(model)
        if contents is None or not len(contents.tensors):
            return ""
        if self._counted is None or self._counted[0] is not contents:
            parameters = words.count(_sum(contents.tensors.elements), "parameter")
            self._counted = contents, f"{words.count(len(contents.tensors))} with {parameters}"
        return self._counted[1]

    def _show_sum(self, inspection: Inspection) -> None:
        sizes = inspection.reader.manifest.sizes
        stored = sum(map(sizes.__getitem__, self._models))
        extension = inspection.reader.extension
        tables = extension.compression if extension is not None else {}
        compressed = set(tables).intersection(self._models) if tables else ()
        gained = sum(tables[model].raw_size - sizes[model] for model in compressed)
        self.title.setText(f"{words.count(len(self._models), 'model')} selected")
        self._badge.hide()
        self._sum.set("Stored", _size(stored))
        self._sum.set("Raw", _size(stored + gained) if gained else "as stored")
        self._facts.hide()
        self._sum.show()

    def _copy_metadata(self) -> None:
        items = (self._metadata.item(index) for index in range(self._metadata.count()))
        QGuiApplication.clipboard().setText("\n".join(f"{item.key}\t{item.value}" for item in items))

    def _choose_field(self, index: QModelIndex) -> None:
        self.field_chosen.emit(self._first_field + self._fields.index_of(index.row()))


def _metadata_note(inspection: Inspection, items: int) -> str:
    if inspection.bundle.extension_error is not None:
        return "The extension cannot be used, nor metadata with it."
    if items == MOST_ITEMS:
        return "There may be more; the Metadata tab has all."
    return "" if items else "The bundle holds no metadata of this model."


def _sum(numbers: Integers) -> int:
    """The sum, which need not fit where each of them does."""
    return (int((numbers >> 32).sum()) << 32) + int((numbers & 0xFFFFFFFF).sum())


def _size(value: int) -> str:
    return f"{words.size(value)} ({words.exact_size(value)})" if value >= 1024 else words.exact_size(value)
