"""The cells of a table, painted straight: through a style sheet Qt takes several times as long for each."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from apbundle_gui import theme
from apbundle_gui.theme import Space, Tone

CELL_MARGIN: Final = Space.S + 3
"""How far a cell's text is set in, in pixels, as the style does it."""
ICON_ROOM: Final = theme.ICON + 6
"""How far an icon moves the text, in pixels."""

AnyIndex = QModelIndex | QPersistentModelIndex
Mark = tuple[str, Tone | None]
"""The name of an icon, or nothing, and what the cell means."""

_DISPLAY: Final = Qt.ItemDataRole.DisplayRole
_ALIGNMENT: Final = Qt.ItemDataRole.TextAlignmentRole
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight.value)
_SELECTED: Final = QStyle.StateFlag.State_Selected.value
"""As a plain number: enumerations cost more here than the painting does."""


class CellDelegate(QStyledItemDelegate):
    """Paints one line of plain text, with an icon before it and in the colour of a meaning where there is one.

    Text without an icon that is too long is broken into lines where the row has room for them.

    Parameters
    ----------
    elide
        Where text that is too long is cut.
    font
        Instead of that of the table.
    """

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
        font: QFont | None = None,
    ) -> None:
        super().__init__(parent)
        self._elide = elide
        self._font = font
        self._metrics = QFontMetrics(font) if font is not None else None

    def mark(self, index: AnyIndex) -> Mark | None:
        """What sets a cell apart; ``None``: neither icon nor colour."""
        return None

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().initStyleOption(option, index)
        if self._font is not None and self._metrics is not None:
            option.font, option.fontMetrics = self._font, self._metrics

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect, metrics = option.rect, self._metrics or option.fontMetrics
        left, width = rect.left() + CELL_MARGIN, rect.width() - 2 * CELL_MARGIN
        selected = bool(option.state.value & _SELECTED)
        if selected:
            painter.fillRect(rect, theme.color("selection"))
        icon, tone = self.mark(index) or ("", None)
        if icon:
            picture = theme.icon_picture(icon, tone, painter.device().devicePixelRatioF())
            painter.drawPixmap(left, rect.top() + (rect.height() - theme.ICON) // 2, picture)
            left, width = left + ICON_ROOM, width - ICON_ROOM
        text = index.data(_DISPLAY) or ""
        taken = metrics.horizontalAdvance(text)
        if taken > width:
            if not icon and rect.height() >= 2 * metrics.height():
                super().paint(painter, option, index)
                return
            text = metrics.elidedText(text, self._elide, width)
        elif (index.data(_ALIGNMENT) or 0) & _RIGHT:
            left += width - taken
        painter.setPen(theme.color("text") if tone is None or selected else theme.tone_color(tone, "text"))
        painter.setFont(self._font or option.font)
        baseline = rect.top() + (rect.height() + metrics.ascent() - metrics.descent()) // 2
        painter.drawText(left, baseline, text)  # into a rectangle it would be laid out once more
