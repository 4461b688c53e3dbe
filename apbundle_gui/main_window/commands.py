"""The command palette: type a few letters of what you want, press Return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QIcon, QKeyEvent, QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.theme import Space
from apbundle_gui.widgets import TableView, set_property

WIDTH, ROWS = 560, 12
_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette: what it is called, what it does, its keys, and the call that does it."""

    text: str
    tip: str
    keys: str
    icon: str
    run: Callable[[], object]


def matching(entries: Sequence[Entry], query: str) -> list[Entry]:
    """The entries that hold every word of the query, those that hold them in their name first."""
    wanted = query.casefold().split()
    found = [e for e in entries if all(word in f"{e.text} {e.tip}".casefold() for word in wanted)]
    return sorted(found, key=lambda entry: not all(word in entry.text.casefold() for word in wanted))


class CommandPalette(QFrame):
    """A popup over the window with a field and a list."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        set_property(self, kind="popover")
        self._window = window
        self._entries: Sequence[Entry] = ()
        self._shown: list[Entry] = []
        room = QPixmap(theme.ICON, theme.ICON)
        room.fill(Qt.GlobalColor.transparent)
        self._no_icon = QIcon(room)  # all names begin at the same place
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.S, Space.S, Space.S, Space.S)
        layout.setSpacing(Space.S)
        self.field = QLineEdit()
        self.field.setPlaceholderText("What do you want to do?")
        self.field.setAccessibleName("Command")
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        layout.addWidget(self.field)
        self._model = QStandardItemModel(0, 2, self)
        self.list = TableView(sortable=False)
        self.list.setAccessibleName("Commands")
        self.list.horizontalHeader().hide()
        self.list.setModel(self._model)
        self.list.set_widths([0, 140], stretch=0)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.list.clicked.connect(lambda index: self._run(index.row()))
        layout.addWidget(self.list)
        self.setFixedSize(WIDTH, ROWS * theme.ROW_HEIGHT + 3 * Space.S + theme.CONTROL_HEIGHT + 2)

    def open_with(self, entries: Sequence[Entry]) -> None:
        """Show the palette over the window, offering these entries."""
        self._entries = entries
        self.field.clear()
        self._search("")
        self.move(self._window.mapToGlobal(QPoint((self._window.width() - WIDTH) // 2, 64)))
        self.show()
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.list.currentIndex().row())
                return True
            if event.key() in _MOVES:
                self.list.keyPressEvent(event)
                return True
        return super().eventFilter(watched, event)

    def _search(self, query: str) -> None:
        self._shown = matching(self._entries, query)
        self._model.setRowCount(0)
        for entry in self._shown:
            name, keys = QStandardItem(words.safe(entry.text)), QStandardItem(entry.keys)
            name.setToolTip(words.tooltip(entry.tip))
            name.setIcon(theme.icon(entry.icon) if entry.icon else self._no_icon)
            keys.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            keys.setForeground(theme.color("secondary"))
            for item in (name, keys):
                item.setEditable(False)
            self._model.appendRow([name, keys])
        if self._shown:
            self.list.selectRow(0)

    def _run(self, row: int) -> None:
        if 0 <= row < len(self._shown):
            self.hide()
            self._shown[row].run()
