"""Stories in plain sentences: one function for the command line and the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from apbundle.text import format_size, printable
from apbundle.trace.records import ERROR_NUMBERS, LOAD_CAUSES, PIN_CAUSES, SYSTEM_ERROR, Kind
from apbundle.trace.stories import Eviction, EvictionCause, Hit, Idle, Miss, MissCause, Prefetch, Remark, Story

SHOWN_NAME: Final = 60
"""Longest name in a sentence, in characters."""

_LOAD_REASONS: Final = {
    LOAD_CAUSES["hint"]: " on a hint",
    LOAD_CAUSES["inline"]: ", as it had followed before",
    LOAD_CAUSES["background"]: " in the background, as it had followed before",
}
_ERROR_REASONS: Final = {
    ERROR_NUMBERS["changed_on_disk"]: "the file changed on disk",
    ERROR_NUMBERS["decompression_failed"]: "it does not decompress",
    ERROR_NUMBERS["checksum_mismatch"]: "its checksum does not match",
    ERROR_NUMBERS["closed"]: "the bundle was closed",
    ERROR_NUMBERS["limit_too_small"]: "what is pinned leaves no room for it",
}

_OF_A_UNIT: Final[dict[int, str]] = {
    Kind.HIT: "a hit",
    Kind.MISS: "a miss",
    Kind.EVICT: "an eviction",
    Kind.PREFETCH: "a prefetch",
    Kind.PAGES: "pieces",
}


def sentence(story: Story, names: Sequence[str], policy: str = "lru", *, ended: bool = True) -> str:
    """What happened and why, on one line; names are made printable.

    Parameters
    ----------
    names
        What to call each unit.
    policy
        The policy that was in force: what more memory would have changed is known for LRU.
    ended
        Whether the recording was gone through to its end: only then it is said what did not come of it.
    """
    for kind, tell in _SENTENCES.items():
        if isinstance(story, kind):
            return _as_sentence(tell(story, names, policy) + _sequel(story, ended=ended))
    raise TypeError(f"{type(story).__name__} is no story")


def hits_in_a_row(count: int, units: int, unit: int | None, most: int, names: Sequence[str]) -> str:
    """What is said of ``count`` hits that follow one another, on so many units, ``most`` of them on ``unit``."""
    name = name_of(unit, names)
    if units == 1:
        return _as_sentence(f"{name} was in memory, {count:,} times in a row")
    often = f"{name} most often ({most:,} times)" if most > 1 else f"{name} among them"
    return _as_sentence(f"{count:,} accesses in a row found {units:,} units in memory, {often}")


def name_of(unit: int | None, names: Sequence[str]) -> str:
    """A unit's name for a sentence, marked as a name."""
    if unit is None or unit >= len(names):
        return "an unknown unit"
    return f"`{printable(names[unit], SHOWN_NAME)}`"


def format_duration(nanoseconds: int) -> str:
    """A time as people say it: ``850 ns``, ``12.5 µs``, ``3.2 s``, ``2 min 5 s``, ``3 h 10 min``."""
    if nanoseconds < 1000:
        return f"{nanoseconds} ns"
    if nanoseconds < 1_000_000:
        return f"{_three_digits(nanoseconds / 1e3)} µs"
    if nanoseconds < 100_000_000:
        return f"{_three_digits(nanoseconds / 1e6)} ms"
    if nanoseconds < 9_950_000_000:
        return f"{nanoseconds / 1e9:.1f} s"
    minutes, seconds = divmod(round(nanoseconds / 1e9), 60)
    if not minutes:
        return f"{seconds} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _three_digits(value: float) -> str:
    text = f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _idle(idle: Idle) -> str:
    least, most = format_duration(idle.least), format_duration(idle.most)
    if least == most:
        return least
    return f"{least} to {most}" if idle.least else f"at most {most}"


def _loaded(story: Miss | Prefetch) -> str:
    return f"loading {format_size(story.size)} took {format_duration(story.latency)}"


def _hit(hit: Hit, names: Sequence[str], policy: str) -> str:
    text = f"{name_of(hit.unit, names)} was in memory"
    if hit.ahead:
        return f"{text}, loaded ahead and used for the first time since"
    if hit.idle is None:
        return text
    text += f", last used {_idle(hit.idle)} before"
    if hit.needed is not None:
        text += f"; LRU needs {format_size(hit.needed)} to keep it that long"
    return text


def _miss(miss: Miss, names: Sequence[str], policy: str) -> str:
    return f"{name_of(miss.unit, names)} missed: {_why_missed(miss, names, policy)}; {_loaded(miss)}"


