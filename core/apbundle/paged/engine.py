"""What one process has of a paged bundle: the file, its models and what they list, and the pager under them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from apbundle.errors import bundle_error
from apbundle.format.reader import BundleReader
from apbundle.mapping import FileMap
from apbundle.paged.heap import BOOKKEEPING, CountingHeap
from apbundle.paged.listing import Listings
from apbundle.paged.models import Models, PagedModel, piece_size
from apbundle.paged.parts import CutParts, EvenParts, Parts
from apbundle.paging.blocks import BLOCK, blocks_of
from apbundle.paging.config import PagingConfig
from apbundle.paging.mapped_source import MappedSource
from apbundle.paging.observer import Observer
from apbundle.paging.pager import Pager
from apbundle.paging.sources import Source
from apbundle.paging.units import Key, Unit


class Engine:
    """Gives out the bytes of models, whole or in part, through the units that the settings ask for.

    Parameters
    ----------
    reader
        The open bundle.
    config
        How it is paged.
    limit
        Bytes of memory.
    """

    def __init__(self, reader: BundleReader, config: PagingConfig, limit: int) -> None:
        self.reader: Final = reader
        self.models: Final = Models(reader, piece_size(config.page_size, limit))
        self.listings: Final = Listings(reader)
        self.granularity: Final = config.granularity
        self._config: Final = config
        self._limit: Final = limit
        self._heap: Final = CountingHeap(self.models.read)
        file_map = _map_file(reader, config.source)
        self._map: Final = None if file_map is None else MappedSource(file_map, self._heap)
        self.pager: Pager

    def start(self, observer: Observer | None) -> Pager:
        """Begin to page; called once, before anything is asked for."""
        source: Source = self._map or self._heap
        config = self._config
        self.pager = Pager(
            self.models.find,
            source,
            max_memory=self._limit,
            eviction=config.eviction,
            prefetch=config.prefetch_mode,
            prefetch_count=config.prefetch_count,
            observer=observer,
        )
        return self.pager

    def parts(self, model: PagedModel) -> Parts | None:
        """What ``model`` is paged in as things are; ``None``: as a whole."""
        limit = self.pager.max_memory
        if self.granularity == "model":
            return None if model.size <= limit else self.models.pieces(model)
        parts = self.cut(model)
        return self.models.pieces(model) if isinstance(parts, CutParts) and not fit(parts, limit) else parts

    def cut(self, model: PagedModel) -> Parts:
        """The parts of ``model`` at a granularity below whole models."""
        if model.parts is not None:
            return model.parts
        if self.granularity == "page":
            return self.models.cut_evenly(model, self._config.page_size)
        return self.tensor_parts(model) or self.models.cut_evenly(model, self.models.piece)

    def tensor_parts(self, model: PagedModel) -> CutParts | None:
        """The parts of ``model`` if each of its tensors lies in one of them, whatever the limit."""
        if self.granularity != "component" or model.chunk is not None:
            return None
        parts = model.parts
        if parts is None:
            ends, _ = self.listings.of(model).cuts(model.size, self.models.piece)
            if len(ends):
                parts = self.models.cut(model, lambda first: CutParts(first, ends))
        return parts if isinstance(parts, CutParts) else None

    def keys(self, model: PagedModel, parts: Parts | None, offset: int, size: int) -> Iterator[Key]:
        """The units that hold a range of ``model`` when it is paged in ``parts``."""
        if not size:
            return
        if parts is None:
            yield model.name
        else:
            for index in range(parts.at(offset), parts.at(offset + size - 1) + 1):
                yield model.key(parts, index)

    def range(self, model: PagedModel, offset: int, size: int) -> memoryview:
        """``size`` raw bytes of ``model`` from ``offset``, which are inside it.

        They are a view of one unit, or of the map over several, charged as long as it lives, or else a copy.
        """
        if not size:
            return memoryview(b"")
        parts = self.parts(model)
        if parts is None:
            return self.pager.get(model.name)[offset : offset + size]
        first, last = parts.at(offset), parts.at(offset + size - 1)
        if first == last:
            skip = offset - parts.bounds(first)[0]
            return self.pager.get(model.key(parts, first))[skip : skip + size]
        if self._map is not None and model.offset is not None and self._is_lent(model.offset + offset, size, parts):
            for index in range(first, last + 1):
                self.pager.get(model.key(parts, index))
            return self.pager.make_room(partial(self._map.lend, model.offset + offset, size))
        copy = self.copy_buffer(model, size)
        self._join(model, parts, offset, copy)
        return copy.toreadonly()

    def copy_buffer(self, model: PagedModel, size: int) -> memoryview:
        """Writable memory for a copy of bytes of ``model``, charged as long as a view of it lives."""
        crowded = self.pager.charged + size > self.pager.max_memory
        try:
            buffer = self.pager.make_room(partial(self._heap.copy_buffer, size))
        except (MemoryError, OverflowError) as error:
            message = f"There is no memory for {size} bytes of the model {model.name!r}."
            raise bundle_error("limit_exceeded", message) from error
        if crowded:
            self._heap.give_back_freed()
        return memoryview(buffer)[:size]

    def resize(self, limit: int) -> None:
        """Change the limit."""
        self.pager.resize(limit)
        self._heap.give_back_freed()

    def iterate(self, model: PagedModel) -> Iterator[memoryview]:
        """The units that ``model`` is paged in as things are, from its start to its end."""
        return map(self.pager.get, self.keys(model, self.parts(model), 0, model.size))

    def _is_lent(self, begin: int, size: int, parts: Parts) -> bool:
        """Whether a range of the file that lies in several of ``parts`` is better lent from the map than copied.

        It is if these are large, and so mapped or read through it anyway, and if the blocks it touches fit under the
        limit, or are hardly more than the range itself.
        """
        if not isinstance(parts, EvenParts) or parts.step < BLOCK:
            return False
        return len(blocks_of(begin, size)) * BLOCK <= max(self.pager.max_memory, size + BLOCK)

    def _join(self, model: PagedModel, parts: Parts, offset: int, into: memoryview) -> None:
        done = 0
        for index in range(parts.at(offset), parts.at(offset + len(into) - 1) + 1):
            skip = offset + done - parts.bounds(index)[0]
            with self.pager.get(model.key(parts, index))[skip : skip + len(into) - done] as piece:
                into[done : done + len(piece)] = piece
                done += len(piece)


def most_charged(unit: Unit) -> int:
    """Bytes that a part may be charged, wherever it is: the blocks at its ends may hold other bytes too."""
    return unit.size + (2 * BLOCK if unit.size >= BLOCK else BOOKKEEPING)


def fit(parts: Parts, limit: int) -> bool:
    """Whether each of ``parts`` fits under the limit wherever it is."""
    return parts.largest + BOOKKEEPING <= limit


def _map_file(reader: BundleReader, wanted: str) -> FileMap | None:
    if wanted == "read" or reader.file_size < BLOCK or (wanted == "auto" and not FileMap.supported(reader.file)):
        return None
    try:
        return FileMap(reader.file)
    except OSError:
        if wanted == "map":
            raise
        return None  # no address space, for instance: reading works all the same
