"""A witness of opened files: the kernel says whether anything in a folder was opened. Linux only."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

IN_OPEN, IN_NONBLOCK = 0x20, 0o4000
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


class Watch:
    """A folder with a picture in it, and whether anything in it was opened."""

    def __init__(self, folder: Path) -> None:
        self.marker = folder / "marker.svg"
        self.marker.write_bytes(PICTURE)
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(IN_NONBLOCK)
        assert self._descriptor >= 0
        assert libc.inotify_add_watch(self._descriptor, os.fsencode(folder), IN_OPEN) >= 0

    def opened(self) -> bool:
        """Whether anything was opened since the last question."""
        try:
            return bool(os.read(self._descriptor, 65_536))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._descriptor)
