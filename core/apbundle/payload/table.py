"""A table that holds a million tensors in columns, and can be read while it grows."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, overload

import numpy as np

from apbundle.payload.tensors import BlockType, Order, TensorInfo

Integers = np.ndarray[Any, np.dtype[np.int64]]

_FIRST_BATCH = 256  # rows that a reader sees first; batches double up to the largest
_LARGEST_BATCH = 8192
_MOST = 2**63 - 1  # what a column can hold


class Kind(NamedTuple):
    """What many tensors of a payload have in common, kept once."""

    dtype: str
    block: BlockType | None = None
    order: Order = "C"
    encoding: str = ""
    skip: int = 0


class _Batch(NamedTuple):
    """Rows that change no more, a column each."""

    names: bytes
    name_ends: Integers
    hashes: Integers
    kinds: Integers
    dims: np.ndarray[Any, np.dtype[np.uint64]]
    dim_ends: Integers
    offsets: Integers
    sizes: Integers
    elements: Integers


class TensorTable(Sequence[TensorInfo]):
    """The tensors of a payload in the order it lists them, about 100 bytes each, made into records when asked for.

    One thread adds rows; they appear in batches, small ones first, and stay as they are. Any thread may read meanwhile.
    Names that come twice are two rows.
    """

    def __init__(self) -> None:
        self._batches: list[_Batch] = []
        self._starts: list[int] = []  # first row of each batch
        self._length = 0
        self._kinds: list[Kind] = []
        self._kind_numbers: dict[tuple[object, ...], int] = {}
        self._strides: dict[int, tuple[int, ...]] = {}
        self._merged: dict[str, Integers] = {}
        self._order: tuple[Integers, Integers] | None = None
        self._begin()

    def _begin(self) -> None:
        """Start the rows of the next batch."""
        self._names: list[bytes] = []
        self._hashes: list[int] = []
        self._codes: list[int] = []
        self._dims: list[int] = []
        self._ranks: list[int] = []
        self._offsets: list[int] = []
        self._sizes: list[int] = []
        self._elements: list[int] = []
        self._room = min(max(_FIRST_BATCH, self._length), _LARGEST_BATCH)

    def add(
        self,
        name: str,
        dtype: str,
        shape: Sequence[int],
        offset: int,
        size: int,
        *,
        block: BlockType | None = None,
        order: Order = "C",
        strides: tuple[int, ...] | None = None,
        encoding: str = "",
        skip: int = 0,
    ) -> bool:
        """Add a row, as the fields of :class:`TensorInfo`; whether it completed a batch, which is then visible.

        Dimensions are below 2**64, offset and size below 2**63; half a surrogate pair in a name is escaped.
        """
        kind = (dtype, block, order, encoding, skip)
        code = self._kind_numbers.get(kind)
        if code is None:
            code = self._kind_numbers[kind] = len(self._kinds)
            self._kinds.append(Kind(dtype, block, order, encoding, skip))
        if strides is not None:
            self._strides[self._length + len(self._names)] = strides
        data = name.encode("utf-8", "backslashreplace")
        self._names.append(data)
        self._hashes.append(hash(data))
        self._codes.append(code)
        self._dims.extend(shape)
        self._ranks.append(len(shape))
        self._offsets.append(offset)
        self._sizes.append(size)
        self._elements.append(min(math.prod(shape), _MOST))
        if len(self._names) < self._room:
            return False
        self.publish()
        return True

    def publish(self) -> None:
        """Make all rows visible that were added."""
        if not self._names:
            return
        batch = _Batch(
            b"".join(self._names),
            np.cumsum([len(name) for name in self._names], dtype=np.int64),
            np.array(self._hashes, np.int64),
            np.array(self._codes, np.int64),
            np.array(self._dims, np.uint64),
            np.cumsum(self._ranks, dtype=np.int64),
            np.array(self._offsets, np.int64),
            np.array(self._sizes, np.int64),
            np.array(self._elements, np.int64),
        )
        self._batches.append(batch)
        self._starts.append(self._length)
        self._length += len(self._names)
        self._begin()

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> TensorInfo: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TensorInfo, ...]: ...
    def __getitem__(self, index: int | slice) -> TensorInfo | tuple[TensorInfo, ...]:
        if isinstance(index, slice):
            return tuple(self[row] for row in range(*index.indices(self._length)))
        batch, place, row = self._locate(index)
        kind = self._kinds[batch.kinds[place]]
        low = int(batch.dim_ends[place - 1]) if place else 0
        return TensorInfo(
            _name(batch, place),
            kind.dtype,
            tuple(batch.dims[low : batch.dim_ends[place]].tolist()),
            int(batch.offsets[place]),
            int(batch.sizes[place]),
            kind.block,
            kind.order,
            self._strides.get(row),
            kind.encoding,
            kind.skip,
        )

    def __iter__(self) -> Iterator[TensorInfo]:
        return (self[row] for row in range(self._length))

    def name(self, row: int) -> str:
        """The name in this row."""
        batch, place, _ = self._locate(row)
        return _name(batch, place)

    def name_batches(self) -> Iterator[tuple[int, bytes, Integers]]:
        """All names, many rows at a time: the first row, their UTF-8 without a gap, and where each of them ends."""
        for start, batch in zip(list(self._starts), list(self._batches), strict=False):
            yield start, batch.names, batch.name_ends

    def find(self, name: str) -> int | None:
        """The first row with this name, or None. The first call sorts the names' hashes, later ones search them."""
        data = name.encode("utf-8", "backslashreplace")
        order, hashes = self._by_hash()
        wanted = hash(data)
        for place in range(int(np.searchsorted(hashes, wanted)), len(hashes)):
            if hashes[place] != wanted:
                break
            if self._name_bytes(int(order[place])) == data:
                return int(order[place])
        return None

    def duplicate(self) -> str | None:
        """A name that two rows have, or None."""
        order, hashes = self._by_hash()
        seen: set[bytes] = set()
        for place in np.flatnonzero(hashes[1:] == hashes[:-1]).tolist():
            first = self._name_bytes(int(order[place]))
            seen.add(first)
            second = self._name_bytes(int(order[place + 1]))
            if second in seen:
                return second.decode()
        return None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The distinct kinds of rows; :attr:`kind_numbers` are indices of it."""
        return tuple(self._kinds)

    @property
    def kind_numbers(self) -> Integers:
        """The kind of each row."""
        return self._column("kinds", lambda batch: batch.kinds)

    @property
    def offsets(self) -> Integers:
        """The first byte of each row's data, from the start of the payload."""
        return self._column("offsets", lambda batch: batch.offsets)

    @property
    def sizes(self) -> Integers:
        """Bytes of each row's data in the payload."""
        return self._column("sizes", lambda batch: batch.sizes)

    @property
    def elements(self) -> Integers:
        """How many elements each row has, 2**63 - 1 at most."""
        return self._column("elements", lambda batch: batch.elements)

    @property
    def ranks(self) -> Integers:
        """How many dimensions each row has."""
        return self._column("ranks", _ranks)

    def dimensions(self, axis: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """The length of each row along an axis, counted from the last one when negative; 0 where there is no such."""
        batches = list(self._batches)
        if not batches:
            return np.zeros(0, np.uint64)
        return np.concatenate([_dimensions(batch, axis) for batch in batches])

    def _column(self, name: str, part: Callable[[_Batch], Integers]) -> Integers:
        """One column of all rows, read-only, put together once for each length the table has."""
        length = self._length
        merged = self._merged.get(name)
        if merged is None or len(merged) != length:
            batches = self._batches[: bisect_right(self._starts, length - 1)]
            merged = np.concatenate([part(batch) for batch in batches]) if batches else np.zeros(0, np.int64)
            merged.flags.writeable = False
            self._merged[name] = merged
        return merged

    def _by_hash(self) -> tuple[Integers, Integers]:
        """Rows in the order of their names' hashes (of equal ones the first row first), and the hashes in order."""
        known = self._order
        if known is None or len(known[0]) != self._length:
            hashes = self._column("hashes", lambda batch: batch.hashes)
            order = np.argsort(hashes, kind="stable")
            known = self._order = order, hashes[order]
        return known

    def _locate(self, row: int) -> tuple[_Batch, int, int]:
        """The batch that holds ``row``, its place there, and its number from 0."""
        if row < 0:
            row += self._length
        if not 0 <= row < self._length:
            raise IndexError(f"the table has {self._length:,} rows")
        number = bisect_right(self._starts, row) - 1
        return self._batches[number], row - self._starts[number], row

    def _name_bytes(self, row: int) -> bytes:
        batch, place, _ = self._locate(row)
        return _name_data(batch, place)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a tensor table stays in its process; read the payload again")  # hashes differ elsewhere


def _ranks(batch: _Batch) -> Integers:
    return np.diff(batch.dim_ends, prepend=0)


def _dimensions(batch: _Batch, axis: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    ranks = _ranks(batch)
    rows = np.flatnonzero(ranks > axis if axis >= 0 else ranks >= -axis)
    found = np.zeros(len(ranks), np.uint64)
    found[rows] = batch.dims[batch.dim_ends[rows] + (axis - ranks[rows] if axis >= 0 else axis)]
    return found


def _name_data(batch: _Batch, place: int) -> bytes:
    return batch.names[int(batch.name_ends[place - 1]) if place else 0 : int(batch.name_ends[place])]


def _name(batch: _Batch, place: int) -> str:
    return _name_data(batch, place).decode()
