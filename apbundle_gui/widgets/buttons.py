"""Buttons. A page has one primary button; the rest are plain or quiet."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.widgets.properties import set_property


def button(
    text: str,
    on_click: Callable[[], object] | None = None,
    *,
    icon: str | None = None,
    kind: str = "plain",
    tip: str = "",
    parent: QWidget | None = None,
) -> QPushButton:
    """A push button.

    Parameters
    ----------
    text
        Trusted text; ``&`` marks the mnemonic.
    on_click
        Called without arguments.
    icon
        A key of :data:`apbundle_gui.theme.icons.GLYPHS`.
    kind
        ``"primary"``, ``"plain"`` (with a hairline) or ``"quiet"`` (without).
    tip
        What it does, in plain text.
    """
    result = QPushButton(text, parent)
    set_property(result, kind=kind)
    if icon is not None:
        result.setIcon(theme.icon(icon, on_primary=kind == "primary"))
        result.setIconSize(QSize(theme.ICON + theme.Space.XS, theme.ICON))  # the width sets icon and text apart
    if tip:
        result.setToolTip(words.tooltip(tip))
    if on_click is not None:
        result.clicked.connect(lambda _checked: on_click())
    return result


def icon_button(
    icon: str, tip: str, on_click: Callable[[], object] | None = None, *, parent: QWidget | None = None
) -> QToolButton:
    """A small button that is only an icon; ``tip`` says what it does, also to screen readers."""
    result = QToolButton(parent)
    result.setIcon(theme.icon(icon))
    result.setIconSize(QSize(theme.ICON, theme.ICON))
    result.setToolTip(words.tooltip(tip))
    result.setAccessibleName(tip)
    if on_click is not None:
        result.clicked.connect(lambda _checked: on_click())
    return result
