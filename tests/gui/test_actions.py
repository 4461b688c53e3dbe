"""The table of actions: complete, without clashes, and one function that says what can be done."""

from __future__ import annotations

import html
from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from apbundle_gui.actions import ACTIONS, Action, ActionSet, Menu, Situation, When, find, is_enabled
from apbundle_gui.theme.icons import GLYPHS

ids = {"ids": lambda action: action.name}


def test_names_and_shortcuts_are_unique() -> None:
    assert max(Counter(action.name for action in ACTIONS).values()) == 1
    assert max(Counter(action.shortcut for action in ACTIONS if action.shortcut).values()) == 1
    assert max(Counter(action.title for action in ACTIONS).values()) == 1


@pytest.mark.parametrize("action", ACTIONS, **ids)
def test_every_action_is_complete(action: Action) -> None:
    assert action.menu in Menu
    assert action.tip
    assert not action.tip.endswith(".")
    assert not action.icon or action.icon in GLYPHS
    assert not action.shortcut or not QKeySequence(action.shortcut).isEmpty()
    assert action.text.count("&") == 1
    assert find(action.name) is action


@pytest.mark.parametrize("menu", list(Menu))
def test_mnemonics_of_a_menu_do_not_clash(menu: Menu) -> None:
    letters = Counter(a.text[a.text.index("&") + 1].lower() for a in ACTIONS if a.menu is menu)
    assert max(letters.values()) == 1, letters
    assert [a.group for a in ACTIONS if a.menu is menu] == sorted(a.group for a in ACTIONS if a.menu is menu)


def test_an_unknown_action_is_an_error() -> None:
    with pytest.raises(KeyError):
        find("file.format_disk")


@pytest.mark.parametrize("action", ACTIONS, **ids)
def test_what_can_be_done(action: Action) -> None:
    nothing = Situation()
    everything = Situation(bundle_open=True, job_running=True, page_can=frozenset({action.name}))
    assert is_enabled(action, nothing) is (action.when is When.ALWAYS)
    assert is_enabled(action, everything)
    assert is_enabled(action, Situation(bundle_open=True)) is (action.when in (When.ALWAYS, When.BUNDLE))
    assert is_enabled(action, Situation(job_running=True)) is (action.when in (When.ALWAYS, When.JOB))


def test_qt_gets_the_table_as_it_is(qtbot: QtBot, qapp: QApplication) -> None:
    made = ActionSet()
    for action in ACTIONS:
        qaction = made[action.name]
        assert qaction.text() == action.text
        assert qaction.shortcut().toString() == QKeySequence(action.shortcut).toString()
        assert html.unescape(qaction.toolTip()).startswith(f"<qt>{action.tip}")
        assert qaction.isCheckable() is action.checkable
        with qtbot.waitSignal(made.triggered) as triggered:
            qaction.trigger()
        assert triggered.args == [action.name]
    made.recompute(Situation(bundle_open=True))
    assert {action.name for action in made.enabled()} == {
        action.name for action in ACTIONS if action.when in (When.ALWAYS, When.BUNDLE)
    }
