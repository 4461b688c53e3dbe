"""Which sources of a draft hold the same bytes: a job compares those of equal size, by samples and then by digest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QObject, Signal
from xxhash import xxh3_128

from apbundle.errors import BundleError, Cancelled
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.looking import Looker, Source, SourceFacts
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.source_bytes import SourceBytes, source_bytes

SAMPLE: Final = 64 << 10
"""Bytes of the beginning, the middle and the end that are compared first."""
PIECE: Final = 1 << 20
"""Bytes read at once."""


class Twins(QObject):
    """Finds sources of equal content. What was read once is not read again while the file stays as it is.

    Attributes
    ----------
    changed
        Emitted when others are known to be equal.
    """

    changed = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._digests: dict[tuple[Hashable, bool], bytes] = {}
        self._found: dict[Source, Hashable] = {}

    @property
    def found(self) -> Mapping[Source, Hashable]:
        """Something equal for sources of equal content, for those that have an equal."""
        return MappingProxyType(self._found)

    def look(self, sources: Iterable[Source], facts: Mapping[Source, SourceFacts]) -> None:
        """Compare these, as a job that supersedes the one before."""
        wanted, known = tuple(sources), dict(facts)

        def work(progress: Progress, cancel: Cancel) -> dict[Source, Hashable]:
            progress("compare", 0, 0)
            return self._compare(wanted, known, Pace(cancel))

        self._services.jobs.start(
            "Looking for equal models", work, on_done=self._take, key=("build.twins", id(self)), abandonable=True
        )

    def _take(self, found: dict[Source, Hashable]) -> None:
        if found != self._found:
            self._found = found
            self.changed.emit()

    # -- in the worker -------------------------------------------------------------------------------------------

    def _compare(
        self, sources: tuple[Source, ...], facts: Mapping[Source, SourceFacts], pace: Pace
    ) -> dict[Source, Hashable]:
        by_size: dict[int, dict[Hashable, list[Source]]] = defaultdict(lambda: defaultdict(list))
        for source in dict.fromkeys(sources):
            pace.step()
            known = facts.get(source)
            if known is not None and known.content is not None and known.error is None and known.size:
                by_size[known.size][known.content].append(source)
        counts = Counter(sources)
        found: dict[Source, Hashable] = {}
        with Looker(pace) as looker:
            for same_size in by_size.values():
                for key, group in self._equals(same_size, looker, pace):
                    if len(group) > 1 or counts[group[0]] > 1:
                        found.update(dict.fromkeys(group, key))
        return found

    def _equals(
        self, by_content: dict[Hashable, list[Source]], looker: Looker, pace: Pace
    ) -> list[tuple[Hashable, list[Source]]]:
        """Groups of sources of equal content among those of equal size, each with something that only they have."""
        groups: list[tuple[Hashable, list[Source]]] = list(by_content.items())
        if len(groups) == 1:
            return groups
        equal: list[tuple[Hashable, list[Source]]] = []
        for alike in self._parted(groups, False, looker, pace):
            if len(alike) == 1:
                equal += alike
                continue
            for same in self._parted(alike, True, looker, pace):
                equal.append((same[0][0], [source for _, group in same for source in group]))
        return equal

    def _parted(
        self, groups: list[tuple[Hashable, list[Source]]], whole: bool, looker: Looker, pace: Pace
    ) -> list[list[tuple[Hashable, list[Source]]]]:
        """The same groups, those together whose samples, or whose whole contents, are equal."""
        parts: dict[Hashable, list[tuple[Hashable, list[Source]]]] = defaultdict(list)
        for content, group in groups:
            pace.step()
            parts[self._digest(content, group[0], whole, looker, pace)].append((content, group))
        return list(parts.values())

    def _digest(self, content: Hashable, source: Source, whole: bool, looker: Looker, pace: Pace) -> Hashable:
        known = self._digests.get((content, whole))
        if known is None:
            try:
                with source_bytes(source, looker) as data:
                    known = _digest(data, whole, pace)
            except Cancelled:
                raise
            except (BundleError, OSError):
                return content  # it is told elsewhere that it cannot be read
            self._digests[content, whole] = known
        return known


def _digest(data: SourceBytes, whole: bool, pace: Pace) -> bytes:
    hasher = xxh3_128()
    buffer = memoryview(bytearray(min(PIECE, data.size)))
    pieces = range(0, data.size, PIECE) if whole else _samples(data.size)
    for offset in pieces:
        part = buffer[: min(PIECE if whole else SAMPLE, data.size - offset)]
        data.read_into(offset, part)
        hasher.update(part)
        pace.step()
    return hasher.digest()


def _samples(size: int) -> list[int]:
    return sorted({0, max(0, size // 2 - SAMPLE // 2), max(0, size - SAMPLE)})
