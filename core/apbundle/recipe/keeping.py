"""Changing the text of a recipe as little as what changed in it: comments, blank lines and order of keys stay.

The text is taken apart at its ``[[model]]`` tables. What a table says is held against what it should say; a table that
says it already is kept letter by letter, another one is changed key by key, and only new ones are written anew.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, MutableMapping
from itertools import groupby, pairwise
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from apbundle.errors import BundleError
from apbundle.recipe.model import Recipe
from apbundle.recipe.reading import parse_recipe
from apbundle.recipe.schema import VERSION
from apbundle.recipe.writing import bundle_text, bundle_values, model_text, model_values, recipe_text, value_text

_HEADER = re.compile(r"\s*\[")
_OF_MODEL = re.compile(r"\s*\[\[?\s*model\s*\.")
_COMMENT = re.compile(r"\s*#")


def kept_text(old: str, recipe: Recipe, folder: str) -> str:
    """The text ``old`` of a recipe in ``folder``, changed so that it says ``recipe``."""
    base = os.path.abspath(folder)
    try:
        text = _changed(old, recipe, base)
        if parse_recipe(text, folder) == parse_recipe(recipe_text(recipe, folder), folder):
            return text
    except (TOMLKitError, BundleError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError):
        pass  # TOML that nobody writes by hand
    return recipe_text(recipe, folder)


def _changed(old: str, recipe: Recipe, base: str) -> str:
    blocks = _blocks(old.replace("\r\n", "\n"))
    first = next((number for number, (_, said) in enumerate(blocks) if "model" in said), len(blocks))
    before = [text for text, said in blocks[:first] if "model" not in said]
    after = [text for text, said in blocks[first:] if "model" not in said]
    head, tail = "".join(before), "".join(after)
    bundle = bundle_values(recipe, base)
    said = tomllib.loads(head + tail)
    if said.get("bundle", {}) != bundle or said.get("recipe") != VERSION:
        head, tail = _with_bundle(head + tail, bundle), ""
    models = _Models([(text, said["model"][0]) for text, said in blocks if "model" in said])
    written = [models.take(model_values(model, base)) for model in recipe.models]
    return "".join([head, *_separated([head, *written]), tail])


def _separated(texts: list[str]) -> list[str]:
    """All but the first of ``texts``, a blank line before each that has none."""
    return [
        text if text.startswith("\n") or previous.endswith("\n\n") else f"\n{text}"
        for previous, text in pairwise(texts)
    ]


class _Models:
    """The tables of the models there were, each given out once: to the model of its name."""

    def __init__(self, tables: list[tuple[str, dict[str, Any]]]) -> None:
        self._by_name: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for text, table in reversed(tables):
            self._by_name.setdefault(table["name"], []).append((text, table))

    def take(self, values: Mapping[str, Any]) -> str:
        """The text of the table that says ``values``."""
        found = self._by_name.get(values["name"])
        if not found:
            return model_text(values)
        text, said = found.pop()
        if said == values:
            return text
        document = tomlkit.parse(text)
        tables: Any = document["model"]
        _update(tables[0], values)
        changed = tomlkit.dumps(document)
        return changed if tomllib.loads(changed)["model"] == [values] else model_text(values)


def _blocks(text: str) -> list[tuple[str, dict[str, Any]]]:
    """``text`` in pieces that are TOML each, with what they say: every ``[[model]]`` with all below it is one.

    Comments right above a table belong to it.
    """
    pieces: list[list[str]] = [[]]
    for line in text.splitlines(keepends=True):
        if _HEADER.match(line) and not _OF_MODEL.match(line):
            above = _comments_at_end(pieces[-1])
            pieces.append(pieces[-1][len(pieces[-1]) - above :])
            del pieces[-2][len(pieces[-2]) - above :]
        pieces[-1].append(line)
    blocks = []
    pending = ""
    for piece in pieces:  # what only looked like a table inside a text of several lines is put together again
        pending += "".join(piece)
        try:
            said = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        blocks.append((pending, said))
        pending = ""
    return blocks if not pending else [(text, tomllib.loads(text))]


def _comments_at_end(lines: list[str]) -> int:
    runs = [(is_comment, len(list(run))) for is_comment, run in groupby(lines, lambda line: bool(_COMMENT.match(line)))]
    return runs[-1][1] if runs and runs[-1][0] else 0


def _with_bundle(text: str, values: Mapping[str, Any]) -> str:
    document = tomlkit.parse(text)
    document["recipe"] = VERSION
    if "bundle" not in document:
        return f"{tomlkit.dumps(document).rstrip()}\n\n{bundle_text(values)}"
    table: Any = document["bundle"]
    _update(table, values)
    changed = tomlkit.dumps(document)
    if tomllib.loads(changed).get("bundle") != dict(values):
        del document["bundle"]
        changed = f"{tomlkit.dumps(document).rstrip()}\n\n{bundle_text(values)}"
    return changed


def _update(table: MutableMapping[str, Any], values: Mapping[str, Any]) -> None:
    """Make ``table`` say ``values``, and leave alone what says so already."""
    for key in [key for key in table if key not in values]:
        del table[key]
    for key, value in values.items():
        there = table.get(key)
        if isinstance(value, dict) and isinstance(there, MutableMapping) and key != "source":
            _update(there, value)
        elif isinstance(value, dict) and key != "source":
            below = tomlkit.table()
            below.update({name: tomlkit.value(value_text(item)) for name, item in value.items()})
            table[key] = below
        elif there != value:
            table[key] = tomlkit.value(value_text(value))
