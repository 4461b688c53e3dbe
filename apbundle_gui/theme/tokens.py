"""Every colour and every size of the window, as plain data: no Qt here.

The two tables of base colours are the only place where a colour is written down. Everything else (hover, button fills,
the tints used for text and for badges) is worked out from them by :mod:`apbundle_gui.theme.contrast`, so that a base
colour can change without anything becoming unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from apbundle_gui.theme.contrast import TEXT_RATIO, blend, readable

GRAPHIC_RATIO: Final = 3.0
"""Contrast that lines, marks and fills with a meaning reach against the surface behind them."""


class Space(IntEnum):
    """Distances in pixels; layouts use no others."""

    XS = 4
    S = 8
    M = 12
    L = 16
    XL = 24


PAGE_MARGINS: Final = (Space.XL, Space.L, Space.XL, Space.L)
"""The room around every page: left, top, right, bottom."""
RADIUS: Final = 6
"""Corner radius in pixels."""
ROW_HEIGHT: Final = 26
"""Height of a table row in pixels."""
CONTROL_HEIGHT: Final = 30
"""Height of a button, a field or a drop-down in pixels."""
ICON: Final = 16
"""Side of an icon beside text, in pixels."""
ICON_LARGE: Final = 20
"""Side of an icon on the rail, in pixels."""
ICON_HERO: Final = 48
"""Side of the icon of an empty page, in pixels."""
TITLE_POINTS: Final = 13
"""Size of a page title in points."""
VALUE_POINTS: Final = 20
"""Size of a tile's value in points."""
MOTION_MS: Final = 150
"""How long a movement that explains something takes, in milliseconds."""


class Tone(StrEnum):
    """What a colour means. The same thing has the same tone on every page."""

    NEUTRAL = "neutral"
    ACCENT = "accent"
    OK = "ok"
    WARNING = "warning"
    DANGER = "danger"
    HIT = "hit"
    MISS = "miss"
    EVICTION = "eviction"
    PREFETCH = "prefetch"
    LIMIT = "limit"
    HEADER = "header"


EVENT_COLORS: Final[Mapping[Tone, str]] = MappingProxyType(
    {
        Tone.HIT: "#009E73",
        Tone.MISS: "#D55E00",
        Tone.EVICTION: "#CC79A7",
        Tone.PREFETCH: "#0072B2",
        Tone.LIMIT: "#E69F00",
        Tone.HEADER: "#56B4E9",
    }
)
"""Base colours with a meaning, told apart by colour-blind eyes too; both themes derive tints from them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How an event kind looks besides its colour: a pyqtgraph symbol and a dash pattern in pen widths."""

    symbol: str
    dash: tuple[int, ...]


MARKS: Final[Mapping[Tone, Mark]] = MappingProxyType(
    {
        Tone.HIT: Mark("o", ()),
        Tone.MISS: Mark("x", (6, 3)),
        Tone.EVICTION: Mark("t", (2, 2)),
        Tone.PREFETCH: Mark("d", (8, 3, 2, 3)),
        Tone.LIMIT: Mark("s", (10, 4)),
        Tone.HEADER: Mark("s", ()),
    }
)


@dataclass(frozen=True, slots=True)
class ToneColors:
    """One meaning in one theme.

    ``line`` is for lines, marks and solid fills (3:1 on the surface), ``text`` for words (4.5:1 on every background,
    ``fill`` included), ``fill`` for the ground of a badge or banner and ``border`` for the hairline around it.
    """

    line: str
    text: str
    fill: str
    border: str


@dataclass(frozen=True, slots=True)
class Colors:
    """One theme. All values are ``#RRGGBB``."""

    dark: bool
    window: str
    surface: str
    raised: str
    border: str
    text: str
    secondary: str
    disabled: str
    accent: str
    selection: str
    grid: str
    hover: str
    pressed: str
    primary: str
    primary_hover: str
    primary_pressed: str
    on_primary: str
    tones: Mapping[Tone, ToneColors]


def _tone(base: str, window: str, surface: str, raised: str, selection: str, *, dark: bool) -> ToneColors:
    fill = blend(surface, base, 0.16 if dark else 0.10)
    grounds = (window, surface, raised, selection, fill)
    return ToneColors(
        line=readable(base, (surface,), GRAPHIC_RATIO, lighter=dark),
        text=readable(base, grounds, TEXT_RATIO, lighter=dark),
        fill=fill,
        border=blend(surface, base, 0.36 if dark else 0.30),
    )


def _theme(
    *,
    dark: bool,
    window: str,
    surface: str,
    raised: str,
    border: str,
    text: str,
    secondary: str,
    disabled: str,
    accent: str,
    selection: str,
    ok: str,
    warning: str,
    danger: str,
    grid: str,
) -> Colors:
    meanings = {Tone.NEUTRAL: secondary, Tone.ACCENT: accent, Tone.OK: ok, Tone.WARNING: warning, Tone.DANGER: danger}
    meanings |= EVENT_COLORS
    on_primary = "#FFFFFF"
    primary = readable(accent, (on_primary,), TEXT_RATIO, lighter=False)
    return Colors(
        dark=dark,
        window=window,
        surface=surface,
        raised=raised,
        border=border,
        text=text,
        secondary=secondary,
        disabled=disabled,
        accent=accent,
        selection=selection,
        grid=grid,
        hover=blend(surface, text, 0.06 if dark else 0.045),
        pressed=blend(surface, text, 0.11 if dark else 0.09),
        primary=primary,
        primary_hover=blend(primary, "#000000", 0.10),
        primary_pressed=blend(primary, "#000000", 0.20),
        on_primary=on_primary,
        tones=MappingProxyType(
            {tone: _tone(base, window, surface, raised, selection, dark=dark) for tone, base in meanings.items()}
        ),
    )


LIGHT: Final = _theme(
    dark=False,
    window="#F6F7F9",
    surface="#FFFFFF",
    raised="#FFFFFF",
    border="#E2E6EC",
    text="#1C2430",
    secondary="#5B6676",
    disabled="#9AA3B0",
    accent="#2F6FED",
    selection="#DCE8FF",
    ok="#2E8B57",
    warning="#B7791F",
    danger="#C8402F",
    grid="#E9ECF1",
)

DARK: Final = _theme(
    dark=True,
    window="#14171C",
    surface="#1B1F26",
    raised="#222731",
    border="#2E3440",
    text="#E6EAF0",
    secondary="#9AA5B4",
    disabled="#5E6876",
    accent="#5B93FF",
    selection="#24365C",
    ok="#5CC98B",
    warning="#E5B454",
    danger="#FF7A66",
    grid="#2A303A",
)
