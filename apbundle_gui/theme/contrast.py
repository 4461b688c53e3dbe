"""Contrast between two colours as the web accessibility guidelines define it, and tints that reach one. No Qt."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from typing import Final

TEXT_RATIO: Final = 4.5
"""Contrast every text reaches against the ground it stands on."""

_STEP = 0.005


def _channels(color: str) -> tuple[float, float, float]:
    return int(color[1:3], 16) / 255, int(color[3:5], 16) / 255, int(color[5:7], 16) / 255


def _hex(red: float, green: float, blue: float) -> str:
    return f"#{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"


def luminance(color: str) -> float:
    """Relative luminance of ``#RRGGBB``, from 0 for black to 1 for white."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two ``#RRGGBB`` colours, from 1 to 21."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def blend(ground: str, color: str, share: float) -> str:
    """``color`` laid over ``ground`` with an opacity of ``share`` (0 to 1)."""
    mixed = (a + (b - a) * share for a, b in zip(_channels(ground), _channels(color), strict=True))
    return _hex(*mixed)


def readable(color: str, grounds: Iterable[str], ratio: float, *, lighter: bool) -> str:
    """The tint of ``color`` nearest to it that reaches ``ratio`` on every ground.

    Hue and saturation stay; only the lightness moves, up when ``lighter`` and down otherwise.
    """
    grounds = tuple(grounds)
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    tint = color
    while 0.0 < lightness < 1.0 and any(contrast(tint, ground) < ratio for ground in grounds):
        lightness = min(1.0, lightness + _STEP) if lighter else max(0.0, lightness - _STEP)
        tint = _hex(*colorsys.hls_to_rgb(hue, lightness, saturation))
    return tint
