"""The look: contrasts, tints, both themes, and no colour outside the tokens."""

from __future__ import annotations

import colorsys
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from apbundle_gui import theme
from apbundle_gui.theme.contrast import contrast
from apbundle_gui.theme.icons import GLYPHS
from apbundle_gui.theme.stylesheet import stylesheet
from apbundle_gui.theme.tokens import DARK, EVENT_COLORS, LIGHT, Colors, Tone

THEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]


@pytest.mark.parametrize(("first", "second", "ratio"), [("#000000", "#FFFFFF", 21.0), ("#777777", "#FFFFFF", 4.48)])
def test_contrast_is_that_of_the_guidelines(first: str, second: str, ratio: float) -> None:
    assert contrast(first, second) == pytest.approx(ratio, abs=0.01)
    assert contrast(second, first) == contrast(first, second)


@pytest.mark.parametrize("colors", THEMES)
def test_text_is_readable_on_every_ground(colors: Colors) -> None:
    for ground in (colors.window, colors.surface, colors.raised, colors.selection, colors.hover):
        assert contrast(colors.text, ground) >= 4.5
    for ground in (colors.window, colors.surface, colors.raised):
        assert contrast(colors.secondary, ground) >= 4.5
    for ground in (colors.primary, colors.primary_hover, colors.primary_pressed):
        assert contrast(colors.on_primary, ground) >= 4.5


@pytest.mark.parametrize("colors", THEMES)
@pytest.mark.parametrize("tone", list(Tone))
def test_meanings_are_readable_as_words_and_visible_as_lines(colors: Colors, tone: Tone) -> None:
    meaning = colors.tones[tone]
    for ground in (colors.window, colors.surface, colors.raised, colors.selection, meaning.fill):
        assert contrast(meaning.text, ground) >= 4.5
    assert contrast(meaning.line, colors.surface) >= 3.0


@pytest.mark.parametrize("colors", THEMES)
@pytest.mark.parametrize("tone", list(EVENT_COLORS))
def test_tints_keep_the_hue(colors: Colors, tone: Tone) -> None:
    def hue(color: str) -> float:
        return colorsys.rgb_to_hls(*QColor(color).getRgbF()[:3])[0]

    for tint in (colors.tones[tone].line, colors.tones[tone].text):
        assert hue(tint) == pytest.approx(hue(EVENT_COLORS[tone]), abs=0.02)


@pytest.mark.parametrize("colors", THEMES)
def test_style_sheet_is_filled_in(colors: Colors) -> None:
    sheet = stylesheet(colors)
    assert "$" not in sheet
    assert sheet.count("{") == sheet.count("}")
    assert all(f'[tone="{tone}"]' in sheet for tone in Tone)


def test_no_colour_is_written_down_outside_the_tokens(root: Path) -> None:
    found = {
        str(path.relative_to(root))
        for path in (root / "apbundle_gui").rglob("*.py")
        if re.search(r"#[0-9A-Fa-f]{6}\b", path.read_text(encoding="utf-8"))
    }
    assert found == {"apbundle_gui/theme/tokens.py"}


def test_theme_change_reaches_palette_style_sheet_and_listeners(qapp: QApplication, qtbot: QtBot) -> None:
    with qtbot.waitSignal(theme.manager().changed):
        theme.manager().choose(theme.Choice.DARK)
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
    assert qapp.styleSheet() == stylesheet(DARK)
    assert theme.colors() is DARK
    assert theme.chart_colors().background == QColor(DARK.surface)
    with qtbot.assertNotEmitted(theme.manager().changed):
        theme.manager().choose(theme.Choice.DARK)


def test_the_systems_choice_is_followed_unless_the_user_made_one(qapp: QApplication) -> None:
    system_changed = QGuiApplication.styleHints().colorSchemeChanged
    try:
        system_changed.emit(Qt.ColorScheme.Dark)
        assert theme.colors() is LIGHT
        theme.manager().choose(theme.Choice.SYSTEM)
        assert theme.colors() is DARK
        system_changed.emit(Qt.ColorScheme.Light)
        assert theme.colors() is LIGHT
        theme.manager().choose(theme.Choice.DARK)
        assert theme.colors() is DARK
    finally:
        system_changed.emit(Qt.ColorScheme.Unknown)


def test_chart_colours_are_those_of_the_meanings(qapp: QApplication) -> None:
    chart = theme.chart_colors()
    for tone in EVENT_COLORS:
        assert getattr(chart, tone.value) == QColor(LIGHT.tones[tone].line)
    assert len({theme.MARKS[tone].dash for tone in (Tone.HIT, Tone.MISS, Tone.EVICTION, Tone.PREFETCH)}) == 4
    assert len({theme.MARKS[tone].symbol for tone in (Tone.HIT, Tone.MISS, Tone.EVICTION, Tone.PREFETCH)}) == 4


@pytest.mark.parametrize("name", sorted(GLYPHS))
def test_every_icon_draws_something(qapp: QApplication, name: str) -> None:
    image = theme.icon(name).pixmap(QSize(32, 32), 1.0).toImage()
    assert any(image.pixelColor(x, y).alpha() for x in range(32) for y in range(32))


def test_an_icon_without_room_is_no_picture(qapp: QApplication) -> None:
    assert theme.icon("stop").pixmap(QSize(16, -5), 1.0).isNull()


def test_an_icon_follows_the_theme_without_being_made_anew(qapp: QApplication) -> None:
    icon = theme.icon("stop", Tone.DANGER)  # a filled square: its middle has the full colour

    def middle() -> str:
        return icon.pixmap(QSize(32, 32), 1.0).toImage().pixelColor(16, 16).name().upper()

    assert middle() == LIGHT.tones[Tone.DANGER].text
    theme.manager().choose(theme.Choice.DARK)
    assert middle() == DARK.tones[Tone.DANGER].text
