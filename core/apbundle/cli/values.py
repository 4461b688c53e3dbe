"""Values of options: text turned into what it stands for, or a sentence why it cannot be."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

from apbundle.format import layout
from apbundle.text import parse_size, printable

_SHARE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(%?)")
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)


def alignment(text: str) -> int:
    """A power of two up to 1 MiB, in bytes."""
    value = _size(text)
    if not layout.is_alignment(value):
        raise ArgumentTypeError(f"{printable(text, 40)!r} is not a power of two from 1 to 1MiB")
    return value


def memory(text: str) -> int | str:
    """A number of bytes, or ``"auto"``."""
    return text if text == "auto" else _size(text)


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """A whole number from 0."""
    value = _whole(text)
    if not 0 <= value < 2**31:
        raise ArgumentTypeError(f"{printable(text, 40)!r} is not a whole number from 0")
    return value


def share(text: str) -> float:
    """A share of a whole, from 0 to 1, written as ``95%`` or ``0.95``."""
    match = _SHARE.fullmatch(text)
    value = float(match[1]) / (100 if match[2] else 1) if match else -1
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{printable(text, 40)!r} is not a share: write 95% or 0.95")
    return value


def seconds(text: str) -> int:
    """A creation time, in seconds since the Unix epoch."""
    value = _whole(text)
    if not 0 <= value < 2**64:
        raise ArgumentTypeError(f"{printable(text, 40)!r} is not a number of seconds since 1970")
    return value


def _whole(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,20}", text) else -1


def sha256(text: str) -> str:
    """The 64 hexadecimal digits of a SHA-256, in lower case."""
    match = _SHA256.fullmatch(text.strip())
    if not match:
        raise ArgumentTypeError(f"{printable(text, 80)!r} is not a SHA-256: 64 hexadecimal digits")
    return match[1].lower()


def unicode_text(text: str) -> str:
    """Text that is UTF-8, as everything in a bundle is."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError(f"{printable(text, 80)!r} is not UTF-8") from None
    return text
