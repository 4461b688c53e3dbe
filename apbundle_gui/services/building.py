"""Building a bundle from a recipe, or changing the one it takes its models from, as a job."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apbundle.errors import bundle_error
from apbundle.fileio import FileIdentity
from apbundle.progress import Cancel, Progress
from apbundle.recipe.building import build_recipe
from apbundle.recipe.model import Recipe
from apbundle_gui.services.container import Services
from apbundle_gui.services.editing import EditCost, cost_of, is_edit, planned_edit
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.pacing import Pace

MakeRecipe = Callable[[Pace], Recipe]
"""Makes the recipe of a draft; called by a job, because for thousands of models it takes a while."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """Everything a build takes, as it was when it was asked for.

    Parameters
    ----------
    output
        The path of the bundle to be.
    models
        How many models it gets.
    recipe
        Makes the recipe.
    identities
        Which file each path was when the user last saw it.
    """

    output: str
    models: int
    recipe: MakeRecipe
    identities: Mapping[str, FileIdentity]
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What a build left.

    Parameters
    ----------
    path
        The path that was written.
    size
        Bytes of the file.
    models
        How many models it holds.
    edit
        What it took, if a bundle was changed.
    """

    path: str
    size: int
    models: int
    edit: EditCost | None = None


def build(
    services: Services,
    request: BuildRequest,
    *,
    on_done: Callable[[Written], None],
    on_failed: Callable[[BaseException], None],
    on_cancelled: Callable[[], None],
) -> Job:
    """Build as a job. Cancelled before what is written becomes the bundle, it ends at once."""

    def work(progress: Progress, cancel: Cancel) -> Written:
        return build_now(request, progress, cancel)

    title = f"Building {os.path.basename(request.output)}"
    return services.jobs.start(
        title, work, on_done=on_done, on_failed=on_failed, on_cancelled=on_cancelled, final_phase="publish"
    )


def build_now(request: BuildRequest, progress: Progress, cancel: Cancel) -> Written:
    """Build, or change the bundle that models come from, and say what was written.

    Raises
    ------
    BundleError, OSError
        As for :func:`apbundle.recipe.building.build_recipe`; ``source_changed`` also when a file is another one than
        the user saw; ``FileExistsError`` when something is at the output that is not only changed, and ``overwrite``
        was not asked for.
    """
    progress("sources", 0, 0)
    pace = Pace(cancel)
    recipe = request.recipe(pace)
    for path, identity in request.identities.items():
        _check(path, identity)
        pace.step()
    try:
        if is_edit(recipe, request.output):
            return _edited(recipe, request, progress, cancel)
        path = build_recipe(recipe, request.output, overwrite=request.overwrite, progress=progress, cancel=cancel)
    except ValueError as error:  # of SOURCE_DATE_EPOCH
        raise OSError(errno.EINVAL, str(error)) from error
    return Written(path, os.stat(path).st_size, request.models)


def _edited(recipe: Recipe, request: BuildRequest, progress: Progress, cancel: Cancel) -> Written:
    with planned_edit(recipe, request.output) as plan:
        cost = cost_of(plan)
        if cost.lost and not request.overwrite:
            raise FileExistsError(errno.EEXIST, "models of the bundle would be lost", request.output)
        path = plan.apply(progress=progress, cancel=cancel)
    return Written(path, os.stat(path).st_size, request.models, cost)


def _check(path: str, identity: FileIdentity) -> None:
    if not identity.matches(os.stat(path)):
        raise bundle_error(
            "source_changed",
            "An input changed since it was looked at.",
            path=path,
            hint="Nothing was written. Look at its row, then build again.",
        )
