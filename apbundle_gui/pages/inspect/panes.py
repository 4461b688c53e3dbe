"""Panes for reading: text and bytes at length, in plain text, to be selected and copied; and one that scrolls."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QScrollArea, QTextEdit, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models.long_text import column_of_byte, hex_rows, lines, text_column
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import set_property


class ScrollPane(QScrollArea):
    """Scrolls its body up and down where there is no room for all of it.

    Attributes
    ----------
    body
        The vertical layout things are put into.
    """

    def __init__(self, margin: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_property(self, kind="page")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget()
        set_property(content, kind="page-body")
        self.body = QVBoxLayout(content)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.setWidget(content)


class TextPane(QPlainTextEdit):
    """A read-only pane of untrusted text."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAccessibleName(name)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def show_text(self, text: str) -> None:
        """Show ``text``, at most as much of it as such a pane holds."""
        self.setPlainText(lines(text))


class HexPane(TextPane):
    """A read-only listing of bytes with the place of a fault marked.

    Parameters
    ----------
    rows, bytes_a_row
        How many rows it has room for, and how many bytes there are in each.
    """

    def __init__(self, name: str, rows: int, bytes_a_row: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._rows = rows
        self._bytes_a_row = bytes_a_row
        self._mark: int | None = None
        self.setFont(theme.mono_font())
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        theme.manager().changed.connect(self._draw_mark)

    def show_bytes(self, data: bytes, start: int, mark: int | None = None) -> None:
        """List ``data``, which begins at offset ``start`` of the file; ``mark`` is the offset of the fault."""
        self.setPlainText(hex_rows(data, start, self._bytes_a_row))
        self._mark = mark - start if mark is not None and start <= mark < start + len(data) else None
        self._draw_mark()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        frame = 2 * (self.frameWidth() + theme.Space.S)
        width = metrics.horizontalAdvance("0") * (text_column(self._bytes_a_row) + self._bytes_a_row + 1)
        return QSize(width + frame, metrics.lineSpacing() * self._rows + frame)

    def _draw_mark(self) -> None:
        if self._mark is None:
            self.setExtraSelections([])
            return
        row, place = divmod(self._mark, self._bytes_a_row)
        cursor = QTextCursor(self.document().findBlockByNumber(row))
        cursor.movePosition(QTextCursor.MoveOperation.Right, n=column_of_byte(place))
        cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor, 2)
        shape = QTextCharFormat()
        shape.setBackground(theme.tone_color(Tone.DANGER, "fill"))
        shape.setForeground(theme.tone_color(Tone.DANGER, "text"))
        selection = QTextEdit.ExtraSelection()
        selection.cursor = cursor
        selection.format = shape
        self.setExtraSelections([selection])
