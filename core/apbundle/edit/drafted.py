"""A bundle that is edited as a recipe: its own models stay where they are, whatever else the recipe says."""

from __future__ import annotations

import os

from apbundle.edit.wanted import Wanted, WantedModel
from apbundle.format.reader import BundleReader
from apbundle.recipe.building import OpenRecipe
from apbundle.recipe.model import BundledModel, Recipe


def wanted_by(recipe: Recipe, opened: OpenRecipe, reader: BundleReader) -> Wanted:
    """What ``recipe`` makes of the open bundle of ``reader``, for :func:`plan_edit`.

    Models that the recipe takes from this very bundle keep their bytes there, so that a change of what is said of them
    can be made in place.

    Parameters
    ----------
    opened
        The recipe with its sources open, for as long as the plan is good.

    Raises
    ------
    ModelNotFound
        The recipe takes a model from the bundle that is not in it.
    """
    own = os.path.realpath(reader.path)
    models = []
    for model, new in zip(recipe.enabled_models, opened.models, strict=True):
        source = model.source
        if isinstance(source, BundledModel) and os.path.realpath(source.bundle) == own:
            entry = reader.readable_entry(source.model)
            models.append(WantedModel(model.name, model.metadata, entry, None, model.compress))
        else:
            frames = new.compression
            models.append(WantedModel(model.name, model.metadata, None, new.source, new.compress, frames))
    return Wanted(
        tuple(models),
        recipe.description,
        opened.options.created_at,
        recipe.metadata,
        recipe.extension,
        recipe.alignment,
        recipe.digest,
    )
