"""Everything a hand can press has a name to be spoken, and the keyboard comes everywhere and out again."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from apbundle_gui import resources
from apbundle_gui.main_window import MainWindow, standard_pages
from apbundle_gui.models.build_draft import Draft
from apbundle_gui.pages.build.page import BuildPage
from apbundle_gui.services import Services
from support.controls import controls, name_of, path_of

PAGES = [spec.name for spec in standard_pages()]


@pytest.fixture
def window(qtbot: QtBot, services: Services) -> MainWindow:
    """All pages with content."""
    window = MainWindow(services)
    build = window.page("build")
    assert isinstance(build, BuildPage)
    qtbot.addWidget(window, before_close_func=lambda _: build.store.show(Draft()))  # nothing is lost then
    window.resize(1280, 800)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    sample = str(resources.sample_path())
    window.open_bundles([sample])
    qtbot.waitUntil(lambda: services.session.current is not None)
    for name in PAGES:
        window.show_page(name)
    build.show_example(sample)
    qtbot.waitUntil(lambda: build.example_ready() and not services.jobs.jobs)
    return window


def test_every_control_has_a_name(window: MainWindow) -> None:
    found = list(controls(window))
    assert len(found) > 60
    assert not [path_of(widget) for widget in found if not name_of(widget) and not widget.isHidden()]


def test_a_button_without_text_says_in_a_tooltip_what_it_does(window: MainWindow) -> None:
    bare = [widget for widget in controls(window) if isinstance(widget, QAbstractButton) and not widget.text()]
    assert not [path_of(widget) for widget in bare if not widget.toolTip() and not widget.isHidden()]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_Backtab])
def test_tab_goes_round_the_whole_page(qtbot: QtBot, window: MainWindow, name: str, key: Qt.Key) -> None:
    window.show_page(PAGES[0] if name != PAGES[0] else PAGES[1])
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None)
    window.show_page(name)
    first = QApplication.focusWidget()
    assert first is not None
    assert window.page(name).isAncestorOf(first), "a page takes the focus when it is shown"
    visited = []
    while (at := QApplication.focusWidget()) not in visited:
        assert at is not None
        assert at.isVisible()
        assert name_of(at), path_of(at)
        visited.append(at)
        QTest.keyClick(at, key)
    assert at is first, f"the keyboard is trapped at {path_of(at)}"
    reachable = {
        widget
        for widget in controls(window)
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    assert not [path_of(widget) for widget in reachable - set(visited) if widget.focusProxy() is None]
