"""Files that the window exports, written by jobs: as a whole or not at all."""

from __future__ import annotations

from apbundle.fileio import InputFile, OutputFile, write_atomically
from apbundle.progress import Cancel, Progress, Reporter

PIECE = 1 << 20
"""Bytes copied between two looks at whether to stop."""


def write_export(path: str, content: bytes) -> str:
    """Write a file; returns its path. Raises as ``write_atomically``."""

    def fill(out: OutputFile) -> None:
        out.write_at(0, content)

    return write_atomically(path, size=len(content), fill=fill)


def copy_file(source: str, target: str, progress: Progress, cancel: Cancel) -> str:
    """Copy what is in a file now, though it may grow meanwhile; returns the path of the copy.

    Raises
    ------
    BundleError, OSError
        As ``write_atomically``, and when the source cannot be read, or was cut short.
    Cancelled
        The job was cancelled.
    """
    reporter = Reporter(progress, cancel)
    with InputFile.open(source) as file:
        size = file.size

        def fill(out: OutputFile) -> None:
            reporter.phase("copy", size)
            for offset in range(0, size, PIECE):
                part = file.read(offset, min(PIECE, size - offset))
                out.write_at(offset, part)
                reporter.advance(len(part))

        return write_atomically(target, size=size, fill=fill, inputs=(source,))
