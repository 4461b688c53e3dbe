"""New rows for a draft: what they are called, and what is known of them from the start."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from apbundle.recipe.model import BundledModel
from apbundle_gui.models.build_draft import Row
from apbundle_gui.services.looking import NO_FACTS, Source, SourceFacts
from apbundle_gui.services.pacing import Pace

_numbers = itertools.count(1)
_GENERIC: Final = frozenset(
    {"model", "pytorch_model", "diffusion_pytorch_model", "adapter_model", "weights", "tf_model"}
)
"""Names of files that every model has: its folder says which it is."""


def fresh_id() -> int:
    """A number that no row ever had."""
    return next(_numbers)


def suggested_name(source: Source) -> str:
    """The name of a model from there: what its bundle calls it, or the file's name without its last ending.

    Weights with a name that says nothing, ``model-00001-of-00002.safetensors`` among them, are called after their
    folder.
    """
    if isinstance(source, BundledModel):
        return source.model
    name = os.path.basename(source)
    stem = os.path.splitext(name)[0] or name
    head, dash, shard = stem.partition("-")
    folder = os.path.basename(os.path.dirname(source))
    if head.lower() in _GENERIC and folder and (not dash or shard[:1].isdigit()):
        stem = folder + dash + shard
    return os.fsencode(stem).decode("utf-8", "replace")


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


def new_rows(
    sources: Iterable[Source] | Iterable[str],
    taken: Iterable[str],
    facts: Mapping[Source, SourceFacts] | None = None,
    pace: Pace | None = None,
) -> list[Row]:
    """Rows for these sources, with names that none of ``taken`` nor each other has.

    Parameters
    ----------
    facts
        What is known of them: their rows say what their headers say.
    pace
        Stepped for every row: for thousands a job does this.
    """
    fresh, known = FreshNames(taken), facts or {}
    made = []
    for source in sources:
        if pace is not None:
            pace.step()
        about = known.get(source, NO_FACTS)
        name = fresh.take(suggested_name(source))
        made.append(Row(fresh_id(), name, source, True, about.frames is not None, about.details, about.carried))
    return made


def copies_of(rows: Iterable[Row], taken: Iterable[str]) -> dict[int, Row]:
    """A copy of each of these rows under a name that is free, by the row's id."""
    fresh = FreshNames(taken)
    return {row.id: replace(row, id=fresh_id(), name=fresh.take(row.name)) for row in rows}
