"""Building a bundle step by step, and writing one to a path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from apbundle.bundle import ModelBundle
from apbundle.config import BundleConfig
from apbundle.fileio import StrPath
from apbundle.inputs import ModelData
from apbundle.progress import Cancel, Progress


class BundleBuilder:
    """Collects models and writes them as one file. Made by :meth:`ModelBundle.builder`; methods return the builder.

    Parameters
    ----------
    path
        Where the bundle will be.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = path
        self.config = BundleConfig()
        self._bundle = ModelBundle()

    def add_model(self, name: str, data: ModelData, **details: Any) -> Self:
        """Append a model; as :meth:`ModelBundle.add_model`."""
        self._bundle.add_model(name, data, **details)
        return self

    def with_config(self, config: BundleConfig) -> Self:
        """Write it as ``config`` says."""
        self.config = config
        return self

    def with_description(self, description: str) -> Self:
        """Describe the bundle."""
        self._bundle.description = description
        return self

    def with_created_at(self, created_at: int) -> Self:
        """Set the creation time, in seconds since the Unix epoch."""
        self._bundle.created_at = created_at
        return self

    def with_metadata(self, metadata: Mapping[str, str]) -> Self:
        """Set the bundle's own metadata."""
        self._bundle.metadata = dict(metadata)
        return self

    def build(
        self, *, overwrite: bool = True, progress: Progress | None = None, cancel: Cancel | None = None
    ) -> ModelBundle:
        """Write the bundle and open it.

        What was at the path before stays as it is until the new file is complete, checked and on the disk.

        Raises
        ------
        BundleError
            ``source_changed``, ``target_refused``, ``destination_busy``, ``disk_full``, ``limit_exceeded``,
            ``unsupported_feature``, ``cancelled``, ``durability_unknown``.
        OSError
        """
        written = self._bundle.write(self.path, self.config, overwrite=overwrite, progress=progress, cancel=cancel)
        return ModelBundle.load(written)

    def __repr__(self) -> str:
        return f"BundleBuilder({os.fsdecode(self.path)!r}, {len(self._bundle)} models)"


@dataclass(frozen=True, slots=True)
class BundleWriter:
    """Writes bundles to one path."""

    path: StrPath

    @classmethod
    def create(cls, path: StrPath) -> Self:
        """A writer for ``path``. Nothing is touched until :meth:`write_bundle`."""
        return cls(path)

    def write_bundle(self, bundle: ModelBundle, config: BundleConfig | None = None) -> str:
        """Write ``bundle`` and return the path written; as :meth:`ModelBundle.write`."""
        return bundle.write(self.path, config)
