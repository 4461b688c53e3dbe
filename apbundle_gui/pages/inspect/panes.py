"""What panels are made of: panes of text and of bytes, to be selected and copied, and the panel that scrolls."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QScrollArea, QTextEdit, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models.long_text import column_of_byte, hex_rows, lines, text_column
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Card, ElidedLabel, set_property

LEAST_PANEL_WIDTH: Final = 260
"""The narrowest a panel can be made, in pixels."""


class ScrollPane(QScrollArea):
    """Scrolls its body up and down where there is no room for all of it.

    Parameters
    ----------
    margin
        Distance around the body; a pane with one stands in a card, one without on the page.

    Attributes
    ----------
    body
        The vertical layout things are put into.
    """

    def __init__(self, margin: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget()
        set_property(content, kind="body")
        self.body = QVBoxLayout(content)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(Space.S if margin else Space.L)
        self.setWidget(content)
        content.setAutoFillBackground(False)


class SidePanel(Card):
    """The particulars of one thing, beside the table it is selected in.

    Attributes
    ----------
    head
        The row of the title.
    title
        What the thing is called.
    content
        The vertical layout the particulars are put into.
    """

    def __init__(self, description: str, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=1)
        self.setMinimumWidth(LEAST_PANEL_WIDTH)
        pane = ScrollPane(Space.M)
        self.body.addWidget(pane)
        self.content = pane.body
        self.head = QHBoxLayout()
        self.head.setSpacing(Space.S)
        self.title = ElidedLabel()
        self.title.setFont(theme.section_font())
        self.title.setAccessibleDescription(description)
        self.head.addWidget(self.title, 1)
        self.content.addLayout(self.head)


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
