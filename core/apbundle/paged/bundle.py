"""The paged bundle: models under a memory limit, in as many threads and processes as there are."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, cast

from apbundle.errors import bundle_error
from apbundle.fileio import FileIdentity, StrPath
from apbundle.format.model import ModelEntry, ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.mapping import FileMap
from apbundle.paging.config import PagingConfig
from apbundle.paging.pager import Pager
from apbundle.paging.sources import BLOCK, HeapSource, MappedSource, Source
from apbundle.paging.stats import PagingStats
from apbundle.paging.units import Unit
from apbundle.text import format_size
from apbundle.trace.recorder import RecordingWriter, start_recording
from apbundle.trace.records import RecordingHeader
from apbundle.trace.units import UnitList


class PagedBundle:
    """The models of a bundle, loaded when they are asked for and evicted under a memory limit.

    It may be used by any number of threads. After a fork the child opens the file anew, with an empty cache; so does
    whoever unpickles it. Both insist on the file that was open before (``changed_on_disk`` otherwise).

    A change of the file is noticed whenever a model is loaded. But a model of 2 MiB or more is a view of a memory map:
    if another program cuts the file short, touching a view taken before ends the process with a bus error. For files
    that may be cut short, use ``PagingConfig(source="read")``.

    Parameters
    ----------
    path
        The bundle.
    config
        How it is paged.
    record
        Where to write a recording of all that happens (`core/TRACE.md`), or ``None``. If it cannot be written, a
        ``RuntimeWarning`` says so once, and paging goes on without.

    Raises
    ------
    BundleError, OSError
        The file cannot be opened, or is no bundle.
    """

    def __init__(self, path: StrPath, config: PagingConfig | None = None, *, record: StrPath | None = None) -> None:
        if config is not None and not isinstance(config, PagingConfig):
            raise TypeError(f"config is a PagingConfig, not {type(config).__name__}")
        self._config: Final = config or PagingConfig()
        self._limit: Final = self._config.memory_limit()
        self._path: Final = os.path.abspath(os.fsdecode(path))
        self._closed = False
        self._recorder: RecordingWriter | None = None
        self._opening: threading.Lock = threading.Lock()
        self._reader: BundleReader = BundleReader.open(self._path)
        self._identity: Final[FileIdentity] = self._reader.file.identity
        try:
            source = self._make_source(self._reader)
        except BaseException:
            self._reader.close()
            raise
        self._recorder = start_recording(record, self._path, self._recording_header)
        self._begin(source)
        _bundles.add(self)

    @classmethod
    def open(cls, path: StrPath, config: PagingConfig | None = None, *, record: StrPath | None = None) -> Self:
        """Open the bundle at ``path``; the parameters are those of the class."""
        return cls(path, config, record=record)

    def get_model(self, name: str) -> memoryview:
        """The raw (decompressed) bytes of a model, read-only; loaded if need be.

        All callers share one view: take it, or a slice of it, but do not release it (as ``with`` would; that raises
        ``BufferError`` while the model is in memory). It stays valid after an eviction and after :meth:`close`.

        A model larger than the limit is given too: as a view of the map that brings nothing into memory by itself and
        leaves when the next model is loaded, or else read whole when nothing is left to evict.

        Raises
        ------
        ModelNotFound
            There is no such model; nothing is counted. Also a ``KeyError``.
        ChangedOnDisk
            The file is no longer the one that was opened.
        BundleClosed, BundleError, OSError
            The bundle was closed; the model is damaged or cannot be read. A failed load is not counted.
        """
        return self._pager.get(name)

    def prefetch_hint(self, name: str) -> None:
        """Load a model that will be needed, before this returns, or soon if prefetch is ``"background"``.

        Evicts what a miss would evict, counts a prefetch. A model that is cached or does not exist is left alone.
        Raises what :meth:`get_model` raises for a load that fails; in the background only the access that needs the
        model does.
        """
        self._pager.hint(name)

    def evict(self, name: str) -> bool:
        """Drop a model from memory, counting an eviction; whether it was there."""
        return self._pager.evict(name)

    def clear_cache(self) -> None:
        """Drop all models from memory, counting nothing."""
        self._pager.clear()

    def is_cached(self, name: str) -> bool:
        """Whether a model is in memory; ``False`` for one that does not exist."""
        return self._pager.is_cached(name)

    def get_metadata(self, name: str) -> ModelMetadata:
        """What the bundle says of a model (``model_not_found`` if there is none)."""
        return self.entry(name).metadata

    def entry(self, name: str) -> ModelEntry:
        """Where a model is and what is known of it (``model_not_found`` if there is none)."""
        return self._reader.entry(name).with_fresh_metadata()

    def stats(self) -> PagingStats:
        """The counters now; readable after :meth:`close`."""
        return self._pager.stats()

    @property
    def path(self) -> str:
        """The bundle's absolute path."""
        return self._path

    @property
    def config(self) -> PagingConfig:
        """The settings it was opened with."""
        return self._config

    @property
    def max_memory(self) -> int:
        """The limit in bytes; of an automatic one, what it came to."""
        return self._limit

    @property
    def model_names(self) -> list[str]:
        """The names of all models, in the bundle's order."""
        return self._reader.manifest.model_names

    @property
    def cached_count(self) -> int:
        """How many models are in memory."""
        return self._pager.cached_count

    @property
    def cached_names(self) -> tuple[str, ...]:
        """The names of the models in memory, in no particular order."""
        return self._pager.cached_names

    @property
    def memory_used(self) -> int:
        """Raw bytes of the models in memory, as the counters have it."""
        return self._pager.memory_used

    @property
    def charged(self) -> int:
        """Bytes counted against the limit: of a mapped model, the 2 MiB blocks of the file that it touches."""
        return self._pager.charged

    @property
    def resident(self) -> int:
        """Bytes this object really holds in memory; takes milliseconds.

        Other than ``charged`` it includes what callers keep or bring back by views of models evicted since, and what
        they touch of a mapped model larger than the limit.
        """
        return self._pager.resident

    @property
    def recording(self) -> str | None:
        """Path of the recording that is being written, or ``None``."""
        return None if self._recorder is None or self._recorder.failed else self._recorder.path

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def close(self) -> None:
        """Drop all models and close the file, once loads under way are done. Views handed out stay valid."""
        self._closed = True
        self._finalizer.detach()
        if not isinstance(self._pager, _Asleep):
            self._pager.close()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __contains__(self, name: object) -> bool:
        return name in self._reader.manifest

    def __len__(self) -> int:
        return len(self._reader.manifest)

    def __reduce__(self) -> tuple[Any, ...]:
        self._check_open()
        return _reopen, (type(self), self._path, self._config, self._identity)

    def __repr__(self) -> str:
        if self._closed:
            return f"PagedBundle({self._path!r}, closed)"
        used, limit = format_size(self.memory_used), format_size(self._limit)
        return f"PagedBundle({self._path!r}, {self.cached_count} of {len(self)} models in memory, {used} of {limit})"

    def _check_open(self) -> None:
        if self._closed:
            raise bundle_error("closed", "The bundle was closed.", path=self._path)

    def _make_source(self, reader: BundleReader) -> Source:
        heap = HeapSource(partial(_read, reader))
        wanted = self._config.source
        if wanted == "read" or reader.file_size < BLOCK or (wanted == "auto" and not FileMap.supported(reader.file)):
            return heap
        try:
            return MappedSource(FileMap(reader.file), heap)
        except OSError:
            if wanted == "map":
                raise
            return heap  # no address space, for instance: reading works all the same

    def _begin(self, source: Source) -> None:
        self._pager: Pager = Pager(
            _Units(self._reader).find,
            source,
            max_memory=self._limit,
            eviction=self._config.eviction,
            prefetch=self._config.prefetch_mode,
            prefetch_count=self._config.prefetch_count,
            observer=self._recorder,
        )
        # Nothing that the pager holds may lead back here: who forgets to close loses nothing but the moment of it.
        self._finalizer = weakref.finalize(self, _forgotten, self._pager, self._reader)

    def _recording_header(self) -> RecordingHeader:
        reader = self._reader
        binding = reader.extension.binding if reader.extension else None
        return RecordingHeader.now(
            bundle=self._path,
            units=UnitList(reader.manifest.model_names, [entry.raw_size for entry in reader.manifest]),
            identity=asdict(self._identity),
            binding=binding.sha256.hex() if binding else None,
            config=asdict(replace(self._config, max_memory=self._limit)),
        )

    def _leave_to_parent(self) -> None:
        """In a forked child: what was open stays the parent's; the first use opens the file anew."""
        if self._recorder is not None:
            self._recorder.abandon()
            self._recorder = None
        self._finalizer.detach()
        self._opening = threading.Lock()
        self._pager = cast(Pager, _Asleep(self._wake))

    def _wake(self) -> Pager:
        self._check_open()
        with self._opening:
            if isinstance(self._pager, _Asleep):
                self._reader = _open_again(self._path, self._identity)
                self._begin(self._make_source(self._reader))
            return self._pager


