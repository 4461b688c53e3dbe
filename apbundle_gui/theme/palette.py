"""The palettes: what Fusion itself paints with."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

from apbundle_gui.theme.tokens import Colors, Tone


def palette(colors: Colors) -> QPalette:
    """The palette of one theme, for the active, inactive and disabled groups."""
    role = QPalette.ColorRole
    result = QPalette()
    for target, value in {
        role.Window: colors.window,
        role.WindowText: colors.text,
        role.Base: colors.surface,
        role.AlternateBase: colors.window,
        role.Text: colors.text,
        role.PlaceholderText: colors.disabled,
        role.Button: colors.surface,
        role.ButtonText: colors.text,
        role.BrightText: colors.on_primary,
        role.Highlight: colors.selection,
        role.HighlightedText: colors.text,
        role.Accent: colors.accent,
        role.Link: colors.tones[Tone.ACCENT].text,
        role.LinkVisited: colors.tones[Tone.ACCENT].text,
        role.ToolTipBase: colors.raised,
        role.ToolTipText: colors.text,
        role.Light: colors.surface,
        role.Midlight: colors.border,
        role.Mid: colors.border,
        role.Dark: colors.border,
        role.Shadow: colors.border,
    }.items():
        result.setColor(target, QColor(value))
    for target in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, target, QColor(colors.disabled))
    result.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(colors.hover))
    return result
