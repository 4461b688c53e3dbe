"""Text from strangers that has opened files, steered displays and broken layouts elsewhere."""

from __future__ import annotations

HOSTILE_NAMES = (
    '<img src="{marker}">',
    "<img src='file://{marker}'>",
    '<a href="{marker}">x</a>',
    '<qt><img src="{marker}"></qt>',
    "<style>@import url({marker})</style>",
    "<b>bold</b>\x1b]0;title\x07",
    "a\nb\rc\u2028d",
    "\u202egpj.exe",
    "zero\u200bwidth\ufeff",
    "&File && &amp; &lt;",
    "x" * 65_535,
    "e" + "\u0301" * 400,
    "",
    "%s %n {0.__class__} {{7*7}}",
)
"""Names strangers may give to models and files; ``{marker}`` is a file that must never be opened."""
