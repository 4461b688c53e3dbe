"""The bundles that are open, the current one among them, and the recent ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal

from apbundle import ModelBundle
from apbundle_gui.services.jobs import Job, JobRunner
from apbundle_gui.services.settings import Settings

RECENT: Final = 12
"""How many recent bundles are remembered."""
_RECENT_KEY: Final = "session/recent"


@dataclass(frozen=True, slots=True)
class OpenBundle:
    """A bundle the window has open. ``path`` is absolute."""

    path: str
    bundle: ModelBundle


@dataclass(frozen=True, slots=True)
class OpenFailure:
    """A file that could not be opened, and why."""

    path: str
    error: BaseException


class Session(QObject):
    """Opens and closes bundles; knows which one the pages are looking at.

    Attributes
    ----------
    opened
        Emitted with an :class:`OpenBundle` that was opened (or opened anew), after it became the current one.
    failed
        Emitted with an :class:`OpenFailure`.
    closed
        Emitted with the path of a bundle that is no longer open.
    current_changed
        Another bundle, or none, is the current one.
    changed
        The list of open bundles, or the recent list, changed.
    """

    opened = Signal(object)
    failed = Signal(object)
    closed = Signal(object)
    current_changed = Signal()
    changed = Signal()

    def __init__(self, jobs: JobRunner, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._settings = settings
        self._bundles: dict[str, OpenBundle] = {}
        self._current: str | None = None
        self._recent = settings.texts(_RECENT_KEY)[:RECENT]

    @property
    def current(self) -> OpenBundle | None:
        """The bundle the pages show."""
        return None if self._current is None else self._bundles[self._current]

    @property
    def bundles(self) -> tuple[OpenBundle, ...]:
        """All open bundles, in the order they were opened."""
        return tuple(self._bundles.values())

    @property
    def recent(self) -> tuple[str, ...]:
        """Paths of the bundles opened lately, newest first."""
        return tuple(self._recent)

    def open(self, path: str) -> Job:
        """Open the file as a job and make it the current bundle. One that is open already is read anew."""
        path = os.path.abspath(path)
        return self._jobs.start(
            "Opening",
            lambda progress, cancel: _load(path),
            on_done=lambda bundle: self._opened(OpenBundle(path, bundle)),
            on_failed=lambda error: self.failed.emit(OpenFailure(path, error)),
            on_dropped=_close,
            key=("session.open", path),
            abandonable=True,
        )

    def select(self, path: str) -> None:
        """Make an open bundle the current one."""
        if path in self._bundles and path != self._current:
            self._current = path
            self.current_changed.emit()

    def close(self, path: str) -> None:
        """Close a bundle; the one opened before it becomes the current one."""
        found = self._bundles.pop(path, None)
        if found is None:
            return
        was_current = path == self._current
        if was_current:
            self._current = next(reversed(self._bundles), None)
        self.changed.emit()
        self.closed.emit(path)
        if was_current:
            self.current_changed.emit()
        found.bundle.close()

    def forget_recent(self) -> None:
        """Empty the recent list."""
        self._remember([])

    def shutdown(self) -> None:
        """Close every bundle."""
        while self._bundles:
            self._bundles.popitem()[1].bundle.close()
        self._current = None

    def _opened(self, opened: OpenBundle) -> None:
        before = self._bundles.get(opened.path)
        self._bundles[opened.path] = opened
        self._current = opened.path
        self._remember([opened.path, *(path for path in self._recent if path != opened.path)][:RECENT])
        self.current_changed.emit()
        self.opened.emit(opened)
        if before is not None:
            before.bundle.close()

    def _remember(self, recent: list[str]) -> None:
        self._recent = recent
        self._settings.remember(_RECENT_KEY, recent)
        self.changed.emit()


def _load(path: str) -> ModelBundle:
    bundle = ModelBundle.load(path, mapped=False)  # a file cut short never ends the window
    _ = bundle.warnings  # they are looked for when first asked for: here, not in the window
    return bundle


def _close(bundle: ModelBundle) -> None:
    bundle.close()
