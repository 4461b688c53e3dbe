"""Work that is nothing for a few rows and too much for the window's thread for thousands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from apbundle.progress import Cancel, Progress
from apbundle_gui.services import Services
from apbundle_gui.services.pacing import Pace

AT_ONCE: Final = 400
"""So many rows are worked on at once: less than a frame."""
Result = TypeVar("Result")


class Worker:
    """Does one kind of work; what was begun last counts, whatever ends later.

    Parameters
    ----------
    title
        What it does, as the status bar says it.
    """

    def __init__(self, services: Services, title: str) -> None:
        self._services = services
        self._title = title
        self._turn = 0
        self.busy = False

    def run(self, rows: int, function: Callable[[Pace | None], Result], on_done: Callable[[Result], None]) -> None:
        """Call ``function`` now, or for many ``rows`` in a job; ``on_done`` gets what it returns."""
        self._turn += 1
        turn = self._turn
        if rows <= AT_ONCE:
            self.busy = False
            on_done(function(None))
            return

        def in_job(progress: Progress, cancel: Cancel) -> Result:
            return function(Pace(cancel))

        def done(result: Result) -> None:
            if turn == self._turn:
                self.busy = False
                on_done(result)

        self.busy = True
        self._services.jobs.start(self._title, in_job, on_done=done, key=("build.work", id(self)), abandonable=True)
