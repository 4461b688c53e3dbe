"""The page with a draft on it: header, byte ruler, table with its totals, and the panels beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from apbundle_gui.models.build_table import DraftTable
from apbundle_gui.pages.build.draft_view import DraftView
from apbundle_gui.pages.build.footer import Footer
from apbundle_gui.pages.build.header import Header
from apbundle_gui.pages.build.result import ResultCard
from apbundle_gui.pages.build.ruler import RulerCard
from apbundle_gui.pages.build.side import Side
from apbundle_gui.services import Services, Settings
from apbundle_gui.theme import Space
from apbundle_gui.widgets import ErrorCard, button

PANEL_WIDTH: Final = 344
"""Width of the panels at first, in pixels."""
_SPLITTER_KEY: Final = "build/splitter"


class Workbench(QWidget):
    """Lays out what the page is made of; what it means is the page's.

    Parameters
    ----------
    table
        The rows of the draft.
    side
        What is beside them.
    build, add_files, add_folder
        What the buttons of the header do.

    Attributes
    ----------
    fix_all_clicked, again_clicked, other_clicked
        Buttons: fix all problems; build again; choose another output.
    dismissed
        The error was read and put away.
    """

    fix_all_clicked = Signal()
    again_clicked = Signal()
    other_clicked = Signal()
    dismissed = Signal()

    def __init__(
        self,
        services: Services,
        table: DraftTable,
        side: Side,
        build: Callable[[], object],
        add_files: Callable[[], object],
        add_folder: Callable[[], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.header = Header(build, add_files, add_folder)
        self.error_card = ErrorCard(
            (
                button("Try Again", self.again_clicked.emit),
                button("Choose Another Output…", self.other_clicked.emit),
                button("Dismiss", self._dismiss, kind="quiet"),
            )
        )
        self.error_card.hide()
        self.result = ResultCard(services)
        self.view = DraftView(table)
        self.footer = Footer(self.fix_all_clicked.emit)
        self.ruler = RulerCard()
        self.side = side
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addWidget(self.view, 1)
        column.addWidget(self.footer)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(Space.M)
        self.splitter.addWidget(left)
        self.splitter.addWidget(side)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setSizes([3 * PANEL_WIDTH, PANEL_WIDTH])
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(Space.M)
        rows.addWidget(self.header)
        rows.addWidget(self.error_card)
        rows.addWidget(self.result)
        rows.addWidget(self.ruler)
        rows.addWidget(self.splitter, 1)

    def restore(self, settings: Settings) -> None:
        """Give the parts their remembered sizes."""
        state = settings.blob(_SPLITTER_KEY)
        if not state.isEmpty():
            self.splitter.restoreState(state)

    def remember(self, settings: Settings) -> None:
        """Keep the sizes of the parts."""
        settings.remember(_SPLITTER_KEY, self.splitter.saveState())

    def _dismiss(self) -> None:
        self.error_card.hide()
        self.dismissed.emit()
