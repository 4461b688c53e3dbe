"""The theme in force: follows the system's choice unless the user made one, and restyles everything at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from PySide6.QtCore import QDir, QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QApplication

from apbundle_gui import resources
from apbundle_gui.theme.palette import palette
from apbundle_gui.theme.stylesheet import stylesheet
from apbundle_gui.theme.tokens import DARK, LIGHT, Colors, Tone


class Choice(StrEnum):
    """What the user wants the theme to be."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class ThemeManager(QObject):
    """Puts one of the two themes in force.

    Attributes
    ----------
    changed
        Emitted after another theme came into force: whoever paints colours by hand, charts above all, restyles now.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice = Choice.SYSTEM
        self._colors = LIGHT
        self._system = QGuiApplication.styleHints().colorScheme()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

    @property
    def choice(self) -> Choice:
        """What was asked for, which may be to follow the system."""
        return self._choice

    @property
    def colors(self) -> Colors:
        """The colours in force."""
        return self._colors

    def install(self, choice: Choice) -> None:
        """Give the application our style in the theme chosen. Called once, before the first window."""
        QDir.setSearchPaths("ui", [str(resources.path("icons"))])
        QApplication.setStyle("Fusion")
        self._choice = choice
        self._put_in_force(self._wanted())

    def choose(self, choice: Choice) -> None:
        """Follow the user's choice from now on."""
        if choice is not self._choice:
            self._choice = choice
            self._follow()

    def _system_changed(self, scheme: Qt.ColorScheme) -> None:
        self._system = scheme
        if self._choice is Choice.SYSTEM:
            self._follow()

    def _follow(self) -> None:
        wanted = self._wanted()
        if wanted is not self._colors:
            self._put_in_force(wanted)
            self.changed.emit()

    def _wanted(self) -> Colors:
        if self._choice is Choice.SYSTEM:
            return DARK if self._system == Qt.ColorScheme.Dark else LIGHT
        return DARK if self._choice is Choice.DARK else LIGHT

    def _put_in_force(self, wanted: Colors) -> None:
        self._colors = wanted
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.setStyleSheet("")  # replacing a sheet at once takes Qt six times as long as a clean start
        application.setPalette(palette(wanted))
        application.setStyleSheet(stylesheet(wanted))


_managers: list[ThemeManager] = []


def manager() -> ThemeManager:
    """The one theme manager of the application."""
    if not _managers:
        _managers.append(ThemeManager())
    return _managers[0]


def colors() -> Colors:
    """The colours in force, for painting."""
    return manager().colors


def color(name: str) -> QColor:
    """The colour in force called ``name``, an attribute of :class:`~apbundle_gui.theme.tokens.Colors`."""
    return QColor(getattr(colors(), name))


def tone_color(tone: Tone, part: str = "line") -> QColor:
    """One of the colours of a meaning: ``part`` is ``line``, ``text``, ``fill`` or ``border``."""
    return QColor(getattr(colors().tones[tone], part))


@dataclass(frozen=True, slots=True)
class ChartColors:
    """What a chart needs to restyle itself: read again whenever the theme changes."""

    background: QColor
    grid: QColor
    axis: QColor
    text: QColor
    cursor: QColor
    accent: QColor
    hit: QColor
    miss: QColor
    eviction: QColor
    prefetch: QColor
    limit: QColor
    header: QColor


def chart_colors() -> ChartColors:
    """The colours of charts in the theme in force."""
    current = colors()
    plain = {
        "background": current.surface,
        "grid": current.grid,
        "axis": current.border,
        "text": current.secondary,
        "cursor": current.secondary,
    }
    return ChartColors(
        **{
            field.name: QColor(plain[field.name]) if field.name in plain else tone_color(Tone(field.name))
            for field in fields(ChartColors)
        }
    )
