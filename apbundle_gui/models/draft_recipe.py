"""A draft as a recipe of the library, which is what gets built, saved and copied; and a recipe as a draft."""

from __future__ import annotations

from apbundle.format.model import ModelMetadata
from apbundle.recipe.model import Recipe, RecipeModel
from apbundle_gui.models.build_draft import Draft, Options, Row
from apbundle_gui.models.build_rows import fresh_id
from apbundle_gui.services.details import Origin, carried_of, details_of, metadata_of
from apbundle_gui.services.pacing import Pace


def recipe_of(draft: Draft, pace: Pace | None = None) -> Recipe:
    """The recipe of the bundle that ``draft`` describes. For thousands of rows it takes a while: a job gives ``pace``.

    A plain bundle holds no metadata and compresses nothing, so its recipe says nothing of them.

    Raises
    ------
    BundleError
        Two rows have one name.
    """
    plain = draft.options.plain
    models = []
    for row in draft.rows:
        if pace is not None:
            pace.step()
        metadata = ModelMetadata() if plain else metadata_of(row.details, row.carried)
        models.append(RecipeModel(row.name, row.source, row.compress and not plain, row.enabled, metadata))
    return Recipe(
        tuple(models),
        draft.description,
        draft.created_at,
        draft.options.config.alignment,
        draft.options.config.digest,
        extension=not plain,
        metadata={} if plain else dict(draft.metadata),
        output=draft.target or None,
    )


def draft_of(recipe: Recipe, pace: Pace | None = None, origin: Origin = Origin.RECIPE) -> Draft:
    """The draft that builds what ``recipe`` describes. What it says of models came from ``origin``."""
    rows = []
    for model in recipe.models:
        if pace is not None:
            pace.step()
        said = model.metadata
        details = details_of(said, origin)
        rows.append(Row(fresh_id(), model.name, model.source, model.enabled, model.compress, details, carried_of(said)))
    options = Options(recipe.alignment, recipe.digest) if recipe.extension else Options(plain=True)
    return Draft(
        tuple(rows),
        recipe.description,
        recipe.output or "",
        options,
        tuple(recipe.metadata.items()),
        recipe.created_at,
    )
