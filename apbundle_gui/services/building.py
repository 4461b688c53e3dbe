"""Building a bundle from a draft, as a job."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from apbundle import BundleConfig, ModelBundle
from apbundle.builder import BundleBuilder
from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import FileIdentity
from apbundle.format.sources import NewModel
from apbundle.format.writer import WriteOptions, plan_models
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.pacing import Pace


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A model to be built: its name, its file, and which file that was when the user last saw its size."""

    name: str
    path: str
    identity: FileIdentity | None = None


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """Everything a build takes, as it was when it was asked for."""

    output: str
    models: tuple[ModelRequest, ...]
    description: str
    config: BundleConfig
    overwrite: bool = False


def build(
    services: Services,
    request: BuildRequest,
    *,
    on_done: Callable[[str], None],
    on_failed: Callable[[BaseException], None],
    on_cancelled: Callable[[], None],
) -> Job:
    """Build as a job; ``on_done`` gets the path that was written."""

    def work(progress: Progress, cancel: Cancel) -> str:
        return build_now(request, progress, cancel)

    title = f"Building {os.path.basename(request.output)}"
    return services.jobs.start(title, work, on_done=on_done, on_failed=on_failed, on_cancelled=on_cancelled)


def build_now(request: BuildRequest, progress: Progress, cancel: Cancel) -> str:
    """Build and return the path that was written.

    Raises
    ------
    BundleError, OSError
        As for :meth:`apbundle.BundleBuilder.build`; ``source_changed`` also when a file is another one than the user
        saw; ``FileExistsError`` when something is at the output and ``overwrite`` was not asked for.
    """
    progress("sources", 0, 0)
    try:
        builder: BundleBuilder = ModelBundle.builder(request.output)
    except ValueError as error:  # of SOURCE_DATE_EPOCH
        raise OSError(errno.EINVAL, str(error)) from error
    pace = Pace(cancel)
    for model in request.models:
        _check(model)
        builder.add_model(model.name, model.path)
        pace.step()
    builder.with_description(request.description).with_config(request.config)
    bundle = builder.build(overwrite=request.overwrite, progress=progress, cancel=cancel)
    with bundle:
        return str(bundle.path)


def _check(model: ModelRequest) -> None:
    if model.identity is not None and not model.identity.matches(os.stat(model.path)):
        raise bundle_error(
            "source_changed",
            "An input changed since it was looked at.",
            path=model.path,
            hint="Nothing was written. Look at its row, then build again.",
        )


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


class Named(Protocol):
    """Whatever has the name of a model."""

    @property
    def name(self) -> str:
        """The name in the bundle."""
        ...


def plan_size(
    services: Services,
    models: Sequence[tuple[Named, int]],
    description: str,
    config: BundleConfig,
    on_done: Callable[[int | None], None],
) -> Job:
    """Work out as a job how many bytes a bundle of models of these names and sizes (in bytes) has.

    ``on_done`` gets ``None`` when it cannot be built as it is.
    """

    def work(progress: Progress, cancel: Cancel) -> int | None:
        new = [NewModel(model.name, _Sized(size)) for model, size in models]
        try:
            options = WriteOptions(description, 0, config.alignment, config.digest, config.plain)
            return plan_models(new, options).file_size
        except (BundleError, UnicodeError):
            return None

    return services.jobs.start(
        "Planning the bundle", work, on_done=on_done, key=("build.plan", id(services)), abandonable=True
    )
