"""The models of a bundle as units, numbered and found only when they are needed: a bundle may hold a million."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apbundle.format.reader import BundleReader
from apbundle.paged.parts import EvenParts, Parts
from apbundle.paging.blocks import BLOCK
from apbundle.paging.units import Key, Unit


@dataclass(slots=True)
class PagedModel:
    """A model whose bytes were asked for in part.

    Parameters
    ----------
    number, name
        Which one.
    size
        Raw bytes.
    offset
        Where they begin in the file; ``None`` if they do not lie there as they are.
    chunk
        Raw bytes of a chunk, if it is compressed.
    parts
        What it is paged in below whole models; ``None`` until that is needed.
    pieces
        What it is paged in where its parts, or the whole, do not fit under the limit; ``None`` until that is needed.
    """

    number: int
    name: str
    size: int
    offset: int | None
    chunk: int | None
    parts: Parts | None = None
    pieces: Parts | None = None

    def key(self, parts: Parts, index: int) -> Key:
        """What the part ``index`` of ``parts`` is asked for by."""
        return self.name, parts.first + index

    def place(self, number: int) -> tuple[Parts, int] | None:
        """Among which parts the unit ``number`` is, and which of them."""
        for parts in (self.parts, self.pieces):
            if parts is not None and 0 <= number - parts.first < len(parts):
                return parts, number - parts.first
        return None

    def unit(self, number: int) -> Unit | None:
        """The part or piece that has this number."""
        place = self.place(number)
        if place is None:
            return None
        parts, index = place
        begin, end = parts.bounds(index)
        offset = None if self.offset is None else self.offset + begin
        return Unit(number, self.name, end - begin, offset, self.key(parts, index))


class Models:
    """Finds units by key and numbers them: the models in the bundle's order, then parts as they come to be needed.

    Parameters
    ----------
    reader
        The bundle.
    piece
        Bytes of a piece.
    """

    def __init__(self, reader: BundleReader, piece: int) -> None:
        self._reader: Final = reader
        self.piece: Final = piece
        self._as_it_lies: Final = reader.extension_error is None  # else each is looked at before it is handed out
        extension = reader.extension
        self._tables: Final = extension.compression if extension else {}
        self._base: Final = reader.data_offset
        self._known: Final[dict[str, PagedModel]] = {}
        self._lock: Final = threading.Lock()
        self._cut: Final[list[tuple[int, Parts]]] = []  # the number of a model and what it was cut into, by unit number
        self._next = len(reader.manifest)

    @property
    def count(self) -> int:
        """How many units have a number."""
        return self._next

    def find(self, key: Key) -> Unit | None:
        """The unit that ``key`` asks for, or ``None``."""
        if isinstance(key, tuple):
            known = self._known.get(key[0])
            return None if known is None else known.unit(key[1])
        number = self._reader.manifest.number(key)
        return None if number is None else Unit(number, key, *self._extent(number))

    def is_cut(self, name: str) -> bool:
        """Whether the model ``name`` was asked for in part."""
        return name in self._known

    def __getitem__(self, name: str) -> PagedModel:
        """The model ``name`` (``model_not_found`` if there is none)."""
        known = self._known.get(name)
        return self._known.setdefault(name, self._make(name)) if known is None else known

    def cut(self, model: PagedModel, parts: Callable[[int], Parts]) -> Parts:
        """Give ``model`` its parts, made by ``parts(first)``, unless it has them."""
        with self._lock:
            if model.parts is None:
                model.parts = self._numbered(model.number, parts)
            return model.parts

    def cut_evenly(self, model: PagedModel, step: int) -> Parts:
        """Give ``model`` parts of ``step`` bytes, or its chunks, unless it has parts."""
        return model.parts or self.cut(model, lambda first: EvenParts(first, model.size, model.chunk or step))

    def pieces(self, model: PagedModel) -> Parts:
        """The pieces of ``model``: its chunks if it is compressed, else stretches of one size."""
        with self._lock:
            if model.pieces is None:
                model.pieces = self._numbered(
                    model.number, lambda first: EvenParts(first, model.size, model.chunk or self.piece)
                )
            return model.pieces

    def pages_from(self, first: int) -> list[tuple[int, int, int, int]]:
        """The even parts from the unit ``first`` on, by model: its number, bytes of a part, their first, how many."""
        begin = bisect_left(self._cut, first, key=lambda cut: cut[1].first)
        groups = [(model, parts) for model, parts in self._cut[begin:] if isinstance(parts, EvenParts)]
        return [(model, parts.step, parts.first, len(parts)) for model, parts in groups if len(parts)]

    def read(self, unit: Unit, into: memoryview) -> None:
        """Fill ``into`` with the raw bytes of ``unit``."""
        reader = self._reader
        if unit.offset is not None:
            reader.file.read_into(unit.offset, into)
            reader.file.check_unchanged()  # once, afterwards: what was changed before is so still
        elif isinstance(unit.key, str):
            reader.read_into(unit.key, 0, into)
        else:
            name, number = unit.key
            place = self._known[name].place(number)
            assert place is not None
            parts, index = place
            reader.read_into(name, parts.bounds(index)[0], into)

    def _make(self, name: str) -> PagedModel:
        number = self._reader.manifest.number(name)
        if number is None:
            self._reader.entry(name)  # which says so
        assert number is not None
        table = self._tables.get(number)
        return PagedModel(number, name, *self._extent(number), None if table is None else table.chunk)

    def _extent(self, number: int) -> tuple[int, int | None]:
        """The raw bytes of a model, and where they begin in the file, if they lie there as they are."""
        table = self._tables.get(number)
        if table is not None:
            return table.raw_size, None
        manifest = self._reader.manifest
        return manifest.sizes[number], self._base + manifest.offsets[number] if self._as_it_lies else None

    def _numbered(self, model: int, parts: Callable[[int], Parts]) -> Parts:
        made = parts(self._next)
        self._cut.append((model, made))
        self._next += len(made)
        return made


def model_of(key: Key) -> str:
    """The name of the model that the unit ``key`` is or is a part of."""
    return key if isinstance(key, str) else key[0]


def piece_size(page_size: int, limit: int) -> int:
    """Bytes of a piece: a block of the map, less where the limit is small, and never less than a page."""
    return max(page_size, BLOCK if limit >= BLOCK else limit // 2 // page_size * page_size)
