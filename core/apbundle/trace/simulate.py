"""What another policy or limit would have made of a recording: its accesses replayed, over sizes alone.

Hits are those of libCacheSim 0.3.5, access for access, with one exception: under S3-FIFO a unit exactly as large as the
small queue's share is refused by both, but there other units leave before it is. Which of several units that are never
used again leaves first under Belady's policy is left open; it changes no hit.

A replay differs from a paged bundle with the same settings in what is not the policy's:

- Only accesses count. Hints, prefetches, evictions on request, clears, pins and changed limits are left out.
- Sizes are the units' raw bytes. A paged bundle charges mapped units by whole blocks of the file.
- A unit too large to be kept (larger than the limit; for S3-FIFO a tenth of it, or more) is refused: each access to it
  is a miss, and nothing leaves for it. A paged bundle holds it until room is needed, so that it may be hit till then;
  and if it fits the limit, other units leave to make room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from operator import mul
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.paging.policy.s3fifo import shares
from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace import policy_loops
from apbundle.trace.accesses import Accesses
from apbundle.trace.belady import belady, next_uses
from apbundle.trace.outcome import Outcome, Tally, numbers
from apbundle.trace.policies import BELADY
from apbundle.trace.s3fifo_loop import s3fifo

_Loop = Callable[[Iterable[int], Sequence[int], int], Tally]
_LOOPS: Final[dict[str, _Loop]] = {
    "lru": policy_loops.lru,
    "lfu": policy_loops.lfu,
    "fifo": policy_loops.fifo,
    "clock": policy_loops.clock,
    "sieve": policy_loops.sieve,
    "s3fifo": s3fifo,
}

SIMULATED: Final = (*_LOOPS, BELADY)
"""The names of the policies that can be replayed."""


class Simulator:
    """Replays the same accesses as often as one likes.

    Parameters
    ----------
    accesses
        What is replayed; read here, and not needed afterwards.

    Attributes
    ----------
    units
        The unit of each access, as an index into :attr:`sizes`; int32.
    sizes
        Raw bytes of the units that are accessed; int64.
    """

    def __init__(self, accesses: Accesses) -> None:
        accessed = np.zeros(len(accesses.sizes), np.bool_)
        accessed[accesses.units] = True
        number = np.cumsum(accessed, dtype=np.int32) - np.int32(1)  # of millions of pages, few may have been accessed
        self.units: Final[NDArray[np.int32]] = number[accesses.units]
        self.sizes: Final[NDArray[np.int64]] = accesses.sizes[accessed]
        self._sizes: Final[list[int]] = self.sizes.tolist()

    @property
    def footprint(self) -> int:
        """Raw bytes of the units that are accessed, each counted once."""
        return sum(self._sizes)

    def run(self, policy: str, limit: int, reporter: Reporter | None = None) -> Outcome:
        """Replay one policy under one limit, in bytes; ``reporter`` is told the bytes of :attr:`units` done.

        Raises
        ------
        ValueError
            No policy has this name, or the limit is negative.
        Cancelled
            The caller of ``reporter`` wants no more.
        """
        check(policy, limit)
        if policy == BELADY:
            tally = belady(self.units, self._sizes, limit, self._next_uses, reporter)
        else:
            tally = _LOOPS[policy](numbers(self.units, reporter), self._sizes, limit)
        return Outcome(
            policy,
            limit,
            hits=len(self.units) - tally.misses,
            misses=tally.misses,
            evictions=tally.evictions,
            refused=tally.refused,
            hit_bytes=self._bytes_accessed - tally.miss_bytes,
            miss_bytes=tally.miss_bytes,
        )

    @cached_property
    def _next_uses(self) -> NDArray[np.int64]:
        return next_uses(self.units)

    @cached_property
    def _bytes_accessed(self) -> int:
        counts = np.bincount(self.units, minlength=len(self._sizes)).tolist()
        return sum(map(mul, counts, self._sizes))  # Python's numbers: sizes are what the recording claims


def check(policy: str, limit: int) -> None:
    """Raise ``ValueError`` if no policy has this name, or the limit is negative."""
    if policy not in SIMULATED:
        raise ValueError(f"a policy is one of {', '.join(SIMULATED)}, not {policy!r}")
    if limit < 0:
        raise ValueError(f"a limit is not negative: {limit}")


def largest_kept(policy: str, limit: int) -> int:
    """The size of the largest unit that a policy keeps under a limit, in bytes; -1 if it keeps none."""
    return shares(limit)[0] - 1 if policy == "s3fifo" else limit


def simulate(
    accesses: Accesses, policy: str, limit: int, progress: Progress | None = None, cancel: Cancel | None = None
) -> Outcome:
    """Replay ``accesses`` with one of the policies :data:`SIMULATED` under ``limit`` bytes.

    Raises
    ------
    ValueError
        No policy has this name, or the limit is negative.
    Cancelled
        ``cancel`` answered true.
    """
    check(policy, limit)
    simulator = Simulator(accesses)
    reporter = Reporter(progress, cancel)
    reporter.phase("replay", simulator.units.nbytes)
    return simulator.run(policy, limit, reporter)
