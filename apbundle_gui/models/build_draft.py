"""The draft of a bundle: plain frozen values, and the ways one draft becomes the next. No Qt here."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import is_
from typing import Final

from apbundle import BundleConfig
from apbundle.format.layout import DEFAULT_ALIGNMENT
from apbundle.format.model import ModelMetadata
from apbundle.recipe.model import BundledModel
from apbundle_gui.services.details import NO_METADATA, Detail, Details, Field, merged
from apbundle_gui.services.looking import Source

EXTENSION: Final = ".apbundle"


@dataclass(frozen=True, slots=True)
class Row:
    """A model to be.

    Parameters
    ----------
    id
        Stays the same whatever else changes, and is never used again.
    name
        What it is called in the bundle.
    source
        The path of a file, or a model of another bundle.
    enabled
        Whether it goes into the bundle.
    compress
        Whether it is stored as zstd frames.
    details
        What is said of it, with where each value came from.
    carried
        What its bundle said of it besides.
    """

    id: int
    name: str
    source: Source
    enabled: bool = True
    compress: bool = False
    details: Details = ()
    carried: ModelMetadata = NO_METADATA

    def changed(self, name: str | None = None, details: Details | None = None) -> Row:
        """The same with another name or other details: thousands in no time, unlike by :func:`dataclasses.replace`."""
        return Row(
            self.id,
            self.name if name is None else name,
            self.source,
            self.enabled,
            self.compress,
            self.details if details is None else details,
            self.carried,
        )

    @property
    def path(self) -> str:
        """The file its bytes are in."""
        return self.source if isinstance(self.source, str) else self.source.bundle

    @property
    def place(self) -> str:
        """Where its bytes are, in words."""
        return self.source if isinstance(self.source, str) else f"{self.source.model} of {self.source.bundle}"


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
    """All that the user decided.

    Parameters
    ----------
    output
        Where the bundle goes; empty: beside the first source.
    metadata
        The bundle's own metadata.
    created_at
        Seconds since 1970; ``None``: the time of building.
    """

    rows: tuple[Row, ...] = ()
    description: str = ""
    output: str = ""
    options: Options = Options()
    metadata: tuple[tuple[str, str], ...] = ()
    created_at: int | None = None

    @property
    def target(self) -> str:
        """Where the bundle will be; empty when nothing says."""
        return self.output or default_output(self.rows)

    @property
    def enabled(self) -> tuple[Row, ...]:
        """The rows that go into the bundle."""
        return tuple([row for row in self.rows if row.enabled])

    @property
    def is_edit(self) -> bool:
        """Whether it is written over the bundle that models come from."""
        return any(not isinstance(row.source, str) and row.path == self.output for row in self.rows)

    # -- rows ----------------------------------------------------------------------------------------------------

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

    def ordered(self, ids: Sequence[int]) -> Draft:
        """With the rows in this order."""
        rows = {row.id: row for row in self.rows}
        return replace(self, rows=tuple([rows[row] for row in ids]))

    def doubled(self, copies: Mapping[int, Row]) -> Draft:
        """With a copy behind each of these rows, by row id."""
        rows = []
        for row in self.rows:
            rows.append(row)
            if row.id in copies:
                rows.append(copies[row.id])
        return replace(self, rows=tuple(rows))

    # -- what is said of rows ------------------------------------------------------------------------------------

    def renamed(self, names: Mapping[int, str]) -> Draft:
        """With other names, by row id."""
        return self._with(names, lambda row: row.changed(name=names[row.id]))

    def relocated(self, paths: Mapping[int, str]) -> Draft:
        """With other source files, by row id. A model of a bundle stays one."""

        def moved(row: Row) -> Row:
            path, source = paths[row.id], row.source
            return replace(row, source=BundledModel(path, source.model) if isinstance(source, BundledModel) else path)

        return self._with(paths, moved)

    def resourced(self, sources: Mapping[int, Mapping[Source, Source]]) -> Draft:
        """With sources that are elsewhere by now, old to new, by row id; itself where none is."""

        def moved(row: Row) -> Row:
            there = sources[row.id].get(row.source)
            return row if there is None else replace(row, source=there)

        rows = tuple([moved(row) if row.id in sources else row for row in self.rows])
        return self if all(map(is_, rows, self.rows)) else replace(self, rows=rows)

    def switched(self, ids: Collection[int], enabled: bool) -> Draft:
        """With these rows in the bundle, or kept out of it."""
        return self._with(ids, lambda row: replace(row, enabled=enabled) if row.enabled != enabled else row)

    def compressed(self, ids: Collection[int], compress: bool) -> Draft:
        """With these rows stored compressed, or as they are."""
        return self._with(ids, lambda row: replace(row, compress=compress) if row.compress != compress else row)

    def told(self, ids: Collection[int], detail: Detail) -> Draft:
        """With this said of these rows, whatever was said of that field before."""
        known: dict[int, Details] = {}  # rows from one folder share their details

        def told(row: Row) -> Row:
            details = known.get(id(row.details))
            if details is None:
                details = known[id(row.details)] = _told(row.details, detail)
            return row.changed(details=details)

        return self._with(ids, told)

    def untold(self, ids: Collection[int], field: Field) -> Draft:
        """With nothing said in that field of these rows."""
        return self._with(ids, lambda row: row.changed(details=tuple(d for d in row.details if d.field != field)))

    def retold(self, details: Mapping[int, Details]) -> Draft:
        """With these details, by row id."""
        return self._with(details, lambda row: row.changed(details=details[row.id]))

    def _with(self, ids: Collection[int], change: Callable[[Row], Row]) -> Draft:
        return replace(self, rows=tuple([change(row) if row.id in ids else row for row in self.rows]))


def _told(details: Details, detail: Detail) -> Details:
    if any(known.field == detail.field for known in details):
        return tuple(detail if known.field == detail.field else known for known in details)
    return merged(details, (detail,))


def default_output(rows: Sequence[Row]) -> str:
    """The bundle beside the first source, named after its folder; empty without rows."""
    if not rows:
        return ""
    folder = os.path.dirname(rows[0].path)
    if not isinstance(rows[0].source, str):
        return f"{os.path.splitext(rows[0].path)[0]}-new{EXTENSION}"
    name = os.path.basename(folder) or "models"
    return os.path.join(folder, name + EXTENSION)
