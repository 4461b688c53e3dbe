"""``apbundle curve``: the hit rate of a recording's accesses under every limit."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from apbundle.cli import values
from apbundle.cli.curve_table import Target, curve_tables
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.recorded import described_settings, known_policy
from apbundle.cli.working import working
from apbundle.trace.curve import Curve, read_curve
from apbundle.trace.recording import RecordingReader

_MOST_POINTS = 1000


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("trace", metavar="TRACE", help="the recording")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--target",
        type=values.share,
        metavar="RATE",
        help="a hit rate, such as 95%%: say which limit it takes; exit status 1 if no limit does",
    )


def _run(options: Namespace, output: Output) -> int:
    with working() as (progress, cancel), RecordingReader.open(options.trace) as reader:
        policy = known_policy(reader.header)
        curve = read_curve(reader, progress=progress, cancel=cancel)
    target = None if options.target is None else Target(options.target, curve.limit_for(options.target))
    if output.json:
        output.document(_described(options.trace, policy, curve, target))
    else:
        output.show(*curve_tables(options.trace, curve, target))
    return 1 if target is not None and target.limit is None else 0


def _described(path: str, policy: str | None, curve: Curve, target: Target | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "path": path,
        "recorded": described_settings(policy, curve.in_force),
        "accesses": curve.accesses,
        "accessed_bytes": curve.accessed_bytes,
        "footprint": curve.footprint,
        "smallest": curve.smallest,
        "knee": curve.knee,
        "working_set": curve.working_set,
        "limits": len(curve.limits),
        "points": [_point(curve, limit) for limit in curve.sample(_MOST_POINTS).tolist()],
    }
    if target is not None:
        described["target"] = {"hit_rate": target.rate, "limit": target.limit}
    limit = curve.in_force.only
    if limit is not None and limit >= curve.smallest:
        described["recorded"] |= _point(curve, limit)
    return described


def _point(curve: Curve, limit: int) -> dict[str, Any]:
    return {
        "limit": limit,
        "hits": curve.hits_at(limit),
        "hit_rate": curve.hit_rate(limit),
        "byte_hit_rate": curve.byte_hit_rate(limit),
    }


CURVE = Command(
    "curve",
    "say what every limit would have done",
    "Work out the hit rate of LRU under every limit from the accesses of a recording, and print it for some: what a\n"
    "replay of the accesses gives under each, by the raw bytes of units. The curve begins at the largest unit\n"
    "accessed: below, more memory may mean fewer hits. For other policies, see apbundle compare.",
    "curve run.aptrace --target 95%",
    _operands,
    _options,
    _run,
)
