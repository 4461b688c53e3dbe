"""What is added to the errors of a paged bundle: which file it was, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Final

from apbundle.errors import BundleError

_MOST_COMPARED: Final = 2000  # names

_HINTS: Final = {
    "changed_on_disk": "Open it again to see what it holds now.",
    "closed": "Open it again.",
    "component_not_found": "Its components are listed in components.",
    "limit_exceeded": "Read it in smaller ranges, or extract it to a file.",
    "limit_too_small": "Raise the limit, or pin less at a time.",
    "model_not_found": "Its models are listed in model_names.",
    "not_a_bundle": "Give the path of a .apbundle file.",
    "unsupported_feature": "The bytes of a model are in get_model and read.",
}


def explain(error: BundleError, path: str) -> None:
    """Give ``error`` the bundle's path and a hint where it has none."""
    if error.path is None:
        error.path = path
    if error.hint is None:
        error.hint = _HINTS.get(error.code, "Verify the bundle to see what of it is sound.")


def check_names(*names: object) -> None:
    """Raise ``TypeError`` if one of ``names`` is no string."""
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"a name is a string, not {type(name).__name__}")


def closest(name: str, names: Iterable[str]) -> str | None:
    """A hint that names what was probably meant, if anything comes near."""
    found = difflib.get_close_matches(name, islice(names, _MOST_COMPARED), 1)
    return f"Did you mean {found[0]!r}?" if found else None
