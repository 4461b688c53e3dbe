"""How the cells of the draft look, how a name is edited in one, and the button that fixes what is wrong with a row."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QIcon, QMouseEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from apbundle_gui import theme
from apbundle_gui.models.arranged import ICON_ROLE, TONE_ROLE
from apbundle_gui.models.build_table import DIMMED_ROLE, FIX_ROLE, PROBLEM_ROLE, Column
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import set_property

AnyIndex = QModelIndex | QPersistentModelIndex

FIX_HEIGHT: Final = 20
"""Height of the button in a cell, in pixels."""
CELL_MARGIN: Final = Space.S + 3
"""How far a cell's text is set in, as the style does it."""
SHORTEST_PATH: Final = 72
"""The least room in which a path is worth showing beside a problem, in pixels."""
SHORTEST_FIX: Final = 80
"""The least width of the button in a cell, in pixels."""
NAME_LENGTH: Final = 65_535
"""How many characters the editor takes."""

_MARKED: Final = frozenset({Column.NAME, Column.NUMBER, Column.SOURCE})
"""The columns that have a tone or an icon; the others are never asked."""


@cache
def _icon(name: str, tone: Tone | None) -> QIcon:
    return theme.icon(name, tone)


class MarkedDelegate(QStyledItemDelegate):
    """Paints cells with the icon and in the colour of the meaning that the model gives them.

    Parameters
    ----------
    icon_role, tone_role
        The roles that the model gives them under.
    """

    def __init__(self, icon_role: int, tone_role: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icon_role, self._tone_role = icon_role, tone_role

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().initStyleOption(option, index)
        value = index.data(self._tone_role)
        tone = Tone(value) if value else None
        if tone is not None:
            color = theme.color("secondary") if tone is Tone.NEUTRAL else theme.tone_color(tone, "text")
            option.palette.setColor(QPalette.ColorRole.Text, color)
        if name := index.data(self._icon_role):
            option.icon = _icon(name, tone)
            option.decorationSize = QSize(theme.ICON, theme.ICON)
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration


class DraftDelegate(QStyledItemDelegate):
    """Paints the table of the draft.

    Attributes
    ----------
    fix_clicked
        Emitted with the row whose fix was clicked.
    """

    fix_clicked = Signal(int)

    def __init__(self, is_taken: Callable[[int, str], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_taken = is_taken

    # -- looks ---------------------------------------------------------------------------------------------------

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().initStyleOption(option, index)
        if index.data(DIMMED_ROLE):
            option.palette.setColor(QPalette.ColorRole.Text, theme.color("disabled"))
        if index.column() not in _MARKED:
            return
        value = index.data(TONE_ROLE)
        tone = Tone(value) if value else None
        if index.data(DIMMED_ROLE):
            pass
        elif tone is Tone.NEUTRAL:
            option.palette.setColor(QPalette.ColorRole.Text, theme.color("secondary"))
        elif tone is not None:
            option.palette.setColor(QPalette.ColorRole.Text, theme.tone_color(tone, "text"))
        if name := index.data(ICON_ROLE):
            option.icon = _icon(name, tone)
            option.decorationSize = QSize(theme.ICON, theme.ICON)
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        title = index.data(PROBLEM_ROLE) if index.column() == Column.SOURCE else None
        if not title:
            super().paint(painter, option, index)
            return
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, theme.color("selection"))
        tone = theme.tone_color(Tone(index.data(TONE_ROLE)), "text")
        metrics = QFontMetrics(option.font)
        room = option.rect.adjusted(CELL_MARGIN, 0, -CELL_MARGIN, 0)
        painter.save()
        painter.setFont(option.font)
        if index.data(FIX_ROLE):
            fix = self.fix_rect(option, index)
            self._paint_fix(painter, metrics, fix, index.data(FIX_ROLE))
            room.setRight(fix.left() - Space.S)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(tone)
        painter.drawText(room, left, metrics.elidedText(title, Qt.TextElideMode.ElideRight, room.width()))
        room.setLeft(room.left() + metrics.horizontalAdvance(title) + Space.M)
        if room.width() >= SHORTEST_PATH:
            painter.setPen(theme.color("secondary"))
            painter.drawText(room, left, metrics.elidedText(index.data(), Qt.TextElideMode.ElideMiddle, room.width()))
        painter.restore()

    @staticmethod
    def _paint_fix(painter: QPainter, metrics: QFontMetrics, fix: QRect, label: str) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(fix.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
        painter.setPen(theme.tone_color(Tone.ACCENT, "text"))
        inner = fix.adjusted(Space.S, 0, -Space.S, 0)
        shown = metrics.elidedText(label, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, shown)

    def fix_rect(self, option: QStyleOptionViewItem, index: AnyIndex) -> QRect:
        """Where the button of a row's problem is: at the right end of its cell, giving way to what is wrong."""
        metrics = QFontMetrics(option.font)
        cell = option.rect
        wanted = metrics.horizontalAdvance(index.data(FIX_ROLE) or "") + 2 * Space.S + 2
        said = metrics.horizontalAdvance(index.data(PROBLEM_ROLE) or "")
        width = min(wanted, max(SHORTEST_FIX, cell.width() - said - 2 * CELL_MARGIN - Space.S))
        top = cell.top() + (cell.height() - FIX_HEIGHT) // 2
        return QRect(cell.right() - Space.S - width, top, width, FIX_HEIGHT)

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        if (
            event.type() == QEvent.Type.MouseButtonRelease
            and isinstance(event, QMouseEvent)
            and event.button() == Qt.MouseButton.LeftButton
            and index.data(FIX_ROLE)
            and self.fix_rect(option, index).contains(event.position().toPoint())
        ):
            self.fix_clicked.emit(index.row())
            return True
        return super().editorEvent(event, model, option, index)

    # -- editing -------------------------------------------------------------------------------------------------

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: AnyIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setMaxLength(NAME_LENGTH)
        row = index.row()
        if index.column() != Column.NAME:
            editor.setAccessibleName("Architecture" if index.column() == Column.ARCHITECTURE else "Version")
            return editor
        editor.setAccessibleName("Name of the model")

        def judge(text: str) -> None:
            bad = not text or self._is_taken(row, text)
            set_property(editor, tone="danger" if bad else "")
            editor.setToolTip("<qt>Another model has this name</qt>" if bad and text else "")

        editor.textEdited.connect(judge)
        return editor

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:
        assert isinstance(editor, QLineEdit)
        if not editor.isModified():
            editor.setText(index.data(Qt.ItemDataRole.EditRole))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: AnyIndex) -> None:
        assert isinstance(editor, QLineEdit)
        if editor.isModified():  # a line edit shows line breaks otherwise: what was not touched stays as it is
            model.setData(index, editor.text())
