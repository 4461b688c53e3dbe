"""The settings of a pager, checked once."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from apbundle.paging.memory import automatic_limit
from apbundle.paging.policy import POLICIES
from apbundle.text import parse_size

AUTOMATIC: Final = "auto"
DEFAULT_MAX_MEMORY: Final = 100 * 1024 * 1024
DEFAULT_PAGE_SIZE: Final = 4096
SMALLEST_MAX_MEMORY: Final = 1024
SMALLEST_PAGE_SIZE: Final = 512

Prefetch = Literal["off", "inline", "background"]
SourceKind = Literal["auto", "map", "read"]
Granularity = Literal["model", "component", "page"]


@dataclass(frozen=True, slots=True)
class PagingConfig:
    """How a bundle is paged.

    Parameters
    ----------
    max_memory
        The limit: bytes, a size such as ``"2GiB"`` (kept as bytes), or ``"auto"`` for a share of what the machine or
        the control group leaves when the bundle is opened. At least 1024 bytes; a smaller value is raised.
    page_size
        Bytes of a page, where ``granularity`` is ``"page"``; pieces of models that are cut up for another reason are
        at least as large. At least 512; a smaller value is raised.
    prefetch
        ``"off"``, ``"background"`` (a thread loads what usually comes next) or ``"inline"`` (exactly what the
        format's first implementation does, within the access). ``True`` is kept as ``"background"``, ``False`` as
        ``"off"``.
    prefetch_count
        Most units loaded ahead for one access, from 0.
    eviction
        Which leaves first: ``"lru"``, ``"lfu"``, ``"fifo"``, ``"clock"``, ``"sieve"`` or ``"s3fifo"``, in any case.
    source
        ``"map"``: models of 2 MiB and more are views of a map; ``"read"``: every model is read into memory, the choice
        for files that other programs may cut short; ``"auto"``: a map where the file system is known to serve it well.
    granularity
        What is loaded and evicted as a whole: ``"model"``; ``"component"``, a tensor that a model lists; or ``"page"``,
        ``page_size`` bytes of a model. Of a compressed model it is a chunk in place of these two.

    Raises
    ------
    TypeError, ValueError
        For values of the wrong kind, and for ones that make no sense.
    """

    max_memory: int | str = DEFAULT_MAX_MEMORY
    page_size: int = DEFAULT_PAGE_SIZE
    prefetch: bool | str = True
    prefetch_count: int = 2
    eviction: str = "lru"
    source: str = "auto"
    granularity: str = "model"

    def __post_init__(self) -> None:
        self._keep("max_memory", self._limit())
        self._keep("page_size", max(_natural("page_size", self.page_size), SMALLEST_PAGE_SIZE))
        prefetch = self.prefetch
        if isinstance(prefetch, bool):
            prefetch = "background" if prefetch else "off"
        self._keep("prefetch", _choice("prefetch", prefetch, get_args(Prefetch)))
        self._keep("prefetch_count", _natural("prefetch_count", self.prefetch_count))
        self._keep("eviction", _choice("eviction", self.eviction, tuple(POLICIES)))
        self._keep("source", _choice("source", self.source, get_args(SourceKind)))
        self._keep("granularity", _choice("granularity", self.granularity, get_args(Granularity)))

    def memory_limit(self) -> int:
        """The limit in bytes; an automatic one is worked out now."""
        if isinstance(self.max_memory, str):
            return max(automatic_limit(DEFAULT_MAX_MEMORY), SMALLEST_MAX_MEMORY)
        return self.max_memory

    @property
    def prefetch_mode(self) -> Prefetch:
        """``prefetch`` as the pager takes it."""
        return cast(Prefetch, self.prefetch)

    def _limit(self) -> int | str:
        value = self.max_memory
        if isinstance(value, str):
            if value.strip().lower() == AUTOMATIC:
                return AUTOMATIC
            value = parse_size(value)
        return max(_natural("max_memory", value), SMALLEST_MAX_MEMORY)

    def _keep(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _natural(name: str, value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool):
        raise TypeError(f"{name} is a number, not {value}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number, not {type(value).__name__}") from None
    if number < 0:
        raise ValueError(f"{name} is not negative: {number}")
    return number


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is one of {', '.join(choices)}, not {type(value).__name__}")
    if value.lower() not in choices:
        raise ValueError(f"{name} is one of {', '.join(choices)}, not {value!r}")
    return value.lower()
