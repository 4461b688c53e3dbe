"""How a job that computes in Python leaves the window its share.

The interpreter runs one thread at a time, and every call between Qt and Python hands the turn over: a worker that never
pauses makes each of the hundreds of calls of one repaint wait. So long loops take a breath after half a millisecond.
Only while nobody else takes the turn meanwhile they go on for longer.
"""

from __future__ import annotations

import time
from typing import Final

from apbundle.progress import Cancel, Reporter

WORK_S: Final = 0.0005
"""The longest stretch of work between two pauses while the window is at work, in seconds."""
ALONE_S: Final = 0.002
"""The longest stretch while it is not."""
REST_S: Final = 0.001
"""How long a pause is at least, in seconds."""
PROMPT_S: Final = 0.0003
"""Who goes on this much later than that has waited for the interpreter, in seconds."""


class Pace:
    """Called once a turn of a long loop: pauses now and then, and stops the loop when the job is cancelled."""

    __slots__ = ("_reporter", "_since", "_stretch")

    def __init__(self, cancel: Cancel | None = None) -> None:
        self._reporter = Reporter(None, cancel)
        self._since = time.perf_counter()
        self._stretch = WORK_S

    def step(self) -> None:
        """Go on, perhaps after a pause.

        Raises
        ------
        Cancelled
            When the job is.
        """
        now = time.perf_counter()
        if now - self._since > self._stretch:
            self._reporter.check()
            time.sleep(REST_S)
            self._since = time.perf_counter()
            prompt = self._since - now < REST_S + PROMPT_S
            self._stretch = min(2 * self._stretch, ALONE_S) if prompt else WORK_S
