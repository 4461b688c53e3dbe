"""``apbundle compare``: what other policies and limits would have made of a recording."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from apbundle.cli.compare_table import comparison_tables
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.recorded import described_settings, known_policy
from apbundle.cli.working import working
from apbundle.text import parse_size, printable
from apbundle.trace.accesses import read_accesses
from apbundle.trace.compare import LADDER, ComparedOutcome, Comparison, Share, compare
from apbundle.trace.recording import RecordingReader
from apbundle.trace.simulate import SIMULATED

_PERCENTAGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?%")


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("trace", metavar="TRACE", help="the recording")


def _options(parser: ArgumentParser) -> None:
    shares = ",".join(f"{share.part:.0%}" for share in LADDER)
    parser.add_argument(
        "--limits",
        type=_limits,
        metavar="N,N,...",
        help="the limits, each in bytes, as 64MiB, or as 10% of all the units accessed together (default "
        f"{shares} and the recorded limits)".replace("%", "%%"),
    )
    parser.add_argument(
        "--policies",
        type=_policies,
        default=SIMULATED,
        metavar="P,P,...",
        help=f"some of {', '.join(SIMULATED)} (default all)",
    )


def _limits(text: str) -> tuple[int | Share, ...]:
    return tuple(_limit(part.strip()) for part in text.split(","))


def _limit(text: str) -> int | Share:
    percentage = _PERCENTAGE.fullmatch(text)
    if percentage:
        return Share(float(percentage[1]) / 100)
    try:
        return parse_size(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{printable(text, 40)!r} is not a limit: write bytes, a unit such as 64MiB, or a share such as 10%"
        ) from None


def _policies(text: str) -> tuple[str, ...]:
    names = tuple(part.strip().lower() for part in text.split(","))
    for name in names:
        if name not in SIMULATED:
            raise ArgumentTypeError(f"{printable(name, 40)!r} is not a policy: choose from {', '.join(SIMULATED)}")
    return names


def _run(options: Namespace, output: Output) -> int:
    with working() as (progress, cancel):
        with RecordingReader.open(options.trace) as reader:
            policy = known_policy(reader.header)
            accesses = read_accesses(reader, progress=progress, cancel=cancel)
        recorded = accesses.in_force.marks()
        limits: tuple[int | Share, ...] = (*LADDER, *recorded) if options.limits is None else options.limits
        comparison = compare(accesses, limits, options.policies, progress, cancel)
    if output.json:
        output.document(_described(options.trace, described_settings(policy, accesses.in_force), comparison))
    else:
        output.show(*comparison_tables(options.trace, policy, accesses.in_force, comparison))
    return 0


def _described(path: str, recorded: dict[str, Any], comparison: Comparison) -> dict[str, Any]:
    return {
        "path": path,
        "recorded": recorded,
        "accesses": comparison.accesses,
        "units": comparison.units,
        "footprint": comparison.footprint,
        "one_size": comparison.one_size,
        "policies": [
            {"name": facts.name, "title": facts.title, "summary": facts.summary} for facts in comparison.policies
        ],
        "rows": [_row(row) for row in comparison.rows],
    }


def _row(row: ComparedOutcome) -> dict[str, Any]:
    outcome = row.outcome
    return {
        "limit": outcome.limit,
        "policy": outcome.policy,
        "hits": outcome.hits,
        "misses": outcome.misses,
        "hit_rate": outcome.hit_rate,
        "byte_hit_rate": outcome.byte_hit_rate,
        "evictions": outcome.evictions,
        "bytes_loaded": outcome.miss_bytes,
        "refused": outcome.refused,
        "refused_units": row.refused_units,
        "is_bound": row.is_bound,
    }


COMPARE = Command(
    "compare",
    "say what other policies and limits would have done",
    "Replay the accesses of a recording with other policies and limits, and print hits, bytes and evictions of each.\n"
    "Only accesses count, by the raw bytes of their units; prefetches, pins and evictions on request are left out.",
    "compare run.aptrace --limits 64MiB,10%,50% --policies lru,sieve,belady",
    _operands,
    _options,
    _run,
)
