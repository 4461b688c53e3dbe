"""How long work tells where it is and learns that it should stop: plain callables, no framework."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from apbundle.errors import bundle_error

Progress = Callable[[str, int, int], None]
"""Called with the name of the phase, the bytes done in it and the bytes it has (0 when unknown)."""

Cancel = Callable[[], bool]
"""Asked often; ``True`` means stop."""


class Reporter:
    """One piece of work's view of its caller: names phases, counts bytes, raises when asked to stop.

    Parameters
    ----------
    progress, cancel
        What the caller gave, or ``None``.
    """

    def __init__(self, progress: Progress | None = None, cancel: Cancel | None = None) -> None:
        self._progress: Final = progress
        self.cancel: Final = cancel
        self._phase = ""
        self._done = 0
        self._total = 0

    def phase(self, name: str, total: int = 0) -> None:
        """Begin the phase ``name`` of ``total`` bytes."""
        self._phase, self._done, self._total = name, 0, total
        self.advance(0)

    def advance(self, size: int) -> None:
        """Count ``size`` more bytes, tell the caller, and stop if it wants to.

        Raises
        ------
        Cancelled
            When the caller's ``cancel`` answers true.
        """
        self._done += size
        if self._progress is not None:
            self._progress(self._phase, self._done, self._total)
        self.check()

    def check(self) -> None:
        """Stop if the caller wants to (raises ``Cancelled``)."""
        if self.cancel is not None and self.cancel():
            raise bundle_error("cancelled", "Cancelled.", hint="Nothing was changed.")
