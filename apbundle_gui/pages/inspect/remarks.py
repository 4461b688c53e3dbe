"""What is odd about the bundle, or wrong with it, as lines under the card: each leads to the place it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models.remark_list import MESSAGE, OFFSET, TITLE, RemarkList
from apbundle_gui.models.remarks import Remark
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.theme import Space
from apbundle_gui.widgets import TableView, set_property

MOST_ROWS: Final = 3
"""How many remarks are seen at once; more are scrolled to."""
MOST_WRAPPED: Final = 20
"""How many long remarks take more than one line; there are seldom so many."""


class RemarksView(QFrame):
    """The remarks, in a frame of the colour of the worst. Hidden while there are none.

    Attributes
    ----------
    chosen
        Emitted with the :class:`Remark` the user wants to be led to.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        self.list = RemarkList(self)
        self.view = TableView(sortable=False)
        self.view.setAccessibleName("Remarks about this bundle")
        self.view.setModel(self.list)
        self.view.horizontalHeader().hide()
        self.view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        set_delegates(self.view, mono=(OFFSET,), toned=(TITLE,))
        self.view.set_widths([150, 0, 92], stretch=MESSAGE)
        self.view.setWordWrap(True)
        self.view.clicked.connect(self._choose)
        self.view.activated.connect(self._choose)
        layout.addWidget(self.view)
        self.hide()

    def show_remarks(self, remarks: Sequence[Remark]) -> None:
        """Show these."""
        self.list.show_records(remarks)
        self.setVisible(bool(remarks))
        if remarks:
            set_property(self, kind="banner", tone=remarks[0].tone)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Break long remarks into lines, and be as high as the first few take."""
        count = self.list.rowCount()
        room = QRect(0, 0, self.view.columnWidth(MESSAGE) - 2 * (Space.S + 6), 1 << 20)
        for row in range(min(count, MOST_WRAPPED)):
            text = str(self.list.index(row, MESSAGE).data())
            lines = self.view.fontMetrics().boundingRect(room, int(Qt.TextFlag.TextWordWrap), text)
            self.view.setRowHeight(row, max(theme.ROW_HEIGHT, lines.height() + Space.M))
        policy = Qt.ScrollBarPolicy
        scrolls = count > MOST_ROWS
        self.view.setVerticalScrollBarPolicy(policy.ScrollBarAlwaysOn if scrolls else policy.ScrollBarAlwaysOff)
        height = sum(map(self.view.rowHeight, range(min(count, MOST_ROWS))))
        self.view.setFixedHeight(max(0, height - 1))  # the last line is the frame's

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self.list.record(index.row()))
