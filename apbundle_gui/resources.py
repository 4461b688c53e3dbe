"""Where the files are that the program needs besides its code: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent
_PLACES: Final = (_PACKAGE / "_resources", _PACKAGE.parent / "resources")
"""An editable install never sees the files forced into a wheel, so the checkout's own folder comes second."""


def path(name: str) -> Path:
    """The resource file or folder called ``name``, a path with forward slashes.

    Raises
    ------
    FileNotFoundError
        When neither place has it: the installation is incomplete.
    """
    for place in _PLACES:
        if (place / name).exists():
            return place / name
    raise FileNotFoundError(f"resource {name!r} is missing from {' and '.join(map(str, _PLACES))}")


def sample_path() -> Path:
    """The sample bundle that ships with the program."""
    return path("sample.apbundle")
