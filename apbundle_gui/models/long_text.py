"""Texts and bytes that are shown at length: in panes made for reading, still printable and still bounded."""

from __future__ import annotations

from typing import Final

from apbundle.text import elide, printable
from apbundle_gui.models import text as words

GROUP: Final = 8
"""Bytes that stand together in a row."""
OFFSET_DIGITS: Final = 8
"""Digits of the offset before a row, at least."""


def lines(text: str, limit: int = words.SHOWN_IN_DETAIL) -> str:
    """Untrusted text with its line breaks, everything else hazardous as visible tokens, elided in the middle."""
    if len(text) > 2 * limit:
        text = text[:limit] + text[-limit:]  # the middle cannot survive
    return elide("\n".join(printable(line) for line in text.split("\n")), limit)


def hex_rows(data: bytes, start: int, bytes_a_row: int = 16) -> str:
    """A listing of ``data``, which begins at the offset ``start``: offset, bytes, and what is readable of them.

    ``bytes_a_row`` is a multiple of 8.
    """
    rows = []
    room = text_column(bytes_a_row) - column_of_byte(0)
    for at in range(0, len(data), bytes_a_row):
        piece = data[at : at + bytes_a_row]
        groups = "  ".join(piece[i : i + GROUP].hex(" ").upper() for i in range(0, len(piece), GROUP))
        readable = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in piece)
        rows.append(f"{start + at:0{OFFSET_DIGITS}X}  {groups:<{room}}{readable}")
    return "\n".join(rows)


def column_of_byte(number: int) -> int:
    """Where the byte ``number`` of a row of :func:`hex_rows` stands in it, in characters."""
    return OFFSET_DIGITS + 2 + 3 * number + number // GROUP


def text_column(bytes_a_row: int) -> int:
    """Where what is readable stands in a row, in characters."""
    return column_of_byte(bytes_a_row - 1) + 4
