"""How what is kept by the hundred thousand stays out of the way of the garbage collector.

A full round looks at every object there is, and stops the window meanwhile: half a second for a million of them. What a
job reads from a file refers to nothing that refers back, so it need not be looked at.
"""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any, Final

from apbundle_gui.services.pacing import Pace

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

    def let_go(self, owner: weakref.ref[Any], objects: list[Any]) -> None:
        """Free what ``owner``, which is needed no more, had kept.

        Parameters
        ----------
        owner
            If it is still there, only what refers to it keeps it: everything is looked through once.
        objects
            They are let go one after the other by a thread; all at once they would stop the window for half a second.
        """
        if self._aside and owner() is not None:
            self._aside = False
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        if objects:
            threading.Thread(target=_let_go, args=(objects,), name="freeing", daemon=True).start()


def _let_go(objects: list[Any]) -> None:
    pace = Pace()
    while objects:
        objects.pop()
        pace.step()


kept: Final = Kept()
"""Of the whole process, as the collector is."""
