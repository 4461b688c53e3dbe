"""What is odd about the bundle, or wrong with it, as lines under the card: each leads to the place it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models.remark_list import MESSAGE, OFFSET, TITLE, RemarkList
from apbundle_gui.models.remarks import Remark
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.widgets import TableView, set_property

MOST_ROWS: Final = 3
"""How many lines are seen at once; more are scrolled to."""


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
        self.view.set_widths([190, 0, 104], stretch=MESSAGE)
        self.view.clicked.connect(self._choose)
        self.view.activated.connect(self._choose)
        layout.addWidget(self.view)
        self.hide()

    def show_remarks(self, remarks: Sequence[Remark]) -> None:
        """Show these."""
        self.list.show_remarks(remarks)
        self.setVisible(bool(remarks))
        if remarks:
            set_property(self, kind="banner", tone=remarks[0].tone)
            policy = Qt.ScrollBarPolicy
            scrolls = len(remarks) > MOST_ROWS
            self.view.setVerticalScrollBarPolicy(policy.ScrollBarAlwaysOn if scrolls else policy.ScrollBarAlwaysOff)
            self.view.setFixedHeight(min(len(remarks), MOST_ROWS) * theme.ROW_HEIGHT - 1)  # the frame is the last line

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self.list.remark(index.row()))
