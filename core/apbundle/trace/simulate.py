"""What another policy or limit would have made of a recording: its accesses replayed, over sizes alone.

Hits are counted as libCacheSim counts them, access for access. A replay differs from a paged bundle with the same
settings in what is not the policy's:

- Only accesses count. Hints, prefetches, evictions on request, clears, pins and changed limits are left out.
- Sizes are the units' raw bytes. A paged bundle charges mapped units by whole blocks of the file.
- A unit too large to be kept (larger than the limit; for S3-FIFO a tenth of it, or more) is refused: each access to it
  is a miss, and nothing leaves for it. A paged bundle holds it until room is needed, so that it may be hit till then,
  and S3-FIFO lets others go to make room for one that is below the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace import policy_loops
from apbundle.trace.accesses import Accesses
from apbundle.trace.belady import belady, next_uses
from apbundle.trace.outcome import Outcome, Tally, numbers
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

BELADY: Final = "belady"
"""The policy that knows what comes."""

SIMULATED: Final = (*_LOOPS, BELADY)
"""The names of the policies that can be replayed."""


class Simulator:
    """Replays the same accesses as often as one likes.

    Parameters
    ----------
    accesses
        Not changed; kept.
    """

    def __init__(self, accesses: Accesses) -> None:
        self._accesses: Final = accesses
        self._sizes: Final[list[int]] = accesses.sizes.tolist()

    def run(self, policy: str, limit: int, reporter: Reporter | None = None) -> Outcome:
        """Replay one policy under one limit, in bytes; ``reporter`` is told the bytes of ``Accesses.units`` done.

        Raises
        ------
        ValueError
            No policy has this name, or the limit is negative.
        Cancelled
            The caller of ``reporter`` wants no more.
        """
        if policy not in SIMULATED:
            raise ValueError(f"a policy is one of {', '.join(SIMULATED)}, not {policy!r}")
        if limit < 0:
            raise ValueError(f"a limit is not negative: {limit}")
        accessed = self._accesses.units
        if policy == BELADY:
            tally = belady(accessed, self._sizes, limit, self._next_uses, reporter)
        else:
            tally = _LOOPS[policy](numbers(accessed, reporter), self._sizes, limit)
        return Outcome(
            policy,
            limit,
            hits=len(accessed) - tally.misses,
            misses=tally.misses,
            evictions=tally.evictions,
            refused=tally.refused,
            hit_bytes=self._bytes_accessed - tally.miss_bytes,
            miss_bytes=tally.miss_bytes,
        )

    @cached_property
    def _next_uses(self) -> NDArray[np.int64]:
        return next_uses(self._accesses.units)

    @cached_property
    def _bytes_accessed(self) -> int:
        sizes = self._accesses.sizes
        return int(np.bincount(self._accesses.units, minlength=len(sizes)) @ sizes)


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
    reporter = Reporter(progress, cancel)
    reporter.phase("replaying", accesses.units.nbytes)
    return Simulator(accesses).run(policy, limit, reporter)
