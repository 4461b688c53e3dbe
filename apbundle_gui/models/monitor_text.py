"""What the Monitor page says: a plain sentence for every event, and its settings in words. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from apbundle.text import format_size, parse_size
from apbundle.trace.records import ERROR_NUMBERS, EVICT_CAUSES, LOAD_CAUSES, NONE, SYSTEM_ERROR, Kind
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_residency import NEVER, Presence

SHOWN_NAME: Final = 60
"""Longest name in a sentence, in characters."""
KIND_NAMES: Final[Mapping[int, str]] = {
    Kind.HIT: "Hit",
    Kind.MISS: "Miss",
    Kind.EVICT: "Eviction",
    Kind.PREFETCH: "Prefetch",
    Kind.RESIZE: "New limit",
    Kind.PIN: "Pin",
    Kind.ERROR: "Error",
    Kind.CLEAR: "Clear",
}
"""What an event is called."""
PRESENCE_NAMES: Final[Mapping[int, str]] = {
    Presence.NEVER_LOADED: "never loaded",
    Presence.IN_MEMORY: "in memory",
    Presence.RECENTLY_EVICTED: "evicted just now",
    Presence.NOT_IN_MEMORY: "not in memory",
}
"""Where a model is, in words."""
MIN_LIMIT: Final = 1024
"""The smallest limit the engine takes, in bytes."""
PACES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, None)
"""The steps of the speed, in accesses a second; the last is as fast as it goes."""

_LOAD_REASONS: Final = {
    LOAD_CAUSES["hint"]: "on a hint",
    LOAD_CAUSES["inline"]: "ahead of its use, as it followed before",
    LOAD_CAUSES["background"]: "ahead of its use, in the background",
}
_ERROR_REASONS: Final = {
    ERROR_NUMBERS["changed_on_disk"]: "the file changed on disk",
    ERROR_NUMBERS["decompression_failed"]: "it does not decompress",
    ERROR_NUMBERS["checksum_mismatch"]: "its checksum does not match",
    ERROR_NUMBERS["closed"]: "the bundle was closed",
    ERROR_NUMBERS["limit_too_small"]: "the limit is too small for it",
}


def name_of(unit: int, names: Sequence[str]) -> str:
    """A model's name for a sentence, in quotation marks."""
    return f"“{words.safe(names[unit], SHOWN_NAME)}”" if unit < len(names) else "an unknown model"


def sentence(row: Any, names: Sequence[str]) -> str:
    """What happened and why, for one row of :data:`~apbundle_gui.models.monitor_rows.ROWS`."""
    say = _SENTENCES.get(int(row["kind"]))
    text = say(row, names) if say is not None else ""
    return text[:1].upper() + text[1:]


def _hit(row: Any, names: Sequence[str]) -> str:
    count, distinct, name = int(row["count"]), int(row["distinct"]), name_of(int(row["unit"]), names)
    if count == 1:
        return f"{name} was in memory."
    if distinct == 1:
        return f"{name} was in memory, {words.count(count, 'time')} in a row."
    most = f"{name} most often ({words.count(int(row['top']), 'time')})" if row["top"] > 1 else f"{name} among them"
    return f"{words.count(count)} accesses in a row found {distinct} models in memory, {most}."


def _miss(row: Any, names: Sequence[str]) -> str:
    name = name_of(int(row["unit"]), names)
    loaded = f"{format_size(int(row['bytes']))} loaded in {words.duration(float(row['latency']) / 1e9)}"
    if row["idle"] == NEVER:
        return f"{name} was needed for the first time: {loaded}."
    return f"{name} was needed again {words.duration(row['idle'] / 1e9)} after it had left: {loaded}."


def _eviction(row: Any, names: Sequence[str]) -> str:
    name, unused = name_of(int(row["unit"]), names), words.duration(row["idle"] / 1e9)
    after = f" after {unused} unused" if row["idle"] != NEVER else ""
    if row["cause"] == EVICT_CAUSES["request"]:
        return f"{name} was dropped on request{after}."
    if row["cause"] == EVICT_CAUSES["limit"]:
        return f"{name} was evicted{after}: the limit was lowered."
    if row["other"] == NONE:
        return f"{name} was evicted{after}: its room was needed."
    needed_by, needed, free = name_of(int(row["other"]), names), int(row["needed"]), int(row["free"])
    why = f"{name} was evicted{after}: {needed_by} needed"
    if free >= needed:
        return f"{why} {format_size(needed)}, and whole blocks of the map count as used."
    if free <= 0:
        return f"{why} {format_size(needed)} and nothing was free."
    word = format_size if format_size(needed) != format_size(free) else words.exact_size
    return f"{why} {word(needed)} and {word(free)} {'was' if free == 1 else 'were'} free."


