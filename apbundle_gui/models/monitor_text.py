"""What the Monitor page says: a plain sentence for every event, and its settings in words. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from apbundle.paging.policy import POLICIES
from apbundle.text import format_size, parse_size
from apbundle.trace import sentences
from apbundle.trace.policies import POLICY_FACTS
from apbundle.trace.records import NONE, Kind
from apbundle.trace.sentences import hits_in_a_row
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_residency import Presence
from apbundle_gui.models.monitor_rows import story_of

KIND_NAMES: Final[Mapping[int, str]] = {
    Kind.HIT: "Hit",
    Kind.MISS: "Miss",
    Kind.EVICT: "Eviction",
    Kind.PREFETCH: "Prefetch",
    Kind.RESIZE: "New limit",
    Kind.PIN: "Pin",
    Kind.ERROR: "Error",
    Kind.CLEAR: "Clear",
    Kind.PAGES: "Pieces",
    Kind.PAD: "Lost",
}
"""What an event is called."""
PRESENCE_NAMES: Final[Mapping[int, str]] = {
    Presence.NEVER_LOADED: "never loaded",
    Presence.IN_MEMORY: "in memory",
    Presence.RECENTLY_EVICTED: "evicted just now",
    Presence.NOT_IN_MEMORY: "not in memory",
}
"""Where a model is, in words."""
POLICY_CHOICES: Final = tuple(
    (facts.title, facts.name, facts.summary) for facts in POLICY_FACTS if facts.name in POLICIES
)
"""What may decide who leaves: title, name and what it is good and bad at."""
MIN_LIMIT: Final = 1024
"""The smallest limit the engine takes, in bytes."""
PACES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, None)
"""The steps of the speed, in accesses a second; the last is as fast as it goes."""


def sentence(row: Any, names: Sequence[str], policy: str = "lru") -> str:
    """What happened and why, for one row of :data:`~apbundle_gui.models.monitor_rows.ROWS`, as the commands say it."""
    if row["count"] > 1:
        unit = None if row["unit"] == NONE else int(row["unit"])
        return hits_in_a_row(int(row["count"]), int(row["distinct"]), unit, int(row["top"]), names)
    return sentences.sentence(story_of(row), names, policy, ended=False)


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
