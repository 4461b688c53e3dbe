"""What the sources of a draft are: looked at by jobs, and looked at again to notice when they change."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType

from PySide6.QtCore import QObject, Signal

from apbundle.progress import Cancel, Progress
from apbundle.recipe.model import BundledModel
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.looking import NO_FACTS, Looker, Source, SourceFacts, look
from apbundle_gui.services.pacing import Pace

__all__ = ["BundledModel", "OutputFacts", "Source", "SourceFacts", "Sources", "look", "look_at_output"]


class Sources(QObject):
    """Knows what every source of the draft was when it was last looked at, and whether it changed since it was added.

    Attributes
    ----------
    changed
        Emitted when something else is known of some source.
    """

    changed = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = services.jobs
        self._facts: dict[Source, SourceFacts] = {}
        self._accepted: dict[Source, object] = {}
        self._changed: set[Source] = set()

    @property
    def facts(self) -> Mapping[Source, SourceFacts]:
        """What is known, by source."""
        return MappingProxyType(self._facts)

    def snapshot(self) -> dict[Source, SourceFacts]:
        """The same, as it is now and stays, for a job."""
        return self._facts.copy()

    def learn(self, found: Mapping[Source, SourceFacts] | Mapping[str, SourceFacts]) -> None:
        """Take what was found out about sources that are being added."""
        for source, facts in found.items():
            self._facts[source] = facts
            self._accepted[source] = facts.content
            self._changed.discard(source)
        self.changed.emit()

    @property
    def changed_sources(self) -> Set[Source]:
        """Those that are there, and are not what they were when they were added or accepted."""
        return self._changed

    def accept(self, sources: Iterable[Source]) -> None:
        """Take them as they are now."""
        for source in sources:
            if (facts := self._facts.get(source)) is not None:
                self._accepted[source] = facts.content
                self._changed.discard(source)
        self.changed.emit()

    def expect(self, sources: Iterable[Source]) -> None:
        """They are being changed by the program itself: take them as they are when they are looked at next."""
        for source in sources:
            self._accepted.pop(source, None)
            self._changed.discard(source)

    def refresh(self, sources: Sequence[Source]) -> Job | None:
        """Look at these again, as a job that supersedes the one before."""
        if not sources:
            return None

        def work(progress: Progress, cancel: Cancel) -> dict[Source, SourceFacts]:
            return _look_at_all(sources, self._facts.get, progress, cancel)

        return self._jobs.start(
            "Looking at the files",
            work,
            on_done=self._refreshed,
            key=("build.refresh", id(self)),
            abandonable=True,
        )

    def _refreshed(self, found: dict[Source, SourceFacts]) -> None:
        news = {source: facts for source, facts in found.items() if facts is not self._facts.get(source)}
        for source, facts in news.items():
            self._facts[source] = facts
            if self._accepted.get(source) is None:
                self._accepted[source] = facts.content
            self._note(source)
        if news:
            self.changed.emit()

    def _note(self, source: Source) -> None:
        now, accepted = self._facts[source].content, self._accepted.get(source)
        if now is None or now == accepted:
            self._changed.discard(source)
        else:
            self._changed.add(source)


def _look_at_all(
    sources: Iterable[Source], known: Callable[[Source], SourceFacts | None], progress: Progress, cancel: Cancel
) -> dict[Source, SourceFacts]:
    progress("look", 0, 0)
    pace = Pace(cancel)
    found: dict[Source, SourceFacts] = {}
    with Looker(pace) as looker:
        for source in sources:
            if source not in found:
                found[source] = looker.look(source, known(source))
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
    facts: SourceFacts = NO_FACTS
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
