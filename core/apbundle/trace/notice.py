"""Telling the program that is watched what came up."""

from __future__ import annotations

import sys
import warnings
from typing import Final

_PASSED_OVER: Final = ("apbundle", "contextlib")  # packages whose lines say nothing to who reads a warning


def warn(message: str) -> None:
    """Warn the program, at its own line that led here (``RuntimeWarning``); never raises."""
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=_level())
    except Exception:
        pass  # warnings were made errors, or are shown by what fails: no reason to stop the program that is watched


def _level() -> int:
    """How far :func:`warn` is from the program's line, as ``warnings`` counts."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _PASSED_OVER:
        level, frame = level + 1, frame.f_back
    return level
