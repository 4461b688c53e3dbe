"""How the window words things: sizes, numbers, times, errors. Pure functions; all formatting the user sees is here.

Everything that may quote strangers' bytes comes out printable and, where it has to fit a widget, elided.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from apbundle.errors import BundleError
from apbundle.text import format_size, printable

SHOWN: Final = 256
"""Longest untrusted text a label or a cell holds, in characters."""
SHOWN_IN_DETAIL: Final = 4096
"""Longest untrusted text of a pane made for reading it, in characters."""
NONE: Final = "–"
"""What stands where there is no value."""


def safe(text: str, limit: int = SHOWN) -> str:
    """Untrusted text on one line, hazardous characters as visible tokens, elided in the middle."""
    return printable(text, limit)


def name(text: str, limit: int = SHOWN) -> str:
    """The name of a model or a tensor on one line; something can be seen of it, whatever it is."""
    if text.strip():
        return safe(text, limit)
    return f"“{safe(text, limit)}”" if text else "(no name)"


def tooltip(text: str) -> str:
    """A tooltip that shows ``text`` as it is: never as markup, never longer than a detail pane."""
    lines = (html.escape(printable(line, SHOWN_IN_DETAIL)) for line in text.split("\n"))
    return f"<qt>{'<br>'.join(lines)}</qt>" if text else ""


def menu_text(text: str) -> str:
    """Untrusted text for a menu, a tab or a button, where a single ``&`` would mark a shortcut."""
    return safe(text, 80).replace("&", "&&")


def size(value: int) -> str:
    """Bytes in IEC units: ``1.50 MiB``."""
    return format_size(value)


def exact_size(value: int) -> str:
    """Bytes to the last one, for tooltips: ``1,572,864 bytes``."""
    return f"{value:,} byte" + ("" if value == 1 else "s")


def count(value: int, singular: str = "", plural: str = "") -> str:
    """A number with thousands separators, and its noun: ``1,204 models``."""
    noun = singular if value == 1 else plural or f"{singular}s"
    return f"{value:,} {noun}" if singular else f"{value:,}"


_SHORT: Final = ("", " k", " M", " G", " T", " P", " E")


def compact(value: int) -> str:
    """A number in three digits and a unit, where there is little room: ``1.24 M``."""
    power = 0
    while round(abs(value) / 1000**power, 1) >= 1000 and power < len(_SHORT) - 1:
        power += 1
    return f"{value}" if not power else f"{significant(value / 1000**power)}{_SHORT[power]}"


def significant(value: float, digits: int = 3) -> str:
    """A number with at most so many significant digits and no exponent between 0.001 and a million."""
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if not -4 < magnitude < 6:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - magnitude)
    rounded = round(value, digits - 1 - magnitude)
    text = f"{rounded:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(fraction: float) -> str:
    """A share of 1 with at most three significant digits: ``99.9 %``. Only a whole is ``100 %``."""
    if not math.isfinite(fraction):
        return NONE
    value = 100 * fraction
    if 99.9 <= value < 100:
        value = 99.9
    return f"{significant(value)} %"


def rate(per_second: float) -> str:
    """Bytes a second: ``1.20 GiB/s``."""
    return f"{format_size(round(per_second))}/s" if math.isfinite(per_second) else NONE


def hex_offset(value: int, digits: int = 1) -> str:
    """A file offset in hexadecimal: ``0x1A40``. ``digits`` is the least number of digits."""
    return f"0x{value:0{digits}X}"


def offset_tooltip(value: int) -> str:
    """The same offset in decimal, for the tooltip."""
    return f"byte {value:,}"


def duration(seconds: float) -> str:
    """A time as people say it: ``0.4 s``, ``12 s``, ``2 min 5 s``, ``3 h 10 min``."""
    if not math.isfinite(seconds) or seconds < 0:
        return NONE
    if seconds < 0.001:
        return f"{significant(seconds * 1e6)} µs"
    if seconds < 0.1:
        return f"{significant(seconds * 1e3)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def timestamp(seconds: int) -> str:
    """Seconds since 1970 as a date and time in UTC; whatever is none as the number it is."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{seconds} (not a date)"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def joined(parts: Iterable[str]) -> str:
    """Short facts on one line, empty ones left out: ``12 models · 1.50 MiB``."""
    return "  ·  ".join(part for part in parts if part)


