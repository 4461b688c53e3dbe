"""Bundles that are written over by what a draft makes of them: what that costs, and doing it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from apbundle.edit.drafted import wanted_by
from apbundle.edit.plan import EditPlan, plan_edit
from apbundle.format.reader import BundleReader
from apbundle.recipe.building import OpenRecipe
from apbundle.recipe.model import BundledModel, Recipe


@dataclass(frozen=True, slots=True)
class EditCost:
    """What it takes to write a draft over the bundle that its models come from.

    Parameters
    ----------
    text
        The cost as a sentence.
    changes
        Whether anything is to change.
    in_place
        Whether a few bytes are written over where they are; else the whole file is written anew.
    written
        Bytes to be written.
    lost
        How many models of the bundle will not be in it any more.
    """

    text: str
    changes: bool
    in_place: bool
    written: int
    lost: int

    @property
    def brief(self) -> str:
        """The cost without its reasons."""
        return self.text.partition(":")[0].rstrip(".")


def is_edit(recipe: Recipe, target: str) -> bool:
    """Whether the recipe takes models from the very bundle that is at the target."""
    bundles = {model.source.bundle for model in recipe.enabled_models if isinstance(model.source, BundledModel)}
    there = os.path.realpath(target)
    return any(os.path.realpath(bundle) == there for bundle in bundles) and os.path.exists(there)


@contextmanager
def planned_edit(recipe: Recipe, target: str) -> Iterator[EditPlan]:
    """The plan of writing the recipe over the bundle at the target, with its sources open.

    Raises
    ------
    BundleError, OSError, TypeError, ValueError
        As for :func:`apbundle.edit.plan.plan_edit`, and what opening the sources raises.
    """
    with BundleReader.open(target) as reader, OpenRecipe(recipe) as opened:
        yield plan_edit(reader, wanted_by(recipe, opened, reader))


def cost_of(plan: EditPlan) -> EditCost:
    """The cost of a planned change."""
    kept = {model.entry.name for model in plan.wanted.models if model.entry is not None}
    lost = len(plan.reader.manifest) - len(kept)
    return EditCost(plan.cost, plan.changes, plan.in_place, plan.bytes_written, lost)
