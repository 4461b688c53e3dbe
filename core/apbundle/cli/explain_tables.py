"""What ``explain`` found, drawn for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from apbundle.cli.drawing import grid, headline, indented, name, size, table, text
from apbundle.text import format_size, plural
from apbundle.trace.sentences import format_duration, name_of, sentence
from apbundle.trace.stories import Eviction, EvictionCause, Hit, Idle, Miss, MissCause, Prefetch, Story
from apbundle.trace.summary import Summary, Victim

_VICTIMS = 10
_WORTH_A_ROW = 0.01  # of the misses that memory could avoid
_MEANINGS = {
    MissCause.COLD: "never in memory before",
    MissCause.CAPACITY: "evicted since, for another unit",
    MissCause.LIMIT: "evicted since, when the limit was lowered",
    MissCause.REQUEST: "dropped by the program since",
    MissCause.UNKNOWN: "the recording does not tell",
}
_CAUSES = {
    EvictionCause.ROOM: "for another unit",
    EvictionCause.LIMIT: "for a lower limit",
    EvictionCause.REQUEST: "on request",
    EvictionCause.UNKNOWN: "for unknown reasons",
}


def summary_tables(path: str, summary: Summary, names: Sequence[str], policy: str) -> Iterator[RenderableType]:
    """The sums; ``policy`` is the one of the recording."""
    misses = sum(cost.misses for cost in summary.misses.values())
    accesses = summary.hits + misses
    if not summary.events:
        yield headline("explained", "bold yellow", path, "nothing happened in this recording")
        return
    rate = f", {summary.hits / accesses:.1%} of them hits" if accesses else ""
    limits = summary.in_force.words()
    limit = f"; {policy} under {limits}" if limits else ""
    events, count = plural(summary.events, "event"), "1 access" if accesses == 1 else f"{accesses:,} accesses"
    yield headline("explained", "bold green", path, f"{events}: {count}{rate}{limit}")
    if misses:
        yield ""
        yield _misses(summary, misses)
    yield ""
    yield indented(grid(((label, text(value)) for label, value in _facts(summary)), "dim", ""))
    if summary.gains:
        yield ""
        yield _gains(summary, policy)
    if worst := [victim for victim in summary.victims if victim.cost.misses]:
        yield ""
        yield _victims(worst, names)


def list_tables(
    path: str, events: int, stories: Sequence[Story], names: Sequence[str], policy: str, following: int | None
) -> Iterator[RenderableType]:
    """Some events; ``following`` is where the next ones begin."""
    said = f"{len(stories):,} of {plural(events, 'event')}, hits left out"
    yield headline("explained", "bold green", path, said)
    yield ""
    drawn = table(">Event", ">Time", "What happened")
    for story in stories:
        drawn.add_row(f"{story.event:,}", _clock(story.time), text(sentence(story, names, policy)))
    yield drawn
    if following is not None:
        yield text(f"more from {following} on: --from {following}", "dim")


def event_tables(path: str, story: Story, names: Sequence[str], policy: str) -> Iterator[RenderableType]:
    """All about one event."""
    yield headline(f"event {story.event:,}", "bold green", path, f"{_clock(story.time)} after the start")
    yield ""
    yield text(sentence(story, names, policy))
    yield ""
    yield indented(grid(((label, text(value)) for label, value in _told(story, names)), "dim", ""))


def _misses(summary: Summary, count: int) -> RenderableType:
    drawn = table("Misses", ">Count", ">Share", ">Loaded", ">Time lost", "")
    for cause, cost in summary.misses.items():
        if cost.misses:
            drawn.add_row(
                {MissCause.LIMIT: "limit change", MissCause.REQUEST: "on request"}.get(cause, cause.name.lower()),
                f"{cost.misses:,}",
                f"{cost.misses / count:.1%}",
                format_size(cost.loaded),
                format_duration(cost.latency),
                text(_MEANINGS[cause], "dim"),
            )
    return drawn


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    evictions = sum(summary.evictions.values())
    parts = [f"{count:,} {_CAUSES[cause]}" for cause, count in summary.evictions.items() if count]
    yield "evictions", f"{evictions:,}" + (f": {', '.join(parts)}" if parts else "")
    avoidable = evictions - summary.evictions[EvictionCause.REQUEST]
    if avoidable:
        yield "needed again", f"{summary.again:,} of {avoidable:,} ({summary.again / avoidable:.0%})"
    if summary.prefetches:
        yield "loaded ahead", f"{summary.prefetches:,}, of which {summary.prefetches_used:,} were used"
    if summary.failures:
        yield "failed loads", f"{summary.failures:,}"
    if summary.lost:
        yield "lost events", f"{summary.lost:,}: the recording is damaged"


def _gains(summary: Summary, policy: str) -> RenderableType:
    missed = sum(summary.misses[cause].misses for cause in (MissCause.CAPACITY, MissCause.LIMIT))
    drawn = table(">More memory", ">Fewer misses", ">Share", "")
    notes = (
        {summary.gains[-1][0]: f"a limit of {format_size(summary.enough)} is enough for all"} if summary.enough else {}
    )
    if summary.within:
        why = "loading ahead, pins, blocks" if policy == "lru" else f"LRU in place of {policy}"
        drawn.add_row("none", f"{summary.within:,}", f"{summary.within / missed:.1%}", text(why, "dim"))
    for more, misses in summary.gains:
        if misses / missed >= _WORTH_A_ROW or more in notes:
            drawn.add_row(format_size(more), f"{misses:,}", f"{misses / missed:.1%}", text(notes.get(more, ""), "dim"))
    return drawn


def _victims(worst: Sequence[Victim], names: Sequence[str]) -> RenderableType:
    drawn = table("Worst victims", ">Evicted", ">Needed again", ">Loaded again", ">Time lost")
    for victim in worst[:_VICTIMS]:
        drawn.add_row(
            name(names[victim.unit]),
            f"{victim.evictions:,}",
            f"{victim.again:,}",
            format_size(victim.cost.loaded),
            format_duration(victim.cost.latency),
        )
    if len(worst) > _VICTIMS:
        drawn.add_row(text(f"… and {len(worst) - _VICTIMS:,} more; --json lists them", "dim"))
    return drawn


def _told(story: Story, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if story.unit is not None:
        yield "unit", f"{name_of(story.unit, names)}, number {story.unit:,}, {size(story.size)}"
    if isinstance(story, Hit | Miss):
        yield from _told_of_access(story)
    if isinstance(story, Miss):
        yield "cause", f"{story.cause.name.lower()}: {_MEANINGS[story.cause]}"
        if story.away is not None:
            yield "left", f"event {story.left:,}, {format_duration(story.away)} before it was asked for"
        yield "load", format_duration(story.latency)
    elif isinstance(story, Eviction):
        yield from _told_of_eviction(story, names)
    elif isinstance(story, Prefetch):
        yield "load", format_duration(story.latency)
        if story.used_after is not None:
            yield "used", f"event {story.used:,}, {format_duration(story.used_after)} later"
        if story.left_after is not None:
            yield "left unused", f"event {story.left:,}, {format_duration(story.left_after)} later"
    if not isinstance(story, Prefetch) and story.limit is not None:
        yield "limit", size(story.limit)


def _told_of_access(story: Hit | Miss) -> Iterator[tuple[str, str]]:
    if story.idle is not None:
        yield "last use", f"event {story.last_use:,}, {_between(story.idle)} before"
    if story.needed is not None:
        yield "LRU needs", size(story.needed)


def _told_of_eviction(story: Eviction, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "cause", _CAUSES[story.cause]
    if story.needed_by is not None and story.wanted is not None:
        yield "needed by", f"{name_of(story.needed_by, names)}, {size(story.wanted)}"
    if story.free is not None:
        yield "free before", size(story.free)
    if story.idle is not None:
        yield "unused for", _between(story.idle) + ("" if story.used else ", since it was loaded ahead")
    if story.again_after is not None:
        yield "needed again", f"event {story.again:,}, {format_duration(story.again_after)} later"
    else:
        yield "needed again", "not in this recording"


def _between(idle: Idle) -> str:
    least, most = format_duration(idle.least), format_duration(idle.most)
    return least if least == most else f"{least} to {most}"


def _clock(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:,.6f} s"