def _why_missed(miss: Miss, names: Sequence[str], policy: str) -> str:
    if miss.cause == MissCause.COLD:
        return "it had never been in memory"
    if miss.cause == MissCause.UNKNOWN or miss.away is None:
        return "the recording does not tell why it was not in memory"
    before = f"{format_duration(miss.away)} before"
    if miss.cause == MissCause.REQUEST:
        return f"the program had asked for it to leave {before}"
    if miss.cause == MissCause.LIMIT:
        why = f"it was evicted {before}, when the limit was lowered"
    else:
        why = f"it was evicted {before} for {name_of(miss.left_for, names)}"
    if miss.last_use is None:
        return f"{why}, and had not been used yet"
    if miss.more is None:
        return why
    if not miss.more:
        return f"{why}, though by the order of accesses alone LRU keeps it under this limit"
    under = "" if policy == "lru" else " under LRU"
    return f"{why}; {format_size(miss.more)} more memory would have made it a hit{under}"


def _eviction(eviction: Eviction, names: Sequence[str], policy: str) -> str:
    dropped = eviction.cause == EvictionCause.REQUEST
    text = f"{name_of(eviction.unit, names)} was {'dropped on request' if dropped else 'evicted'}"
    if eviction.idle is not None:
        unused = _idle(eviction.idle)
        text += f" after {unused} unused" if eviction.used else f" {unused} after it was loaded ahead, without a use"
    return text + _why_evicted(eviction, names)


def _why_evicted(eviction: Eviction, names: Sequence[str]) -> str:
    limit, wanted, free = eviction.limit, eviction.wanted, eviction.free
    if eviction.cause == EvictionCause.LIMIT:
        return ": the limit was lowered" + ("" if limit is None else f" to {format_size(limit)}")
    if eviction.cause != EvictionCause.ROOM:
        return ""
    if limit is not None and eviction.size > limit:
        return f": it is larger than the limit of {format_size(limit)}, and leaves for whatever comes next"
    if wanted is None:
        return ": its room was needed"
    text = f": {name_of(eviction.needed_by, names)} needed {format_size(wanted)}"
    if free is None or free >= wanted:  # blocks of a map are charged whole, and loads under way before they are done
        return text
    if not free:
        return f"{text} and nothing was free"
    if format_size(free) == format_size(wanted):
        text = f": {name_of(eviction.needed_by, names)} needed {wanted:,} bytes"
        return f"{text} and {free:,} were free"
    return f"{text} and {format_size(free)} {'was' if free == 1 else 'were'} free"


def _prefetch(prefetch: Prefetch, names: Sequence[str], policy: str) -> str:
    text = f"{name_of(prefetch.unit, names)} was loaded ahead{_LOAD_REASONS.get(prefetch.cause, '')}"
    return f"{text}; {_loaded(prefetch)}"


def _sequel(story: Story, *, ended: bool) -> str:
    """What came of it."""
    if isinstance(story, Eviction):
        if story.again_after is not None:
            return f"; it was needed again {format_duration(story.again_after)} later"
        return "; it was not needed again" if ended else ""
    if isinstance(story, Prefetch):
        if story.used_after is not None:
            return f"; it was used {format_duration(story.used_after)} later"
        if story.left_after is not None:
            return f"; it left {format_duration(story.left_after)} later, without a use"
        return "; it was not used" if ended else ""
    return ""


def _remark(remark: Remark, names: Sequence[str], policy: str) -> str:
    name, size = name_of(remark.unit, names), format_size(remark.size)
    if remark.kind == Kind.ERROR:
        return f"{name} could not be loaded: {_why_failed(remark.other or 0)}"
    if remark.kind == Kind.RESIZE:
        return f"the limit is {size} from now on" + (
            "" if remark.limit is None else f"; it was {format_size(remark.limit)}"
        )
    if remark.kind == Kind.PAGES and remark.unit is not None:
        return f"{name} is read in pieces of {size} from now on, where it does not fit under the limit"
    if remark.kind == Kind.CLEAR:
        return f"everything that was not pinned was dropped at once: {size}"
    if remark.kind == Kind.PIN:
        pinned = remark.cause == PIN_CAUSES["pin"]
        return f"{name} is {'pinned' if pinned else 'no longer pinned'} from now on"
    if remark.kind == Kind.PREFETCH_USED:
        return f"{name} was used for the first time since it was loaded ahead"
    if remark.kind == Kind.PAD:
        return "this event is lost: the recording is damaged here"
    if remark.kind in _OF_A_UNIT:
        return f"{_OF_A_UNIT[remark.kind]} of an unknown unit: the recording is damaged here"
    return f"an event of kind {int(remark.kind)}, which is not known here"


def _why_failed(number: int) -> str:
    if number >= SYSTEM_ERROR:
        return f"the system reported error {number - SYSTEM_ERROR}"
    return _ERROR_REASONS.get(number, "it could not be read")


_SENTENCES: Final[dict[type, Callable[[Any, Sequence[str], str], str]]] = {
    Hit: _hit,
    Miss: _miss,
    Eviction: _eviction,
    Prefetch: _prefetch,
    Remark: _remark,
}
