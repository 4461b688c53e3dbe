"""The page while no bundle is open: what it is for, and the ways to begin."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models.recent_list import FOLDER, NAME, RecentList
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Card, EmptyState, TableView, button


class EmptyInspect(QWidget):
    """A place to drop bundles, and the recent ones.

    Attributes
    ----------
    open_wanted, sample_wanted
        The two buttons.
    recent_chosen
        Emitted with the path of a recent bundle.
    dropped
        Emitted with the list of paths dropped.
    """

    open_wanted = Signal()
    sample_wanted = Signal()
    recent_chosen = Signal(object)
    dropped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.L)
        self.state = EmptyState(
            "inspect",
            "Look into a bundle",
            "See which models it holds and where, what every byte of its manifest means, and whether it is undamaged.",
            (
                button("Open…", self.open_wanted.emit, icon="open", kind="primary"),
                button("Open Sample", self.sample_wanted.emit, icon="sample"),
            ),
            "Or drop a bundle here.",
        )
        self.state.dropped.connect(self.dropped)
        layout.addWidget(self.state, 1)
        self._recent = Card("Recent", margin=Space.M)
        self.list = RecentList(self)
        self.view = TableView(sortable=False)
        self.view.setAccessibleName("Recent bundles")
        self.view.setModel(self.list)
        self.view.horizontalHeader().hide()
        self.view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        set_delegates(self.view, toned=(NAME, FOLDER))
        self.view.set_widths([280, 0], stretch=FOLDER)
        self.view.activated.connect(self._open)
        self.view.clicked.connect(self._open)
        self._recent.body.addWidget(self.view)
        layout.addWidget(self._recent)

    def show_recent(self, paths: Sequence[str]) -> None:
        """Offer these bundles."""
        self.list.show_records(paths)
        self._recent.setVisible(bool(paths))
        self.view.setFixedHeight(min(len(paths), 6) * theme.ROW_HEIGHT)

    def _open(self, index: QModelIndex) -> None:
        self.recent_chosen.emit(self.list.record(index.row()))