def progress(phase: str, done: int, total: int, per_second: float, seconds_left: float | None) -> str:
    """What a job is doing, in one line: ``copy · 1.2 GiB of 4.0 GiB · 900 MiB/s · 3 s left``."""
    amount = f"{format_size(done)} of {format_size(total)}" if total > 0 else format_size(done) if done else ""
    speed = rate(per_second) if per_second > 0 else ""
    return joined((safe(phase, 60).capitalize(), amount, speed, _left(total, seconds_left)))


def brief_progress(phase: str, done: int, total: int, seconds_left: float | None) -> str:
    """The same where there is little room: ``Copy · 30 % · 3 s left``."""
    share = percent(done / total) if total > 0 else ""
    return joined((safe(phase, 60).capitalize(), share, _left(total, seconds_left)))


def _left(total: int, seconds: float | None) -> str:
    return f"{duration(seconds)} left" if total > 0 and seconds is not None and seconds >= 1 else ""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An exception in words: what happened, where, and what to do. All printable, none of it markup."""

    title: str
    message: str
    where: str = ""
    hint: str = ""

    @property
    def line(self) -> str:
        """The whole in one line, for a banner."""
        what = f"{self.message.rstrip('.')} {self.where}." if self.where else self.message
        return f"{what} {self.hint}" if self.hint else what


_TITLES: Final[dict[str, str]] = {
    "not_a_bundle": "This is not a bundle",
    "truncated": "The file ends too early",
    "unsupported_version": "Another format version",
    "unsupported_feature": "The bundle needs a newer program",
    "bad_manifest_length": "The manifest is damaged",
    "bad_manifest": "The manifest is damaged",
    "bad_count": "The manifest is damaged",
    "bad_utf8": "The manifest is damaged",
    "duplicate_name": "Two models have the same name",
    "out_of_bounds": "A model lies outside the file",
    "overlap": "Two models overlap",
    "limit_exceeded": "The file asks for too much",
    "bad_extension": "The extension is damaged",
    "extension_checksum": "The extension is damaged",
    "bad_metadata": "The metadata is damaged",
    "checksum_mismatch": "The checksum does not match",
    "changed_on_disk": "The file changed on disk",
    "decompression_failed": "A model does not decompress",
    "model_not_found": "There is no such model",
    "unsafe_name": "This name cannot be used",
    "disk_full": "The disk is full",
    "destination_busy": "Somebody else is writing this file",
    "target_refused": "This file is not overwritten",
    "durability_unknown": "Saved, but the disk did not confirm it",
    "source_changed": "An input changed",
    "closed": "The bundle was closed",
    "bad_recording": "This is not a recording",
    "bad_recipe": "The recipe cannot be followed",
    "limit_too_small": "The memory limit is too small",
}

_SYSTEM_TITLES: Final[dict[type[OSError], str]] = {
    FileNotFoundError: "There is no such file",
    PermissionError: "Permission was denied",
    FileExistsError: "The file exists already",
}


def error_text(error: BaseException, path: str | None = None) -> ErrorText:
    """Any exception in words. ``path`` is the file concerned when the exception does not say."""
    if isinstance(error, BundleError):
        place = error.path or path
        where = f"{hex_offset(error.offset)} ({offset_tooltip(error.offset)})" if error.offset is not None else ""
        hint = error.hint or ""
        if error.left_behind is not None:
            hint = f"The finished file was kept as {safe(error.left_behind)}. {hint}".strip()
        where = " ".join(
            part for part in (f"in {safe(place)}" if place else "", f"at {where}" if where else "") if part
        )
        return ErrorText(_TITLES.get(error.code, "This did not work"), error.message, where, printable(hint, 600))
    if isinstance(error, OSError):
        place = error.filename if isinstance(error.filename, str) else path
        reason = (error.strerror or str(error) or type(error).__name__).rstrip(".")
        titles = (title for kind, title in _SYSTEM_TITLES.items() if isinstance(error, kind))
        return ErrorText(
            next(titles, "The file cannot be read or written"),
            f"{safe(reason[:1].upper() + reason[1:])}.",
            f"in {safe(place)}" if place else "",
        )
    if isinstance(error, MemoryError):
        return ErrorText("Out of memory", "There was not enough memory for this; everything else goes on.")
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return ErrorText("Something went wrong inside the program", safe(message), "", "The log has the details.")


def file_name(path: str) -> str:
    """The last part of a path, printable."""
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return safe(name or path)
