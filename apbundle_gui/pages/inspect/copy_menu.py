"""The "Copy …" entries of context menus."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu

from apbundle_gui import theme


def add_copy(menu: QMenu, title: str, text: Callable[[], str] | None) -> None:
    """Add an entry that puts what ``text`` gives on the clipboard; without one it is there, but disabled."""
    action = QAction(theme.icon("copy"), title, menu)
    action.setEnabled(text is not None)
    if text is not None:
        action.triggered.connect(lambda _checked: QGuiApplication.clipboard().setText(text()))
    menu.addAction(action)
