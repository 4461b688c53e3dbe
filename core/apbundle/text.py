"""Text from strangers made safe to show, and sizes as people write them. Pure functions, no dependencies."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"

_INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_UNITS = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {f"{letter}B": value for letter, value in _UNITS.items() if letter not in ("", "B")}
_UNITS |= {f"{letter}I": 1 << (10 * (i + 1)) for i, letter in enumerate("KMGT")}
_UNITS |= {f"{letter}IB": 1 << (10 * (i + 1)) for i, letter in enumerate("KMGT")}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", re.ASCII)


def is_hazardous(character: str) -> bool:
    """Whether a character is invisible or steers the display: controls, bidirectional marks, line separators."""
    return unicodedata.category(character) in _INVISIBLE_CATEGORIES


def printable(text: str, limit: int | None = None) -> str:
    """``text`` on one line with every hazardous character as a visible token such as ``\\x1b`` or ``\\u202e``.

    The function for untrusted text: names, metadata, paths. ``limit`` is the longest result in characters; a longer
    one loses its middle.
    """
    if limit is not None and len(text) > 2 * limit:
        text = text[:limit] + text[-limit:]  # the middle cannot survive: do not escape megabytes
    if not text.isprintable():
        text = "".join(_escaped(c) if is_hazardous(c) else c for c in text)
    return text if limit is None else elide(text, limit)


def _escaped(character: str) -> str:
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def elide(text: str, limit: int) -> str:
    """``text`` cut in the middle to at most ``limit`` characters."""
    if len(text) <= limit:
        return text
    head = limit // 2
    tail = limit - 1 - head
    return text[:head] + ELLIPSIS + (text[-tail:] if tail else "")


def plural(count: int, noun: str) -> str:
    """``1 model``, ``2 models``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_size(size: int) -> str:
    """Bytes in IEC units with three significant digits: ``999 B``, ``1.00 KiB``, ``97.7 MiB``."""
    if abs(size) < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        value /= 1024
        if abs(value) < 999.5 or unit == "EiB":
            break
    magnitude = abs(value)
    decimals = 2 if magnitude < 9.995 else 1 if magnitude < 99.95 else 0
    return f"{value:.{decimals}f} {unit}"


def parse_size(text: str) -> int:
    """The bytes that ``"4096"``, ``"10 MB"`` or ``"2GiB"`` stand for.

    Raises
    ------
    ValueError
        For anything else, negative sizes included.
    """
    match = _SIZE.fullmatch(text)
    unit = match and _UNITS.get(match.group(2).upper())
    if not match or unit is None:
        raise ValueError(
            f"{printable(text, 40)!r} is not a size: write bytes or a unit, such as 1048576, 100MB or 2GiB"
        )
    return int(float(match.group(1)) * unit) if "." in match.group(1) else int(match.group(1)) * unit
