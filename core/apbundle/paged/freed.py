"""Memory that was freed and stays with the process: given back where the C library can do that."""

from __future__ import annotations

import ctypes
import time
from typing import Any, Final

_SHARE = 10  # of the time, at most one part of so many is spent on it


class FreedMemory:
    """What is free in the middle of the heap: small buffers that were freed among others, work space of decoders."""

    def __init__(self) -> None:
        self._trim: Final = _malloc_trim()
        self._not_before = 0.0

    def give_back(self) -> None:
        """Let the system have it, unless that was done a moment ago. From any thread.

        This takes about 0.1 ms, more in a process with a large heap, where it is done less often for that.
        """
        begun = time.perf_counter()
        if self._trim is not None and begun >= self._not_before:
            self._trim(0)
            done = time.perf_counter()
            self._not_before = done + _SHARE * (done - begun)


def _malloc_trim() -> Any:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not the GNU library
        return None
    trim.argtypes = (ctypes.c_size_t,)
    return trim
