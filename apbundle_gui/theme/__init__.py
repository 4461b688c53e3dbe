"""How the window looks: tokens, palettes, one style sheet, fonts and icons, in a light and a dark theme.

Pages take every colour, distance and font from here. Colours are asked for when painting, never kept: ``colors()`` is
that of the theme in force, and ``manager().changed`` says when to paint again.
"""

from apbundle_gui.theme.current import (
    ChartColors,
    Choice,
    ThemeManager,
    chart_colors,
    color,
    colors,
    manager,
    tone_color,
)
from apbundle_gui.theme.fonts import mono_font, section_font, tabular, title_font, value_font
from apbundle_gui.theme.icons import icon, icon_picture
from apbundle_gui.theme.tokens import (
    CONTROL_HEIGHT,
    ICON,
    ICON_HERO,
    ICON_LARGE,
    MARKS,
    MOTION_MS,
    PAGE_MARGINS,
    RADIUS,
    ROW_HEIGHT,
    Colors,
    Mark,
    Space,
    Tone,
    ToneColors,
)

__all__ = [
    "CONTROL_HEIGHT",
    "ICON",
    "ICON_HERO",
    "ICON_LARGE",
    "MARKS",
    "MOTION_MS",
    "PAGE_MARGINS",
    "RADIUS",
    "ROW_HEIGHT",
    "ChartColors",
    "Choice",
    "Colors",
    "Mark",
    "Space",
    "ThemeManager",
    "Tone",
    "ToneColors",
    "chart_colors",
    "color",
    "colors",
    "icon",
    "icon_picture",
    "manager",
    "mono_font",
    "section_font",
    "tabular",
    "title_font",
    "tone_color",
    "value_font",
]
