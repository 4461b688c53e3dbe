"""Models out of a bundle to files, in two steps: what would be written, and, once that is agreed to, writing it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from apbundle.errors import BundleError, Cancelled
from apbundle.format.extract import ExtractReport, extract_models, target_names
from apbundle.format.model import ModelEntry
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.model_formats import model_format

ENDINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "apr": (".apr",),
        "apbundle": (".apbundle",),
        "gguf": (".gguf",),
        "hdf5": (".h5", ".hdf5"),
        "json": (".json",),
        "keras": (".keras",),
        "npy": (".npy",),
        "npz": (".npz",),
        "onnx": (".onnx",),
        "pickle": (".pkl", ".pickle"),
        "pytorch": (".pt", ".pth", ".bin", ".ckpt"),
        "safetensors": (".safetensors",),
        "tflite": (".tflite",),
        "zip": (".zip",),
        "zstd": (".zst",),
    }
)
"""The usual endings of files by format; the first is given to a model whose name has none of them."""


@dataclass(frozen=True, slots=True)
class ExtractPlan:
    """What extracting would do: the models, the folder, their bytes, and the names and paths of what exists."""

    names: tuple[str, ...]
    folder: str
    size: int
    existing: tuple[tuple[str, str], ...]


def suffix_of(name: str, found: str) -> str:
    """The ending for the file of a model of that name and format; empty when the name has one that fits."""
    endings = ENDINGS.get(found, ())
    return "" if not endings or name.lower().endswith(endings) else endings[0]


class _Suffixes:
    """File endings by content, in a worker: from what is known already, else by looking now."""

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection

    def __call__(self, entry: ModelEntry) -> str:
        index = self._inspection.reader.manifest.number(entry.name)
        assert index is not None
        found = self._inspection.formats[index]
        if found is None and self._inspection.formats.error(index) is None:
            try:
                found = model_format(self._inspection.reader, entry)
            except (BundleError, OSError):
                return ""  # writing it will say what is wrong
        return suffix_of(entry.name, found or "")


def plan_extraction(
    services: Services,
    inspection: Inspection,
    names: Sequence[str],
    folder: str,
    on_done: Callable[[ExtractPlan], None],
) -> Job:
    """Find out as a job which files extracting would write, and which of them exist."""

    def work(progress: Progress, cancel: Cancel) -> ExtractPlan:
        files = target_names(inspection.reader, _Suffixes(inspection))
        paths = [(name, os.path.join(folder, files[name])) for name in names]
        size = sum(inspection.reader.entry(name).raw_size for name in names)
        return ExtractPlan(tuple(names), folder, size, tuple(pair for pair in paths if os.path.lexists(pair[1])))

    return services.jobs.start("Preparing to extract", work, on_done=on_done, key="inspect.plan", abandonable=True)


def extract(
    services: Services,
    inspection: Inspection,
    names: Sequence[str],
    folder: str,
    *,
    overwrite: bool,
    on_done: Callable[[ExtractReport], None],
    on_failed: Callable[[BaseException], None] | None = None,
    on_cancelled: Callable[[str], None] | None = None,
    title: str = "Extracting",
) -> Job:
    """Write models to files in ``folder`` as a job.

    Parameters
    ----------
    overwrite
        Replace files that exist; otherwise their models are among those not written, with ``FileExistsError``.
    on_cancelled
        Called with a sentence that says what was written before.
    """
    said: list[str] = []

    def work(progress: Progress, cancel: Cancel) -> ExtractReport:
        suffixes = _Suffixes(inspection)
        try:
            report = extract_models(
                inspection.reader, names, folder, force=overwrite, suffix=suffixes, progress=progress, cancel=cancel
            )
        except Cancelled as error:
            said.append(error.hint or "")
            raise
        for failure in report.failed:
            failure.error.with_traceback(None)  # reports are kept, and frames would keep the file open
        return report

    return services.jobs.start(
        title,
        work,
        on_done=on_done,
        on_failed=on_failed,
        on_cancelled=lambda: on_cancelled(said[0] if said else "") if on_cancelled is not None else None,
    )
