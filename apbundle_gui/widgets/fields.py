"""Fields for numbers. The style sheet cannot set their text in from the frame, so they do it themselves."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox, QWidget

from apbundle_gui.theme import Space


class SpinBox(QSpinBox):
    """A field for a whole number of 32 bits; sizes in bytes do not fit and are typed as text with a unit."""

    def __init__(self, minimum: int, maximum: int, value: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        _set_in(self)
        self.setRange(minimum, maximum)
        self.setValue(value)


class DoubleSpinBox(QDoubleSpinBox):
    """A field for a number with decimals."""

    def __init__(self, minimum: float, maximum: float, value: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        _set_in(self)
        self.setRange(minimum, maximum)
        self.setValue(value)


def _set_in(field: QAbstractSpinBox) -> None:
    field.lineEdit().setTextMargins(Space.S, 0, 0, 0)
    field.setKeyboardTracking(False)