def _prefetch(row: Any, names: Sequence[str]) -> str:
    reason = _LOAD_REASONS.get(int(row["cause"]), "ahead of its use")
    loaded = f"{format_size(int(row['bytes']))} in {words.duration(float(row['latency']) / 1e9)}"
    return f"{name_of(int(row['unit']), names)} was loaded {reason}: {loaded}."


def _error(row: Any, names: Sequence[str]) -> str:
    number = int(row["other"])
    if number >= SYSTEM_ERROR:
        reason = f"the system reported error {number - SYSTEM_ERROR}"
    else:
        reason = _ERROR_REASONS.get(number, "it could not be read")
    return f"{name_of(int(row['unit']), names)} was not loaded: {reason}."


def _clear(row: Any, names: Sequence[str]) -> str:
    return f"All models were dropped at once: {format_size(int(row['bytes']))}."


def _resize(row: Any, names: Sequence[str]) -> str:
    return f"The limit is {format_size(int(row['bytes']))} from now on."


def _pin(row: Any, names: Sequence[str]) -> str:
    return f"{name_of(int(row['unit']), names)} is {'kept in memory' if row['cause'] == 1 else 'free to leave'}."


_SENTENCES: Final[Mapping[int, Callable[[Any, Sequence[str]], str]]] = {
    Kind.HIT: _hit,
    Kind.MISS: _miss,
    Kind.EVICT: _eviction,
    Kind.PREFETCH: _prefetch,
    Kind.ERROR: _error,
    Kind.CLEAR: _clear,
    Kind.RESIZE: _resize,
    Kind.PIN: _pin,
}


def clock(nanoseconds: int) -> str:
    """A time of the recording: ``4.250 s``, ``2:04.250``, ``1:02:04.250``."""
    milliseconds = max(nanoseconds, 0) // 1_000_000
    seconds, rest = divmod(milliseconds, 1000)
    if seconds < 60:
        return f"{seconds}.{rest:03d} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02d}.{rest:03d}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{rest:03d}"


def tally(value: int) -> str:
    """A counter for a tile: exact below a hundred thousand, then with three digits."""
    if value < 100_000:
        return words.count(value)
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")):
        if value >= size:
            digits = 10 ** (len(str(value)) - 3)
            return f"{words.significant(value // digits * digits / size)} {letter}"
    return f"{value:,}"


def memory_detail(used: int, limit: int) -> tuple[str, str]:
    """What stands below the memory used, and its tooltip; both in bytes.

    More than the limit is used only while a model is in use that is larger than it by itself.
    """
    exact = words.exact_size(used)
    if not limit:
        return words.NONE, exact
    if used > limit:
        why = "A model larger than the limit counts whole; what is really held of it is in Resident."
        return f"above {words.size(limit)}", f"{exact}. {why}"
    return f"{words.percent(used / limit)} of {words.size(limit)}", exact


def pace(value: float | None) -> str:
    """A speed in words."""
    if value is None:
        return "unlimited"
    return f"{words.count(int(value))}/s"


def limit_of(text: str) -> int:
    """The limit a user typed, in bytes.

    Raises
    ------
    ValueError
        It is no size, or too small a one; the message is for the user.
    """
    try:
        limit = parse_size(text)
    except ValueError:
        raise ValueError("Write bytes or a unit, such as 64 KiB or 2 GiB.") from None
    if limit < MIN_LIMIT:
        raise ValueError(f"The smallest limit is {format_size(MIN_LIMIT)}.")
    return limit


def limit_text(limit: int) -> str:
    """A limit as :func:`limit_of` reads it back without loss."""
    text = format_size(limit)
    return text if parse_size(text) == limit else f"{limit:,}".replace(",", "") + " B"


def share_of(share: float, total: int) -> int:
    """A share of ``total`` bytes as a limit with three significant digits."""
    return max(parse_size(format_size(max(round(share * total), MIN_LIMIT))), MIN_LIMIT)
