"""Recipes read and written as jobs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from apbundle.progress import Cancel, Progress
from apbundle.recipe.model import Recipe
from apbundle.recipe.reading import read_recipe
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


def from_draft(services: Services, make: Callable[[Pace], Value], on_done: Callable[[Value], None]) -> Job:
    """Make something of a draft; ``on_done`` gets it."""

    def work(progress: Progress, cancel: Cancel) -> Value:
        return make(Pace(cancel))

    return services.jobs.start("Reading the draft", work, on_done=on_done)
