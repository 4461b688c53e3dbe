"""The pieces that tables are drawn with. Every text is made printable here and is never markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from apbundle.format import layout
from apbundle.text import format_size, printable

MOST_ROWS = 1000
"""Rows of one table: JSON has them all."""
_LONGEST_NAME = 100
_LONGEST_TEXT = 1024


def table(*headings: str) -> Table:
    """An empty table; a heading that begins with ``>`` is of numbers, which never fold."""
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for heading in headings:
        if heading.startswith(">"):
            drawn.add_column(heading[1:], justify="right", no_wrap=True)
        else:
            drawn.add_column(heading, overflow="fold")
    return drawn


def grid(rows: Iterable[Sequence[RenderableType]], *styles: str) -> Table:
    """Rows without headings or lines, a style a column."""
    drawn = Table.grid(padding=(0, 2, 0, 0))
    for style in styles:
        drawn.add_column(style=style, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    return drawn


def tell_rest(drawn: Table, count: int) -> None:
    """Say in a last row how many of ``count`` rows are not shown."""
    if count > MOST_ROWS:
        drawn.add_row(Text(f"… and {count - MOST_ROWS:,} more; --json lists all", "dim"))


def indented(renderable: RenderableType) -> Padding:
    """Two columns to the right."""
    return Padding(renderable, (0, 0, 0, 2))


def headline(word: str, style: str, path: str, said: str) -> Text:
    """The one line that says what came of a command."""
    return Text.assemble((word, style), f"  {printable(path)}: {said}", overflow="fold")


def text(value: str, style: str = "", limit: int = _LONGEST_TEXT) -> Text:
    """Any text, its middle left out if it is longer than ``limit``."""
    return Text(printable(value, limit), style, overflow="fold")


def name(value: str, limit: int = _LONGEST_NAME) -> Text:
    """The name of a model; an empty one as a pair of quotes."""
    return text(value or '""', limit=limit)


def size(value: int) -> str:
    """Bytes in both ways: ``1.39 KiB (1,424 bytes)``."""
    return format_size(value) if value < 1024 else f"{format_size(value)} ({value:,} bytes)"


def bar(share: float, width: int = 24) -> str:
    """A bar as long as ``share`` of ``width`` columns, to an eighth of one."""
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def timestamp(seconds: int) -> str:
    """A creation time in UTC; one past the year 9999 as its number."""
    if seconds > layout.LAST_TIMESTAMP:
        return f"{seconds:,} seconds after 1970: no date"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
