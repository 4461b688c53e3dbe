"""The models of a bundle as units, numbered and found only when they are needed: a bundle may hold a million."""

from __future__ import annotations

import threading
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
        self._known: Final[dict[str, PagedModel]] = {}
        self._lock: Final = threading.Lock()
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
        if key not in self._reader.manifest:
            return None
        model = self._known.get(key) or self._make(key)
        return Unit(model.number, model.name, model.size, model.offset)

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
                model.parts = self._numbered(parts)
            return model.parts

    def cut_evenly(self, model: PagedModel, step: int) -> Parts:
        """Give ``model`` parts of ``step`` bytes, or its chunks, unless it has parts."""
        return model.parts or self.cut(model, lambda first: EvenParts(first, model.size, model.chunk or step))

    def pieces(self, model: PagedModel) -> Parts:
        """The pieces of ``model``: its chunks if it is compressed, else stretches of one size."""
        with self._lock:
            if model.pieces is None:
                model.pieces = self._numbered(lambda first: EvenParts(first, model.size, model.chunk or self.piece))
            return model.pieces

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
        manifest = self._reader.manifest
        entry = self._reader.entry(name)
        number = manifest.number(name)
        assert number is not None
        offset = self._reader.data_offset + entry.offset if self._as_it_lies and not entry.compressed else None
        chunk = None if entry.compression is None else entry.compression.chunk
        return PagedModel(number, name, entry.raw_size, offset, chunk)

    def _numbered(self, parts: Callable[[int], Parts]) -> Parts:
        made = parts(self._next)
        self._next += len(made)
        return made


def model_of(key: Key) -> str:
    """The name of the model that the unit ``key`` is or is a part of."""
    return key if isinstance(key, str) else key[0]


def piece_size(page_size: int, limit: int) -> int:
    """Bytes of a piece: a block of the map, less where the limit is small, and never less than a page."""
    return max(page_size, BLOCK if limit >= BLOCK else limit // 2 // page_size * page_size)
