"""Memory that was freed and stays with the process: given back where the C library can do that."""

from __future__ import annotations

import ctypes
import time
from typing import Any, Final


class FreedMemory:
    """What is free in the middle of the heap: small buffers that were freed among others, work space of decoders."""

    def __init__(self) -> None:
        self._trim: Final = _malloc_trim()
        self._passed_over = 0

    def give_back(self, worth: float) -> None:
        """Let the system have it. From any thread.

        This takes 0.1 to 1 ms. In a process with a large heap it takes more, and is not done every time: on average it
        shall take at most ``worth`` seconds.
        """
        if self._trim is None:
            return
        if self._passed_over:
            self._passed_over -= 1
            return
        begun = time.thread_time()
        self._trim(0)
        self._passed_over = int((time.thread_time() - begun) / worth)


def _malloc_trim() -> Any:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not the GNU library
        return None
    trim.argtypes = (ctypes.c_size_t,)
    return trim
