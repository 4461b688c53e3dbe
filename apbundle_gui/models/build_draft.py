"""The draft of a bundle: plain frozen values, and the ways one draft becomes the next. No Qt here."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from apbundle import BundleConfig
from apbundle.format.layout import DEFAULT_ALIGNMENT

EXTENSION: Final = ".apbundle"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Row:
    """A model to be: ``id`` stays the same whatever else changes, and is never used again."""

    id: int
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Options:
    """How the bundle is written; ``digest`` is ``"xxh3-128"``, ``"sha256"`` or ``None``."""

    alignment: int = DEFAULT_ALIGNMENT
    digest: str | None = "xxh3-128"
    plain: bool = False

    @property
    def config(self) -> BundleConfig:
        """The same as the library takes it."""
        if self.plain:
            return BundleConfig(alignment=1, digest=None, plain=True)
        return BundleConfig(alignment=self.alignment, digest=self.digest)


@dataclass(frozen=True, slots=True)
class Draft:
    """All that the user decided. An empty ``output`` means: beside the first source."""

    rows: tuple[Row, ...] = ()
    description: str = ""
    output: str = ""
    options: Options = Options()

    @property
    def target(self) -> str:
        """Where the bundle will be; empty when nothing says."""
        return self.output or default_output(self.rows)

    def inserted(self, at: int, rows: Iterable[Row]) -> Draft:
        """With ``rows`` in front of the row ``at``."""
        return replace(self, rows=(*self.rows[:at], *rows, *self.rows[at:]))

    def removed(self, ids: Collection[int]) -> Draft:
        """Without these rows."""
        return replace(self, rows=tuple(row for row in self.rows if row.id not in ids))

    def moved(self, ids: Collection[int], at: int) -> Draft:
        """With these rows together, in their order, in front of what is the row ``at`` now."""
        before = [row for row in self.rows[:at] if row.id not in ids]
        after = [row for row in self.rows[at:] if row.id not in ids]
        return replace(self, rows=(*before, *(row for row in self.rows if row.id in ids), *after))

    def stepped(self, ids: Collection[int], step: int) -> Draft:
        """With these rows one place up (``step`` -1) or down (1), as far as there is room."""
        rows = list(self.rows)
        places = range(len(rows)) if step < 0 else range(len(rows) - 1, -1, -1)
        for place in places:
            there = place + step
            free = 0 <= there < len(rows) and rows[there].id not in ids
            if rows[place].id in ids and free:
                rows[place], rows[there] = rows[there], rows[place]
        return replace(self, rows=tuple(rows))

    def renamed(self, names: Mapping[int, str]) -> Draft:
        """With other names, by row id."""
        return self._with(lambda row: replace(row, name=names[row.id]) if row.id in names else row)

    def relocated(self, paths: Mapping[int, str]) -> Draft:
        """With other source files, by row id."""
        return self._with(lambda row: replace(row, path=paths[row.id]) if row.id in paths else row)

    def _with(self, change: Callable[[Row], Row]) -> Draft:
        return replace(self, rows=tuple(change(row) for row in self.rows))


def default_output(rows: Sequence[Row]) -> str:
    """The bundle beside the first source, named after its folder; empty without rows."""
    if not rows:
        return ""
    folder = os.path.dirname(rows[0].path)
    name = os.path.basename(folder) or "models"
    return os.path.join(folder, name + EXTENSION)


def suggested_name(path: str) -> str:
    """The name of a model in that file: the file's, without its last ending."""
    name = os.path.basename(path)
    return os.fsencode(os.path.splitext(name)[0] or name).decode("utf-8", "replace")


class FreshNames:
    """Gives out names that nobody has: those of ``taken`` and those it gave out before are numbered (``encoder-2``)."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._last: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """``wanted``, or the like of it. Takes no longer the more there are."""
        name = wanted
        while name in self._taken:
            number = self._last[wanted] = self._last.get(wanted, 1) + 1
            name = f"{wanted}-{number}"
        self._taken.add(name)
        return name


def new_rows(paths: Iterable[str], taken: Iterable[str]) -> list[Row]:
    """Rows for these files, with names that none of ``taken`` nor each other has."""
    names = FreshNames(taken)
    return [Row(next(_numbers), names.take(suggested_name(path)), path) for path in paths]
