"""Texts and bytes that are shown at length: in panes made for reading, still printable and still bounded."""

from __future__ import annotations

from typing import Final

from apbundle.text import elide, printable
from apbundle_gui.models import text as words

BYTES_A_ROW: Final = 16
"""Bytes in one row of a hexadecimal listing."""
OFFSET_DIGITS: Final = 8
"""Digits of the offset before a row, at least."""


def lines(text: str, limit: int = words.SHOWN_IN_DETAIL) -> str:
    """Untrusted text with its line breaks, everything else hazardous as visible tokens, elided in the middle."""
    if len(text) > 2 * limit:
        text = text[:limit] + text[-limit:]  # the middle cannot survive
    return elide("\n".join(printable(line) for line in text.split("\n")), limit)


def hex_rows(data: bytes, start: int) -> str:
    """A listing of ``data``, which begins at the offset ``start``: offset, bytes, and what is readable of them."""
    rows = []
    for at in range(0, len(data), BYTES_A_ROW):
        piece = data[at : at + BYTES_A_ROW]
        left, right = piece[: BYTES_A_ROW // 2].hex(" ").upper(), piece[BYTES_A_ROW // 2 :].hex(" ").upper()
        readable = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in piece)
        rows.append(f"{start + at:0{OFFSET_DIGITS}X}  {left:<23}  {right:<23}  {readable}")
    return "\n".join(rows)


def column_of_byte(number: int) -> int:
    """Where in a row of :func:`hex_rows` the byte ``number`` (0 to 15) of that row stands, in characters."""
    return OFFSET_DIGITS + 2 + 3 * number + (number >= BYTES_A_ROW // 2)
