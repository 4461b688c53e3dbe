"""The memory limit: a field that takes sizes as people write them, and a slider over the bundle's total."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSlider, QWidget

from apbundle_gui.models import monitor_text as wording
from apbundle_gui.models import text as words
from apbundle_gui.theme import CONTROL_HEIGHT, Space, Tone
from apbundle_gui.widgets import set_property

DEFAULT_SHARE: Final = 40
"""The limit of a bundle seen first, in percent of its models' size."""


class LimitField(QWidget):
    """How much memory the models may take.

    Attributes
    ----------
    changed
        Emitted when another limit was entered, or something that is none.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._total = 0
        self._share = DEFAULT_SHARE
        self._limit: int | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        self.edit = QLineEdit()
        self.edit.setFixedWidth(96)
        self.edit.setAccessibleName("Memory limit")
        self.edit.textEdited.connect(self._typed)
        self.edit.editingFinished.connect(self._tidy)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, 100)
        self.slider.setMinimumSize(48, CONTROL_HEIGHT)
        self.slider.setAccessibleName("Memory limit as a share of all models")
        self.slider.valueChanged.connect(self._slid)
        layout.addWidget(self.edit)
        layout.addWidget(self.slider, 1)
        self.setFocusProxy(self.edit)

    @property
    def limit(self) -> int | None:
        """The limit in bytes; ``None`` while what was entered is none."""
        return self._limit

    @property
    def share(self) -> int:
        """The limit in percent of all models, at most 100."""
        return self._share

    def set_total(self, total: int) -> None:
        """Take the size of all models, in bytes; the share stays as it is."""
        self._total = total
        self.set_share(self._share)

    def set_share(self, share: int) -> None:
        """Set the limit to so many percent of all models."""
        self._share = min(max(share, 1), 100)
        self._accept(wording.share_of(self._share / 100, self._total), self._share)
        self._tidy()

    def set_limit(self, limit: int) -> None:
        """Set the limit to so many bytes."""
        self._accept(limit, self._share_of(limit))
        self._tidy()

    def _slid(self, share: int) -> None:
        self.set_share(share)

    def _typed(self, text: str) -> None:
        try:
            limit = wording.limit_of(text)
        except ValueError as error:
            self._limit = None
            self._explain(str(error), Tone.DANGER)
            self.changed.emit()
        else:
            self._accept(limit, self._share_of(limit))

    def _share_of(self, limit: int) -> int:
        return min(max(round(100 * limit / self._total), 1), 100) if self._total else 100

    def _accept(self, limit: int, share: int) -> None:
        self._limit = limit
        self._share = share
        self.slider.blockSignals(True)
        self.slider.setValue(share)
        self.slider.blockSignals(False)
        part = words.percent(limit / self._total) if self._total else words.NONE
        self._explain(f"{words.exact_size(limit)}, {part} of all models ({words.size(self._total)})")
        self.changed.emit()

    def _explain(self, text: str, tone: Tone | None = None) -> None:
        set_property(self.edit, tone=tone.value if tone else "")
        for widget in (self.edit, self.slider):
            widget.setToolTip(words.tooltip(text))
            widget.setAccessibleDescription(text)

    def _tidy(self) -> None:
        if self._limit is not None and not self.edit.hasFocus():
            self.edit.setText(wording.limit_text(self._limit))
