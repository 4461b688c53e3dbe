"""A bundle whose models are in memory only as far as a limit allows: where format, payload and paging meet."""

from __future__ import annotations

from apbundle.paged.bundle import PagedBundle
from apbundle.paging.config import PagingConfig

__all__ = ["PagedBundle", "PagingConfig"]
