"""The table of the metadata form: fields edited in place, judged while they are typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QStyleOptionViewItem, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import TONE_ROLE
from apbundle_gui.models.detail_checks import key_fault, value_fault
from apbundle_gui.models.detail_table import DetailTable, Entry
from apbundle_gui.services.details import LONGEST
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import CellDelegate, TableView, set_property
from apbundle_gui.widgets.cells import Mark

AnyIndex = QModelIndex | QPersistentModelIndex
_OWN_KEYS: Final = frozenset({Qt.Key.Key_F2, Qt.Key.Key_Delete})


class _DetailDelegate(CellDelegate):
    """Paints the fields, and edits them.

    Attributes
    ----------
    judged
        Emitted with what is wrong with what is being typed; empty when nothing is.
    """

    judged = Signal(str)

    def __init__(self, fault: Callable[[AnyIndex, str], str], parent: QObject) -> None:
        super().__init__(parent, elide=Qt.TextElideMode.ElideRight)
        self._fault = fault

    def mark(self, index: AnyIndex) -> Mark | None:
        return ("", Tone.NEUTRAL) if index.data(TONE_ROLE) else None

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setMaxLength(LONGEST)
        editor.setAccessibleName("Name of the field" if index.column() == 0 else "Value of the field")
        place = QPersistentModelIndex(index)

        def judge(text: str) -> None:
            fault = self._fault(place, text) if place.isValid() else ""
            set_property(editor, tone="danger" if fault else "")
            editor.setToolTip(words.tooltip(fault))
            self.judged.emit(fault)

        editor.textEdited.connect(judge)
        return editor

    def destroyEditor(self, editor: QWidget, index: AnyIndex) -> None:
        super().destroyEditor(editor, index)
        self.judged.emit("")

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:
        assert isinstance(editor, QLineEdit)
        if not editor.isModified():
            editor.setText(index.data(Qt.ItemDataRole.EditRole))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: AnyIndex) -> None:
        assert isinstance(editor, QLineEdit)
        if editor.isModified() and not self._fault(index, editor.text()):
            model.setData(index, editor.text())


class DetailsView(TableView):
    """The table itself.

    Attributes
    ----------
    remove_wanted
        Emitted with the entry that shall go.
    judged
        Emitted with what is wrong with what is being typed.
    """

    remove_wanted = Signal(object)
    judged = Signal(str)

    def __init__(self, table: DetailTable, parent: QWidget | None = None) -> None:
        super().__init__(parent, sortable=False)
        self.setModel(table)
        self._table = table
        self.setAccessibleName("Metadata of the selected models")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        trigger = QAbstractItemView.EditTrigger
        self.setEditTriggers(trigger.DoubleClicked | trigger.EditKeyPressed | trigger.AnyKeyPressed)
        delegate = _DetailDelegate(self._fault, self)
        delegate.judged.connect(self.judged)
        self.setItemDelegate(delegate)
        self.set_widths([118, 100, 88], 1)
        self.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setMinimumSectionSize(3 * theme.ROW_HEIGHT)

    @property
    def entry(self) -> Entry | None:
        """The current field."""
        row = self.currentIndex().row()
        entry = self._table.record(row) if 0 <= row < len(self._table.entries) else None
        return entry if entry is not None and not entry.section else None

    def edit_field(self, row: int, column: int) -> None:
        """Begin to edit a cell."""
        index = self._table.index(row, column)
        self.setFocus()
        self.setCurrentIndex(index)
        self.scrollTo(index)
        self.edit(index)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _OWN_KEYS:
            event.accept()  # here they are about the field, not about the models that are selected
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not editing and self.entry is not None:
            self.edit_field(self.currentIndex().row(), max(min(self.currentIndex().column(), 1), 0) or 1)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not editing:
            if self.entry is not None:
                self.remove_wanted.emit(self.entry)
        else:
            super().keyPressEvent(event)

    def _fault(self, index: AnyIndex, text: str) -> str:
        entry = self._table.record(index.row())
        if index.column() == 1:
            return value_fault(text, entry.kind)
        taken = {each.key for each in self._table.entries if each.group is entry.group and each is not entry}
        return key_fault(text, taken - {""} if text else taken)
