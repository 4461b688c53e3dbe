"""Icons by what they stand for, drawn in the colours of the theme in force.

An icon asks for its colour each time it is painted, so a change of theme needs nothing but a repaint.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import qtawesome
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QIconEngine, QPainter, QPixmap

from apbundle_gui.theme.current import colors
from apbundle_gui.theme.tokens import ICON, Tone

GLYPHS: Final[dict[str, str]] = {
    "about": "information-outline",
    "add": "plus",
    "add-file": "file-plus-outline",
    "add-folder": "folder-plus-outline",
    "back": "arrow-left",
    "build": "package-variant-closed",
    "bundle": "package-variant-closed",
    "cancel": "close-circle-outline",
    "changed": "not-equal-variant",
    "check": "check",
    "clear": "delete-sweep-outline",
    "close": "close",
    "command": "magnify",
    "compare": "compare-horizontal",
    "copy": "content-copy",
    "danger": "alert-circle-outline",
    "down": "arrow-down",
    "drop": "tray-arrow-down",
    "edit": "pencil-outline",
    "extract": "tray-arrow-up",
    "eviction": "arrow-collapse-up",
    "file": "file-outline",
    "folded": "chevron-right",
    "folder": "folder-outline",
    "forward": "arrow-right",
    "freeze": "snowflake",
    "full-screen": "fullscreen",
    "header": "file-document-outline",
    "hit": "check-circle-outline",
    "info": "information-outline",
    "inspect": "magnify",
    "keyboard": "keyboard-outline",
    "limit": "gauge",
    "memory": "memory",
    "metadata": "tag-outline",
    "minus": "minus",
    "miss": "close-circle-outline",
    "model": "cube-outline",
    "monitor": "chart-timeline-variant",
    "new": "file-outline",
    "ok": "check-circle-outline",
    "open": "folder-open-outline",
    "pause": "pause",
    "prefetch": "fast-forward-outline",
    "quit": "power",
    "recent": "history",
    "redo": "redo",
    "reload": "refresh",
    "remove": "delete-outline",
    "reset": "restart",
    "run": "play",
    "sample": "creation-outline",
    "save": "content-save-outline",
    "shield": "shield-outline",
    "shield-bad": "shield-alert-outline",
    "shield-ok": "shield-check-outline",
    "step": "skip-next-outline",
    "stop": "stop",
    "swap": "swap-vertical",
    "tensor": "grid",
    "theme": "theme-light-dark",
    "undo": "undo",
    "unfolded": "chevron-down",
    "up": "arrow-up",
    "verify": "shield-check-outline",
    "warning": "alert-outline",
    "zoom-all": "fit-to-screen-outline",
    "zoom-in": "magnify-plus-outline",
    "zoom-out": "magnify-minus-outline",
}
"""What an icon stands for, and its glyph in Material Design Icons."""


class _ThemedGlyph(QIconEngine):
    """One glyph of the icon font in the colour its tone has now."""

    def __init__(self, glyph: str, tone: Tone | None, on_primary: bool) -> None:
        super().__init__()
        self._glyph = glyph
        self._tone = tone
        self._on_primary = on_primary

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        painter.save()
        painter.setPen(QColor(self._color(mode, state)))
        painter.setFont(_font(rect.height()))
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._glyph)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        if pixmap.isNull():  # a cell may have no room at all
            return pixmap
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _ThemedGlyph(self._glyph, self._tone, self._on_primary)

    def _color(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        current = colors()
        if mode == QIcon.Mode.Disabled:
            return current.disabled
        if self._on_primary:
            return current.on_primary
        if self._tone is not None:
            return current.tones[self._tone].text
        return current.tones[Tone.ACCENT].text if state == QIcon.State.On else current.secondary


@cache
def _font(height: int) -> QFont:
    return QFont(qtawesome.font("mdi6", height))


@cache
def _character(name: str) -> str:
    return str(qtawesome.charmap(f"mdi6.{GLYPHS[name]}"))


def icon(name: str, tone: Tone | None = None, *, on_primary: bool = False) -> QIcon:
    """The icon that stands for ``name``.

    Parameters
    ----------
    name
        A key of :data:`GLYPHS`.
    tone
        What its colour means; without one it is grey, and in the accent colour while checked.
    on_primary
        It stands on a primary button.
    """
    return QIcon(_ThemedGlyph(_character(name), tone, on_primary))


def icon_picture(name: str, tone: Tone | None, ratio: float) -> QPixmap:
    """An icon as a picture for painting many: a letter of a font takes longer than the text beside it.

    Parameters
    ----------
    name, tone
        As for :func:`icon`.
    ratio
        Pixels of the device for one of ours.
    """
    return _picture(name, tone, colors().dark, ratio)


@cache
def _picture(name: str, tone: Tone | None, dark: bool, ratio: float) -> QPixmap:
    return icon(name, tone).pixmap(QSize(ICON, ICON), ratio)
