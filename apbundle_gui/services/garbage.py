"""How what is kept by the hundred thousand stays out of the way of the garbage collector.

A full round looks at every object there is, and stops the window meanwhile: half a second for a million of them. What a
job reads from a file refers to nothing that refers back, so it need not be looked at.
"""

from __future__ import annotations

import gc
from typing import Final

MANY: Final = 20_000
"""After so many new objects those that live are set aside."""


class Kept:
    """Counts the objects that jobs made to be kept, and sets them aside when they are many.

    With them goes everything else that lives at that time: :meth:`let_go` looks through it once.
    """

    def __init__(self) -> None:
        self._new = 0
        self._aside = False

    def add(self, objects: int) -> None:
        """So many more are kept. Called by workers; a count that is lost between two of them does not matter."""
        self._new += objects
        if self._new >= MANY:
            self._new = 0
            self._aside = True
            gc.freeze()

    def let_go(self) -> None:
        """Much of what was set aside is needed no more: free what only refers to itself, and set the rest aside."""
        if self._aside:
            self._aside = False
            gc.unfreeze()
            gc.collect()
            gc.freeze()


kept: Final = Kept()
"""Of the whole process, as the collector is."""
