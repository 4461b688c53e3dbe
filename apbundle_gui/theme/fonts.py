"""The four fonts of the window, all derived from the system's."""

from __future__ import annotations

from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from apbundle_gui.theme.tokens import TITLE_POINTS, VALUE_POINTS


def tabular(font: QFont) -> QFont:
    """``font`` with figures of equal width, so that changing numbers do not tremble."""
    font = QFont(font)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def title_font() -> QFont:
    """The font of page titles."""
    font = QFont(QApplication.font())
    font.setPointSize(TITLE_POINTS)
    font.setWeight(QFont.Weight.DemiBold)
    return font


def section_font() -> QFont:
    """The font of section titles: the UI font, semibold."""
    font = QFont(QApplication.font())
    font.setWeight(QFont.Weight.DemiBold)
    return font


def value_font() -> QFont:
    """The font of a tile's value: large, with tabular figures."""
    font = tabular(QApplication.font())
    font.setPointSize(VALUE_POINTS)
    return font


def mono_font() -> QFont:
    """The font of offsets, hexadecimal bytes and digests."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    size = QApplication.font().pointSizeF()
    if size > 0:
        font.setPointSizeF(size)
    return font
