"""A few bytes of a file that does not open as a bundle: what can still be seen of it, read by a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apbundle.errors import BundleError
from apbundle.fileio import InputFile
from apbundle.format.layout import HEADER
from apbundle.format.manifest import BundleFormat
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job

ROW: Final = 16
"""Bytes that are shown in one row."""
ROWS: Final = 8
"""Rows that are read at most."""


@dataclass(frozen=True, slots=True)
class FirstLook:
    """Bytes of a file around the place of a fault.

    ``start`` is the offset of ``data`` in the file, a multiple of 16; ``header`` what the header says, when there is
    one: the format version and the manifest's length in bytes.
    """

    file_size: int
    start: int
    data: bytes
    header: tuple[int, int] | None


def look(path: str, offset: int | None) -> FirstLook:
    """Read the bytes around ``offset``, or the first ones.

    Raises
    ------
    BundleError, OSError
        There is no such file, or it is not a regular one.
    """
    with InputFile.open(path) as file:
        at = min(offset or 0, max(file.size - 1, 0))
        start = max(0, at // ROW - ROWS // 2) * ROW
        data = file.read(start, min(ROW * ROWS, file.size - start))
        head = file.read(0, min(HEADER.size, file.size))
    header = None
    if len(head) == HEADER.size and BundleFormat.validate_magic(head):
        header = BundleFormat.read_version(head), BundleFormat.read_manifest_length(head)
    return FirstLook(file.size, start, data, header)


def first_look(services: Services, path: str, offset: int | None, on_done: Callable[[FirstLook | None], None]) -> Job:
    """Look as a job; ``on_done`` gets ``None`` when nothing can be seen."""

    def work(progress: Progress, cancel: Cancel) -> FirstLook | None:
        try:
            return look(path, offset)
        except (BundleError, OSError):
            return None

    return services.jobs.start("Looking at the file", work, on_done=on_done, key="inspect.look", abandonable=True)
