"""What a recording of a paged bundle says at its start: which units there are, by number."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from apbundle.paged.engine import Engine, fit
from apbundle.paged.models import PagedModel
from apbundle.paged.parts import EvenParts, Parts
from apbundle.paging.config import PagingConfig
from apbundle.trace.records import RecordingHeader
from apbundle.trace.units import UnitList


def recording_header(engine: Engine, path: str, config: PagingConfig, limit: int) -> RecordingHeader:
    """The header of a recording that begins now, before anything was asked for."""
    reader = engine.reader
    binding = reader.extension.binding if reader.extension else None
    return RecordingHeader.now(
        bundle=path,
        units=list_units(engine, config.granularity, limit),
        identity=asdict(reader.file.identity),
        binding=binding.sha256.hex() if binding else None,
        config=asdict(replace(config, max_memory=limit)),
    )


def list_units(engine: Engine, granularity: str, limit: int) -> UnitList:
    """All units by number. For components this reads the header of every model.

    What only a smaller limit would bring about, pieces of models that fit now, is announced when it comes to that.
    """
    models = engine.models
    names, sizes = engine.reader.manifest.model_names, engine.reader.manifest.raw_sizes
    if granularity == "model":
        large = [models[name] for name, size in zip(names, sizes, strict=True) if size > limit]
        return UnitList(names, sizes, pages=[_pages(model, models.pieces(model)) for model in large])
    all_models = [models[name] for name in names]
    cut = {model.number: parts for model in all_models if (parts := engine.tensor_parts(model)) is not None}
    columns: tuple[list[int], list[str], list[int]] = [], [], []
    for number in cut:
        _add_parts(engine, all_models[number], columns)
    pages = [_pages(model, engine.cut(model)) for model in all_models if model.number not in cut]
    too_large = [all_models[number] for number, parts in cut.items() if not fit(parts, limit)]
    pages += [_pages(model, models.pieces(model)) for model in too_large]
    return UnitList(names, sizes, columns if cut else None, pages)


def _pages(model: PagedModel, parts: Parts) -> tuple[int, int]:
    assert isinstance(parts, EvenParts)
    return model.number, parts.step


def _add_parts(engine: Engine, model: PagedModel, columns: tuple[list[int], list[str], list[int]]) -> None:
    """Append the parts of ``model``: their tensors' names, and where there is none, which bytes they are."""
    listing = engine.listings.of(model)
    ends, rows = listing.cuts(model.size, engine.models.piece)
    sizes = np.diff(ends, prepend=0)
    columns[0].extend([model.number] * len(ends))
    columns[2].extend(sizes.tolist())
    for end, size, row in zip(ends.tolist(), sizes.tolist(), rows.tolist(), strict=True):
        columns[1].append(f"[{end - size}:{end}]" if row < 0 else listing.contents.tensors.name(row))
