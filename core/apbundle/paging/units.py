"""What is paged: the thing one asks for, and that one access counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Key: TypeAlias = str | tuple[str, int]
"""What a unit is asked for by: a model's name, or that and the number of one of its parts."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of bytes that is loaded and evicted as a whole.

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

    id: int
    name: str
    size: int
    offset: int | None = None
    key: Key = ""

    def __post_init__(self) -> None:
        if self.key == "":
            object.__setattr__(self, "key", self.name)