class _Units:
    """The models of a bundle as units; made when first needed, for opening a large bundle should not wait for them."""

    def __init__(self, reader: BundleReader) -> None:
        self._reader = reader
        self._units: dict[str, Unit] = {}

    def find(self, name: str) -> Unit | None:
        """The unit that is the model ``name``."""
        if not self._units:
            self._units = self._make()
        return self._units.get(name)

    def _make(self) -> dict[str, Unit]:
        reader = self._reader
        as_it_lies = reader.extension_error is None  # else each model is looked at before it is handed out
        units = {}
        for number, entry in enumerate(reader.manifest):
            offset = reader.data_offset + entry.offset if as_it_lies and not entry.compressed else None
            units[entry.name] = Unit(number, entry.name, entry.raw_size, offset)
        return units


def _forgotten(pager: Pager, reader: BundleReader) -> None:
    """Close what a bundle left behind that was not closed itself."""
    pager.close(wait=False)
    reader.close()


def _read(reader: BundleReader, unit: Unit, into: memoryview) -> None:
    if unit.offset is None:
        reader.read_into(unit.name, 0, into)
    else:
        reader.file.read_into(unit.offset, into)
        reader.file.check_unchanged()  # once, afterwards: what was changed before is so still


class _Asleep:
    """Stands for the pager of a process that was forked, until it is used."""

    def __init__(self, wake: Callable[[], Pager]) -> None:
        self._wake = wake

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wake(), name)


def _open_again(path: str, identity: FileIdentity) -> BundleReader:
    reader = BundleReader.open(path)
    if reader.file.identity != identity:
        reader.close()
        raise bundle_error("changed_on_disk", "This is not the file that was open before.", path=path)
    return reader


def _reopen(cls: type[PagedBundle], path: str, config: PagingConfig, identity: FileIdentity) -> PagedBundle:
    bundle = cls(path, config)
    if bundle._identity != identity:
        bundle.close()
        raise bundle_error("changed_on_disk", "This is not the file that was pickled.", path=path)
    return bundle


_bundles: Final[weakref.WeakSet[PagedBundle]] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for bundle in list(_bundles):
        if not bundle.closed:
            bundle._leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all_to_parent)
