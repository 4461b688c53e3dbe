"""The Inspect page in a window of its own, and what a hand would do to it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from apbundle_gui.main_window import MainWindow, PageSpec
from apbundle_gui.models.model_table import Column
from apbundle_gui.pages.inspect.page import InspectPage
from apbundle_gui.services import Services
from apbundle_gui.services.inspection import Inspection

NoModifier = Qt.KeyboardModifier.NoModifier


class InspectBench:
    """A window with nothing but the Inspect page."""

    def __init__(self, qtbot: QtBot, services: Services) -> None:
        self.qtbot = qtbot
        self.services = services
        self.window = MainWindow(services, [PageSpec("inspect", "Inspect", "inspect", InspectPage)])
        qtbot.addWidget(self.window)
        page = self.window.page("inspect")
        assert isinstance(page, InspectPage)
        self.page = page
        with qtbot.waitActive(self.window):
            self.window.show()
            self.window.activateWindow()

    # -- what is there -------------------------------------------------------------------------------------------

    @property
    def inspection(self) -> Inspection:
        """What is on the screen."""
        assert self.page.inspection is not None
        return self.page.inspection

    @property
    def badge(self) -> str:
        """What the badge of the bundle says."""
        return self.page.card.badge.text()

    @property
    def said(self) -> list[str]:
        """The codes of the remarks, in order."""
        remarks = self.page.remarks.list
        return [remarks.record(row).code for row in range(remarks.rowCount())]

    @property
    def shows(self) -> str:
        """Which of its three faces the page has: ``empty``, ``failure`` or ``content``."""
        faces = {"empty": self.page.empty, "failure": self.page.failure, "content": self.page.content}
        return next(name for name, face in faces.items() if face.isVisible())

    @property
    def names(self) -> list[str]:
        """The names in the table of models, as they are shown."""
        return [str(self.cell(row, Column.NAME)) for row in range(self.page.models_tab.table.rowCount())]

    def cell(self, row: int, column: Column, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """What a cell of the table of models has for a role."""
        return self.page.models_tab.table.index(row, column).data(role)

    def fact(self, caption: str) -> str:
        """A value of the card."""
        return self.page.card.facts[caption].value

    # -- what a hand does ----------------------------------------------------------------------------------------

    def open(self, path: Path | str) -> None:
        """Open a file, and wait until all that can be found out about it is on the screen."""
        self.window.open_bundles([str(path)])
        self.settle()

    def settle(self) -> None:
        """Wait until no job runs."""
        self.qtbot.waitUntil(lambda: not self.services.jobs.jobs, timeout=45_000)

    def verify(self) -> None:
        """Press Verify and wait for the answer."""
        self.click(self.page.card.verify)
        self.settle()

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Press and release the left button on a widget."""
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, NoModifier, at or widget.rect().center())

    def click_row(self, row: int, modifier: Qt.KeyboardModifier = NoModifier) -> None:
        """Click a row of the table of models."""
        view = self.page.models_tab.view
        place: QRect = view.visualRect(self.page.models_tab.table.index(row, 0))
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, place.center())

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NoModifier, widget: QWidget | None = None) -> None:
        """Press a key, on the window unless on a widget of it."""
        QTest.keyClick(widget or self.window, key, modifier)

    def search(self, text: str) -> None:
        """Type into the search field and wait for the rows."""
        self.page.tabs.start_search()
        QTest.keyClicks(self.page.tabs.search, text)
        if not text:
            self.page.tabs.search.clear()
        self.settle()

    def show_tab(self, place: int) -> None:
        """Make the tab at that place the visible one."""
        bar = self.page.tabs.bar
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, NoModifier, bar.tabRect(place).center())
        self.settle()
