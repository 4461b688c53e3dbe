"""Which slice of a tensor of many dimensions is seen: the two that are, and an index in each of the others."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.value_slice import Slicing
from apbundle_gui.pages.inspect.panes import ScrollPane
from apbundle_gui.theme import CONTROL_HEIGHT, Space
from apbundle_gui.widgets import FlowLayout, SpinBox

MOST: Final = 2**31 - 1
"""The largest index a field can hold."""
ROWS: Final = 3
"""How many rows of fields are seen at most; of a tensor with more dimensions they scroll."""


class SliceBar(ScrollPane):
    """Lets one choose the slice.

    Attributes
    ----------
    changed
        Emitted with the :class:`~apbundle_gui.models.value_slice.Slicing` the user chose.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._slicing = Slicing((), None, None, ())
        self._setting = False
        place = QWidget()
        self._flow = FlowLayout(place, Space.S)
        self.body.addWidget(place)
        self.rows = self._combo("Dimension from top to bottom")
        self.columns = self._combo("Dimension from left to right")
        self.rows.currentIndexChanged.connect(self._rows_chosen)
        self.columns.currentIndexChanged.connect(self._columns_chosen)
        self.fields: dict[int, SpinBox] = {}
        self._fixed: tuple[int, ...] = ()

    def show_slicing(self, slicing: Slicing) -> None:
        """Show another slice. Nothing is shown of a tensor that has only one."""
        other = slicing.shape != self._slicing.shape
        self._slicing = slicing
        self._setting = True
        try:
            if other:
                self._list_axes()
            self.rows.setCurrentIndex(self.rows.findData(slicing.row_axis))
            self.columns.setCurrentIndex(self.columns.findData(slicing.column_axis))
            if other or slicing.fixed_axes != self._fixed:
                self._make_fields()
            for axis, field in self.fields.items():
                field.setValue(min(slicing.index[axis], MOST))
        finally:
            self._setting = False
        self.setVisible(sum(length > 1 for length in slicing.shape) > 1)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Be as high as the rows there are, up to the most."""
        most = ROWS * (CONTROL_HEIGHT + 2 + Space.S) - Space.S
        self.setFixedHeight(min(self._flow.heightForWidth(self.viewport().width()), most))

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        combo.view().setAccessibleName(name)
        combo.setToolTip(words.tooltip(name))
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._flow.addWidget(combo)
        return combo

    def _list_axes(self) -> None:
        shape = self._slicing.shape
        axes = [axis for axis, length in enumerate(shape) if length > 1]
        for combo, arrow in ((self.rows, "↓"), (self.columns, "→")):
            combo.clear()
            for axis in axes:
                combo.addItem(f"{arrow} axis {axis} · {shape[axis]:,}", axis)
        self.rows.addItem("no rows: a plot", None)

    def _make_fields(self) -> None:
        for field in self.fields.values():
            self._flow.removeWidget(field)
            field.hide()
            field.deleteLater()
        self.fields.clear()
        self._fixed = self._slicing.fixed_axes
        for axis in self._fixed:
            length = self._slicing.shape[axis]
            field = SpinBox(0, min(length - 1, MOST), 0)
            field.setPrefix(f"axis {axis}: ")
            field.setSuffix(f" of {length:,}")
            field.setAccessibleName(f"Index in axis {axis}, of {length:,}")
            field.setWrapping(True)
            field.setFixedHeight(self.rows.sizeHint().height())
            field.valueChanged.connect(lambda value, axis=axis: self._field_changed(axis, value))
            self.fields[axis] = field
            self._flow.addWidget(field)
            field.show()

    def _rows_chosen(self) -> None:
        if not self._setting:
            self.changed.emit(self._slicing.with_rows(self.rows.currentData()))

    def _columns_chosen(self) -> None:
        if not self._setting:
            self.changed.emit(self._slicing.with_columns(self.columns.currentData()))

    def _field_changed(self, axis: int, value: int) -> None:
        if not self._setting:
            self.changed.emit(self._slicing.at_axis(axis, value))
