"""Which of the dropped files and folders become models: a job that walks, looks, and says why the rest is not taken."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from apbundle.payload.detect import format_title
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.looking import Source, SourceFacts, look
from apbundle_gui.services.natural import natural
from apbundle_gui.services.pacing import Pace

MOST: Final = 100_000
"""How many files one drop takes at most."""
BUNDLE: Final = "apbundle"
NO_MODELS: Final = frozenset({"unknown", "json", "zip", "zstd"})
"""What is not taken out of a folder unasked: it may be anything."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was found and not taken, why, and whether it could be a model all the same."""

    path: str
    reason: str
    usable: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a drop holds.

    Attributes
    ----------
    taken
        The files that become models, in order, with what they are.
    bundles
        Bundles among what was dropped itself: whether they are meant as models is the user's to say.
    left_out
        What a folder held besides.
    folders
        How many folders were among what was dropped.
    """

    taken: dict[Source, SourceFacts]
    bundles: dict[str, SourceFacts]
    left_out: tuple[LeftOut, ...]
    folders: int


def find_models(
    services: Services,
    paths: Sequence[str],
    on_done: Callable[[Found], None],
    *,
    known: Collection[str] = (),
    everything: bool = False,
) -> Job:
    """Look at files and walk folders as a job.

    Parameters
    ----------
    known
        Files the draft has: a folder that is added again adds what is new in it.
    everything
        Take what folders hold whatever it is, and bundles as models.
    """

    def work(progress: Progress, cancel: Cancel) -> Found:
        return _Search(frozenset(known), everything, Pace(cancel)).run(paths, progress)

    return services.jobs.start("Looking at what was added", work, on_done=on_done, abandonable=True)


class _Search:
    def __init__(self, known: frozenset[str], everything: bool, pace: Pace) -> None:
        self._known = known
        self._everything = everything
        self._pace = pace
        self._taken: dict[Source, SourceFacts] = {}
        self._bundles: dict[str, SourceFacts] = {}
        self._left_out: list[LeftOut] = []
        self._folders = 0

    def run(self, paths: Sequence[str], progress: Progress) -> Found:
        """Look at all of them."""
        for path in map(os.path.abspath, paths):
            if os.path.isdir(path):
                self._folders += 1
                for inner in self._walk(path):
                    self._look_inside(inner)
                    progress("look", len(self._taken), 0)
            else:
                self._look(path)
        return Found(self._taken, self._bundles, tuple(self._left_out), self._folders)

    def _look(self, path: str) -> None:
        """A file that was dropped itself is wanted, whatever it is; what is wrong with it is said at its row."""
        facts = look(path)
        if facts.format == BUNDLE and not self._everything:
            self._bundles[path] = facts
        else:
            self._taken[path] = facts
        self._pace.step()

    def _look_inside(self, path: str) -> None:
        facts = look(path)
        if facts.error is not None:
            self._leave(path, (getattr(facts.error, "strerror", None) or str(facts.error)).lower())
        elif not self._everything and facts.format in NO_MODELS | {BUNDLE}:
            kind = format_title(facts.format) if facts.format != "unknown" else "unknown kind"
            self._leave(path, kind if facts.size else "empty", usable=True)
        elif path in self._known:
            self._leave(path, "already in the draft", usable=True)
        else:
            self._taken[path] = facts
        self._pace.step()

    def _leave(self, path: str, reason: str, usable: bool = False) -> None:
        self._left_out.append(LeftOut(path, reason, usable))

    def _walk(self, root: str) -> Iterator[str]:
        """The files below a folder, in natural order; hidden ones and links to folders are left out."""
        waiting = [root]
        seen = 0
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    found = sorted(entries, key=lambda entry: (natural(entry.name), entry.name))
            except OSError as error:
                self._leave(folder, error.strerror or str(error))
                continue
            inner = []
            for entry in found:
                self._pace.step()
                if entry.name.startswith("."):
                    self._leave(entry.path, "hidden")
                elif entry.is_dir(follow_symlinks=False):
                    inner.append(entry.path)
                elif entry.is_dir():
                    self._leave(entry.path, "link to a folder")
                elif seen == MOST:
                    self._leave(entry.path, f"more than {MOST:,} files")
                else:
                    seen += 1
                    yield entry.path
            waiting += reversed(inner)
