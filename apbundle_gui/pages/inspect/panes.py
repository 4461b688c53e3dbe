"""Panes for reading: text and bytes at length, in plain text, to be selected and copied."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from apbundle_gui import theme
from apbundle_gui.models.long_text import BYTES_A_ROW, column_of_byte, hex_rows, lines
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import set_property


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
        set_property(self, kind="pane")

    def show_text(self, text: str) -> None:
        """Show ``text``, at most as much of it as such a pane holds."""
        self.setPlainText(lines(text))


class HexPane(TextPane):
    """A read-only listing of bytes with the place of a fault marked.

    Parameters
    ----------
    rows
        How many rows it has room for.
    """

    def __init__(self, name: str, rows: int, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._rows = rows
        self._mark: int | None = None
        self.setFont(theme.mono_font())
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        theme.manager().changed.connect(self._draw_mark)

    def show_bytes(self, data: bytes, start: int, mark: int | None = None) -> None:
        """List ``data``, which begins at offset ``start`` of the file; ``mark`` is the offset of the fault."""
        self.setPlainText(hex_rows(data, start))
        self._mark = mark - start if mark is not None and start <= mark < start + len(data) else None
        self._draw_mark()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        frame = 2 * (self.frameWidth() + theme.Space.S)
        width = metrics.horizontalAdvance("0") * (column_of_byte(BYTES_A_ROW) + BYTES_A_ROW + 3)
        return QSize(width + frame, metrics.lineSpacing() * self._rows + frame)

    def _draw_mark(self) -> None:
        if self._mark is None:
            self.setExtraSelections([])
            return
        row, place = divmod(self._mark, BYTES_A_ROW)
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
