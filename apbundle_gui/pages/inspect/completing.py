"""The list below the search field that offers how a query may go on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout

from apbundle_gui import theme
from apbundle_gui.models.completion_list import MEANING, CompletionList
from apbundle_gui.models.query_completions import Completion, Completions
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.theme import Space
from apbundle_gui.widgets import TableView, set_property

ROWS, WIDTH, TEXT_WIDTH = 8, 460, 170
"""The most rows that are seen at once, and widths in pixels."""
Key = Qt.Key


class CompletionPopup(QFrame):
    """Offers completions below a field while one types. The keys stay with the field.

    Up and Down choose, Return and Tab take what is chosen, Escape closes the list; Down or Control+Space opens it.

    Parameters
    ----------
    offer
        The ways to go on from a text and the place of its cursor.

    Attributes
    ----------
    taken
        Emitted after a completion was put into the field.
    """

    taken = Signal()

    def __init__(self, field: QLineEdit, offer: Callable[[str, int], Completions]) -> None:
        super().__init__(field)
        self.hide()
        set_property(self, kind="popover")
        self._field = field
        self._offer = offer
        self._offered = Completions(0, 0, ())
        self.list = CompletionList(self)
        self.view = TableView(sortable=False)
        self.view.setAccessibleName("Completions of the query")
        self.view.setModel(self.list)
        self.view.horizontalHeader().hide()
        self.view.set_widths([TEXT_WIDTH, 0], stretch=1)
        set_delegates(self.view, toned=(MEANING,))
        self.view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.clicked.connect(lambda index: self._take(index.row()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self.view)
        field.installEventFilter(self)
        field.textEdited.connect(lambda: QTimer.singleShot(0, self, self.open))  # the cursor has moved by then

    def open(self) -> None:
        """Offer what may stand at the cursor; nothing, and the list closes."""
        self._offered = self._offer(self._field.text(), self._field.cursorPosition())
        choices = self._offered.choices
        self.list.show_records(choices)
        if not choices or not self._field.hasFocus():
            self.hide()
            return
        rows = min(len(choices), ROWS)
        window = self._field.window()
        if self.parentWidget() is not window:
            self.setParent(window)  # part of it, above all else: never another window that could take the focus
        self.setFixedSize(WIDTH, rows * theme.ROW_HEIGHT + 4)
        corner = self._field.mapTo(window, QPoint(0, self._field.height() + 2))
        self.move(max(0, min(corner.x(), window.width() - WIDTH - Space.M)), corner.y())
        self.view.scrollToTop()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusOut, QEvent.Type.Hide):
            self.hide()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self.isVisible():
            if event.key() == Key.Key_Escape:  # closes the list before it empties the field
                event.accept()
                return True
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key_pressed(event)
        return super().eventFilter(watched, event)

    def _key_pressed(self, event: QKeyEvent) -> bool:
        key, plain = event.key(), event.modifiers() == Qt.KeyboardModifier.NoModifier
        if not self.isVisible():
            control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
            if (key == Key.Key_Down and plain) or (key == Key.Key_Space and control):
                self.open()
                return True
            return False
        row, rows = self.view.currentIndex().row(), self.list.rowCount()
        match key:
            case Key.Key_Down:
                self.view.selectRow((row + 1) % rows)
            case Key.Key_Up:
                self.view.selectRow((row - 1) % rows if row >= 0 else rows - 1)
            case Key.Key_Return | Key.Key_Enter | Key.Key_Tab if row >= 0 and plain:
                self._take(row)
            case Key.Key_Escape:
                self.hide()
            case _:
                return False
        return True

    def _take(self, row: int) -> None:
        choice: Completion = self.list.record(row)
        text, cursor = self._offered.applied(self._field.text(), choice)
        self._field.setText(text)
        self._field.setCursorPosition(cursor)
        self.taken.emit()
        self.open()
