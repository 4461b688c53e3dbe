"""All that follows at once from a draft and from what is known of its sources: sizes and problems."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass, field

from apbundle_gui.models.build_draft import Draft
from apbundle_gui.models.build_problems import Problems, find_problems
from apbundle_gui.services.looking import NO_FACTS, Source, SourceFacts
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.sources import OutputFacts


@dataclass(frozen=True, slots=True)
class Known:
    """What is known besides the draft; as for :func:`~apbundle_gui.models.build_problems.find_problems`."""

    facts: Mapping[Source, SourceFacts]
    output: OutputFacts | None = None
    changed: Set[Source] = frozenset()
    twins: Mapping[Source, Hashable] = field(default_factory=dict)
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows.

    Parameters
    ----------
    problems
        What is wrong.
    sizes
        Bytes of each row's model.
    total
        Bytes of those that go into the bundle.
    """

    problems: Problems = field(default_factory=Problems)
    sizes: tuple[int, ...] = ()
    total: int = 0


def judge(draft: Draft, known: Known, pace: Pace | None = None) -> Judgement:
    """Judge a draft. For thousands of rows a job does it, and gives ``pace``."""
    facts = known.facts
    sizes = tuple([facts.get(row.source, NO_FACTS).size for row in draft.rows])
    total = sum(size for size, row in zip(sizes, draft.rows, strict=True) if row.enabled)
    problems = find_problems(
        draft.rows,
        facts,
        known.output,
        known.changed,
        twins=known.twins,
        needed=known.needed,
        plain=draft.options.plain,
        pace=pace,
    )
    return Judgement(problems, sizes, total)
