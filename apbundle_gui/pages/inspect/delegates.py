"""How cells look that are not plain text: monospaced, in the colour of a meaning, with an icon."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QSize
from PySide6.QtGui import QFontMetrics, QIcon, QPalette
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from apbundle_gui import theme
from apbundle_gui.models.arranged import ICON_ROLE, TONE_ROLE
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import TableView

_GLYPHS = {"neutral": "info"}


@cache
def _icon(name: str, tone: Tone | None, dark: bool, scale: float) -> QIcon:
    """The icon as a picture: drawing a letter of a font again in every row would take longer than all the text."""
    picture = theme.icon(_GLYPHS.get(name, name), tone).pixmap(QSize(theme.ICON, theme.ICON), scale)
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)
    return icon


class MonoDelegate(QStyledItemDelegate):
    """Cells of offsets, digests and bytes."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._font = theme.mono_font()
        self._metrics = QFontMetrics(self._font)

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        option.font = self._font
        option.fontMetrics = self._metrics


class ToneDelegate(QStyledItemDelegate):
    """Cells in the colour of what they mean, with its icon."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        value = index.data(TONE_ROLE)
        tone = Tone(value) if value else None
        if tone is not None:
            option.palette.setColor(QPalette.ColorRole.Text, theme.tone_color(tone, "text"))
        if name := index.data(ICON_ROLE):
            option.icon = _icon(name, tone, theme.colors().dark, option.widget.devicePixelRatioF())
            option.decorationSize = QSize(theme.ICON, theme.ICON)
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration


def set_delegates(view: TableView, *, mono: Collection[int] = (), toned: Collection[int] = ()) -> None:
    """Give columns of a table their looks; cells of the others are painted without any Python."""
    for columns, delegate in ((mono, MonoDelegate(view)), (toned, ToneDelegate(view))):
        for column in columns:
            view.setItemDelegateForColumn(column, delegate)
