"""In which order units leave. A policy knows order only: bytes, counters and buffers are the pager's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from apbundle.paging.policy.clock import CLOCK
from apbundle.paging.policy.fifo import FIFO
from apbundle.paging.policy.lfu import LFU
from apbundle.paging.policy.lru import LRU
from apbundle.paging.policy.protocol import Policy
from apbundle.paging.policy.s3fifo import S3FIFO
from apbundle.paging.policy.sieve import SIEVE

__all__ = ["POLICIES", "Policy", "make_policy"]

POLICIES: Final[dict[str, Callable[[], Policy]]] = {
    "lru": LRU,
    "lfu": LFU,
    "fifo": FIFO,
    "clock": CLOCK,
    "sieve": SIEVE,
    "s3fifo": S3FIFO,
}
"""What ``eviction`` may name."""


def make_policy(name: str, limit: int) -> Policy:
    """A new policy of this name, with nothing resident, for a limit of ``limit`` bytes.

    Raises
    ------
    ValueError
        For a name not in :data:`POLICIES`.
    """
    try:
        make = POLICIES[name]
    except KeyError:
        raise ValueError(f"eviction is one of {', '.join(POLICIES)}, not {name!r}") from None
    policy = make()
    policy.resize(limit)
    return policy
