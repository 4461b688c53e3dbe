"""Recipes, and bundles as their own recipes, read and written as jobs."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from apbundle.format.reader import BundleReader
from apbundle.progress import Cancel, Progress
from apbundle.recipe.model import Recipe
from apbundle.recipe.reading import read_recipe
from apbundle.recipe.taking import recipe_of
from apbundle.recipe.writing import write_recipe
from apbundle_gui.services.building import MakeRecipe
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.pacing import Pace

Value = TypeVar("Value")


def save_recipe(services: Services, recipe: MakeRecipe, path: str, on_done: Callable[[str], None]) -> Job:
    """Write a recipe; comments of one that is there already are kept. ``on_done`` gets the path written."""

    def work(progress: Progress, cancel: Cancel) -> str:
        return write_recipe(recipe(Pace(cancel)), path)

    return services.jobs.start(f"Saving {os.path.basename(path)}", work, on_done=on_done)


def open_recipe(
    services: Services, path: str, make: Callable[[Recipe, Pace], Value], on_done: Callable[[Value], None]
) -> Job:
    """Read a recipe; ``on_done`` gets what ``make`` makes of it."""

    def work(progress: Progress, cancel: Cancel) -> Value:
        return make(read_recipe(path), Pace(cancel))

    return services.jobs.start(f"Opening {os.path.basename(path)}", work, on_done=on_done)


def open_bundle(
    services: Services, path: str, make: Callable[[Recipe, Pace], Value], on_done: Callable[[Value, str, bool], None]
) -> Job:
    """Read a bundle as the recipe that builds it from itself.

    ``on_done`` gets what ``make`` makes of it; in words what another bundle built from that would lack, mostly
    nothing; and whether an interrupted change of it was undone.
    """

    def work(progress: Progress, cancel: Cancel) -> tuple[Value, str, bool]:
        with BundleReader.open(path) as reader:
            made = make(replace(recipe_of(reader), output=path), Pace(cancel))
            return made, _lost(reader), reader.file.was_rolled_back

    return services.jobs.start(f"Opening {os.path.basename(path)}", work, on_done=lambda made: on_done(*made))


def _lost(reader: BundleReader) -> str:
    extension = reader.extension
    if reader.extension_error is not None:
        return "the extension block, which is damaged"
    if extension is not None and (extension.unknown or extension.extra):
        return "what another writer added to it"
    return "bytes of the manifest that are not understood" if reader.tail else ""


def from_draft(services: Services, make: Callable[[Pace], Value], on_done: Callable[[Value], None]) -> Job:
    """Make something of a draft; ``on_done`` gets it."""

    def work(progress: Progress, cancel: Cancel) -> Value:
        return make(Pace(cancel))

    return services.jobs.start("Reading the draft", work, on_done=on_done)
