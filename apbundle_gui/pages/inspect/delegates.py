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

_ICONS = {"neutral": "info"}


@cache
def _icon(name: str, tone: Tone | None) -> QIcon:
    return theme.icon(_ICONS.get(name, name), tone)


class CellDelegate(QStyledItemDelegate):
    """Paints one table's cells.

    Parameters
    ----------
    mono
        The columns of offsets, digests and bytes.
    toned
        The columns whose cells have a colour with a meaning or an icon; the others are never asked.
    """

    def __init__(self, mono: Collection[int] = (), toned: Collection[int] = (), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mono = frozenset(mono)
        self._toned = frozenset(toned)
        self._font = theme.mono_font()
        self._metrics = QFontMetrics(self._font)

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        column = index.column()
        if column in self._mono:
            option.font = self._font
            option.fontMetrics = self._metrics
        if column in self._toned:
            value = index.data(TONE_ROLE)
            tone = Tone(value) if value else None
            if tone is not None:
                option.palette.setColor(QPalette.ColorRole.Text, theme.tone_color(tone, "text"))
            if name := index.data(ICON_ROLE):
                option.icon = _icon(name, tone)
                option.decorationSize = QSize(theme.ICON, theme.ICON)
                option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
