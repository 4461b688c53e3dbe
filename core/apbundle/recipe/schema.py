"""The keys of a recipe, and what their values may be: tables of a parsed document turned into values, or a reason."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apbundle.format import layout
from apbundle.format.model import DIGEST_ALGORITHMS

VERSION: Final = 1
"""The version of recipes that is read and written here."""
NO_DIGEST: Final = "none"
COMPRESSIONS: Final = ("none", "zstd")


class Fault(Exception):
    """Why a document is no recipe: the key concerned, what is wrong, what to do."""

    def __init__(self, key: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table: turns its value into what it stands for, or raises ``ValueError`` with what to write."""

    read: Callable[[Any], Any]


def _is(kind: type, example: str) -> Key:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"write {example}")
        return value

    return Key(read)


def _choice(*choices: str) -> Key:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"write one of {', '.join(map(repr, choices))}")
        return str(value)

    return Key(read)


def _text_table(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError('write a table of texts, such as {author = "me"}')
    for key, text in value.items():
        if not isinstance(text, str):
            raise ValueError(f'its values are texts: write {key} = "{text}"')
    return dict(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError('write a list of texts, such as ["embed", "head"]')
    return tuple(value)


def _time(value: Any) -> int:
    if isinstance(value, datetime) and value.tzinfo is not None and value.timestamp() >= 0:
        return int(value.timestamp())
    if type(value) is not int or not 0 <= value < 2**64:
        raise ValueError("write seconds since 1970, or a time such as 2026-01-31T12:00:00Z")
    return value


def _alignment(value: Any) -> int:
    if type(value) is not int or not layout.is_alignment(value):
        raise ValueError(f"write a power of two from 1 to {layout.MAX_ALIGNMENT}")
    return value


def _name(value: Any) -> str:
    if type(value) is not str:
        raise ValueError('write a text, such as "encoder"')
    if len(value.encode()) > layout.MAX_NAME:
        raise ValueError(f"a name has at most {layout.MAX_NAME} bytes")
    return value


def _path(value: Any) -> str:
    if type(value) is not str or not value or "\0" in value:
        raise ValueError('write a path, such as "weights/encoder.safetensors"')
    return value


def _source(value: Any) -> str | tuple[str, str]:
    if not isinstance(value, dict):
        return _path(value)
    if set(value) != {"bundle", "model"} or type(value["model"]) is not str:
        raise ValueError('write a path, or {bundle = "other.apbundle", model = "encoder"}')
    return _path(value["bundle"]), value["model"]


BUNDLE_KEYS: Final[Mapping[str, Key]] = {
    "description": _is(str, "a text"),
    "created_at": Key(_time),
    "alignment": Key(_alignment),
    "digest": _choice(*DIGEST_ALGORITHMS, NO_DIGEST),
    "extension": _is(bool, "true or false"),
    "output": Key(_path),
    "metadata": Key(_text_table),
}
MODEL_KEYS: Final[Mapping[str, Key]] = {
    "name": Key(_name),
    "source": Key(_source),
    "compression": _choice(*COMPRESSIONS),
    "enabled": _is(bool, "true or false"),
    "version": _is(str, 'a text, such as "1.0"'),
    "architecture": _is(str, 'a text, such as "transformer"'),
    "format": _is(str, 'a text, such as "safetensors"'),
    "components": Key(_texts),
    "hyperparameters": Key(_text_table),
    "custom": Key(_text_table),
}


def read_table(table: Any, keys: Mapping[str, Key]) -> dict[str, Any]:
    """The values of ``table`` by key (raises :class:`Fault`)."""
    values = {}
    for key, value in table.items():
        known = keys.get(key)
        if known is None:
            raise Fault(key, f"there is no key {key!r}", _suggestion(key, keys))
        try:
            values[key] = known.read(value)
        except ValueError as error:
            raise Fault(key, f"{key} cannot be used", f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    return values


def _suggestion(key: str, keys: Mapping[str, Key]) -> str:
    close = difflib.get_close_matches(key, keys, 1)
    return f"Did you mean {close[0]}?" if close else f"There are {', '.join(keys)}."
