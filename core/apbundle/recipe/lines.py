"""Where in a recipe's text something stands: parsers of TOML forget the lines."""

from __future__ import annotations

import re
import tomllib

_MODEL = re.compile(r"\s*\[\[\s*(?:model|\"model\"|'model')\s*\]\]")
_GUESSES = 20
"""How many lines that look like a table's head are tried: each takes a parse of all before it."""


def line_of_model(text: str, index: int, key: str = "") -> int | None:
    """The line, counted from 1, of ``key`` in the ``[[model]]`` of ``index``, or that of the table itself.

    What looks like a line of TOML may stand inside a text of several lines, so a guess is held against the parser;
    ``None`` if it does not agree.
    """
    lines = text.splitlines(keepends=True)
    heads = [number for number, line in enumerate(lines, 1) if _MODEL.match(line)]
    for head in heads[index : index + _GUESSES]:
        models = _parsed(lines[:head]).get("model")
        if isinstance(models, list) and len(models) == index + 1 and not models[-1]:
            return _line_of_key(lines, head, key) or head
    return None


def line_of_key(text: str, table: str, key: str = "") -> int | None:
    """The line of ``key`` in ``table``, or that of the table; an empty ``table`` stands for the top."""
    lines = text.splitlines(keepends=True)
    if not table:
        return _line_of_key(lines, 0, key) or _line_of_table(lines, key)
    head = _line_of_table(lines, table)
    return None if head is None else _line_of_key(lines, head, key) or head


def _line_of_table(lines: list[str], table: str) -> int | None:
    head = re.compile(rf"\s*\[\[?\s*{re.escape(table)}\s*[.\]]")
    found = (number for number, line in enumerate(lines, 1) if head.match(line))
    return next((number for number in found if table in _parsed(lines[:number])), None)


def _line_of_key(lines: list[str], after: int, key: str) -> int | None:
    """The line of ``key`` among those that follow line ``after``, up to the next table but its own sub-tables."""
    if not key:
        return None
    assigned = re.compile(rf"\s*(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')\s*[.=]")
    below = re.compile(rf"\s*\[\s*[^\[\]]+\.\s*{re.escape(key)}\s*\]")
    for number, line in enumerate(lines[after:], after + 1):
        if below.match(line) and _parses(lines[after : number - 1]):
            return number
        if assigned.match(line) and _parses(lines[after : number - 1]):
            return number
        if _MODEL.match(line) and _parses(lines[after : number - 1]):
            return None
    return None


def _parses(lines: list[str]) -> bool:
    try:
        tomllib.loads("".join(lines))
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True


def _parsed(lines: list[str]) -> dict[str, object]:
    try:
        return tomllib.loads("".join(lines))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
