"""Which of the dropped files and folders become models: a job that walks, looks, and says why the rest is not taken."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from apbundle.errors import BundleError
from apbundle.payload.detect import format_title
from apbundle.progress import Cancel, Progress
from apbundle.recipe.model import BundledModel
from apbundle_gui.services.container import Services
from apbundle_gui.services.details import merged
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.looking import NO_FACTS, Looker, Source, SourceFacts
from apbundle_gui.services.model_folder import CONFIG, ModelFolder, read_folder
from apbundle_gui.services.natural import natural
from apbundle_gui.services.pacing import Pace

MOST: Final = 100_000
"""How many files one drop takes at most."""
BUNDLE: Final = "apbundle"
NO_MODELS: Final = frozenset({"unknown", "json", "zip", "zstd"})
"""What is not taken out of a folder unasked: it may be anything."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was found and not taken, why, whether it could be a model all the same, and what it is."""

    path: str
    reason: str
    usable: bool = False
    facts: SourceFacts = NO_FACTS


@dataclass(frozen=True, slots=True)
class Found:
    """What a drop holds.

    Attributes
    ----------
    taken
        What becomes models, in order, with what is known of it; models of bundles among them.
    bundles
        The bundles that were dropped themselves.
    left_out
        What else was there.
    folders
        The folders that were dropped.
    config
        The configurations of models that were read into the metadata.
    """

    taken: dict[Source, SourceFacts]
    bundles: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    folders: tuple[str, ...] = ()
    config: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to choose: files were dropped, and all become models."""
        return not (self.bundles or self.folders or self.left_out)


def find_models(
    services: Services,
    paths: Sequence[str],
    on_done: Callable[[Found], None],
    *,
    known: Collection[Source] = (),
) -> Job:
    """Look at files and walk folders as a job.

    Parameters
    ----------
    known
        What the draft has: a folder that is added again adds what is new in it.
    """

    def work(progress: Progress, cancel: Cancel) -> Found:
        pace = Pace(cancel)
        with Looker(pace) as looker:
            return _Search(frozenset(known), looker, pace, progress).run(paths)

    return services.jobs.start("Looking at what was added", work, on_done=on_done, abandonable=True)


class _Search:
    def __init__(self, known: frozenset[Source], looker: Looker, pace: Pace, progress: Progress) -> None:
        self._known = known
        self._looker = looker
        self._pace = pace
        self._progress = progress
        self._taken: dict[Source, SourceFacts] = {}
        self._bundles: list[str] = []
        self._left_out: list[LeftOut] = []
        self._folders: list[str] = []
        self._config: list[str] = []

    def run(self, paths: Sequence[str]) -> Found:
        """Look at all of them."""
        paths = [os.path.abspath(path) for path in paths]
        beside = _configured(paths)
        for path in paths:
            if os.path.isdir(path):
                self._folders.append(path)
                for folder, names in self._walk(path):
                    self._look_inside(folder, names)
            elif (about := beside.get(os.path.dirname(path))) is not None:
                self._look_beside(path, about)
            else:
                self._look(path)
        left, folders, config = tuple(self._left_out), tuple(self._folders), tuple(self._config)
        return Found(self._taken, tuple(self._bundles), left, folders, config)

    def _look(self, path: str) -> None:
        """A file that was dropped itself is wanted, whatever it is; what is wrong with it is said at its row."""
        facts = self._looker.look(path)
        if facts.format == BUNDLE:
            self._bundles.append(path)
            self._look_into(path, facts)
        else:
            self._taken[path] = facts
        self._step()

    def _look_into(self, path: str, facts: SourceFacts) -> None:
        """All models of a bundle are taken; as a whole it may be one model, too."""
        try:
            names = tuple(self._looker.reader(path).manifest.names)
        except (BundleError, OSError) as error:
            self._leave(path, f"this bundle cannot be opened: {error}", facts, usable=True)
            return
        for name in names:
            source = BundledModel(path, name)
            self._taken[source] = self._looker.look(source)
            self._step()
        self._leave(path, "the bundle as a whole, as one model", facts, usable=True)

    def _look_beside(self, path: str, about: ModelFolder) -> None:
        """A file that was dropped together with the configuration of its model."""
        name = os.path.basename(path)
        facts = self._looker.look(path)
        if name in about.reasons:
            self._leave(path, about.reasons[name], facts, usable=True)
            self._config += [path] * (name == CONFIG)
        else:
            self._taken[path] = replace(facts, details=merged(facts.details, about.of(name)))
        self._step()

    def _look_inside(self, folder: str, names: list[str]) -> None:
        about = read_folder(folder, names)
        if CONFIG in about.reasons:
            self._config.append(os.path.join(folder, CONFIG))
        for name in names:
            path = os.path.join(folder, name)
            facts = self._looker.look(path)
            if facts.error is not None:
                self._leave(path, (getattr(facts.error, "strerror", None) or str(facts.error)).lower())
            elif name in about.reasons:
                self._leave(path, about.reasons[name], facts, usable=True)
            elif facts.format in NO_MODELS or facts.format == BUNDLE:
                kind = format_title(facts.format) if facts.format != "unknown" else "unknown kind"
                self._leave(path, kind if facts.size else "empty", facts, usable=True)
            elif path in self._known:
                self._leave(path, "already in the draft", facts, usable=True)
            else:
                self._taken[path] = replace(facts, details=merged(facts.details, about.of(name)))
            self._step()
        for name in about.missing:
            self._leave(os.path.join(folder, name), "a shard that is missing")

    def _leave(self, path: str, reason: str, facts: SourceFacts = NO_FACTS, *, usable: bool = False) -> None:
        self._left_out.append(LeftOut(path, reason, usable, facts))

    def _step(self) -> None:
        self._progress("look", len(self._taken), 0)
        self._pace.step()

    def _walk(self, root: str) -> Iterator[tuple[str, list[str]]]:
        """Each folder below a folder with its files in natural order; hidden ones and links to folders are left out."""
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
            inner, names = [], []
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
                    names.append(entry.name)
            yield folder, names
            waiting += reversed(inner)


def _configured(paths: Sequence[str]) -> dict[str, ModelFolder]:
    """By folder what a configuration says that was dropped together with other files of its folder."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_folder[os.path.dirname(path)].append(os.path.basename(path))
    several = {folder: names for folder, names in by_folder.items() if CONFIG in names and len(names) > 1}
    read = {folder: read_folder(folder, names) for folder, names in several.items()}
    return {folder: about for folder, about in read.items() if CONFIG in about.reasons}
