"""Notices that an open file is no longer the one that was opened: written to, cut short, replaced or gone."""

from __future__ import annotations

import os
from functools import partial

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from apbundle.fileio import FileIdentity
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.jobs import JobRunner

SETTLE_MS = 200
"""How long nothing must happen to a file before it is looked at, in milliseconds: who writes it may not be done."""


def identity_now(path: str) -> FileIdentity | None:
    """The identity of what is at ``path``; ``None`` when there is nothing, or it cannot be asked."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return FileIdentity.of(status)


class FileWatch(QObject):
    """Watches files.

    Attributes
    ----------
    changed
        Emitted with the path of a file that changed, and whether there still is one.
    """

    changed = Signal(object, bool)

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._known: dict[str, FileIdentity | None] = {}
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._stirred)
        self._watcher.directoryChanged.connect(self._stirred)
        self._settle = QTimer(self, interval=SETTLE_MS, singleShot=True)
        self._settle.timeout.connect(self.look)

    def watch(self, path: str, identity: FileIdentity) -> None:
        """Tell when the file at ``path`` is no longer the one of this identity."""
        self._known[path] = identity
        self._watcher.addPaths([path, os.path.dirname(path)])
        self._settle.start()  # it may have changed between being opened and being watched

    def forget(self, path: str) -> None:
        """Watch a file no longer."""
        if self._known.pop(path, None) is not None:
            kept = {place for other in self._known for place in (other, os.path.dirname(other))}
            gone = [place for place in (path, os.path.dirname(path)) if place not in kept]
            watched = {*self._watcher.files(), *self._watcher.directories()}
            if present := [place for place in gone if place in watched]:
                self._watcher.removePaths(present)

    def close(self) -> None:
        """Watch nothing any more."""
        for path in list(self._known):
            self.forget(path)
        self._settle.stop()

    def look(self) -> None:
        """Look at all files now."""
        for path in list(self._known):
            self._jobs.start(
                "Looking for changes",
                partial(_identity, path),
                on_done=partial(self._seen, path),
                key=("watch", path, id(self)),
                abandonable=True,
            )

    def _stirred(self) -> None:
        if self._known:
            self._settle.start()

    def _seen(self, path: str, identity: FileIdentity | None) -> None:
        if path not in self._known or identity == self._known[path]:
            return
        self._known[path] = identity
        if identity is not None and path not in self._watcher.files():
            self._watcher.addPath(path)  # another file under the name
        self.changed.emit(path, identity is not None)


def _identity(path: str, progress: Progress, cancel: Cancel) -> FileIdentity | None:
    return identity_now(path)
