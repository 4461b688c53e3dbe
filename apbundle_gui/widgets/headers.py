"""The top of a page that works on something: title, state, and what it is about, then room for buttons."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from apbundle_gui.theme import Space
from apbundle_gui.widgets.labels import Badge, ElidedLabel, PageTitle


class PageHeader(QWidget):
    """A row that begins with the title, the badge :attr:`state` and the label :attr:`said`.

    Subclasses add their buttons to :attr:`row`.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(Space.S)
        self.row.addWidget(PageTitle(title))
        self.row.addSpacing(Space.S)
        self.state = Badge()
        self.row.addWidget(self.state)
        self.said = ElidedLabel(secondary=True)
        self.row.addWidget(self.said, 1)
