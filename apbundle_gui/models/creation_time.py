"""When a bundle says it was made, as people write it: a date, a date and a time, or seconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from apbundle.format.layout import LAST_TIMESTAMP
from apbundle_gui.models import text as words

_MOST: Final = 2**64 - 1


def time_text(created_at: int | None) -> str:
    """The time as it is shown and may be typed; nothing for the time of building."""
    if created_at is None:
        return ""
    return words.timestamp(created_at) if created_at <= LAST_TIMESTAMP else str(created_at)


def time_of(text: str) -> int | None:
    """The time that was typed, in seconds since 1970; ``None`` when nothing was.

    Times without a zone are UTC.

    Raises
    ------
    ValueError
        It is no time, or one that a bundle cannot hold.
    """
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        seconds = int(text)
    else:
        moment = datetime.fromisoformat(text.removesuffix("UTC").rstrip())
        seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    if not 0 <= seconds <= _MOST:
        raise ValueError("before 1970")
    return seconds
