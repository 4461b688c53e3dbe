"""Bundles as objects: load one, look into it, add models, save."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from apbundle.config import BundleConfig, creation_time, paging_config
from apbundle.errors import BundleError, Finding, bundle_error
from apbundle.fileio import FileIdentity, StrPath
from apbundle.format.extract import ExtractReport, extract_models
from apbundle.format.fields import FieldTable
from apbundle.format.manifest import BundleManifest
from apbundle.format.model import ModelEntry, ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.sources import NewModel
from apbundle.format.verify import VerifyReport, verify
from apbundle.format.writer import WriteOptions, write_bundle
from apbundle.inputs import Array, ModelData, as_metadata, as_source, read_whole
from apbundle.mapping import FileMap
from apbundle.progress import Cancel, Progress
from apbundle.saving import kept_config, kept_models, kept_options, planned_manifest

if TYPE_CHECKING:
    from apbundle.builder import BundleBuilder
    from apbundle.paged import PagedBundle


class ModelBundle:
    """Several models in one file, or on their way into one.

    ``ModelBundle()`` is empty; :meth:`load` opens a file. Models that are added live in memory (or in the files they
    come from) until :meth:`save`. A loaded bundle keeps its file open; it is a context manager.

    Parameters
    ----------
    description
        Free text.
    created_at
        Seconds since the Unix epoch; now if not given.
    """

    def __init__(self, description: str = "", *, created_at: int | None = None) -> None:
        self.description = description
        self.created_at = creation_time() if created_at is None else created_at
        self.metadata: dict[str, str] = {}
        self._reader: BundleReader | None = None
        self._map: FileMap | None = None
        self._mapped = False
        self._added: dict[str, NewModel] = {}

    @staticmethod
    def builder(path: StrPath) -> BundleBuilder:
        """A builder for a bundle at ``path``."""
        from apbundle.builder import BundleBuilder  # it builds on this module

        return BundleBuilder(path)

    @classmethod
    def load(cls, path: StrPath, *, mapped: bool = True) -> Self:
        """Open the bundle at ``path``. Reads the manifest only.

        Parameters
        ----------
        mapped
            Hand out models as views of a memory map where that is possible. A view touched after another program
            truncated the file ends the process; with ``False`` models are read into memory.

        Raises
        ------
        BundleError, OSError
        """
        bundle = cls.__new__(cls)
        bundle._added, bundle._map, bundle._mapped = {}, None, mapped
        bundle._attach(BundleReader.open(path))
        return bundle

    @staticmethod
    def load_paged(
        path: StrPath, max_memory: int | str | None = None, *, record: StrPath | None = None, **settings: Any
    ) -> PagedBundle:
        """Open the bundle at ``path`` for paging under a limit.

        Parameters
        ----------
        max_memory
            Bytes, a size such as ``"2GiB"``, or ``"auto"``.
        record
            Where to write a recording of all that happens; see :class:`PagedBundle`.
        settings
            The other parameters of :class:`~apbundle.paged.PagingConfig`, such as ``granularity``.

        Raises
        ------
        BundleError, OSError
            The file cannot be opened, or is no bundle.
        TypeError, ValueError
            The settings make no sense.
        """
        from apbundle.paged import PagedBundle

        if max_memory is not None:
            settings["max_memory"] = max_memory
        return PagedBundle.open(path, paging_config(settings), record=record)

    def _attach(self, reader: BundleReader) -> None:
        self._detach()
        self._reader = reader
        self.description = reader.manifest.description
        self.created_at = reader.manifest.created_at
        self.metadata = dict(reader.extension.bundle_metadata) if reader.extension else {}

    def _detach(self) -> None:
        if self._map is not None:
            self._map.close()
        self._map, reader = None, getattr(self, "_reader", None)
        if reader is not None:
            reader.close()

    def add_model(
        self,
        name: str,
        data: ModelData,
        *,
        version: str = "",
        architecture: str = "",
        hyperparameters: Mapping[str, str] | None = None,
        custom: Mapping[str, str] | None = None,
        metadata: ModelMetadata | None = None,
        compress: bool = False,
    ) -> Self:
        """Append a model and return the bundle.

        Parameters
        ----------
        data
            Bytes, a memoryview, an array, a path, or a mapping of names to arrays. Arrays become safetensors.
        version, architecture, hyperparameters, custom
            Metadata, or give ``metadata`` as a whole.
        compress
            Store it as zstd frames; readers of the reference cannot use it then.

        Raises
        ------
        DuplicateName
        TypeError, ValueError
            ``data`` is nothing that can be stored; metadata is not text; both kinds of metadata are given.
        OSError
            A file cannot be opened.
        """
        self._check_open()
        if not isinstance(name, str):
            raise TypeError(f"a name is a string, not {type(name).__name__}")
        if name in self:
            raise bundle_error("duplicate_name", f"The bundle already has a model named {name!r}.")
        described = as_metadata(metadata, version, architecture, hyperparameters or {}, custom or {})
        self._added[name] = NewModel(name, as_source(name, data), described, compress)
        return self

    def get_model(self, name: str) -> memoryview:
        """The raw bytes of a model, read-only; a view of the map where the file is mapped."""
        entry, reader = self._stored(name)
        if reader is None:
            return read_whole(self._added[name].source)
        mapped = None if entry.compressed else self._mapping(reader)
        if mapped is None:
            return memoryview(reader.read_model(name))
        reader.readable_entry(name)
        reader.file.check_unchanged()
        start = reader.data_offset + entry.offset
        return mapped.view[start : start + entry.size]

    def _mapping(self, reader: BundleReader) -> FileMap | None:
        mapped = self._map  # another thread may close the bundle meanwhile
        if mapped is None and self._mapped and FileMap.supported(reader.file):
            try:
                mapped = self._map = FileMap(reader.file)
            except OSError:
                return None  # no address space, for instance: reading works all the same
        return mapped

    def arrays(self, name: str) -> dict[str, Array]:
        """The arrays of a model by name, read-only, and copied only where no file is mapped or the model encodes them.

        Quantised tensors come as their bytes; the one of an ``.npy`` model is named ``"array"``.

        Raises
        ------
        ModelNotFound, UnsupportedFeature
        """
        from apbundle.payload.arrays import model_arrays

        return model_arrays(self.get_model(name), name, self.path)

    def get_metadata(self, name: str) -> ModelMetadata:
        """The metadata of a model; one that was given none shows its size in ``custom``."""
        return self.entry(name).metadata

    def entry(self, name: str) -> ModelEntry:
        """The entry of a model, with its metadata, digest and sizes."""
        return self._stored(name)[0].with_fresh_metadata()

    def _stored(self, name: str) -> tuple[ModelEntry, BundleReader | None]:
        self._check_open()
        model = self._added.get(name)
        if model is not None:
            return ModelEntry(name, model.source.size, 0, model.metadata or ModelMetadata()), None
        if self._reader is None:
            raise bundle_error("model_not_found", f"The bundle has no model named {name!r}.")
        return self._reader.entry(name), self._reader

    @property
    def model_names(self) -> list[str]:
        """The models' names in order."""
        return [*self._stored_names, *self._added]

    @property
    def _stored_names(self) -> Sequence[str]:
        return () if self._reader is None else self._reader.manifest.names

    @property
    def total_size(self) -> int:
        """Raw bytes of all models."""
        self._check_open()
        stored = () if self._reader is None else self._reader.manifest.raw_sizes
        return sum(stored) + sum(model.source.size for model in self._added.values())

    @property
    def manifest(self) -> BundleManifest:
        """The manifest as the file has it, or, with models added, as :meth:`save` would write it."""
        self._check_open()
        if self._reader is not None and not self._added:
            return self._reader.manifest
        return planned_manifest(self._models(), self._options(kept_config(self._reader)))

    def __len__(self) -> int:
        return len(self._stored_names) + len(self._added)

    def __iter__(self) -> Iterator[str]:
        return chain(self._stored_names, list(self._added))

    def __contains__(self, name: object) -> bool:
        return name in self._added or (self._reader is not None and name in self._reader.manifest)

    def __repr__(self) -> str:
        where, state = repr(self.path) if self._reader else "in memory", ", closed" if self.closed else ""
        return f"ModelBundle({where}, {len(self)} models{state})"

    @property
    def reader(self) -> BundleReader:
        """The open file (``closed`` if there is none, or no more)."""
        self._check_open()
        if self._reader is None:
            raise bundle_error("closed", "The bundle is not in a file yet.", hint="Save it first.")
        return self._reader

    @property
    def path(self) -> str | None:
        """The file's path, or ``None`` for a bundle that was never saved."""
        return None if self._reader is None else self._reader.path

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is odd about the file but does not stop reading."""
        return () if self._reader is None else self._reader.warnings

    @property
    def extension_error(self) -> BundleError | None:
        """Why the file's extension block cannot be used, if that is so."""
        return None if self._reader is None else self._reader.extension_error

    @property
    def file_size(self) -> int:
        """Bytes of the whole file."""
        return self.reader.file_size

    @property
    def data_offset(self) -> int:
        """Where the data part begins, in bytes from the start of the file."""
        return self.reader.data_offset

    @property
    def alignment(self) -> int:
        """What every model's start is a multiple of, in bytes, as the file declares it."""
        return self.reader.alignment

    def fields(self) -> FieldTable:
        """Every field of the file outside the models' bytes, in order."""
        return FieldTable(self.reader)

    def verify(self, *, progress: Progress | None = None, cancel: Cancel | None = None) -> VerifyReport:
        """Read every byte of the file and say whether it is what was written."""
        return verify(self.reader, progress=progress, cancel=cancel)

    def extract(
        self,
        names: Iterable[str] | None,
        directory: StrPath,
        *,
        force: bool = False,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> ExtractReport:
        """Write models (``None`` for all) to files in ``directory``, under names that cannot leave it."""
        return extract_models(self.reader, names, directory, force=force, progress=progress, cancel=cancel)

    def save(
        self,
        path: StrPath | None = None,
        config: BundleConfig | None = None,
        *,
        overwrite: bool = True,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> str:
        """Write the bundle and go on with the written file. Returns its path, symlinks resolved.

        Creation time, metadata and sections of other writers are kept, and models that are stored compressed stay so.

        Parameters
        ----------
        path
            Where to; by default where it was loaded from. The old file stays until the new one is complete.
        config
            How; by default with the digests and alignment the bundle has, or the usual ones.

        Raises
        ------
        ExtensionDamaged, UnsupportedFeature
            Saving would lose what this library does not understand.
        BundleError, OSError
            As for :meth:`BundleBuilder.build`.
        """
        target = self.path if path is None else path
        if target is None:
            raise ValueError("the bundle is not in a file yet: say where to save it")
        written = self.write(target, config, overwrite=overwrite, progress=progress, cancel=cancel)
        self._attach(BundleReader.open(written))
        self._added = {}
        return written

    def write(
        self,
        path: StrPath,
        config: BundleConfig | None = None,
        *,
        overwrite: bool = True,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> str:
        """Write a copy to ``path`` and stay as it is; otherwise as :meth:`save`."""
        options = self._options(kept_config(self._reader) if config is None else config)
        models = self._models(compress=config is not None and config.compress)
        return write_bundle(path, models, options, overwrite=overwrite, progress=progress, cancel=cancel)

    def _options(self, config: BundleConfig) -> WriteOptions:
        return kept_options(
            self._reader, config, description=self.description, created_at=self.created_at, metadata=self.metadata
        )

    def _models(self, *, compress: bool = False) -> list[NewModel]:
        self._check_open()
        added = [replace(model, compress=model.compress or compress) for model in self._added.values()]
        return kept_models(self._reader, compress=compress) + added

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._reader is not None and self._reader.file.closed

    def _check_open(self) -> None:
        if self.closed:
            raise bundle_error("closed", "The bundle was closed.", path=self.path)

    def close(self) -> None:
        """Close the file. Views handed out before stay valid."""
        self._detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        self._check_open()
        if self._reader is None or self._added:
            raise TypeError("a bundle with models that are not saved cannot be pickled; save it first")
        return _reload, (type(self), os.path.abspath(self._reader.path), self._mapped, self._reader.file.identity)


def _reload(cls: type[ModelBundle], path: str, mapped: bool, identity: FileIdentity) -> ModelBundle:
    bundle = cls.load(path, mapped=mapped)
    if bundle.reader.file.identity != identity:
        bundle.close()
        raise bundle_error("changed_on_disk", "This is not the file that was pickled.", path=path)
    return bundle
