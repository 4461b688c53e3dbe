"""The context menu of the draft's rows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from apbundle_gui import theme
from apbundle_gui.actions import find
from apbundle_gui.models import text as words
from apbundle_gui.models.build_problems import Fix

NAMES = (
    "build.rename",
    "build.describe",
    "build.duplicate",
    "build.switch",
    "build.compress",
    "build.move_up",
    "build.move_down",
    "build.remove",
)


def row_menu(parent: QWidget, fix: Fix | None, do_fix: Callable[[], object], run: Callable[[str], object]) -> QMenu:
    """What can be done with the selected rows: the fix of the current one, and the actions called ``NAMES``."""
    menu = QMenu(parent)
    menu.aboutToHide.connect(menu.deleteLater)
    if fix is not None:
        first = QAction(words.menu_text(fix.label), menu)
        first.triggered.connect(lambda _checked: do_fix())
        menu.addAction(first)
        menu.addSeparator()
    for name in NAMES:
        action = find(name)
        made = QAction(theme.icon(action.icon), action.text, menu)
        made.triggered.connect(lambda _checked, name=name: run(name))
        menu.addAction(made)
    return menu
