"""The menu bar and the toolbar, made from the table of actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar, QSizePolicy, QToolBar, QToolButton, QWidget

from apbundle_gui import theme
from apbundle_gui.actions import ACTIONS, ActionSet, Menu, When
from apbundle_gui.models import text as words
from apbundle_gui.services import Session
from apbundle_gui.widgets import set_property

ICON_SIZE: Final = QSize(theme.ICON + theme.Space.S, theme.ICON)
"""Size of the icons of the toolbar; the width keeps icon and text apart."""


def fill_menu_bar(bar: QMenuBar, actions: ActionSet, recent: QMenu) -> None:
    """Put every action into its menu, a separator between groups, the recent files after Open."""
    for menu in Menu:
        target = bar.addMenu(menu.value)
        target.setToolTipsVisible(True)
        group = 0
        for action in ACTIONS:
            if action.menu is not menu:
                continue
            if action.group != group:
                target.addSeparator()
                group = action.group
            target.addAction(actions[action.name])
            if action.name == "file.sample":
                target.addMenu(recent)


class RecentMenu(QMenu):
    """The bundles opened lately.

    Attributes
    ----------
    chosen
        Emitted with the path of one.
    """

    chosen = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Open &Recent", parent)
        self._session = session
        self.setIcon(theme.icon("recent"))
        self.setToolTipsVisible(True)
        session.changed.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        self.clear()
        for path in self._session.recent:
            action = self.addAction(words.menu_text(words.file_name(path)))
            action.setToolTip(words.tooltip(path))
            action.triggered.connect(lambda _checked, path=path: self.chosen.emit(path))
        if self._session.recent:
            self.addSeparator()
            forget = self.addAction("&Clear This List")
            forget.setToolTip(words.tooltip("Forget which bundles were opened; the files stay"))
            forget.triggered.connect(lambda _checked: self._session.forget_recent())
        self.setEnabled(bool(self._session.recent))


class BundleSelector(QToolButton):
    """Which open bundle the pages show, and a menu of the others."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        set_property(self, kind="selector")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setIcon(theme.icon("bundle"))
        self.setMenu(QMenu(self))
        self.menu().setToolTipsVisible(True)
        session.current_changed.connect(self._refresh)
        session.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        current = self._session.current
        self.setEnabled(current is not None)
        name = words.file_name(current.path) if current else "No bundle open"
        self.setText(words.menu_text(name))
        self.setToolTip(words.tooltip(current.path if current else "Open a bundle to look into it"))
        self.setAccessibleName(f"Bundle: {name}")
        menu = self.menu()
        menu.clear()
        for opened in self._session.bundles:
            action = menu.addAction(words.menu_text(words.file_name(opened.path)))
            action.setToolTip(words.tooltip(opened.path))
            action.setCheckable(True)
            action.setChecked(opened is current)
            action.triggered.connect(lambda _checked, path=opened.path: self._session.select(path))


class ToolBar(QToolBar):
    """Open, the bundle that is shown, what the visible page offers, and the way to every command."""

    def __init__(self, actions: ActionSet, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Toolbar", parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(ICON_SIZE)
        self._actions = actions
        self._of_page: list[QAction] = []
        self.addAction(actions["file.open"])
        self._with_text("file.open")
        self.addWidget(BundleSelector(session))
        room = QWidget()
        room.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._room = self.addWidget(room)
        self.addWidget(self._search(actions["view.commands"]))

    def show_for(self, does: Callable[[str], bool]) -> None:
        """Show the actions the visible page does, and no others of a page."""
        for made in self._of_page:
            self.removeAction(made)
        self._of_page = [self._actions[a.name] for a in ACTIONS if a.toolbar and a.when is When.PAGE and does(a.name)]
        self.insertActions(self._room, self._of_page)

    def _with_text(self, name: str) -> None:
        button = self.widgetForAction(self._actions[name])
        assert isinstance(button, QToolButton)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _search(self, action: QAction) -> QToolButton:
        button = QToolButton()
        set_property(button, kind="search")
        button.setIcon(theme.icon("command"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setText(f"Find a command   {action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)}")
        button.setToolTip(action.toolTip())
        button.clicked.connect(lambda _checked: action.trigger())
        return button
