"""File names for models: one component that is safe and distinct on every system, whatever the model is called.

A model's name is any text. What can be kept is kept; a name that had to be altered ends in a few digits of its hash, so
that the same model gets the same file name everywhere; and names that some file system takes for the same are numbered.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from apbundle.text import is_hazardous

MAX_FILE_NAME: Final = 200
"""Longest result in UTF-8 bytes; file systems allow 255, and temporary names are longer than final ones."""

_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"/\\|?*', "_"))
_BLANKS = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_ENDING = re.compile(r"\.[A-Za-z0-9_]{1,16}\Z")
_SUFFIX = re.compile(r"(\.[A-Za-z0-9_]{1,16}){0,3}")
_DEVICE = re.compile(
    r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NUMBERED = 100  # collisions told apart by a number; further ones by a hash, so that many do not take ever longer
_HEAD = 600  # characters: more than can survive in MAX_FILE_NAME bytes, however well they compose


def has_control_characters(name: str) -> bool:
    """Whether ``name`` holds a control character, a line separator or a bidirectional mark."""
    return not name.isprintable() and _CONTROL.search(name) is not None


def collision_key(file_name: str) -> str:
    """Equal for file names that some file system takes for the same: by case or by composition of accents."""
    if file_name.isascii():
        return file_name.lower()
    folded = unicodedata.normalize("NFD", file_name).upper().casefold()
    return unicodedata.normalize("NFD", folded)


def safe_file_name(name: str, taken: set[str] | None = None, suffix: str = "") -> str:
    """One path component for a model called ``name``, valid on Linux, macOS and Windows alike.

    Parameters
    ----------
    name
        Any text.
    taken
        The :func:`collision_key` of every name given out so far in the same folder. The result avoids them and is
        added, so calls that share the set never give two names that collide.
    suffix
        An ending such as ``".safetensors"``, added unless the name has it.

    Returns
    -------
    str
        At most 200 bytes of UTF-8, in NFC; not empty, no separators, controls or invisible characters, no blank, dot
        or hyphen at the beginning, no blank or dot at the end, no device of Windows.

    Raises
    ------
    ValueError
        When ``suffix`` is not of the form ``.letters``.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"{suffix!r} is not a file name's ending")
    return _safe_file_name(name, set() if taken is None else taken, suffix, {})


def safe_file_names(names: Iterable[str]) -> list[str]:
    """:func:`safe_file_name` of each name, all distinct, in the same order."""
    used: set[str] = set()
    next_numbers: dict[str, int] = {}
    return [_safe_file_name(name, used, "", next_numbers) for name in names]


def _safe_file_name(name: str, used: set[str], suffix: str, next_numbers: dict[str, int]) -> str:
    """As :func:`safe_file_name`; ``next_numbers`` has, by what collides, the first number that was not tried."""
    stem, ending = _split(name if len(name) <= 2 * _HEAD else name[:_HEAD] + name[-_HEAD:], suffix)
    safe = _clean(stem)
    altered = safe != unicodedata.normalize("NFC", stem)
    fits = len((safe + ending).encode()) <= MAX_FILE_NAME
    tag = "" if fits and not altered else "-" + _digest(name)[:8]
    result = _fit(safe, f"{tag}{ending}")
    wanted = collision_key(result)
    if wanted in used:
        texts = _numbers(name, next_numbers.get(wanted, 2), used)
        numbered = ((number, _fit(safe, f"{tag}-{text}{ending}")) for number, text in texts)
        number, result = next(pair for pair in numbered if collision_key(pair[1]) not in used)
        next_numbers[wanted] = number + 1
    used.add(collision_key(result))
    return result


def _split(name: str, suffix: str) -> tuple[str, str]:
    """``name`` without its ending, and the ending the file gets."""
    if suffix:
        has_it = name[-len(suffix) :].lower() == suffix.lower()
        return (name[: -len(suffix)] if has_it else name), suffix
    match = _ENDING.search(name)
    return (name[: match.start()], match.group()) if match else (name, "")


def _clean(stem: str) -> str:
    composed = unicodedata.normalize("NFC", stem)
    safe = composed.translate(_FORBIDDEN)
    if not safe.isprintable():
        safe = "".join("_" if is_hazardous(c) else c for c in safe)
    safe = safe.lstrip(_BLANKS).rstrip(_BLANKS + ".")
    if safe.startswith((".", "-")):
        safe = "_" + safe[1:]
    if _DEVICE.fullmatch(safe):
        safe = "_" + safe
    return safe or "unnamed"


def _fit(stem: str, end: str) -> str:
    """``stem + end`` with as much of ``stem`` as there is room for."""
    room = MAX_FILE_NAME - len(end.encode())
    while len(stem.encode()) > room:
        excess = len(stem.encode()) - room
        stem = stem[: len(stem) - (excess + 3) // 4]  # a character takes at most 4 bytes
    return stem + end


def _numbers(name: str, first: int, used: set[str]) -> Iterator[tuple[int, str]]:
    """Numbers from ``first`` with what to write for them: from some on, a hash that is free at the first attempt."""
    yield from ((number, str(number)) for number in range(first, _NUMBERED))
    yield from ((_NUMBERED, _digest(f"{count} {name}")[:16]) for count in itertools.count(len(used)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
