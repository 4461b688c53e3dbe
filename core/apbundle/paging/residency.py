"""What of a map is really in this process, asked of the kernel: callers touch views behind the accountant's back."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

_AREA = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) ")
_RESIDENT = re.compile(rb"Rss:\s*([0-9]+) kB")


def address_of(view: memoryview) -> int:
    """Where the first byte of ``view`` is; 0 if it has none."""
    return int(np.frombuffer(view, np.uint8).ctypes.data) if len(view) else 0


def resident_bytes(view: memoryview) -> int | None:
    """Bytes of the map that ``view`` is the whole of which this process has in its page tables.

    What the kernel merely keeps in its cache is not among them. ``None`` where it does not tell. Takes milliseconds.
    """
    if not len(view):
        return 0
    begin = address_of(view)
    try:
        with open("/proc/self/smaps", "rb") as areas:
            return count_resident(areas, begin, begin + len(view))
    except OSError:
        return None


def count_resident(lines: Iterable[bytes], begin: int, end: int) -> int:
    """Resident bytes of the areas of a ``smaps`` listing that lie between two addresses, the second exclusive."""
    resident, inside = 0, False
    for line in lines:
        area = _AREA.match(line)
        if area:
            inside = int(area[1], 16) < end and int(area[2], 16) > begin
        elif inside and (found := _RESIDENT.match(line)):
            resident += int(found[1]) * 1024
    return resident
