"""How a paged bundle comes and goes: opening and closing, forks, pickles, and objects that nobody closed."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, cast

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import FileIdentity, StrPath
from apbundle.format.reader import BundleReader
from apbundle.paged.components import Components
from apbundle.paged.engine import Engine
from apbundle.paged.models import Models
from apbundle.paged.recording import recording_header
from apbundle.paged.wording import check_names, closest, explain
from apbundle.paging.config import PagingConfig
from apbundle.paging.hollow import HollowSource
from apbundle.paging.pager import Pager
from apbundle.paging.units import Key
from apbundle.trace.notice import warn
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.start import start_recording


class PagedFile:
    """An open bundle with a pager of this process; see :class:`~apbundle.paged.PagedBundle`."""

    _pager: Pager
    _views: dict[Key, tuple[int, memoryview]]
    _log: list[int]

    def __init__(self, path: StrPath, config: PagingConfig | None = None, *, record: StrPath | None = None) -> None:
        if config is not None and not isinstance(config, PagingConfig):
            raise TypeError(f"config is a PagingConfig, not {type(config).__name__}")
        self._config: Final = config or PagingConfig()
        self._limit = self._config.memory_limit()
        self._path: Final = os.path.abspath(_given("path", path))
        self._lasting = self._config  # of whoever opens the bundle in another process
        self._record: Final = None if record is None else _given("record", record)
        self._closed = False
        self._recorder: RecordingWriter | None = None
        self._waking: threading.Lock = threading.Lock()
        self._resizing = threading.RLock()  # who hears of what came up in a change of the limit may change it again
        with self._explaining():
            self._reader: BundleReader = BundleReader.open(self._path)
            self._identity: Final[FileIdentity] = self._reader.file.identity
            self._begin(self._record, recorded=True)
        _open_files.add(self)

    @classmethod
    def open(cls, path: StrPath, config: PagingConfig | None = None, *, record: StrPath | None = None) -> Self:
        """Open the bundle at ``path``; the parameters are those of the class."""
        return cls(path, config, record=record)

    @property
    def path(self) -> str:
        """The bundle's absolute path."""
        return self._path

    @property
    def config(self) -> PagingConfig:
        """The settings it was opened with."""
        return self._config

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
        if isinstance(self._pager, _Asleep):  # nothing was loaded in this process
            self._pager = Pager(Models(self._reader, 1).find, HollowSource(), max_memory=self._limit)
        self._pager.close()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        self._check_open()
        return _reopen, (type(self), self._path, self._lasting, self._identity)

    def _working(self) -> Components:
        """What hands out models in part, on an open bundle."""
        self._check_open()
        return self._components or self._wake()

    def _check_open(self) -> None:
        if self._closed:
            with self._explaining():
                raise bundle_error("closed", "The bundle was closed.")

    @contextmanager
    def _explaining(self, model: str = "", component: str | None = None) -> Iterator[None]:
        """Let errors that leave the block say which bundle it was, and what to do; names have to be strings."""
        check_names(model, "" if component is None else component)
        try:
            yield
        except BundleError as error:
            self._explain(error, model)
            raise

    def _explain(self, error: Exception, model: str, component: str = "") -> None:
        """Add the path and a hint to an error that a request for ``model`` led to, if names are not to blame for it.

        Raises
        ------
        TypeError
            A name is no string: what came of that tells nobody anything.
        """
        try:
            check_names(model, component)
        except TypeError as wrong:
            raise wrong from None
        if isinstance(error, BundleError):
            if error.code == "model_not_found":
                error.hint = closest(model, self._reader.manifest.model_names) or error.hint
            explain(error, self._path)

    def _begin(self, record: str | None, *, recorded: bool, tell: Callable[[str], None] = warn) -> Components:
        """Page the open file, from an empty cache."""
        try:
            engine = Engine(self._reader, self._config, self._limit)
        except BaseException:
            self._reader.close()
            raise
        if recorded:
            header = partial(recording_header, engine, self._path, self._config, self._limit)
            self._recorder = start_recording(record, self._path, header, engine.models.pages_from, tell)
        self._pager = engine.start(self._recorder)
        self._views, self._log = self._pager.views, self._pager.log
        # Nothing that the pager holds may lead back here: who forgets to close loses nothing but the moment of it.
        self._finalizer = weakref.finalize(self, _forgotten, self._pager, self._reader)
        self._components: Components | None = Components(engine)
        return self._components

    def _leave_to_parent(self) -> None:
        """In a forked child: what was open stays the parent's; the first use opens the file anew."""
        if self._recorder is not None:
            self._recorder.abandon()
            self._recorder = None
        self._finalizer.detach()
        self._waking = threading.Lock()
        self._resizing = threading.RLock()
        self._components = None
        self._pager = cast(Pager, _Asleep(self._wake))
        self._views, self._log = {}, []

    def _wake(self) -> Components:
        self._check_open()
        news: list[str] = []  # told once the lock is released: who hears of it may use this bundle
        try:
            with self._waking, self._explaining():
                if self._components is None:
                    self._reader = _open_again(self._path, self._identity)
                    # What the environment asks to be recorded is, in each process; a given path is the parent's alone.
                    self._begin(None, recorded=self._record is None, tell=news.append)
                return cast(Components, self._components)
        finally:
            for message in news:
                warn(message)


class _Asleep:
    """Stands for the pager of a process that was forked, until it is used."""

    def __init__(self, wake: Callable[[], Components]) -> None:
        self._wake = wake

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wake().engine.pager, name)


def _given(name: str, path: StrPath) -> str:
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise TypeError(f"{name} is a path, not {type(path).__name__}") from None
    if not text or "\0" in text:
        raise ValueError(f"{name} is no path: {text!r}")
    return text


def _forgotten(pager: Pager, reader: BundleReader) -> None:
    """Close what a bundle left behind that was not closed itself."""
    pager.close(wait=False)
    reader.close()


def _open_again(path: str, identity: FileIdentity) -> BundleReader:
    reader = BundleReader.open(path)
    if reader.file.identity != identity:
        reader.close()
        raise bundle_error("changed_on_disk", "This is not the file that was open before.", path=path)
    return reader


def _reopen(cls: type[PagedFile], path: str, config: PagingConfig, identity: FileIdentity) -> PagedFile:
    bundle = cls(path, config)
    if bundle._identity != identity:
        bundle.close()
        with bundle._explaining():
            raise bundle_error("changed_on_disk", "This is not the file that was pickled.")
    return bundle


_open_files: Final[weakref.WeakSet[PagedFile]] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for bundle in list(_open_files):
        if not bundle.closed:
            bundle._leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all_to_parent)
