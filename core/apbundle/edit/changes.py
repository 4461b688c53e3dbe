"""The changes a bundle can be asked for, and what it is wanted to be after them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final, TypeAlias

from apbundle.config import BundleConfig
from apbundle.edit.wanted import Wanted, WantedModel
from apbundle.errors import bundle_error
from apbundle.format.model import ModelMetadata
from apbundle.format.sources import ModelSource


class _Kept:
    def __repr__(self) -> str:
        return "KEPT"


KEPT: Final = _Kept()
"""Leave it as it is."""


@dataclass(frozen=True, slots=True)
class Describe:
    """Change what is said of the bundle; ``None`` leaves a field alone. ``metadata`` replaces all of it."""

    description: str | None = None
    created_at: int | None = None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """Give the model ``name`` other metadata, all of it."""

    name: str
    metadata: ModelMetadata


@dataclass(frozen=True, slots=True)
class Add:
    """Put a model in, at place ``at`` counted from 0, or at the end."""

    name: str
    source: ModelSource
    metadata: ModelMetadata = field(default_factory=ModelMetadata)
    compress: bool = False
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Replace:
    """Give the model ``name`` other bytes.

    Its metadata stays, but for what it said of the old bytes: their format and components.
    """

    name: str
    source: ModelSource
    compress: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """Leave the model ``name`` out."""

    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Give models other names, all at once, so that two may swap theirs."""

    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reorder:
    """Put the models ``names`` first, in that order; the others follow in theirs."""

    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Compress:
    """Store the model ``name`` as zstd frames, or as its raw bytes."""

    name: str
    compress: bool = True


@dataclass(frozen=True, slots=True)
class Lay:
    """Change the alignment, the digests, or both. Either brings the extension block to a plain bundle."""

    alignment: int | None = None
    digest: str | _Kept | None = KEPT


Change: TypeAlias = Describe | SetMetadata | Add | Replace | Remove | Rename | Reorder | Compress | Lay


def changed(wanted: Wanted, changes: Iterable[Change]) -> Wanted:
    """``wanted`` after ``changes``, one after the other.

    A plain bundle that is asked for something only the extension can hold gets one, with the usual alignment and
    digests where nothing else was asked for.

    Raises
    ------
    ModelNotFound, DuplicateName
    TypeError, ValueError
        A setting makes no sense.
    """
    asked = tuple(changes)
    result = reduce(_after, asked, wanted)
    names: set[str] = set()
    for model in result.models:
        if model.name in names:
            raise bundle_error(
                "duplicate_name",
                f"Two models would be named {model.name!r}.",
                hint="Give one of them another name, or remove it.",
            )
        names.add(model.name)
    if not wanted.extension and (result.extension or _needs_extension(result)):
        usual = BundleConfig()
        lays = [change for change in asked if isinstance(change, Lay)]
        if all(change.alignment is None for change in lays):
            result = replace(result, alignment=usual.alignment)
        if all(change.digest is KEPT for change in lays):
            result = replace(result, digest=usual.digest)
        result = replace(result, extension=True)
    return result


def _needs_extension(wanted: Wanted) -> bool:
    return bool(wanted.metadata) or any(m.compress or m.metadata != ModelMetadata() for m in wanted.models)


def _after(wanted: Wanted, change: Change) -> Wanted:
    if isinstance(change, Describe):
        return replace(
            wanted,
            description=wanted.description if change.description is None else change.description,
            created_at=wanted.created_at if change.created_at is None else change.created_at,
            metadata=wanted.metadata if change.metadata is None else dict(change.metadata),
        )
    if isinstance(change, Lay):
        digest = wanted.digest if isinstance(change.digest, _Kept) else change.digest
        alignment = wanted.alignment if change.alignment is None else change.alignment
        return replace(wanted, alignment=alignment, digest=digest, extension=True)
    return replace(wanted, models=tuple(_models_after(list(wanted.models), change)))


def _models_after(
    models: list[WantedModel], change: SetMetadata | Add | Replace | Remove | Rename | Reorder | Compress
) -> list[WantedModel]:
    places = {model.name: number for number, model in enumerate(models)}
    if isinstance(change, Add):
        added = WantedModel(change.name, change.metadata, None, change.source, change.compress)
        models.insert(len(models) if change.at is None else change.at, added)
    elif isinstance(change, Rename):
        for name, new in change.names.items():
            number = _place(places, name)
            models[number] = replace(models[number], name=new)
    elif isinstance(change, Reorder):
        first = list(dict.fromkeys(_place(places, name) for name in change.names))
        chosen = set(first)
        models = [models[n] for n in first] + [model for n, model in enumerate(models) if n not in chosen]
    elif isinstance(change, Remove):
        del models[_place(places, change.name)]
    else:
        number = _place(places, change.name)
        models[number] = _model_after(models[number], change)
    return models


def _model_after(model: WantedModel, change: SetMetadata | Replace | Compress) -> WantedModel:
    if isinstance(change, SetMetadata):
        return replace(model, metadata=change.metadata)
    if isinstance(change, Compress):
        return replace(model, compress=change.compress)
    metadata = replace(model.metadata, components=(), format="")
    return WantedModel(model.name, metadata, None, change.source, change.compress)


def _place(places: Mapping[str, int], name: str) -> int:
    number = places.get(name)
    if number is None:
        raise bundle_error("model_not_found", f"The bundle has no model named {name!r}.")
    return number
