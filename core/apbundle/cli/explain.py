"""``apbundle explain``: why a recorded program missed what it missed, and why units left memory."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from enum import Enum
from typing import Any

from apbundle.cli import values
from apbundle.cli.explain_tables import event_tables, list_tables, summary_tables
from apbundle.cli.failures import UsageError
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.working import working
from apbundle.trace.explain import explain, find_stop
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind
from apbundle.trace.sentences import sentence
from apbundle.trace.stories import Miss, Remark, Story
from apbundle.trace.summarize import summarize
from apbundle.trace.summary import Cost, Summary

_COUNT = 20


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("trace", metavar="TRACE", help="the recording")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--at", type=values.count, metavar="N", help="tell of event N alone, counted from 0")
    parser.add_argument("--from", dest="start", type=values.count, metavar="N", help="list events, the first from N on")
    parser.add_argument(
        "--count", type=values.count, metavar="N", help=f"list at most N events, hits left out (default {_COUNT})"
    )


def _run(options: Namespace, output: Output) -> int:
    listed = options.start is not None or options.count is not None
    if options.at is not None and listed:
        raise UsageError("--at tells of one event, --from and --count of several: give one or the other")
    with RecordingReader.open(options.trace) as reader:
        if options.at is not None:
            _tell_one(reader, options.trace, options.at, output)
        elif listed:
            count = _COUNT if options.count is None else options.count
            _tell_some(reader, options.trace, options.start or 0, count, output)
        else:
            _tell_all(reader, options.trace, output)
    return 0


def _tell_all(reader: RecordingReader, path: str, output: Output) -> None:
    with working() as (progress, cancel):
        summary = summarize(reader, progress=progress, cancel=cancel)
    names = reader.units.names
    if output.json:
        output.document(_described(path, summary, names))
    else:
        output.show(*summary_tables(path, summary, names, _policy(reader)))


def _tell_some(reader: RecordingReader, path: str, start: int, count: int, output: Output) -> None:
    with working() as (progress, cancel):
        stop = find_stop(reader, start, count)
        stories = explain(reader, start, stop, progress=progress, cancel=cancel)
    names, policy = reader.units.names, _policy(reader)
    following = stop if stop < reader.count else None
    if output.json:
        output.document(
            {
                "path": path,
                "events": reader.count,
                "stories": [_told(story, names, policy) for story in stories],
                "next": following,
            }
        )
    else:
        output.show(*list_tables(path, reader.count, stories, names, policy, following))


def _tell_one(reader: RecordingReader, path: str, number: int, output: Output) -> None:
    if number >= reader.count:
        raise UsageError(f"there is no event {number:,}: the recording has {reader.count:,}, counted from 0")
    with working() as (progress, cancel):
        [story] = explain(reader, number, number + 1, hits=True, progress=progress, cancel=cancel)
    names, policy = reader.units.names, _policy(reader)
    if output.json:
        output.document({"path": path, "events": reader.count, "story": _told(story, names, policy)})
    else:
        output.show(*event_tables(path, story, names, policy))


def _policy(reader: RecordingReader) -> str:
    return reader.header.policy or "lru"


def _told(story: Story, names: Sequence[str], policy: str) -> dict[str, Any]:
    kind = story.kind if isinstance(story, Remark) else _kind_of(story)
    told = {
        "kind": kind.name.lower() if isinstance(kind, Kind) else kind,
        **{key: _plain(value) for key, value in asdict(story).items() if key != "kind"},
    }
    if isinstance(story, Miss):
        told["more"] = story.more
    told["name"] = None if story.unit is None else names[story.unit]
    told["sentence"] = sentence(story, names, policy)
    return told


def _kind_of(story: Story) -> Kind | str:
    return type(story).__name__.lower()


def _plain(value: Any) -> Any:
    return value.name.lower() if isinstance(value, Enum) else value


def _described(path: str, summary: Summary, names: Sequence[str]) -> dict[str, Any]:
    return {
        "path": path,
        "events": summary.events,
        "hits": summary.hits,
        "misses": {cause.name.lower(): _cost(cost) for cause, cost in summary.misses.items()},
        "evictions": {cause.name.lower(): count for cause, count in summary.evictions.items()},
        "needed_again": summary.again,
        "prefetches": summary.prefetches,
        "prefetches_used": summary.prefetches_used,
        "failures": summary.failures,
        "lost": summary.lost,
        "limit": summary.in_force.last,
        "limits": asdict(summary.in_force),
        "within_limit": summary.within,
        "gains": [{"more": more, "misses": misses} for more, misses in summary.gains],
        "enough": summary.enough,
        "victims": [
            {
                "unit": victim.unit,
                "name": names[victim.unit],
                "evictions": victim.evictions,
                "needed_again": victim.again,
                **_cost(victim.cost),
            }
            for victim in summary.victims
        ],
    }


def _cost(cost: Cost) -> dict[str, int]:
    return {"misses": cost.misses, "bytes_loaded": cost.loaded, "latency": cost.latency}


EXPLAIN = Command(
    "explain",
    "say why units were missed and evicted",
    "Print why the accesses of a recording missed, whose evictions cost most, and how much more memory would have\n"
    "helped; or list what happened, a sentence an event; or tell all there is to know of one event. Memory is counted\n"
    "in raw bytes, as LRU would use it for the accesses alone.",
    "explain run.aptrace --at 1204",
    _operands,
    _options,
    _run,
)
