"""Recordings worth offering: those in the folder where programs record, and those opened lately."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal

from apbundle.trace.destination import VARIABLE
from apbundle_gui.services.container import Services

EXTENSION: Final = ".aptrace"
OFFERED: Final = 8
"""How many of either kind are offered."""
MOST_LOOKED_AT: Final = 10_000
"""How many entries of the folder are looked at: a folder may hold any number."""
_KEY: Final = "monitor/recordings"


def is_recording(path: str) -> bool:
    """Whether a path is named as recordings are."""
    return path.lower().endswith(EXTENSION)


@dataclass(frozen=True, slots=True)
class Found:
    """A recording in the folder, and when it was last written, in seconds since 1970."""

    path: str
    written: float


class RecentRecordings(QObject):
    """Knows what can be offered.

    Attributes
    ----------
    folder
        Where programs record, as the environment of this one says; empty if it does not.
    found
        The newest recordings there, newest first, as of the last :meth:`refresh`.
    opened
        The paths of those opened lately, newest first.
    changed
        Emitted when either is another.
    """

    changed = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.folder: Final = os.environ.get(VARIABLE, "")
        self.found: tuple[Found, ...] = ()
        self.opened: tuple[str, ...] = tuple(services.settings.texts(_KEY)[:OFFERED])

    @property
    def start_folder(self) -> str:
        """Where to look for another one first."""
        return os.path.dirname(self.opened[0]) if self.opened else self.folder

    def refresh(self) -> None:
        """Look into the folder, as a job."""
        folder = self.folder
        if folder:
            self._services.jobs.start(
                "Looking for recordings",
                lambda progress, cancel: newest(folder),
                on_done=self._take,
                on_failed=lambda error: self._take(()),  # it need not exist yet
                key="monitor.recordings",
                abandonable=True,
            )

    def remember(self, path: str) -> None:
        """This one was opened."""
        others = (other for other in self.opened if other != path)
        self.opened = (path, *others)[:OFFERED]
        self._services.settings.remember(_KEY, list(self.opened))
        self.changed.emit()

    def _take(self, found: tuple[Found, ...]) -> None:
        if found != self.found:
            self.found = found
            self.changed.emit()


def newest(folder: str) -> tuple[Found, ...]:
    """The recordings in a folder that were written last, newest first."""
    found = []
    with os.scandir(folder) as entries:
        for entry, _ in zip(entries, range(MOST_LOOKED_AT), strict=False):
            try:
                if is_recording(entry.name) and entry.is_file():
                    found.append(Found(os.path.abspath(entry.path), entry.stat().st_mtime))
            except OSError:
                continue  # it went away meanwhile
    found.sort(key=lambda one: one.written, reverse=True)
    return tuple(found[:OFFERED])
