"""What the files of a draft are: looked at by jobs, and looked at again to notice when they change."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QObject, Signal

from apbundle.errors import BundleError
from apbundle.fileio import FileIdentity, InputFile
from apbundle.payload.detect import HEAD_SIZE, detect_format
from apbundle.payload.safetensors_header import read_header
from apbundle.payload.tensors import PayloadError
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.pacing import Pace

MAX_HEADER: Final = 4 << 20
"""Longest header that is read only to count tensors, in bytes."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a file was when it was last looked at.

    Attributes
    ----------
    identity
        Which file, of what size and age; ``None`` when it could not be opened.
    format
        As :func:`apbundle.payload.detect.detect_format` names it; empty when it could not be read.
    tensors
        How many tensors its header lists, where that is cheap to know.
    error
        Why it cannot be used, if so.
    """

    identity: FileIdentity | None = None
    format: str = ""
    tensors: int | None = None
    error: BundleError | OSError | None = None

    @property
    def size(self) -> int:
        """Bytes; 0 when unknown."""
        return 0 if self.identity is None else self.identity.size

    @property
    def file(self) -> tuple[int, int] | None:
        """Device and inode: equal for two names of one file."""
        return None if self.identity is None else (self.identity.device, self.identity.inode)


def look(path: str, known: SourceFacts | None = None) -> SourceFacts:
    """Look at a file. What is ``known`` of the same file, unchanged, is not read again."""
    try:
        with InputFile.open(path) as file:
            if known is not None and known.error is None and known.identity == file.identity:
                return known
            head = file.read(0, min(HEAD_SIZE, file.size))
            found = detect_format(head, file.size, file.read)
            return SourceFacts(file.identity, found, _tensors(file) if found == "safetensors" else None)
    except (BundleError, OSError) as error:
        return SourceFacts(error=error)


def _tensors(file: InputFile) -> int | None:
    try:
        return len(read_header(file.read, file.size, max_header=MAX_HEADER).tensors)
    except PayloadError:
        return None


class Sources(QObject):
    """Knows what every file of the draft was when it was last looked at, and whether it changed since it was added.

    Attributes
    ----------
    changed
        Emitted when something else is known of some file.
    """

    changed = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = services.jobs
        self._facts: dict[str, SourceFacts] = {}
        self._accepted: dict[str, FileIdentity | None] = {}
        self._changed: set[str] = set()

    @property
    def facts(self) -> Mapping[str, SourceFacts]:
        """What is known, by path."""
        return MappingProxyType(self._facts)

    def learn(self, found: Mapping[str, SourceFacts]) -> None:
        """Take what was found out about files that are being added."""
        for path, facts in found.items():
            self._facts[path] = facts
            self._accepted[path] = facts.identity
            self._changed.discard(path)
        self.changed.emit()

    @property
    def changed_paths(self) -> Set[str]:
        """The files that are there, and are not what they were when they were added or accepted."""
        return self._changed

    def accept(self, paths: Iterable[str]) -> None:
        """Take the files as they are now."""
        for path in paths:
            if (facts := self._facts.get(path)) is not None:
                self._accepted[path] = facts.identity
                self._changed.discard(path)
        self.changed.emit()

    def refresh(self, paths: Sequence[str]) -> Job | None:
        """Look at these files again, as a job that supersedes the one before."""
        if not paths:
            return None

        def work(progress: Progress, cancel: Cancel) -> dict[str, SourceFacts]:
            return _look_at_all(paths, self._facts.get, progress, cancel)

        return self._jobs.start(
            "Looking at the files",
            work,
            on_done=self._refreshed,
            key=("build.refresh", id(self)),
            abandonable=True,
        )

    def _refreshed(self, found: dict[str, SourceFacts]) -> None:
        news = {path: facts for path, facts in found.items() if facts is not self._facts.get(path)}
        for path, facts in news.items():
            self._facts[path] = facts
            if self._accepted.get(path) is None:
                self._accepted[path] = facts.identity
            self._note(path)
        if news:
            self.changed.emit()

    def _note(self, path: str) -> None:
        now, accepted = self._facts[path].identity, self._accepted[path]
        if now is None or now == accepted:
            self._changed.discard(path)
        else:
            self._changed.add(path)


def _look_at_all(
    paths: Iterable[str], known: Callable[[str], SourceFacts | None], progress: Progress, cancel: Cancel
) -> dict[str, SourceFacts]:
    progress("look", 0, 0)
    pace = Pace(cancel)
    found: dict[str, SourceFacts] = {}
    for path in paths:
        if path not in found:
            found[path] = look(path, known(path))
        pace.step()
    return found


@dataclass(frozen=True, slots=True)
class OutputFacts:
    """What is at the place of the bundle to be.

    Attributes
    ----------
    path
        The path that was looked at.
    exists
        Something is there.
    facts
        What that is.
    folder
        Its folder exists.
    writable
        Files can be made in the folder, as far as permissions say.
    free
        Bytes the file system has left for this user; ``None`` when unknown.
    """

    path: str
    exists: bool = False
    facts: SourceFacts = SourceFacts()
    folder: bool = True
    writable: bool = True
    free: int | None = None


def look_at_output(services: Services, path: str, on_done: Callable[[OutputFacts], None]) -> Job:
    """Look as a job at where a bundle shall be written."""

    def work(progress: Progress, cancel: Cancel) -> OutputFacts:
        folder = os.path.dirname(os.path.realpath(path))
        exists = os.path.lexists(path)
        facts = look(path) if exists else SourceFacts()
        return OutputFacts(path, exists, facts, os.path.isdir(folder), os.access(folder, os.W_OK), _free(folder))

    return services.jobs.start(
        "Looking at the output", work, on_done=on_done, key=("build.output", id(on_done)), abandonable=True
    )


def _free(folder: str) -> int | None:
    try:
        status = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return status.f_bavail * status.f_frsize
