"""What a pager tells about itself while it works: the door that recordings are written through."""

from __future__ import annotations

from typing import Literal, Protocol

LoadCause = Literal["demand", "hint", "inline", "background"]
"""Why a unit is loaded: someone waits for it; a hint; a prediction, in the access itself or by the thread."""

EvictCause = Literal["room", "request", "limit"]
"""Why a unit leaves: another needed its room; the caller said so; the limit was lowered."""


class Observer(Protocol):
    """Called in the order of events, all but ``announce`` with the pager's lock held; it must be quick and never raise.

    With the lock held it may call nothing that could lead back to the pager: no warning, no logging, no hook. What it
    has to say, it keeps until ``announce``.

    Units are numbers, sizes raw bytes, times nanoseconds.
    """

    def hits(self, units: list[int]) -> None:
        """These units were found resident, oldest first, at some time since the last call of any kind."""

    def loaded(self, unit: int, size: int, cause: LoadCause, latency: int) -> None:
        """``unit`` became resident after ``latency``: a miss when the cause is ``demand``, else a prefetch."""

    def evicted(self, unit: int, size: int, cause: EvictCause, needed_by: int | None) -> None:
        """``unit`` left, so that ``needed_by`` finds room."""

    def prefetch_used(self, unit: int, size: int) -> None:
        """The first access to a unit that was loaded ahead (also one of the hits)."""

    def load_failed(self, unit: int, cause: LoadCause, error: Exception, latency: int) -> None:
        """Loading ``unit`` raised ``error``."""

    def cleared(self, size: int) -> None:
        """All units left at once that are not pinned, of ``size`` bytes together."""

    def resized(self, limit: int) -> None:
        """The limit is this many bytes from now on; the evictions that make it hold follow."""

    def pinned(self, unit: int, size: int) -> None:
        """``unit``, which is resident, stays until it is told to be unpinned; told of a unit's first pin alone."""

    def unpinned(self, unit: int, size: int) -> None:
        """The last pin of ``unit`` is gone: it may leave again."""

    def flush(self) -> None:
        """An operation is complete: what was told may be shown."""

    def close(self) -> None:
        """Nothing more will be told."""

    def announce(self) -> None:
        """Say to the program what came up meanwhile; without the lock, after every operation, from any thread."""


class Silence:
    """An observer nobody listens to: see :class:`Observer`."""

    def hits(self, units: list[int]) -> None:
        """Ignore it."""

    def loaded(self, unit: int, size: int, cause: LoadCause, latency: int) -> None:
        """Ignore it."""

    def evicted(self, unit: int, size: int, cause: EvictCause, needed_by: int | None) -> None:
        """Ignore it."""

    def prefetch_used(self, unit: int, size: int) -> None:
        """Ignore it."""

    def load_failed(self, unit: int, cause: LoadCause, error: Exception, latency: int) -> None:
        """Ignore it."""

    def cleared(self, size: int) -> None:
        """Ignore it."""

    def resized(self, limit: int) -> None:
        """Ignore it."""

    def pinned(self, unit: int, size: int) -> None:
        """Ignore it."""

    def unpinned(self, unit: int, size: int) -> None:
        """Ignore it."""

    def flush(self) -> None:
        """Ignore it."""

    def close(self) -> None:
        """Ignore it."""

    def announce(self) -> None:
        """Nothing came up."""
