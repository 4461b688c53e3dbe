"""Bytes that have to be zero."""

from __future__ import annotations

import re

_NONZERO = re.compile(rb"[^\0]")


def first_nonzero(data: memoryview) -> int | None:
    """Where in ``data`` the first byte stands that is not zero, ``None`` if there is none."""
    if bytes(len(data)).startswith(data):  # compares memory; the zeros are pages that the system does not even make
        return None
    found = _NONZERO.search(data)
    return None if found is None else found.start()
