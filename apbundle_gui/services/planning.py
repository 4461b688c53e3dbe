"""Where everything of a bundle to be will lie, worked out by the library's own layout as a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from apbundle.edit.plan import EditPlan
from apbundle.errors import BundleError, Cancelled
from apbundle.format.plan import Plan
from apbundle.format.sources import NewModel
from apbundle.format.writer import WriteOptions, plan_models
from apbundle.progress import Cancel, Progress
from apbundle.recipe.model import Recipe, RecipeModel
from apbundle_gui.services.building import MakeRecipe
from apbundle_gui.services.container import Services
from apbundle_gui.services.details import NO_METADATA
from apbundle_gui.services.editing import EditCost, cost_of, is_edit, planned_edit
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.looking import NO_FACTS, Source, SourceFacts
from apbundle_gui.services.pacing import Pace


@dataclass(frozen=True, slots=True)
class Planned:
    """The parts of a file to be. Offsets count from its start.

    Parameters
    ----------
    entries_end, extension_end, data_offset, file_size
        Where the entries, the extension block, the slack after it and the file end, exclusive.
    starts, ends
        First byte and the one after the last of each model, in order.
    exact
        Whether the file will be this large: models that are to be compressed count with all their bytes.
    cost
        What it takes, where a bundle is changed that models come from.
    """

    entries_end: int
    extension_end: int
    data_offset: int
    file_size: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    exact: bool = True
    cost: EditCost | None = None

    @property
    def needed(self) -> int | None:
        """Bytes of free space it takes; ``None`` when that is not known."""
        if self.cost is not None and (self.cost.in_place or not self.cost.changes):
            return 0
        return self.file_size if self.exact else None

    @property
    def padding(self) -> int:
        """Bytes between and after the models that belong to none."""
        return self.file_size - self.data_offset - int((self.ends - self.starts).sum())

    @property
    def slack(self) -> int:
        """Bytes kept free behind the metadata."""
        return self.data_offset - self.extension_end


@dataclass(frozen=True, slots=True)
class _Sized:
    """Stands for a model in a plan, which only asks for its size."""

    size: int
    path: str | None = None

    def open(self) -> None:
        """Nothing is read for a plan."""

    def close(self) -> None:
        """Nothing was opened."""

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Never called for a plan."""


def plan(
    services: Services,
    recipe: MakeRecipe,
    facts: Mapping[Source, SourceFacts],
    on_done: Callable[[Planned | Exception], None],
) -> Job:
    """Plan as a job; ``on_done`` gets the plan, or why there is none."""

    def work(progress: Progress, cancel: Cancel) -> Planned | Exception:
        pace = Pace(cancel)
        try:
            return plan_now(recipe(pace), facts, pace)
        except Cancelled:
            raise
        except (BundleError, OSError, UnicodeError) as error:
            return error.with_traceback(None)

    return services.jobs.start(
        "Planning the bundle", work, on_done=on_done, key=("build.plan", id(services)), abandonable=True
    )


def plan_now(recipe: Recipe, facts: Mapping[Source, SourceFacts], pace: Pace) -> Planned:
    """The layout of the bundle that ``recipe`` describes; of sources nothing is known of, no bytes.

    Raises
    ------
    BundleError, OSError, UnicodeError
        It cannot be built.
    """
    if recipe.output is not None and is_edit(recipe, recipe.output):
        with planned_edit(recipe, recipe.output) as change:
            return _planned_change(change, pace)
    models = []
    for model in recipe.enabled_models:
        models.append(_planned_model(model, facts.get(model.source, NO_FACTS)))
        pace.step()
    options = WriteOptions(
        description=recipe.description,
        alignment=recipe.alignment,
        digest=recipe.digest,
        plain=not recipe.extension,
        metadata=recipe.metadata,
    )
    made = plan_models(_Paced(models, pace), options)
    return _planned(made, models, None)


def _planned_change(change: EditPlan, pace: Pace) -> Planned:
    models = []
    for model in change.wanted.models:
        models.append(model.new_model(change.reader))
        pace.step()
    return _planned(change.layout, models, cost_of(change))


def _planned(made: Plan, models: Sequence[NewModel], cost: EditCost | None) -> Planned:
    starts = np.array(made.offsets, np.int64) + made.data_offset
    sizes = np.array([model.source.size for model in models], np.int64)
    block_end = made.entries_end + made.extension_size
    exact = not any(model.compress for model in models)
    return Planned(
        made.entries_end, block_end, made.data_offset, made.file_size, starts, starts + sizes, exact=exact, cost=cost
    )


class _Paced(Sequence[NewModel]):
    """Models that let the window have its share whenever the library goes through them."""

    def __init__(self, models: list[NewModel], pace: Pace) -> None:
        self._models = models
        self._pace = pace

    def __len__(self) -> int:
        return len(self._models)

    @overload
    def __getitem__(self, index: int) -> NewModel: ...
    @overload
    def __getitem__(self, index: slice) -> list[NewModel]: ...
    def __getitem__(self, index: int | slice) -> NewModel | list[NewModel]:
        return self._models[index]

    def __iter__(self) -> Iterator[NewModel]:
        for model in self._models:
            self._pace.step()
            yield model


def _planned_model(model: RecipeModel, facts: SourceFacts) -> NewModel:
    """A model as the builder would write it; what is stored compressed in its bundle keeps its frames."""
    metadata = None if model.metadata == NO_METADATA else model.metadata  # which costs the library a look at each
    if model.compress and facts.frames is not None and facts.range is not None:
        return NewModel(model.name, _Sized(facts.range[1]), metadata, compression=facts.frames)
    return NewModel(model.name, _Sized(facts.size), metadata, model.compress)
