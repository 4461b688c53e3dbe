"""How a bundle is written, and how it is paged."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, fields
from typing import Any

from apbundle.format import layout
from apbundle.format.model import DIGEST_ALGORITHMS
from apbundle.paging.config import DEFAULT_MAX_MEMORY, DEFAULT_PAGE_SIZE, SMALLEST_PAGE_SIZE, PagingConfig


@dataclass(frozen=True, slots=True)
class BundleConfig:
    """Settings of a bundle.

    Parameters
    ----------
    compress
        Compress every model with zstd. Readers of the reference cannot use such models.
    max_memory
        Limit in bytes for paging; at least one default page, a smaller value is raised. Like the next two it says
        nothing about writing: :meth:`paging` hands it on.
    page_size
        Bytes a page; at least 512, a smaller value is raised.
    prefetch
        Whether paging loads ahead.
    alignment
        Every model starts at a multiple of this many bytes: a power of two up to 1 MiB.
    digest
        ``"xxh3-128"``, ``"sha256"`` or ``None``.
    plain
        Write exactly what the reference writes: no extension, no padding, no metadata, no digests.
    """

    compress: bool = False
    max_memory: int = DEFAULT_MAX_MEMORY
    page_size: int = DEFAULT_PAGE_SIZE
    prefetch: bool = True
    alignment: int = layout.DEFAULT_ALIGNMENT
    digest: str | None = "xxh3-128"
    plain: bool = False

    def __post_init__(self) -> None:
        for name in ("max_memory", "page_size", "alignment"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be a number of bytes, not {type(value).__name__}")
        if not layout.is_alignment(self.alignment):
            raise ValueError(f"alignment must be a power of two from 1 to {layout.MAX_ALIGNMENT}, not {self.alignment}")
        if self.digest is not None and self.digest not in DIGEST_ALGORITHMS:
            raise ValueError(f"digest must be one of {', '.join(DIGEST_ALGORITHMS)} or None, not {self.digest!r}")
        object.__setattr__(self, "max_memory", max(self.max_memory, DEFAULT_PAGE_SIZE))
        object.__setattr__(self, "page_size", max(self.page_size, SMALLEST_PAGE_SIZE))

    def paging(self) -> PagingConfig:
        """The settings for :class:`PagedBundle` among these. They are not stored in a bundle."""
        return PagingConfig(max_memory=self.max_memory, page_size=self.page_size, prefetch=self.prefetch)


def paging_config(settings: dict[str, Any]) -> PagingConfig:
    """The settings by name; ``TypeError`` for a name that there is not."""
    known = [field.name for field in fields(PagingConfig)]
    for name in settings:
        if name not in known:
            raise TypeError(f"there is no setting {name!r}; there are {', '.join(known)}")
    return PagingConfig(**settings)


def creation_time() -> int:
    """Now in seconds since the epoch, or what ``SOURCE_DATE_EPOCH`` says, so that builds can be repeated.

    Raises
    ------
    ValueError
        ``SOURCE_DATE_EPOCH`` is set to something else than a number of seconds that a bundle can hold.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return int(time.time())
    if not re.fullmatch("[0-9]{1,20}", text) or int(text) >= 2**64:
        raise ValueError(f"SOURCE_DATE_EPOCH must be a number of seconds, not {text!r}")
    return int(text)
