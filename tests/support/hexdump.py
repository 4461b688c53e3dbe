"""Bytes as people read them."""

from __future__ import annotations


def hexdump(raw: bytes) -> str:
    """16 bytes a line with their place and text; ``*`` stands for lines like the one before."""
    lines: list[str] = []
    before = b""
    for at in range(0, len(raw), 16):
        row = raw[at : at + 16]
        if row != before:
            text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            lines.append(f"{at:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  |{text}|")
        elif lines[-1] != "*":
            lines.append("*")
        before = row
    return "\n".join([*lines, f"{len(raw):08x}"])
