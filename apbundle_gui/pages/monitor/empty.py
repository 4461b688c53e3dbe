"""The page while there is nothing to watch: what it is for, and the ways to begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QMenu, QPushButton

from apbundle_gui.widgets import EmptyState, button

_SENTENCE: Final = "Run a workload on a bundle, or open what a program records: which models stay in memory, and why."
_HINT: Final = "Or drop a bundle or a recording here."


def recordings_button(menu: QMenu) -> QPushButton:
    """The button that offers recordings."""
    made = button("Recordings", icon="recent", tip="Watch what a program records, or has recorded")
    made.setMenu(menu)
    return made


def nothing_open(ask: Callable[[str], object], recordings: QMenu) -> EmptyState:
    """No bundle is open, and no recording; ``ask`` has one of the window's actions done."""
    open_ = button("Open…", lambda: ask("file.open"), icon="open", kind="primary")
    sample = button("Open Sample", lambda: ask("file.sample"), icon="sample")
    return EmptyState("monitor", "Watch models page", _SENTENCE, (open_, sample, recordings_button(recordings)), _HINT)


def nothing_to_page() -> EmptyState:
    """The bundle is empty."""
    return EmptyState("monitor", "Nothing to page", "This bundle holds no models.", (), _HINT)
