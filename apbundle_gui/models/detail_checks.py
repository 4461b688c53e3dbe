"""What may be typed into the metadata form: values keep the type they had, keys are there and free."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from apbundle_gui.models import text as words
from apbundle_gui.services.details import Group, Origin

_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_TRUTHS: Final = frozenset({"true", "false"})


class Kind(StrEnum):
    """What the text of a value stands for."""

    WHOLE = "a whole number"
    NUMBER = "a number"
    TRUTH = "true or false"
    TEXT = "text"


def kind_of(text: str) -> Kind:
    """What a text stands for."""
    if _WHOLE.fullmatch(text):
        return Kind.WHOLE
    if text in _TRUTHS:
        return Kind.TRUTH
    try:
        float(text)
    except ValueError:
        return Kind.TEXT
    return Kind.NUMBER if text.isascii() and text.strip() == text else Kind.TEXT


def kind_wanted(group: Group, text: str, origin: Origin | None) -> Kind:
    """What a hyperparameter goes on to be: what a file said it is. What the user typed may become anything."""
    return Kind.TEXT if group is not Group.HYPERPARAMETERS or origin is Origin.YOU or origin is None else kind_of(text)


def value_fault(text: str, wanted: Kind) -> str:
    """Why a value cannot be what was typed; empty when it can."""
    if not _is_unicode(text):
        return "This is not valid text."
    found = kind_of(text)
    fits = wanted is Kind.TEXT or found is wanted or (wanted is Kind.NUMBER and found is Kind.WHOLE)
    return "" if fits else f"The file has {wanted.value} here."


def key_fault(text: str, others: Collection[str]) -> str:
    """Why a key cannot be what was typed; empty when it can."""
    if not text.strip():
        return "Every field needs a name."
    if text in others:
        return f"There is a field {words.safe(text, 40)} already."
    return "" if _is_unicode(text) else "This is not valid text."


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
