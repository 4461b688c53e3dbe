"""What the models of a bundle list: their tensors, found without loading any, and kept as far as that costs little."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from apbundle.errors import bundle_error
from apbundle.format.reader import BundleReader
from apbundle.paged.models import PagedModel
from apbundle.paged.parts import Integers, cut_at_tensors
from apbundle.paged.wording import closest
from apbundle.paging.units import Key
from apbundle.payload.contents import Contents, read_contents
from apbundle.payload.detect import format_title
from apbundle.payload.tensors import Read, TensorInfo

MAX_KEPT = 1_000_000
"""Tensors of all listings that are kept together; a bundle may hold more than fit into memory."""

EXTERNAL = "external"
"""The encoding of a tensor whose data is in another file."""


class Place(NamedTuple):
    """Where a component is."""

    info: TensorInfo
    key: Key | None
    """Its unit; ``None`` for one that is not a part, or a part of one, whatever the limit."""
    skip: int
    """Where in the unit it begins, in bytes."""


class Listing:
    """The tensors of one model.

    Parameters
    ----------
    contents
        What its payload says of itself.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents: Final = contents

    def find(self, name: str, model: str) -> TensorInfo:
        """The tensor ``name`` of ``model`` (``component_not_found`` if there is none); of several, the first."""
        tensors = self.contents.tensors
        row = tensors.find(name)
        if row is not None:
            return tensors[row]
        raise bundle_error(
            "component_not_found", f"The model {model!r} has no component named {name!r}.", hint=self._hint(name)
        )

    def names(self) -> tuple[str, ...]:
        """The names of all tensors, in the payload's order."""
        tensors = self.contents.tensors
        return tuple(tensors.name(row) for row in range(len(tensors)))

    def in_order_of_data(self) -> Iterator[int]:
        """The tensors' rows, in the order in which their bytes lie in the payload."""
        rows = np.argsort(self.contents.tensors.offsets, kind="stable").astype(np.int32)
        return map(int, rows)  # a list of Python's numbers would take ten times the memory

    def cuts(self, size: int, longest_rest: int) -> tuple[Integers, Integers]:
        """As :func:`cut_at_tensors`, for those tensors whose data is in the payload."""
        tensors = self.contents.tensors
        elsewhere = [number for number, kind in enumerate(tensors.kinds) if kind.encoding == EXTERNAL]
        sizes = np.where(np.isin(tensors.kind_numbers, elsewhere), 0, tensors.sizes)
        return cut_at_tensors(size, tensors.offsets, sizes, longest_rest)

    def _hint(self, name: str) -> str:
        contents = self.contents
        if contents.tensors:
            return closest(name, self.names()) or "They are listed in components."
        if contents.findings:
            return f"None can be listed: {contents.findings[0].message}."
        return f"It lists none: its format is {format_title(contents.layout)}. Its bytes are in get_model and read."


class Listings:
    """The listings of a bundle's models, each made when it is first needed. May be used by any number of threads."""

    def __init__(self, reader: BundleReader) -> None:
        self._reader: Final = reader
        self._kept: Final[dict[str, Listing]] = {}
        self._lock: Final = threading.Lock()
        self._tensors = 0

    def of(self, model: PagedModel) -> Listing:
        """The listing of a model; reads the payload's header if need be. What reading raises is passed on."""
        kept = self._kept.get(model.name)
        if kept is not None:
            return kept
        made = Listing(read_contents(model.size, _read_from(self._reader, model)))
        with self._lock:
            kept = self._kept.setdefault(model.name, made)
            if kept is made:
                self._tensors += len(made.contents.tensors)
                self._forget_others()
        return kept

    def _forget_others(self) -> None:
        while self._tensors > MAX_KEPT and len(self._kept) > 1:
            self._tensors -= len(self._kept.pop(next(iter(self._kept))).contents.tensors)


def _read_from(reader: BundleReader, model: PagedModel) -> Read:
    if model.chunk is None:
        return partial(reader.read_range, model.name)
    return _ChunkReader(reader, model, model.chunk)


class _ChunkReader:
    """Reads a compressed model in small steps: the chunk that was read last is kept."""

    def __init__(self, reader: BundleReader, model: PagedModel, chunk: int) -> None:
        self._read: Final = partial(reader.read_range, model.name)
        self._size: Final = model.size
        self._chunk: Final = chunk
        self._index = -1
        self._data = b""

    def __call__(self, offset: int, size: int) -> bytes:
        pieces = []
        while size:
            index, skip = divmod(offset, self._chunk)
            if index != self._index:
                begin = index * self._chunk
                self._data = self._read(begin, min(self._chunk, self._size - begin))
                self._index = index
            pieces.append(self._data[skip : skip + size])
            offset += len(pieces[-1])
            size -= len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
