"""How much memory a piece of work takes, measured in a child that does nothing else."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

from support.children import run_forked

MIB = 1 << 20


def peak_growth(work: Callable[[], object]) -> int:
    """Bytes by which the resident memory of a forked child grows at most while it does ``work``."""
    reading, writing = os.pipe()

    def measure() -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(writing, str((after - before) * 1024).encode())

    try:
        status = run_forked(measure)
        assert status == 0, f"the child ended with {status}"
        return int(os.read(reading, 100))
    finally:
        os.close(reading)
        os.close(writing)
