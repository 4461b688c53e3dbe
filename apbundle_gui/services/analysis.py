"""What would be better for a recording, worked out in a process beside the window: jobs that start it and wait."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace.compare import Comparison
from apbundle.trace.limits import Limits
from apbundle_gui.services import analysis_worker

_LAST_WORDS: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class CurveFound:
    """The hit rate of LRU under every limit, as far as it can be shown; see :class:`apbundle.trace.curve.Curve`.

    Parameters
    ----------
    limits, hits, byte_hit_rates
        Some limits in bytes, ascending, those in force and the knee among them; how many accesses are hits under each,
        and the hit rate with each access counted by its bytes.
    accesses, footprint, smallest, knee, working_set, in_force
        As of the curve.
    needed
        For each whole percentage from 0 to 100 the smallest limit with at least that hit rate; ``None`` if none has.
    """

    limits: NDArray[np.int64]
    hits: NDArray[np.int64]
    byte_hit_rates: NDArray[np.float64]
    accesses: int
    footprint: int
    smallest: int
    knee: int
    working_set: int
    in_force: Limits
    needed: tuple[int | None, ...]

    def at(self, limit: float) -> int | None:
        """Which of ``limits`` is the last at or below this one; ``None`` if it is below all of them."""
        place = int(np.searchsorted(self.limits, limit, "right")) - 1
        return place if place >= 0 else None

    def hit_rate(self, limit: float) -> float | None:
        """Hits over accesses under a limit, from 0 to 1: exactly for one of ``limits``, else at least so many."""
        place = self.at(limit)
        return None if place is None or not self.accesses else int(self.hits[place]) / self.accesses


def find_curve(path: str, progress: Progress, cancel: Cancel) -> CurveFound:
    """The curve of the recording at ``path``, of what is in it now; a job.

    Raises
    ------
    BundleError, OSError, MemoryError
        What the process met, or that it is gone.
    Cancelled
        The job was cancelled.
    """
    told = _ask("curve", (path,), progress, cancel)
    return CurveFound(
        limits=np.array(told.pop("limits"), np.int64),
        hits=np.array(told.pop("hits"), np.int64),
        byte_hit_rates=np.array(told.pop("byte_hit_rates"), np.float64),
        needed=tuple(told.pop("needed")),
        **told,
    )


def find_policies(
    path: str, limits: Sequence[int], shares: Sequence[float], progress: Progress, cancel: Cancel
) -> Comparison:
    """Every policy on the accesses of the recording at ``path``; a job. Raises as :func:`find_curve`.

    Parameters
    ----------
    limits
        In bytes; the recorded ones are looked at in any case.
    shares
        Further limits, as shares of the bytes of all units accessed.
    """
    found: Comparison = _ask("policies", (path, tuple(limits), tuple(shares)), progress, cancel)
    return found


def _ask(what: str, arguments: tuple[Any, ...], progress: Progress, cancel: Cancel) -> Any:
    """Have the process do something, and wait for it as long as the job is wanted."""
    reporter = Reporter(None, cancel)
    pipe = subprocess.PIPE
    command = [sys.executable, "-P", analysis_worker.__file__]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            with process.stdin:
                pickle.dump((what, arguments), process.stdin)
            while True:
                reporter.check()
                kind, value = pickle.load(process.stdout)  # noqa: S301 – our own process wrote it
                if kind == "progress":
                    progress(*value)
                elif kind == "failed":
                    raise value
                else:
                    return value
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            last_words = process.stderr.read()[-_LAST_WORDS:].decode(errors="replace").strip().splitlines()
            reason = last_words[-1] if last_words else "it was killed, or it crashed"
            raise OSError(f"The process that worked it out is gone: {reason}") from None
        finally:
            process.kill()
