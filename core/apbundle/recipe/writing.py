"""Writing recipes: TOML laid out for people; what stood in the file before is kept where that can be."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import OutputFile, StrPath, write_atomically
from apbundle.format import layout
from apbundle.recipe.model import Recipe, RecipeModel
from apbundle.recipe.reading import parse_recipe, read_text
from apbundle.recipe.schema import NO_DIGEST, VERSION
from apbundle.text import is_hazardous

_HEAD: Final = (
    "# A bundle to be built: apbundle pack {name} -o OUT\n"
    "# Paths count from the folder of this file; a model may also come from {{bundle = …, model = …}}.\n"
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def write_recipe(recipe: Recipe, path: StrPath, *, overwrite: bool = True) -> str:
    """Write ``recipe`` to ``path`` and return the path written.

    Paths in it become relative to its folder. Where a recipe is at ``path`` already, its comments, its order of keys
    and whatever else did not change are kept.

    Raises
    ------
    BadRecipe
        A path in it is not UTF-8, so that TOML cannot hold it.
    BundleError, OSError
        As for building a bundle.
    """
    target = os.path.abspath(os.fsdecode(path))
    if overwrite:
        target = os.path.realpath(target)
    data = _text_for(recipe, target, overwrite).encode()

    def fill(out: OutputFile) -> None:
        out.write_at(0, data)

    return write_atomically(target, size=len(data), fill=fill, overwrite=overwrite)


def _text_for(recipe: Recipe, target: str, keep: bool) -> str:
    folder = os.path.dirname(target)
    if keep and os.path.exists(target):
        try:
            old = read_text(target)
            parse_recipe(old, folder)
        except BundleError:
            pass  # what is there is no recipe: nothing of it can be kept
        else:
            from apbundle.recipe.keeping import kept_text

            return kept_text(old, recipe, folder)
    return recipe_text(recipe, folder, name=os.path.basename(target))


def recipe_text(recipe: Recipe, folder: StrPath, *, name: str = "RECIPE.toml") -> str:
    """``recipe`` as the text of a file ``name`` in ``folder``; otherwise as :func:`write_recipe`."""
    base = os.path.abspath(os.fsdecode(folder))
    parts = [_HEAD.format(name=_commented(name)), f"recipe = {VERSION}\n\n", bundle_text(bundle_values(recipe, base))]
    parts += [f"\n{model_text(model_values(model, base))}" for model in recipe.models]
    return "".join(parts)


def bundle_values(recipe: Recipe, base: str) -> dict[str, Any]:
    """The table ``bundle`` of a recipe in the folder ``base``, as TOML holds it."""
    values: dict[str, Any] = {"description": recipe.description} if recipe.description else {}
    if recipe.created_at is not None:
        values["created_at"] = recipe.created_at
    if recipe.extension:
        values |= {"alignment": recipe.alignment, "digest": recipe.digest or NO_DIGEST}
    else:
        values["extension"] = False
    if recipe.output is not None:
        values["output"] = _relative(recipe.output, base)
    if recipe.metadata:
        values["metadata"] = recipe.metadata
    return values


def model_values(model: RecipeModel, base: str) -> dict[str, Any]:
    """The table ``model`` of one model of a recipe in the folder ``base``, as TOML holds it."""
    source = model.source
    values: dict[str, Any] = {"name": model.name}
    if isinstance(source, str):
        values["source"] = _relative(source, base)
    else:
        values["source"] = {"bundle": _relative(source.bundle, base), "model": source.model}
    if model.compress:
        values["compression"] = "zstd"
    if not model.enabled:
        values["enabled"] = False
    said = model.metadata
    for key in ("version", "architecture", "format"):
        if getattr(said, key):
            values[key] = getattr(said, key)
    if said.components:
        values["components"] = list(said.components)
    return values | {key: dict(table) for key in ("hyperparameters", "custom") if (table := getattr(said, key))}


def bundle_text(values: Mapping[str, Any]) -> str:
    """The table ``bundle`` as text."""
    return _table_text("[bundle]", "bundle", values)


def model_text(values: Mapping[str, Any]) -> str:
    """One table ``model`` as text."""
    return _table_text("[[model]]", "model", values)


def _table_text(head: str, name: str, values: Mapping[str, Any]) -> str:
    tables = {key: value for key, value in values.items() if isinstance(value, dict) and key != "source"}
    lines = [head, *_lines({key: value for key, value in values.items() if key not in tables})]
    for key, table in tables.items():
        lines += ["", f"[{name}.{key}]", *_lines(table)]
    return "\n".join(lines) + "\n"


def _lines(values: Mapping[str, Any]) -> Iterable[str]:
    for key, value in values.items():
        told = f" # {_date(value)}" if key == "created_at" and value <= layout.LAST_TIMESTAMP else ""
        yield f"{_key(key)} = {value_text(value)}{told}"


def _date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def value_text(value: Any) -> str:
    """A value as TOML: a text, a number, a truth, a list, or a table on one line."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    return f"{{{', '.join(f'{_key(key)} = {value_text(item)}' for key, item in value.items())}}}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    if text.isprintable() and "\\" not in text and '"' not in text:
        return f'"{text}"'
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\U{ord(character):08x}" if is_hazardous(character) else character


def _commented(name: str) -> str:
    return name if name.isprintable() and " " not in name else "RECIPE.toml"


def _relative(path: str, base: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise bundle_error(
            "bad_recipe", "A path that is not UTF-8 cannot stand in a recipe.", path=path, hint="Rename the file."
        ) from None
    try:
        relative = os.path.relpath(path, base)
    except ValueError:  # another drive
        return os.path.abspath(path)
    return relative.replace(os.sep, "/")
