"""The three dialogs of the Help menu, and the one question the window asks."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version

import PySide6
from PySide6.QtCore import QSize, Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from apbundle_gui import theme
from apbundle_gui.actions import ACTIONS, Menu
from apbundle_gui.models import text as words
from apbundle_gui.services import Message
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Label, PageTitle, SecondaryLabel, SectionTitle, button, question

SENTENCE = "Packs machine-learning models into one file, looks inside it, and shows it paging within a memory limit."


class _Dialog(QDialog):
    """A dialog with a title, a body and a Close button."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        layout.setSpacing(Space.L)
        self.body = QVBoxLayout()
        self.body.setSpacing(Space.S)
        layout.addLayout(self.body, 1)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(Space.S)
        self.buttons.addStretch(1)
        self.close_button = button("Close", self.accept)
        self.close_button.setDefault(True)
        self.buttons.addWidget(self.close_button)
        layout.addLayout(self.buttons)


class ShortcutsDialog(_Dialog):
    """All shortcuts, by menu."""

    COLUMNS = 3

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Keyboard Shortcuts", parent)
        self.body.addWidget(PageTitle("Keyboard shortcuts"))
        self.body.addSpacing(Space.S)
        columns = QHBoxLayout()
        columns.setSpacing(2 * Space.XL)
        made = [QVBoxLayout() for _ in range(self.COLUMNS)]
        lengths = [0] * self.COLUMNS
        for menu in Menu:
            actions = [a for a in ACTIONS if a.menu is menu and a.shortcut]
            if not actions:
                continue
            column = lengths.index(min(lengths))
            lengths[column] += len(actions) + 2
            grid = QGridLayout()
            grid.setHorizontalSpacing(Space.XL)
            grid.setVerticalSpacing(Space.XS)
            grid.setColumnStretch(0, 1)
            for row, action in enumerate(actions):
                grid.addWidget(Label(action.plain), row, 0)
                grid.addWidget(SecondaryLabel(action.shortcut_text), row, 1, Qt.AlignmentFlag.AlignRight)
            made[column].addWidget(SectionTitle(menu.plain))
            made[column].addLayout(grid)
            made[column].addSpacing(Space.M)
        for layout in made:
            layout.setSpacing(Space.S)
            layout.addStretch(1)
            columns.addLayout(layout)
        self.body.addLayout(columns)


class AboutDialog(_Dialog):
    """What the program is, and the versions a bug report needs."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("About apbundle", parent)
        top = QHBoxLayout()
        top.setSpacing(Space.L)
        picture = QLabel()
        picture.setPixmap(QGuiApplication.windowIcon().pixmap(QSize(64, 64), self.devicePixelRatioF()))
        top.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(Space.XS)
        column.addWidget(PageTitle(f"apbundle {version('apbundle')}"))
        sentence = Label(SENTENCE)
        sentence.setWordWrap(True)
        sentence.setMinimumWidth(360)
        column.addWidget(sentence)
        column.addSpacing(Space.S)
        self._versions = versions()
        for name, value in list(self._versions.items())[1:]:
            column.addWidget(SecondaryLabel(f"{name} {value}"))
        column.addSpacing(Space.S)
        column.addWidget(SecondaryLabel("Free software under the MIT license."))
        top.addLayout(column, 1)
        self.body.addLayout(top)
        self.buttons.insertWidget(0, button("Copy versions", self._copy, kind="quiet", icon="copy"))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(f"{name} {value}" for name, value in self._versions.items()))


def versions() -> dict[str, str]:
    """What the program runs on."""
    return {
        "apbundle": version("apbundle"),
        "Python": platform.python_version(),
        "PySide6": PySide6.__version__,
        "Qt": qVersion(),
        "System": platform.platform(terse=True),
    }


class MessagesDialog(_Dialog):
    """What was said since the program started, newest last."""

    def __init__(self, messages: Sequence[Message], parent: QWidget) -> None:
        super().__init__("Messages", parent)
        self.body.addWidget(PageTitle("Messages"))
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setFont(theme.mono_font())
        self.view.setPlainText("\n".join(_line(message) for message in messages) or "Nothing was said yet.")
        self.body.addWidget(self.view)
        self.resize(760, 420)


def _line(message: Message) -> str:
    text = message.text if message.error is None else words.error_text(message.error).line
    return f"{message.level.name.lower():8}{words.safe(text, words.SHOWN_IN_DETAIL)}"


def confirm_leaving(parent: QWidget, losses: Sequence[str]) -> bool:
    """Ask whether to close although something would be lost, each said in a sentence."""
    box, leave = question(parent, "Close apbundle", "Close the window?", "\n".join(map(words.safe, losses)), "Close")
    box.exec()
    return box.clickedButton() is leave
