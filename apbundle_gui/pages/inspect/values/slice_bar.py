"""Which slice of a tensor of many dimensions is seen: the two that are, and an index in each of the others."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from apbundle_gui.models.value_slice import Slicing
from apbundle_gui.theme import Space
from apbundle_gui.widgets import FlowLayout, SecondaryLabel, SpinBox

MOST: Final = 2**31 - 1
"""The largest index a field can hold."""
FIELD_WIDTH: Final = 84


class SliceBar(QWidget):
    """Lets one choose the slice.

    Attributes
    ----------
    changed
        Emitted with the :class:`~apbundle_gui.models.value_slice.Slicing` the user chose.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slicing = Slicing((), None, None, ())
        self._setting = False
        self._flow = FlowLayout(self, Space.S)
        self.rows = self._combo("Rows", "Dimension from top to bottom")
        self.columns = self._combo("Columns", "Dimension from left to right")
        self.rows.currentIndexChanged.connect(self._rows_chosen)
        self.columns.currentIndexChanged.connect(self._columns_chosen)
        self.fields: dict[int, SpinBox] = {}
        self._places: list[QWidget] = []
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

    def _combo(self, caption: str, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        combo.view().setAccessibleName(name)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._flow.addWidget(_captioned(caption, combo))
        return combo

    def _list_axes(self) -> None:
        shape = self._slicing.shape
        axes = [axis for axis, length in enumerate(shape) if length > 1]
        for combo in (self.rows, self.columns):
            combo.clear()
            for axis in axes:
                combo.addItem(f"axis {axis} · {shape[axis]:,}", axis)
        self.rows.addItem("none: a plot", None)

    def _make_fields(self) -> None:
        for place in self._places:
            self._flow.removeWidget(place)
            place.hide()
            place.deleteLater()
        self._places.clear()
        self.fields.clear()
        self._fixed = self._slicing.fixed_axes
        for axis in self._fixed:
            length = self._slicing.shape[axis]
            field = SpinBox(0, min(length - 1, MOST), 0)
            field.setAccessibleName(f"Index in axis {axis}, of {length:,}")
            field.setWrapping(True)
            field.setFixedWidth(FIELD_WIDTH)
            field.valueChanged.connect(lambda value, axis=axis: self._field_changed(axis, value))
            self.fields[axis] = field
            place = _captioned(f"axis {axis}", field, f"of {length:,}")
            self._places.append(place)
            self._flow.addWidget(place)
            place.show()
        self.updateGeometry()

    def _rows_chosen(self) -> None:
        if not self._setting:
            self.changed.emit(self._slicing.with_rows(self.rows.currentData()))

    def _columns_chosen(self) -> None:
        if not self._setting:
            self.changed.emit(self._slicing.with_columns(self.columns.currentData()))

    def _field_changed(self, axis: int, value: int) -> None:
        if not self._setting:
            self.changed.emit(self._slicing.at_axis(axis, value))


def _captioned(caption: str, field: QWidget, unit: str = "") -> QWidget:
    place = QWidget()
    row = QHBoxLayout(place)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(Space.XS)
    row.addWidget(SecondaryLabel(caption), 0, Qt.AlignmentFlag.AlignVCenter)
    row.addWidget(field)
    if unit:
        row.addWidget(SecondaryLabel(unit), 0, Qt.AlignmentFlag.AlignVCenter)
    return place
