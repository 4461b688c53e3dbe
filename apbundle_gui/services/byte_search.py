"""Finding bytes in a file of any size."""

from __future__ import annotations

from typing import Final

from apbundle.fileio import PIECE, InputFile
from apbundle.progress import Cancel, Progress, Reporter

MOST_WANTED: Final = 4096
"""Longest sequence looked for, in bytes."""


def find_bytes(
    file: InputFile, wanted: bytes, start: int, progress: Progress | None = None, cancel: Cancel | None = None
) -> int | None:
    """The first place at or after ``start`` where ``wanted`` is, or else the first one before; ``None``: nowhere.

    Raises
    ------
    Cancelled
        When ``cancel`` says so.
    BundleError, OSError
        The file cannot be read, or changed.
    """
    size = file.size
    if not wanted or len(wanted) > size:
        return None
    reporter = Reporter(progress, cancel)
    reporter.phase("search", size)
    for begin, end in ((start, size), (0, min(start + len(wanted) - 1, size))):
        at = begin
        while at + len(wanted) <= end:
            reporter.check()
            piece = file.read(at, min(PIECE, end - at))
            found = piece.find(wanted)
            if found >= 0:
                return at + found
            step = len(piece) - len(wanted) + 1  # what is wanted may lie across two pieces
            at += step
            reporter.advance(step)
    return None


def parse_wanted(text: str) -> bytes:
    """The bytes a search asks for: ``0x`` or pairs of hexadecimal digits with spaces between, anything else as text.

    Raises
    ------
    ValueError
        There is nothing to look for, or too much.
    """
    stripped = text.strip()
    digits = stripped.removeprefix("0x").removeprefix("0X")
    pairs = digits.split()
    is_hex = digits != stripped or len(pairs) > 1
    data = text.encode("utf-8", "surrogateescape")
    if is_hex and all(len(pair) % 2 == 0 for pair in pairs):
        try:
            data = bytes.fromhex(digits)
        except ValueError:
            if digits != stripped:
                raise ValueError("After 0x stand pairs of hexadecimal digits, as in 0x47475546.") from None
    if not 0 < len(data) <= MOST_WANTED:
        raise ValueError("There is nothing to look for." if not data else "This is too long to look for.")
    return data
