"""A view with the particulars of what is selected in it beside it, and the handle between them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

from apbundle_gui.theme import Space

_SHARE: Final = 0.4
"""What part of the width the panel takes at most, by itself."""


class SideSplitter(QSplitter):
    """Gives the panel its width where there is room, until somebody moves the handle.

    Attributes
    ----------
    fitted
        Whether it decides the widths; false once a hand, now or before, did.
    """

    def __init__(self, view: QWidget, panel: QWidget, panel_width: int) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.fitted = True
        self._panel_width = panel_width
        self.setChildrenCollapsible(False)
        self.setHandleWidth(Space.M)
        self.addWidget(view)
        self.addWidget(panel)
        self.setStretchFactor(0, 1)
        self.splitterMoved.connect(self.let_go)

    def let_go(self) -> None:
        """Leave the widths as they are."""
        self.fitted = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.fitted:
            panel = min(self._panel_width, round(_SHARE * self.width()))
            self.setSizes([self.width() - panel, panel])
