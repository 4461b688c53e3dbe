"""What the Monitor page says of the recording it shows: whose it is, under which settings, and whether it still grows.

Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from apbundle.trace.policies import POLICY_FACTS
from apbundle.trace.records import SLOT, RecordingHeader
from apbundle_gui.models import text as words
from apbundle_gui.services.recording_tail import Ending

FACTS: Final = ("Recording", "Recorded by", "Memory limit", "Policy", "Prefetch", "Granularity", "Bundle")
"""What is said of a recording, in this order."""
LAG_SHOWN: Final = 64 << 10
"""Bytes that are not read yet from which on that is said."""

_TITLES: Final = {facts.name: facts.title for facts in POLICY_FACTS}
_GRANULARITIES: Final = {"model": "Whole models", "component": "Tensors", "page": "Pages"}
_SAID: Final = {
    Ending.ENDED: "Its program ended it: this is all of it.",
    Ending.ABANDONED: "Its program is gone without ending it: what it wrote until then is all there.",
    Ending.CUT_SHORT: "The file was cut short or removed: what was read before stays.",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is said, and what its tooltip adds."""

    text: str
    tip: str = ""


def facts(path: str, header: RecordingHeader, limit: int | None) -> dict[str, Fact]:
    """What a recording says of itself, by the names in :data:`FACTS`; ``limit`` is the one in force now, in bytes."""
    config = header.config
    began = words.timestamp(header.started // 1_000_000_000)
    return {
        "Recording": Fact(words.file_name(path), path),
        "Recorded by": Fact(f"process {header.pid}", f"Process {header.pid}, since {began}"),
        "Memory limit": _limit(header.limit, limit),
        "Policy": _named(header.policy, _TITLES),
        "Prefetch": _named(config.get("prefetch"), {}),
        "Granularity": _granularity(config),
        "Bundle": Fact(words.file_name(header.bundle), header.bundle),
    }


def ending_sentence(ending: Ending) -> str:
    """Why a recording grows no more."""
    return _SAID[ending]


def read_so_far(events: int, models: int, backlog: int, lost: int) -> str:
    """How much of it was read, what is still to be read, and what is lost."""
    return words.joined(
        (
            words.count(events, "event"),
            words.count(models, "unit"),
            f"{words.size(backlog)} behind" if backlog >= LAG_SHOWN else "",
            f"{words.count(lost, 'record')} lost" if lost else "",
        )
    )


def lag_tip(backlog: int, lost: int) -> str:
    """The same at length."""
    said = []
    if backlog >= LAG_SHOWN:
        said.append(f"Up to {words.count(backlog // SLOT, 'record')} were written and are not shown yet.")
    if lost:
        said.append("Where the recording is damaged, what happened is not known; all else is shown.")
    return " ".join(said)


def _limit(first: int | None, now: int | None) -> Fact:
    if first is None and now is None:
        return Fact(words.NONE, "The recording does not say")
    if now is None or first is None or first == now:
        limit = first if now is None else now
        return Fact(words.size(limit or 0), words.exact_size(limit or 0))
    tip = f"{words.exact_size(now)} now, {words.exact_size(first)} when the recording began"
    return Fact(f"{words.size(now)}, first {words.size(first)}", tip)


def _named(value: Any, titles: dict[str, str]) -> Fact:
    if not isinstance(value, str) or not value:
        return Fact(words.NONE, "The recording does not say")
    return Fact(words.safe(titles.get(value, value[:1].upper() + value[1:]), 40))


def _granularity(config: dict[str, Any]) -> Fact:
    fact = _named(config.get("granularity"), _GRANULARITIES)
    size = config.get("page_size")
    if config.get("granularity") == "page" and type(size) is int and size > 0:
        return Fact(f"Pages of {words.size(size)}", words.exact_size(size))
    return fact
