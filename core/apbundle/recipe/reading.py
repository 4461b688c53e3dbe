"""Reading recipes: TOML in, a :class:`Recipe` or an error that names the line, the key and what to write."""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any, Final, NoReturn

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import InputFile, NotRegularFile, StrPath
from apbundle.format import layout
from apbundle.format.model import ModelMetadata
from apbundle.recipe.lines import line_of_key, line_of_model
from apbundle.recipe.model import BundledModel, Recipe, RecipeModel
from apbundle.recipe.schema import BUNDLE_KEYS, MODEL_KEYS, NO_DIGEST, VERSION, Fault, read_table

MAX_SIZE: Final = 256 << 20
"""Bytes of the largest recipe: a million models fit."""

_TOP_KEYS: Final = ("recipe", "bundle", "model")
_AT: Final = re.compile(r"(.*) \(at line ([0-9]+), column [0-9]+\)", re.DOTALL)


def read_recipe(path: StrPath) -> Recipe:
    """The recipe in the file at ``path``. Relative paths in it count from its folder.

    Raises
    ------
    BadRecipe
        It is not TOML, or says something that a bundle cannot be built from.
    OSError
        The file cannot be read.
    """
    text = os.fsdecode(path)
    return parse_recipe(read_text(text), os.path.dirname(text), path=text)


def read_text(path: str) -> str:
    """The text of the file at ``path`` (raises ``BadRecipe`` if it is none)."""
    try:
        with InputFile.open(path) as file:
            if file.size > MAX_SIZE:
                raise _bad(f"A recipe of {file.size} bytes is too long; the limit is {MAX_SIZE}.", path)
            data = file.read(0, file.size, checked=True)
    except NotRegularFile:
        raise _bad("This is not a regular file.", path, "Give the path of a recipe.") from None
    if data.startswith(layout.BUNDLE_MAGIC):
        raise _bad("This is a bundle, not a recipe.", path, "apbundle info shows what it holds.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _bad("A recipe is UTF-8 text; this is not.", path, offset=error.start) from None


def parse_recipe(text: str, folder: StrPath = "", *, path: str | None = None) -> Recipe:
    """The recipe that ``text`` is; otherwise as :func:`read_recipe`.

    Parameters
    ----------
    folder
        What relative paths count from.
    path
        The file it came from, for errors.
    """
    return _Parser(text, os.fsdecode(folder), path).recipe()


def _bad(message: str, path: str | None, hint: str | None = None, offset: int | None = None) -> BundleError:
    return bundle_error("bad_recipe", message, path=path, hint=hint, offset=offset)


class _Parser:
    def __init__(self, text: str, folder: str, path: str | None) -> None:
        self._text, self._folder, self._path = text, folder, path

    def recipe(self) -> Recipe:
        document = self._document()
        for key in document:
            if key not in _TOP_KEYS:
                self._fail("", key, f"there is no key {key!r} here", f"A recipe has {', '.join(_TOP_KEYS)}.")
        if document.get("recipe") != VERSION:
            hint = f"Write recipe = {VERSION} in its first line."
            if "recipe" in document:
                self._fail("", "recipe", "the recipe is of another version", hint)
            raise _bad("This TOML does not say that it is a recipe.", self._path, hint)
        bundle, models = document.get("bundle", {}), document.get("model", [])
        if not isinstance(bundle, dict):
            self._fail("", "bundle", "bundle is a table", "Write [bundle] on a line of its own.")
        if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
            self._fail("", "model", "models are tables", "Write [[model]] above each.")
        settings = self._settings(bundle)
        found = tuple(self._model(index, table) for index, table in enumerate(models))
        self._check_names(found)
        try:
            return Recipe(found, **settings)
        except BundleError as error:
            raise _bad(error.message, self._path, error.hint) from None

    def _document(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            match = _AT.fullmatch(str(error))
            message = f"Line {match[2]}: this is not TOML: {match[1]}." if match else f"This is not TOML: {error}."
            raise _bad(message, self._path, "Texts stand in quotes, each key on a line of its own.") from None
        except RecursionError:
            raise _bad("This is not a recipe: it nests too deeply.", self._path) from None

    def _settings(self, table: dict[str, Any]) -> dict[str, Any]:
        try:
            settings = read_table(table, BUNDLE_KEYS)
            if settings.get("extension") is False:
                for key, least in (("digest", NO_DIGEST), ("alignment", 1)):
                    if settings.get(key, least) != least:
                        raise Fault(key, f"{key} needs the extension", f"Leave out {key}, or extension = false.")
        except Fault as fault:
            self._fail("bundle", fault.key, fault.message, fault.hint)
        if settings.get("digest") == NO_DIGEST:
            settings["digest"] = None
        if "output" in settings:
            settings["output"] = self._located(settings["output"])
        return settings

    def _model(self, index: int, table: dict[str, Any]) -> RecipeModel:
        try:
            values = read_table(table, MODEL_KEYS)
            for key in ("name", "source"):
                if key not in values:
                    raise Fault("", f"the model has no {key}", f'Write {key} = "…" below [[model]].')
        except Fault as fault:
            self._fail_model(index, fault)
        source = values.pop("source")
        return RecipeModel(
            values.pop("name"),
            self._located(source) if isinstance(source, str) else BundledModel(self._located(source[0]), source[1]),
            compress=values.pop("compression", "none") != "none",
            enabled=values.pop("enabled", True),
            metadata=ModelMetadata(**values),
        )

    def _located(self, path: str) -> str:
        return os.path.join(self._folder, path)  # which leaves an absolute one as it is

    def _check_names(self, models: tuple[RecipeModel, ...]) -> None:
        places: dict[str, int] = {}
        for index, model in enumerate(models):
            if not model.enabled:
                continue
            if model.name in places:
                first = line_of_model(self._text, places[model.name], "name")
                where = f" (the other one is in line {first})" if first else ""
                hint = "Rename one of them, or write enabled = false."
                self._fail_model(index, Fault("name", f"two models are named {model.name!r}{where}", hint))
            places[model.name] = index

    def _fail(self, table: str, key: str, message: str, hint: str) -> NoReturn:
        line = line_of_key(self._text, table, key)
        where = f"[{table}]" if table else ""
        raise _bad(_placed(line, where, message), self._path, hint)

    def _fail_model(self, index: int, fault: Fault) -> NoReturn:
        line = line_of_model(self._text, index, fault.key)
        raise _bad(_placed(line, f"model {index + 1}", fault.message), self._path, fault.hint)


def _placed(line: int | None, where: str, message: str) -> str:
    text = ": ".join(part for part in (f"line {line}" if line else "", where, message) if part)
    return f"{text[:1].upper()}{text[1:]}."
