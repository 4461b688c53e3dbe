"""The order in which people expect names with numbers in them."""

from __future__ import annotations

import re
from typing import Final

_DIGITS: Final = re.compile("[0-9]+")
KEY_LENGTH: Final = 256
"""Of how many characters the key is made."""


def natural(text: str) -> str:
    """A sort key by which ``layer2`` comes before ``layer10``, whatever the case of the letters."""
    return _DIGITS.sub(_number, text[:KEY_LENGTH].casefold())


def _number(digits: re.Match[str]) -> str:
    significant = digits.group().lstrip("0")  # compared by length, then as text: it may have any size
    return f"0{chr(len(significant))}{significant}"
