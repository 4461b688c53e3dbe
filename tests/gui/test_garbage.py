"""What is kept by the hundred thousand is let go without stopping anything."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from pytestqt.qtbot import QtBot

from apbundle_gui.services.garbage import MANY, Kept


class Thing:
    """Something one can refer to weakly."""


def test_what_is_kept_is_set_aside_when_it_is_much() -> None:
    kept, before = Kept(), gc.get_freeze_count()
    kept.let_go(weakref.ref(kept), [])
    kept.add(MANY - 1)
    assert gc.get_freeze_count() == before
    kept.add(1)
    assert gc.get_freeze_count() > before
    gc.unfreeze()


def test_what_was_kept_is_freed_by_a_thread(qtbot: QtBot) -> None:
    freed: list[str] = []
    things: list[object] = [Thing() for _ in range(3)]
    for thing in things:
        weakref.finalize(thing, lambda: freed.append(threading.current_thread().name))
    del thing
    owner = Thing()
    gone = weakref.ref(owner)
    del owner
    Kept().let_go(gone, things)
    qtbot.waitUntil(lambda: len(freed) == 3)
    assert freed == ["freeing"] * 3


@pytest.mark.parametrize("alive", [True, False])
def test_only_an_owner_that_is_still_there_is_looked_for(alive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[str] = []
    for name in ("freeze", "unfreeze", "collect"):
        monkeypatch.setattr(gc, name, lambda name=name: rounds.append(name))
    kept = Kept()
    kept.add(MANY)
    owner = Thing()
    reference = weakref.ref(owner)
    if not alive:
        del owner
    kept.let_go(reference, [])
    assert rounds == (["freeze", "unfreeze", "collect", "freeze"] if alive else ["freeze"])
