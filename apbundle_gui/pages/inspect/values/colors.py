"""The colours of values: a scale around zero or along a range, both of the theme, and one for what is not finite."""

from __future__ import annotations

from functools import cache

from PySide6.QtGui import QColor, QImage

from apbundle_gui import theme
from apbundle_gui.services.tensor_values import Picture
from apbundle_gui.services.value_grid import LEVELS
from apbundle_gui.theme import Colors, Tone
from apbundle_gui.theme.contrast import blend, contrast

NEGATIVE, POSITIVE, ODD = Tone.PREFETCH, Tone.MISS, Tone.EVICTION
"""Whose colours they are: hues that colour-blind eyes tell apart."""


def scale_colors(diverging: bool) -> tuple[str, ...]:
    """The colour of each code in the theme in force; the last one is that of values that are not finite."""
    return _scale(theme.colors().dark, diverging)


def text_inks(diverging: bool) -> tuple[int, ...]:
    """The colour, as Qt counts them, in which a number is readable on each of these."""
    return _texts(theme.colors().dark, diverging)


def picture_image(picture: Picture, diverging: bool) -> QImage:
    """A picture of values in the colours of the theme in force, a pixel a cell."""
    height, width = picture.codes.shape
    image = QImage(picture.codes.tobytes(), width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(_table(theme.colors().dark, diverging))
    return image.convertToFormat(QImage.Format.Format_RGB32)


@cache
def _table(dark: bool, diverging: bool) -> list[int]:
    return [QColor(color).rgb() for color in scale_colors(diverging)]


def _end(colors: Colors, tone: Tone) -> str:
    return colors.tones[tone].line


@cache
def _scale(dark: bool, diverging: bool) -> tuple[str, ...]:
    colors = theme.colors()
    ground, most = colors.surface, LEVELS - 1
    if diverging:
        middle = most / 2
        low, high = _end(colors, NEGATIVE), _end(colors, POSITIVE)
        shades = [blend(ground, low if code < middle else high, abs(code - middle) / middle) for code in range(LEVELS)]
    else:
        end = _end(colors, Tone.ACCENT)
        shades = [blend(ground, end, code / most) for code in range(LEVELS)]
    return (*shades, _end(colors, ODD))


@cache
def _texts(dark: bool, diverging: bool) -> tuple[int, ...]:
    colors = theme.colors()
    inks = (colors.text, colors.surface)
    grounds = scale_colors(diverging)
    return tuple(QColor(_readable(ground, inks)).rgb() for ground in grounds)


def _readable(ground: str, inks: tuple[str, str]) -> str:
    return max(inks, key=lambda ink: contrast(ink, ground))
