"""The cells of a table, painted straight: through a style sheet Qt takes several times as long for each."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from apbundle_gui import theme
from apbundle_gui.theme import Space, Tone

CELL_MARGIN: Final = Space.S + 3
"""How far a cell's text is set in, in pixels, as the style does it."""

AnyIndex = QModelIndex | QPersistentModelIndex

_DISPLAY: Final = Qt.ItemDataRole.DisplayRole
_ALIGNMENT: Final = Qt.ItemDataRole.TextAlignmentRole
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight.value)
_SELECTED: Final = QStyle.StateFlag.State_Selected


class CellDelegate(QStyledItemDelegate):
    """Paints one line of plain text, with an icon before it and in the colour of a meaning where there is one.

    Parameters
    ----------
    elide
        Where text that is too long is cut.
    """

    def __init__(
        self, parent: QObject | None = None, *, elide: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle
    ) -> None:
        super().__init__(parent)
        self._elide = elide

    def mark(self, index: AnyIndex) -> tuple[str, Tone] | None:
        """The icon of a cell and what it means; ``None``: neither icon nor colour."""
        return None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect = option.rect
        if option.state & _SELECTED:
            painter.fillRect(rect, theme.color("selection"))
        left, width = rect.left() + CELL_MARGIN, rect.width() - 2 * CELL_MARGIN
        mark = self.mark(index)
        if mark is None:
            painter.setPen(theme.color("text"))
        else:
            name, tone = mark
            painter.setPen(theme.tone_color(tone, "text"))
            picture = theme.icon_picture(name, tone, painter.device().devicePixelRatioF())
            painter.drawPixmap(left - 3, rect.top() + (rect.height() - theme.ICON) // 2, picture)
            left, width = left + theme.ICON + Space.XS, width - theme.ICON - Space.XS
        metrics = option.fontMetrics
        text = index.data(_DISPLAY) or ""
        taken = metrics.horizontalAdvance(text)
        if taken > width:
            text, taken = metrics.elidedText(text, self._elide, width), width
        elif (index.data(_ALIGNMENT) or 0) & _RIGHT:
            left += width - taken
        painter.setFont(option.font)
        baseline = rect.top() + (rect.height() + metrics.ascent() - metrics.descent()) // 2
        painter.drawText(left, baseline, text)  # into a rectangle it would be laid out once more
