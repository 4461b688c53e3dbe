"""The paged bundle: what a user of the paging engine holds in hands."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from apbundle.errors import bundle_error
from apbundle.format.model import ModelEntry, ModelMetadata
from apbundle.paged.lifetime import PagedFile
from apbundle.paged.pages import iterate_pages
from apbundle.paged.wording import check_names
from apbundle.paging.stats import PagingStats
from apbundle.paging.store import BATCH
from apbundle.payload.tensors import TensorInfo
from apbundle.text import format_size

Array = np.ndarray[Any, Any]


class PagedBundle(PagedFile):
    """The models of a bundle, loaded when they are asked for and evicted under a memory limit.

    What is loaded and evicted at a time is a *unit*: a whole model, or, by ``PagingConfig(granularity=…)``, a component
    (a tensor that the model lists) or a page; of a compressed model, a chunk in place of these two. :meth:`get_model`
    always hands out a whole model. A model that is larger than the limit can still be read in part: by
    :meth:`get_component`, :meth:`read`, :meth:`iter_components` and :meth:`iter_pages`, in pieces of 2 MiB (or of a
    page, if that is larger) where its units do not fit.

    It may be used by any number of threads. After a fork the child opens the file anew, with an empty cache; so does
    whoever unpickles it. Both insist on the file that was open before (``changed_on_disk`` otherwise).

    A change of the file is noticed whenever a unit is loaded. But a unit of 2 MiB or more is a view of a memory map:
    if another program cuts the file short, touching a view taken before ends the process with a bus error. For files
    that may be cut short, use ``PagingConfig(source="read")``.

    Parameters
    ----------
    path
        The bundle.
    config
        How it is paged.
    record
        Where to write a recording of all that happens (`core/TRACE.md`). ``None`` leaves that to the environment: if
        ``APBUNDLE_RECORD`` names a folder, each process records there into a file of its own. If a recording cannot be
        written, a ``RuntimeWarning`` says so once, and paging goes on without.

    Raises
    ------
    BundleError, OSError
        The file cannot be opened, or is no bundle.
    TypeError, ValueError
        ``path`` is no path, or ``config`` no ``PagingConfig``.
    """

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
        LimitTooSmall
            What is pinned leaves no room for it.
        BundleClosed, BundleError, OSError
            The bundle was closed; the model is damaged or cannot be read. A failed load is not counted.
        """
        try:
            unit, view = self._views[name]  # what Pager.get does, without the time of a call
        except (KeyError, TypeError):
            pass
        else:
            log = self._log
            log.append(unit)
            if len(log) >= BATCH:
                self._pager.work_off()
            return view
        try:
            return self._pager.get(name)
        except Exception as error:
            self._explain(error, name)
            raise

    def get_component(self, model: str, name: str) -> Array:
        """A tensor of a model as a read-only array; its unit, or those it lies in, are loaded if need be.

        BF16 and the 8-bit floats come as the types of ``ml_dtypes``. What has no array type comes as its bytes, a
        one-dimensional ``uint8`` array: quantised blocks, elements smaller than a byte (see :meth:`component`).

        Nothing is copied where the tensor lies in one unit, or in several of the map. A copy is made of one that lies
        in several other units (chunks, small pages) or is stored encoded. Copies and views of several units count
        against the limit while they live.
        The array stays valid after an eviction and after :meth:`close`.

        Raises
        ------
        ModelNotFound, ComponentNotFound
            There is no such model, or the model lists no such tensor. Also ``KeyError``.
        UnsupportedFeature
            The tensor is damaged, or stored in a way that cannot be read.
        BundleError, OSError
            As for :meth:`get_model`.
        """
        try:
            return (self._components or self._wake()).get(model, name)
        except Exception as error:
            self._explain(error, model, name)
            raise

    def component(self, model: str, name: str) -> TensorInfo:
        """The description of a component: element type, shape, where it lies. Reads the model's header at most."""
        with self._explaining(model):
            check_names(name)
            return self._working().info(model, name)

    def components(self, model: str) -> tuple[str, ...]:
        """The names of a model's components, in its own order; none if it is of a format that lists none."""
        with self._explaining(model):
            return self._working().names(model)

    def iter_components(self, model: str) -> Iterator[tuple[str, Array]]:
        """All components of a model by name, each as :meth:`get_component` gives it, in the order of their data.

        However large the model, no more than the limit is in memory, if no component is larger than that and none is
        kept by the caller. A loop's variable keeps the last one until the next is there; ``del`` it to be exact.
        """
        with self._explaining(model):
            components = self._working().iterate(model)
        return self._explained(components)

    def iter_pages(self, model: str) -> Iterator[memoryview]:
        """The raw bytes of a model in pages of ``page_size`` bytes, read-only; the last may be shorter.

        However large the model, no more than the limit is in memory, if no page is kept by the caller.
        """
        with self._explaining(model):
            engine = self._working().engine
            pages = iterate_pages(engine, engine.models[model], self._config.page_size)
        return self._explained(pages)

    def read(self, model: str, offset: int = 0, size: int | None = None) -> memoryview:
        """Raw bytes of a model, read-only: ``size`` from ``offset``, or all from there.

        A view of one unit, or of several of the map; of several others a copy. What lies in several counts against the
        limit while it lives. Valid after an eviction and after :meth:`close`.

        Raises
        ------
        ValueError
            The range reaches outside the model.
        BundleError, OSError
            As for :meth:`get_model`.
        """
        try:
            engine = self._working().engine
            known = engine.models[model]
            try:
                offset = operator.index(offset)
                size = known.size - offset if size is None else operator.index(size)
            except TypeError:
                given = f"{type(offset).__name__} and {type(size).__name__}"
                raise TypeError(f"offset and size are whole numbers of bytes, not {given}") from None
            if offset < 0 or size < 0 or offset > known.size - size:
                raise ValueError(f"{size} bytes from {offset} reach outside the {known.size} bytes of the model")
            return engine.range(known, offset, size)
        except Exception as error:
            self._explain(error, model)
            raise

    @contextmanager
    def pinned(self, name: str, component: str | None = None) -> Iterator[None]:
        """Keep a model, or one component of it, in memory inside the ``with`` block.

        Pinned are the units it is paged in: the model, or at a finer granularity its components or pages. Each is
        loaded now and counts as accessed. Pins of several blocks add up. A forked child has none of its parent's.

        Raises
        ------
        LimitTooSmall
            The limit cannot hold it, or not beside what is pinned already; nothing was loaded or evicted.
        ModelNotFound, ComponentNotFound, BundleError, OSError
            As for :meth:`get_component`.
        """
        with self._explaining(name, component):
            components = self._working()
            pager, model = components.engine.pager, components.engine.models[name]
            size = model.size if component is None else components.info(name, component).size
            if size > pager.max_memory:
                what = f"the model {name!r}" if component is None else f"the component {component!r} of {name!r}"
                message = f"The limit of {format_size(pager.max_memory)} has no room for {what} ({format_size(size)})."
                raise bundle_error("limit_too_small", message, hint="Raise the limit, or use it without pinning it.")
            keys = list(components.keys(name, component))
        pinned = False
        try:
            with self._explaining(name, component):
                pager.pin(keys)
                pinned = True
            yield
        finally:
            if pinned and self._pager is pager:  # not so in a forked child
                pager.unpin(keys)

    def resize(self, max_memory: int | str) -> None:
        """Change the limit; what has to leave for that leaves before this returns.

        Parameters
        ----------
        max_memory
            As in :class:`PagingConfig`.

        Raises
        ------
        LimitTooSmall
            What is pinned does not fit; nothing was changed.
        BundleClosed
        """
        changed = replace(self._config, max_memory=max_memory)
        limit = changed.memory_limit()
        with self._resizing:
            with self._explaining():
                self._working().engine.resize(limit)
            self._limit, self._lasting = limit, changed

    def prefetch_hint(self, name: str, component: str | None = None) -> None:
        """Load what will be needed, before this returns, or soon if prefetch is ``"background"``.

        Evicts what a miss would evict, counts a prefetch for each unit. At a finer granularity than models, as much of
        the model is loaded from its start as the limit holds. What is cached or does not exist is left alone.
        Raises what :meth:`get_model` raises for a load that fails; in the background only the access that needs the
        model does.
        """
        with self._explaining(name, component):
            self._working().hint(name, component)

    def evict(self, name: str, component: str | None = None) -> bool:
        """Drop a model, or the units that hold one component of it, from memory, counting an eviction for each.

        Returns whether anything was dropped. What is pinned stays.
        """
        with self._explaining(name, component):
            return self._working().evict(name, component)

    def clear_cache(self) -> None:
        """Drop all models from memory, counting nothing. What is pinned stays."""
        with self._explaining():
            self._pager.clear()

    def is_cached(self, name: str, component: str | None = None) -> bool:
        """Whether a model as a whole, or a component, is in memory; ``False`` for what does not exist."""
        check_names(name)
        if component is None:
            return self._pager.is_cached(name)
        with self._explaining(name, component):
            return self._working().is_cached(name, component)

    def get_metadata(self, name: str) -> ModelMetadata:
        """What the bundle says of a model (``model_not_found`` if there is none)."""
        return self.entry(name).metadata

    def entry(self, name: str) -> ModelEntry:
        """Where a model is and what is known of it (``model_not_found`` if there is none)."""
        with self._explaining(name):
            return self._reader.entry(name).with_fresh_metadata()

    def stats(self) -> PagingStats:
        """The counters now, of units; readable after :meth:`close`."""
        return self._pager.stats()

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
        """How many units are in memory."""
        return self._pager.cached_count

    @property
    def cached_names(self) -> tuple[str, ...]:
        """The names of the models that are in memory as a whole, in no particular order."""
        return tuple(unit.name for unit in self._pager.cached_units if isinstance(unit.key, str))

    @property
    def memory_used(self) -> int:
        """Raw bytes of the units in memory, as the counters have it."""
        return self._pager.memory_used

    @property
    def charged(self) -> int:
        """Bytes counted against the limit: of mapped units, the 2 MiB blocks of the file that they touch."""
        return self._pager.charged

    @property
    def resident(self) -> int:
        """Bytes this object really holds in memory; takes milliseconds.

        Other than ``charged`` it includes what callers keep or bring back by views of units evicted since, and what
        they touch of a mapped model larger than the limit.
        """
        return self._pager.resident

    def __contains__(self, name: object) -> bool:
        return name in self._reader.manifest

    def __len__(self) -> int:
        return len(self._reader.manifest)

    def __repr__(self) -> str:
        if self._closed:
            return f"PagedBundle({self._path!r}, closed)"
        whole = len(self.cached_names)
        parts = self.cached_count - whole
        count = f"{whole} of {len(self)} models{f' and {parts} parts' if parts else ''}"
        used, limit = format_size(self.memory_used), format_size(self._limit)
        return f"PagedBundle({self._path!r}, {count} in memory, {used} of {limit})"

    def _explained(self, items: Iterator[Any]) -> Iterator[Any]:
        with self._explaining():
            yield from items
