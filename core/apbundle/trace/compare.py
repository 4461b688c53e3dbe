"""Policies and limits side by side: what each pair of them would have made of the same accesses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace.accesses import Accesses
from apbundle.trace.outcome import Outcome
from apbundle.trace.policies import BELADY, POLICY_FACTS, PolicyFacts
from apbundle.trace.simulate import SIMULATED, Simulator, check, largest_kept


@dataclass(frozen=True, slots=True)
class Share:
    """A limit that is a part of the footprint, the raw bytes of all units accessed; ``part`` is 1 for all of it."""

    part: float

    def of(self, footprint: int) -> int:
        """In bytes."""
        return round(self.part * footprint)


LADDER: Final = (Share(0.05), Share(0.1), Share(0.25), Share(0.5), Share(0.75))
"""Limits worth a look where nobody asks for others."""


@dataclass(frozen=True, slots=True)
class ComparedOutcome:
    """One row: a policy under a limit.

    Parameters
    ----------
    facts
        Of the policy.
    outcome
        What it would have made of the accesses.
    refused_units
        How many of the units accessed are too large for it to keep under this limit.
    is_bound
        Whether no policy can have more hits under this limit: true of Belady's, if all units have one size.
    is_best
        Whether no policy that a program could use has more hits, of those compared under this limit.
    """

    facts: PolicyFacts
    outcome: Outcome
    refused_units: int
    is_bound: bool
    is_best: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What several policies would have made of the same accesses under several limits.

    Parameters
    ----------
    accesses
        How many there are.
    units
        How many units they are to.
    footprint
        Raw bytes of these units, each counted once.
    one_size
        Whether these units all have the same size.
    limits
        In raw bytes, ascending.
    policies
        In the order they were asked for.
    rows
        One for each limit and policy, by limit, then by policy.
    """

    accesses: int
    units: int
    footprint: int
    one_size: bool
    limits: tuple[int, ...]
    policies: tuple[PolicyFacts, ...]
    rows: tuple[ComparedOutcome, ...]


def compare(
    accesses: Accesses,
    limits: Iterable[int | Share] = LADDER,
    policies: Iterable[str] = SIMULATED,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Comparison:
    """Replay accesses with every one of ``policies`` under every one of ``limits``, whole numbers being raw bytes.

    Takes a few tenths of a second for each limit, policy and million of accesses.

    Raises
    ------
    ValueError
        No policy has a name that was given, or a limit is negative.
    Cancelled
        ``cancel`` answered true.
    """
    simulator = Simulator(accesses)
    footprint = simulator.footprint
    chosen = sorted({limit.of(footprint) if isinstance(limit, Share) else limit for limit in limits})
    names = list(dict.fromkeys(policies))
    for name, limit in product(names, chosen):
        check(name, limit)
    reporter = Reporter(progress, cancel)
    reporter.phase("compare", simulator.units.nbytes * len(chosen) * len(names))
    one_size = len(np.unique(simulator.sizes)) <= 1
    facts = {known.name: known for known in POLICY_FACTS}
    rows: list[ComparedOutcome] = []
    for limit in chosen:
        outcomes = [simulator.run(name, limit, reporter) for name in names]
        most = max((outcome.hits for outcome in outcomes if outcome.policy != BELADY), default=-1)
        rows += [
            ComparedOutcome(
                facts[outcome.policy],
                outcome,
                refused_units=int(np.count_nonzero(simulator.sizes > largest_kept(outcome.policy, limit))),
                is_bound=one_size and outcome.policy == BELADY,
                is_best=outcome.policy != BELADY and outcome.hits == most,
            )
            for outcome in outcomes
        ]
    return Comparison(
        accesses=len(simulator.units),
        units=len(simulator.sizes),
        footprint=footprint,
        one_size=one_size,
        limits=tuple(chosen),
        policies=tuple(facts[name] for name in names),
        rows=tuple(rows),
    )
