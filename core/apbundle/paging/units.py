"""What is paged: the thing one asks for, and that one access counts."""

from __future__ import annotations

from typing import NamedTuple, Self, TypeAlias

Key: TypeAlias = str | tuple[str, int]
"""What a unit is asked for by: a model's name, or that and the number of one of its parts."""


class _Fields(NamedTuple):
    id: int
    name: str
    size: int
    offset: int | None
    key: Key


class Unit(_Fields):
    """A stretch of bytes that is loaded and evicted as a whole. One is made at each miss, so it is a tuple.

    Parameters
    ----------
    id
        Its number, from 0, dense: what logs and recordings hold.
    name
        What people call it.
    size
        Raw bytes: what a caller gets, and what ``memory_used`` and ``bytes_loaded`` count.
    offset
        Where the raw bytes begin in the file, counted from its start; ``None`` when they do not lie there as they
        are (a compressed model), so that they can be read but not mapped.
    key
        What it is asked for by, unique among the units of a pager; if not given, its name.
    """

    __slots__ = ()

    def __new__(cls, id: int, name: str, size: int, offset: int | None = None, key: Key = "") -> Self:
        """See the class."""
        return super().__new__(cls, id, name, size, offset, key or name)
