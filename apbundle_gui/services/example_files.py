"""The sample's models as files, to show the Build page at work: in a private folder that goes when the page does."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apbundle.format.extract import extract_models
from apbundle.format.reader import BundleReader
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.extraction import suffix_of
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.model_formats import model_format

FOLDER: Final = "small-models"


@dataclass(frozen=True, slots=True)
class Example:
    """Files of models in their order, and what the bundle they come from says of itself."""

    paths: tuple[str, ...]
    description: str


class ExampleFiles:
    """Makes and keeps the files."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._folder = ""

    def unpack(self, bundle_path: str, on_done: Callable[[Example], None]) -> Job:
        """Write the models of a bundle to files, as a job."""
        self.clear()
        self._folder = tempfile.mkdtemp(prefix="apbundle-example-")
        folder = os.path.join(self._folder, FOLDER)

        def work(progress: Progress, cancel: Cancel) -> Example:
            os.mkdir(folder)
            with BundleReader.open(bundle_path) as reader:
                report = extract_models(
                    reader,
                    None,
                    folder,
                    suffix=lambda entry: suffix_of(entry.name, model_format(reader, entry)),
                    progress=progress,
                    cancel=cancel,
                )
                return Example(tuple(item.path for item in report.written), reader.manifest.description)

        return self._services.jobs.start("Unpacking the sample", work, on_done=on_done)

    def clear(self) -> None:
        """Remove the files."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = ""
