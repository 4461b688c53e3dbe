"""The program that works out what would be better for a recording: hit rates under other limits and policies.

It is a process of its own, because replaying policies keeps a processor and the interpreter busy for as long as it
takes, and because it can be ended at any moment. It is started by its path, so that it loads the library and nothing of
Qt. Its arguments are pickled on its standard input, and what it says on its standard output: ``("progress", (phase,
done, total))`` ten times a second, and at last ``("result", value)`` or ``("failed", exception)``. Once nobody listens,
it ends.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from apbundle.errors import BundleError
from apbundle.trace.accesses import read_accesses
from apbundle.trace.compare import Comparison, Share, compare
from apbundle.trace.curve import read_curve
from apbundle.trace.recording import RecordingReader

BEAT_S: Final = 0.1
"""How often it says how far it is, in seconds."""
POINTS: Final = 2000
"""Points of the curve that are told."""


class Teller:
    """Says things to whom started the process; two threads do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._out = os.fdopen(os.dup(1), "wb")
        self._now: tuple[str, int, int] = ("", 0, 0)

    def progress(self, phase: str, done: int, total: int) -> None:
        """Note how far it is."""
        self._now = (phase, done, total)

    def tell(self, kind: str, value: Any) -> None:
        """Say something. If nobody listens any more, end the process."""
        with self._lock:
            try:
                pickle.dump((kind, value), self._out)
                self._out.flush()
            except OSError:
                os._exit(1)

    def beat(self, done: threading.Event) -> None:
        """Say how far it is, again and again."""
        while not done.wait(BEAT_S):
            self.tell("progress", self._now)


def curve_of_recording(path: str, teller: Teller) -> dict[str, Any]:
    """The curve, as far as it can be shown, and the limit for each whole percentage of hits."""
    with RecordingReader.open(path) as reader:
        curve = read_curve(reader, progress=teller.progress)
    marks = [limit for limit in (*curve.in_force.marks(), curve.knee) if limit >= curve.smallest]
    limits = sorted({*curve.sample(POINTS).tolist(), *marks}) if len(curve.limits) else []
    return {
        "limits": limits,
        "hits": [curve.hits_at(limit) for limit in limits],
        "byte_hit_rates": [curve.byte_hit_rate(limit) for limit in limits],
        "accesses": curve.accesses,
        "footprint": curve.footprint,
        "smallest": curve.smallest,
        "knee": curve.knee,
        "working_set": curve.working_set,
        "in_force": curve.in_force,
        "needed": [curve.limit_for(percent / 100) for percent in range(101)],
    }


def policies_of_recording(path: str, limits: Sequence[int], shares: Sequence[float], teller: Teller) -> Comparison:
    """Every policy under every one of the limits, the recorded ones included, and under shares of the footprint."""
    with RecordingReader.open(path) as reader:
        accesses = read_accesses(reader, progress=teller.progress)
    wanted: list[int | Share] = [*limits, *accesses.in_force.marks(), *map(Share, shares)]
    return compare(accesses, wanted, progress=teller.progress)


def main() -> int:
    """Do what the standard input says."""
    what, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 – the window wrote it
    teller = Teller()
    done = threading.Event()
    beating = threading.Thread(target=teller.beat, args=(done,), daemon=True)
    beating.start()
    said: tuple[str, Any]
    work: Callable[..., Any] = curve_of_recording if what == "curve" else policies_of_recording
    try:
        said = "result", work(*arguments, teller)
    except (BundleError, OSError, MemoryError) as error:
        said = "failed", error
    done.set()
    beating.join()
    teller.tell(*said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
