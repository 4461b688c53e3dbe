"""The names of many models, packed in the bytes that were read."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, overload

from apbundle.format import layout
from apbundle.format.hashing import HashTable, name_hash

_BEFORE: Final = layout.U32.size
_AFTER: Final = layout.ENTRY_TAIL.size
_AT_A_TIME: Final = 4096


class PackedNames(Sequence[str]):
    """Names that stay in the manifest's bytes, checked, each decoded when it is asked for.

    Parameters
    ----------
    data
        The bytes of the manifest.
    bounds
        Where each entry begins in ``data``, and where the last one ends: one more than there are names.
    table
        Finds the names by :func:`name_hash`.
    odd
        The numbers of the names that hold control or bidirectional characters.
    ascii_only
        Whether no name holds anything but ASCII.
    """

    __slots__ = ("_ascii_only", "_bounds", "_data", "_odd", "_table")

    def __init__(self, data: bytes, bounds: array[int], table: HashTable, odd: list[int], ascii_only: bool) -> None:
        self._data = data
        self._bounds = bounds
        self._table = table
        self._odd = odd
        self._ascii_only = ascii_only

    def number(self, name: str) -> int | None:
        """The place of ``name``, from 0; ``None`` if it is not there."""
        try:
            raw = name.encode()
        except UnicodeEncodeError:  # a lone surrogate has no UTF-8 form
            return None
        for number in self._table.candidates(name_hash(raw)):
            if self._raw(number) == raw:
                return number
        return None

    def odd(self) -> list[int]:
        """The numbers of the names that hold control or bidirectional characters."""
        return self._odd

    def _raw(self, number: int) -> bytes:
        return self._data[self._bounds[number] + _BEFORE : self._bounds[number + 1] - _AFTER]

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.number(name) is not None

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), _AT_A_TIME):
            bounds = self._bounds[first : first + _AT_A_TIME + 1]
            begin = bounds[0]
            if self._ascii_only:  # a slice of one text takes half the time of a decoding
                text = self._data[begin : bounds[-1]].decode("latin-1")
                yield from [text[at - begin + _BEFORE : end - begin - _AFTER] for at, end in pairwise(bounds)]
            else:
                yield from [self._data[at + _BEFORE : end - _AFTER].decode() for at, end in pairwise(bounds)]

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._raw(number).decode() for number in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._raw(index % len(self)).decode()
